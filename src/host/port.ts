/** LabPort: the one definition of what may be asked of a lab, wherever it runs. */
import type { CutPreview } from '../sim/cut-preview.ts';
import type { MemberSettings } from '../sim/member-settings.ts';
import type { ChosenFates } from '../sim/power-cut.ts';
import type { Action, ClientOutcome, Intervention } from '../sim/types.ts';
import type { Envelope } from '../engine/events.ts';
import type { LabEvent } from '../sim/types.ts';
import type { Defects } from '../engine/defects.ts';
import type { Violation } from '../sim/checkers/checker.ts';
import type { ChecksReport } from './checks.ts';
import type { Run } from './run-schema.ts';
import type { StoredInputs } from './stored-inputs.ts';
import type { BootInputs } from './stored-inputs.ts';
import type { PageRun } from '../engine/bolt/types.ts';
import type { DiskImage } from '../engine/server/types.ts';

/** A bug that can be planted, by its name in engine/defects.ts. */
export type Defect = keyof Defects;

export interface LabOptions {
  readonly seed: number;
  readonly members: number;
  /**
   * 'auto' tries IndexedDB by opening, writing and reading back; falls back to memory. 'opfs' tries files of
   * the browser's private file system first. Each store keeps a lab of its own under the workspace's name.
   */
  readonly storage: 'auto' | 'opfs' | 'memory';
  /** 'workers': one worker a member. 'one': all members in the lab's own worker. */
  readonly layout: 'workers' | 'one';
  /** The stored lab's name; each has its own database and lock. */
  readonly workspace: string;
  /** The database is in a bucket of its own, of at most so many MiB; absent or null: it is not. */
  readonly bucketMiB?: number | null | undefined;
  /** True: read what is stored, write nothing (another tab holds the lab). */
  readonly lookOnly: boolean;
  /** True: take the stored lab from the tab that holds it; that tab's lab stops. */
  readonly takeOver?: boolean;
  /** True: the lab does not play by itself once it is open. */
  readonly startPaused?: boolean;
  /** A run to be done again: the lab opens where it ended, in memory, and stands. */
  readonly run?: Run;
  /** What the page remembers of the stored lab, kept apart from it; null or absent: nothing. */
  readonly witness?: StoreWitness | null;
  readonly preVote: boolean;
  /** What a new lab's members are started with; a stored one keeps its own. */
  readonly settings?: MemberSettings;
  /** Whether the checkers watch the run: a violation stops it. */
  readonly checks?: boolean;
  /** Bugs that are planted in all members: the lab is then in memory. */
  readonly planted?: readonly Defect[];
  /** Begins a lab of one member in memory from a database file, whatever `members` and `storage` say. */
  readonly image?: LabImage | undefined;
}

/** What `snapshot save` wrote, or a member's `db`. It is read and checked where the lab lives. */
export interface LabImage {
  /** The file's name, for what is told of it. */
  readonly name: string;
  readonly data: Blob | Uint8Array;
}

/** The file that a lab began from, as it was then. */
export interface LabOrigin {
  readonly file: string;
  readonly sizeBytes: number;
  /** Of the whole file, hexadecimal. */
  readonly sha256: string;
  /** The file ended in its hash, which fits. */
  readonly hashed: boolean;
  readonly revision: number;
  /** -1 where nothing was ever compacted. */
  readonly compactRevision: number;
  /** Keys that are alive. */
  readonly keyCount: number;
  /** Of the whole history: equal to a real etcd's. */
  readonly hashKv: number;
  /** As `etcdctl snapshot status` tells. */
  readonly status: {
    readonly hash: number;
    readonly revision: number;
    readonly totalKey: number;
    readonly totalSize: number;
  };
}

/** What came of doing a run again. */
export interface Replayed {
  /** The engine that the run was made with, and the number of its actions and of its inputs. */
  readonly engine: string;
  readonly actions: number;
  readonly moment: number;
  /** Whether the chain hash came out as it was then; null where that was not known. */
  readonly proven: boolean | null;
}

/** Kept in a second store: where the lab's own is empty or older than this, the browser lost some of it. */
export interface StoreWitness {
  /** The store that it is of; IndexedDB where absent. */
  readonly storage?: StorageKind;
  readonly boot: number;
  readonly commits: number;
  /** Virtual time of the last of them, microseconds. */
  readonly timeUs?: number;
}

export type StorageKind = 'indexeddb' | 'opfs' | 'memory';

/** Which store of a workspace a lab is kept in. */
export type StoredWhere = Pick<LabOptions, 'workspace' | 'bucketMiB'> & {
  readonly storage: 'auto' | 'opfs';
  /** What `release` left there: nothing else is replaced. Absent: whatever is there. */
  readonly seal?: string;
};

/** What a fresh page must know before events arrive. */
export interface LabState {
  readonly version: 1;
  readonly seed: number;
  readonly boot: number;
  readonly members: number;
  readonly preVote: boolean;
  readonly settings: MemberSettings;
  readonly layout: 'workers' | 'one';
  readonly storage: StorageKind;
  /** The MiB of the bucket that the store is in; null where it is in none. */
  readonly bucketMiB: number | null;
  /** Why storage is memory, in a sentence; null where it was asked for or is not. */
  readonly storageNotice: string | null;
  /** Set where stored data that a witness remembers are gone. */
  readonly lossNotice: string | null;
  /** The database file that it began from; null where it began empty, or from its own store. */
  readonly origin: LabOrigin | null;
  /** The run that was done again when the lab was opened. */
  readonly replayed: Replayed | null;
  /** Durable commits of the real store since this boot. */
  readonly storedCommits: number;
  /** Virtual time of the newest of them, microseconds; 0 before any. */
  readonly storedUs: number;
  readonly timeUs: number;
  readonly moment: number;
  readonly playing: boolean;
  /** Why it does not play: it was asked to, or nobody attended it for minutes. Null while it plays. */
  readonly pausedBecause: 'asked' | 'unattended' | null;
  /** Virtual microseconds a second of wall time. */
  readonly speed: number;
  /** Sixteen hex digits. */
  readonly chainHash: string;
  /**
   * Set when the run does not go on: an internal error, a store that failed or hangs, another tab that took
   * the lab, a property that was violated, or a worker that was ended.
   */
  readonly stopped: {
    readonly kind: 'internal' | 'store' | 'taken' | 'violation' | 'ended';
    readonly message: string;
    readonly moment: number;
  } | null;
  /** What the checkers have found, whether or not the run has gone on since; null: nothing. */
  readonly violation: Violation | null;
  /** Bugs that are planted in all members. */
  readonly planted: readonly Defect[];
}

/** Over a worker boundary no class survives: every call answers one of these. */
export type Result<Value> =
  ({ readonly ok: true } & Value) | { readonly ok: false; readonly code: string; readonly message: string };

/** What events do not carry, asked for by a view: decoded data at the present moment. */
export type Query =
  | { readonly kind: 'pages'; readonly member: number }
  | { readonly kind: 'log'; readonly member: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'page'; readonly member: number; readonly pgid: number }
  | { readonly kind: 'raft'; readonly member: number }
  | PowerCutQuery;

/** What a power cut would do now, by fates that are chosen (sim/power-cut.ts) or as the dice would fall. */
export type PowerCutQuery = {
  readonly kind: 'powerCut';
  readonly member: number;
} & Partial<ChosenFates>;

/** What a member's process answers; the rest is the world's to know. */
export type MemberQuery = Exclude<Query, PowerCutQuery>;

export interface PageView {
  readonly pgid: number;
  readonly kind: string;
  readonly count: number;
  readonly overflow: number;
  /** Leaf items or branch children, as printable text. */
  readonly items: readonly { readonly key: string; readonly value: string }[];
}

/**
 * Where a member's raft stands. Joint configurations have both halves: `voters` incoming, `votersOutgoing`;
 * the latter is empty else. `progress` is what a leader knows of each member, itself among them; empty on
 * others.
 */
export interface RaftView {
  readonly state: string;
  readonly term: number;
  readonly lead: number;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** To whom the leadership is about to go; 0 for nobody. */
  readonly leadTransferee: number;
  readonly voters: readonly number[];
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
  readonly learnersNext: readonly number[];
  readonly progress: readonly {
    readonly member: number;
    readonly state: 'probe' | 'replicate' | 'snapshot';
    readonly match: number;
    readonly next: number;
    /** Appends that are out and not acknowledged, and how many may be. */
    readonly inflight: number;
    readonly inflightLimit: number;
    readonly recentActive: boolean;
    readonly paused: boolean;
    /** In `snapshot`: the index of what is on its way; 0 else. */
    readonly pendingSnapshot: number;
    readonly isLearner: boolean;
  }[];
}

export type Answer =
  | { readonly kind: 'pages'; readonly pageSize: number; readonly runs: readonly PageRun[] }
  | {
      readonly kind: 'log';
      readonly firstIndex: number;
      readonly entries: readonly { readonly index: number; readonly term: number; readonly label: string }[];
    }
  | { readonly kind: 'page'; readonly page: PageView }
  | { readonly kind: 'raft'; readonly raft: RaftView }
  | { readonly kind: 'powerCut'; readonly cut: CutPreview };

/**
 * What a run is stepped by: an input; a tick of a member's raft; a message that arrives; an action of raft's
 * state trace; an entry that the first member learns to be committed; pages written into a member's file; a
 * client's request sent or ended. Several of one input are one.
 */
export type StepUnit = 'input' | 'tick' | 'message' | 'raft' | 'commit' | 'page' | 'command';

/** A finished action: the client's outcome for client commands, null for the others. */
export interface ActResult {
  readonly moment: number;
  readonly timeUs: number;
  readonly outcome: ClientOutcome | null;
}

/** A run as a file (`.qlrun`): re-running it gives the same chain hash at `moment`. */
export interface RunFile {
  readonly format: 'qlrun';
  readonly version: 1;
  readonly engine: string;
  readonly seed: number;
  readonly members: number;
  readonly preVote: boolean;
  /** What the members were started with beside the lab's own. */
  readonly settings: MemberSettings;
  readonly boot: number;
  /** True where the run began with files of which no boots before it tell: `images` holds them. */
  readonly startedFromStore: boolean;
  /** The boots before this one, from the lab's first on: what they stored is what it began with. */
  readonly earlier?: readonly BootInputs[];
  /** The files that it began with (run-images.ts); absent where there are none, or too many. */
  readonly images?: string;
  /** Virtual microseconds at which it began, beside `images`. */
  readonly startUs?: number;
  /** The database file that the run began from; null where it did not. */
  readonly origin: LabOrigin | null;
  readonly moment: number;
  readonly chainHash: string;
  readonly interventions: readonly Intervention[];
  /** Bugs that were planted; absent: none. */
  readonly planted?: readonly Defect[];
  /** For reports of internal errors. */
  readonly error: string | null;
}

/** What a run began with: with its interventions, all that is needed to do it again. */
export interface Genesis {
  readonly seed: number;
  readonly memberCount: number;
  readonly preVote: boolean;
  readonly settings: MemberSettings;
  readonly planted: readonly Defect[];
  readonly boot: number;
  readonly startUs: number;
  /** Each member's files; index 0 is member 1. */
  readonly images: readonly DiskImage[];
  /** How they came to be: the boots before, and the one that then began. */
  readonly inputs: StoredInputs;
  /** The database file that they come from; null: from none. */
  readonly origin: LabOrigin | null;
}

/** Where a run is between two plans, with the proof. */
export interface Place {
  readonly moment: number;
  readonly timeUs: number;
  /** Sixteen hex digits. */
  readonly chainHash: string;
}

/** Events as the page receives them, already decoded. */
export interface LabBatch {
  readonly events: readonly { readonly at: Envelope; readonly event: LabEvent }[];
  readonly state: LabState;
  /** The last moment between two plans: the state may be of the midst of one. Null: none was told. */
  readonly place: Place | null;
  /** The actions since the last batch, */
  readonly interventions: readonly Intervention[];
  /** and how many there were before them. */
  readonly interventionsBefore: number;
}

/** What any host of a lab offers: in-process, in one worker, or with a worker for each member. */
export interface LabPort {
  /**
   * Runs until a leader is elected, then waits; resolves when the lab is ready to be shown. A file that
   * cannot be its beginning is refused with the code 'bad file'.
   */
  open(options: LabOptions): Promise<Result<{ state: LabState }>>;
  /**
   * Validates and does a command; client commands settle when the client has its answer (in virtual time).
   */
  act(command: unknown): Promise<Result<ActResult>>;
  play(): Promise<void>;
  pause(): Promise<void>;
  /** Multiplies the adaptive pace: 1 is the default. */
  setSpeed(factor: number): Promise<void>;
  /** Runs until the next such unit, or `count` of them. */
  step(unit: StepUnit, count: number): Promise<Result<{ moment: number }>>;
  /** Runs for so much virtual time as fast as the machine allows. */
  run(virtualUs: number): Promise<Result<{ moment: number }>>;
  state(): Promise<LabState>;
  inspect(query: Query): Promise<Result<{ answer: Answer }>>;
  runFile(): Promise<RunFile>;
  /** What the run began with, and where it is; 'not open' before it has begun. */
  genesis(): Promise<Result<{ genesis: Genesis; place: Place | null }>>;
  /** What the checkers have looked at; null where nobody checks. */
  checks(): Promise<ChecksReport | null>;
  /** After a violation: the run goes on, and nobody checks it any more. */
  goOn(): Promise<void>;
  /**
   * Compares each member's stored files with its disk's durable bytes; a list of differences, empty when
   * equal.
   */
  compareStore(): Promise<readonly string[]>;
  /**
   * Lets go of the store and its lock, once all is durable in it; the lab goes on in memory. Codes 'not
   * stored', 'stopped', 'store failed', 'store changed': it then stays as it is.
   */
  release(): Promise<Result<{ where: StoredWhere }>>;
  /**
   * The lab, which is in memory, takes a store under its lock: between two plans and in one durable step
   * its disks, record and inputs take the place of all that is there; from then on it is stored. Ended at
   * any point, the store holds the old run whole or the new one. Codes 'stored already', 'stopped', 'look
   * only', 'planted', 'locked', 'store changed' (another tab had the store since it was released), 'store
   * refused', 'store format', 'store damaged', 'store blocked', ENOSPC, EIO: the store and the lab then stay
   * as they are. `makeStored` is the whole way from one lab to
   * another.
   */
  adopt(where: StoredWhere): Promise<Result<object>>;
  /** Forgets all that is stored and closes the lab; 'not stored' after `release`. */
  deleteStored(): Promise<Result<object>>;
  close(): Promise<void>;
  /**
   * Terminates the lab's worker where it stands, whatever it is at, as a browser may: nothing of it says a
   * word any more. What is stored stays. Absent where there is none.
   */
  endWorker?(): void;
  /** Called once a frame while anything happened; the batches from the run's start on, in order. */
  subscribe(receive: (batch: LabBatch) => void): () => void;
}
export type { Action };
