/** What the world is told and what it asks for: actions, plans, results. */
import type { NodeId } from '../engine/raft/types.ts';
import type { SimEvent } from './events.ts';
import type { WorldFault } from './fault-types.ts';
import type {
  DelFields,
  EtcdAction,
  EtcdAnswer,
  GetFields,
  HeaderView,
  KeyAnswer,
  PutFields,
} from './etcd-actions.ts';
import type { MemberSettings } from './member-settings.ts';
import type { ChosenFates } from './power-cut.ts';
import type { SnapshotConfig, WorldConfig } from './world-config.ts';
import type { Defects } from '../engine/defects.ts';
import type { EngineEvent, Envelope } from '../engine/events.ts';
import type {
  DiskErrorCode,
  DiskImage,
  MemberConfig,
  MemberInput,
  MemberOutput,
} from '../engine/server/types.ts';

export type { KeyValueView } from './etcd-actions.ts';

export type LabEvent = EngineEvent | SimEvent;

/**
 * A client's command in etcdctl's terms. Keys and values are text, sent as UTF-8. `user`: who asks, as
 * `name:password`. `timeoutUs`: how long it waits for each answer, 1 ms to 60 s; else etcdctl's 5 seconds.
 */
export type ClientAction = (
  | ({ readonly type: 'put' } & PutFields)
  | ({ readonly type: 'get' } & GetFields)
  | ({ readonly type: 'del' } & DelFields)
  /** `ttl` in seconds. Without an id the member chooses one. Ids are in hex. */
  | {
      readonly type: 'leaseGrant';
      readonly ttl: number;
      readonly id?: string;
    }
  | { readonly type: 'leaseRevoke'; readonly id: string }
  /** `once`: one renewal; else the client goes on to renew until the lease is gone. */
  | {
      readonly type: 'leaseKeepAlive';
      readonly id: string;
      readonly once?: boolean;
    }
  | {
      readonly type: 'leaseTimeToLive';
      readonly id: string;
      readonly keys?: boolean;
    }
  | { readonly type: 'leaseList' }
  | { readonly type: 'memberList' }
  /** `name` is what the new member will be started with; the cluster hears only the addresses. */
  | {
      readonly type: 'memberAdd';
      readonly name: string;
      readonly peerUrls: readonly string[];
      readonly learner?: boolean;
    }
  /** Ids of members are in hex. */
  | { readonly type: 'memberPromote'; readonly id: string }
  | { readonly type: 'memberRemove'; readonly id: string }
  | {
      readonly type: 'memberUpdate';
      readonly id: string;
      readonly peerUrls: readonly string[];
    }
  | { readonly type: 'moveLeader'; readonly id: string }
  | EtcdAction
) & { readonly endpoints?: readonly string[]; readonly user?: string; readonly timeoutUs?: number };

/** A fault, or its end. Members are numbered from 1. */
export type FaultAction =
  | { readonly type: 'kill'; readonly member: number }
  /** Asks the process to end, as SIGTERM does: it hands over what it leads and closes its files first. */
  | { readonly type: 'stopMember'; readonly member: number }
  /** With `fates` as they are chosen (power-cut.ts), else as the dice fall. */
  | ({ readonly type: 'powerCut'; readonly member: number } & Partial<ChosenFates>)
  | { readonly type: 'restart'; readonly member: number }
  /**
   * Starts a member that does not run: one that `member add` has announced for its host, or one from its
   * disk. `state`: --initial-cluster-state, where it is not what that announcement says.
   */
  | { readonly type: 'start'; readonly member: number; readonly state?: 'new' | 'existing' }
  /** Ends the process and erases its disk. */
  | { readonly type: 'wipe'; readonly member: number }
  | { readonly type: 'pauseMember'; readonly member: number }
  | { readonly type: 'resumeMember'; readonly member: number }
  /** Cuts one direction of a link. */
  | { readonly type: 'cut'; readonly from: number; readonly to: number }
  | { readonly type: 'heal'; readonly from: number; readonly to: number }
  /** Cuts both directions of every link of a member. */
  | { readonly type: 'isolate'; readonly member: number }
  /** Every link as it was: cuts, flapping and whatever made it worse end, held messages go on. */
  | { readonly type: 'healAll' }
  /** The syncs that a member asks for from now on take so many times as long, 1 to 1000; 1 ends it. */
  | { readonly type: 'slowDisk'; readonly member: number; readonly factor: number }
  | WorldFault
  /**
   * Does something to a message under way. One that is held stays until it is delivered or dropped, and what
   * was sent behind it on its connection waits too; `deliver` lets it arrive at once, before all others.
   */
  | {
      readonly type: 'message';
      readonly message: number;
      readonly do: MessageDeed;
      /** For `delay` alone: so much later, up to ten seconds. */
      readonly delayUs?: number;
    };

export type MessageDeed = 'drop' | 'hold' | 'deliver' | 'delay' | 'duplicate';

/** Like what a load's clients behave: see load-kinds.ts and load-storms.ts. `none`: it ends. */
export type LoadKind = 'kubernetes' | 'hotKey' | 'bigValues' | LoadStorm | 'none';

/** What clients do to a cluster that is more than it is for. */
export type LoadStorm =
  | 'zipf'
  | 'hugeValues'
  | 'retries'
  | 'flood'
  | 'watchers'
  | 'ranges'
  | 'leases'
  | 'transactions'
  | 'oldWatches';

/** Clients of the world's own, so many requests a second: 1 to 1000, whatever becomes of them. */
export type LoadAction = {
  readonly type: 'load';
  readonly kind: LoadKind;
  readonly perSecond: number;
};

/** What the host tells the world of the real store: recorded like any other input. */
export type StoreAction = {
  readonly type: 'storeFailed';
  readonly member: number;
  readonly code: DiskErrorCode;
};

/** What the lab's own words and menus do, beside etcdctl's commands. */
export type LabAction = FaultAction | LoadAction;

export type Action = ClientAction | LabAction | StoreAction;

/**
 * An action as recorded: it happened after input number `moment`. Seed, scenario and these are the whole
 * truth.
 */
export interface Intervention {
  readonly moment: number;
  readonly action: Action;
}

/** A client command's end, decoded. `code` and `message` are gRPC's; revision is the header's. */
export type ClientOutcome =
  | { readonly ok: false; readonly code: number; readonly message: string }
  | (Success & { readonly header?: HeaderView });

type Success =
  | ({ readonly ok: true } & (KeyAnswer | EtcdAnswer))
  | {
      readonly ok: true;
      /** Of a standing keep-alive: its first renewal. */
      readonly type: 'leaseGrant' | 'leaseKeepAlive';
      readonly id: bigint;
      readonly ttlSeconds: number;
      readonly revision: number;
      /** Of a keep-alive that goes on: its number, in `sim.keepAlive` events and to `stop`. */
      readonly keeps?: number;
    }
  | { readonly ok: true; readonly type: 'leaseRevoke'; readonly id: bigint; readonly revision: number }
  | {
      readonly ok: true;
      readonly type: 'leaseTimeToLive';
      readonly id: bigint;
      /** What is left; -1 for a lease that is not there, whose granted time is then 0. */
      readonly ttlSeconds: number;
      readonly grantedTtlSeconds: number;
      /** Null where they were not asked for. */
      readonly keys: readonly Uint8Array[] | null;
      readonly revision: number;
    }
  | {
      readonly ok: true;
      readonly type: 'leaseList';
      readonly ids: readonly bigint[];
      readonly revision: number;
    }
  | { readonly ok: true; readonly type: 'memberList'; readonly members: readonly MemberView[] }
  /** `id`: of the member that was added, promoted and so on; `members`: all that are there now. */
  | {
      readonly ok: true;
      readonly type: MemberChangeType;
      readonly id: bigint;
      readonly clusterId: bigint;
      readonly members: readonly MemberView[];
    }
  | { readonly ok: true; readonly type: 'moveLeader'; readonly from: bigint; readonly to: bigint }
  | {
      readonly ok: true;
      readonly type: 'endpointStatus';
      readonly endpoints: readonly EndpointStatus[];
    };

export type MemberChangeType = 'memberAdd' | 'memberPromote' | 'memberRemove' | 'memberUpdate';

/** A member as a list of them shows it. */
export interface MemberView {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface EndpointStatus {
  readonly endpoint: string;
  /** Null where the endpoint gave no answer; `error` says why. */
  readonly status: {
    readonly memberId: bigint;
    readonly version: string;
    readonly dbSize: number;
    readonly dbSizeInUse: number;
    readonly leader: bigint;
    readonly isLearner: boolean;
    readonly raftTerm: number;
    readonly raftIndex: number;
    readonly raftAppliedIndex: number;
    readonly errors: readonly string[];
  } | null;
  readonly error: string | null;
  readonly header?: HeaderView;
}

/** One input of a member, with its number. */
export interface NumberedInput {
  readonly moment: number;
  readonly input: MemberInput;
}

/**
 * What to do next. Either `lifecycle` changes one process, or `steps` holds inputs that came due at `timeUs`,
 * for members that may run side by side. `gates` are disk syncs whose real store must have finished first.
 */
export interface Plan {
  readonly timeUs: number;
  readonly gates: readonly StoreGate[];
  readonly lifecycle: Lifecycle | null;
  readonly steps: readonly MemberSteps[];
}

/** A member's part of a plan. `clockUs`: what its own clock shows. */
export interface MemberSteps {
  readonly member: NodeId;
  readonly clockUs: number;
  readonly inputs: readonly NumberedInput[];
}

export type Lifecycle =
  /** Start a process; its result is one output, as if booting were an input with this moment. */
  | {
      readonly kind: 'start';
      readonly moment: number;
      /** What the member's own clock shows. */
      readonly clockUs: number;
      readonly config: MemberConfig;
      readonly files: DiskImage;
    }
  | { readonly kind: 'stop'; readonly member: NodeId };

export interface StoreGate {
  readonly member: NodeId;
  readonly commit: number;
}

/** What came of a plan, in the plan's order: one output for each input (or for the start). */
export interface MemberResult {
  readonly member: NodeId;
  readonly outputs: readonly MemberOutput[];
}

/**
 * What a real store must make durable, in order, for one member: all ops in one transaction. The gate
 * `{member, commit}` opens when it has. `urgent` false: a barrier sync, which may ride with the next commit.
 */
export interface StoreCommit {
  readonly member: NodeId;
  readonly commit: number;
  readonly timeUs: number;
  readonly urgent: boolean;
  readonly ops: readonly StoreOp[];
}

export type StoreOp =
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: string; readonly sizeBytes: number }
  | { readonly kind: 'rename'; readonly file: string; readonly to: string }
  | { readonly kind: 'remove'; readonly file: string };

/** Receives each event with its envelope. Member events come with ordinals from 0, the world's from 65536. */
export interface LabTrace {
  readonly on: boolean;
  /** True: only what checkers read is wanted. */
  readonly brief?: boolean;
  emit(envelope: Envelope, event: LabEvent): void;
  /** An input is in the chain hash; what it brought about follows. */
  began?(moment: number): void;
  /** A client begins: an action's, a load's or a check's. */
  asked?(id: number, action: ClientAction, timeUs: number): void;
  /** It has its answer; what goes on by itself has its first. */
  answered?(id: number, outcome: ClientOutcome, timeUs: number): void;
}

export interface ClusterConfig {
  readonly seed: number;
  /** The first members: the cluster begins with them. */
  readonly memberCount: number;
  /**
   * Each member's files at the start of this run; empty maps for a new cluster. Index 0 is member 1. Members
   * that were added later may follow the first ones.
   */
  readonly images: readonly DiskImage[];
  /**
   * How often this stored lab has been opened, from 1: it names the run's random streams and member epochs.
   */
  readonly boot: number;
  /** The clock at the start, microseconds: 0, or where the stored lab had come to. */
  readonly startUs: number;
  /** Whether events are made at all; the chain hash is the same either way. */
  readonly trace: LabTrace;
  /** PreVote on by default; the 3.4 flavour has it off. */
  readonly preVote: boolean;
  /** What all members are started with beside these; absent: nothing. */
  readonly settings?: MemberSettings;
  /** When members take snapshots and what they keep; absent: a lab's own measure. */
  readonly snapshots?: SnapshotConfig;
  /** Delays and rates of the network and the disks; absent: a local cluster on good disks. */
  readonly world?: WorldConfig;
  /** Bugs that are planted in all members; absent: none. */
  readonly defects?: Partial<Defects>;
}
