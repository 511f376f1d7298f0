/** Faults of hosts, disks and links beyond their being there or not. Every rate is so many of a thousand. */
import type { DiskErrorCode } from '../engine/server/types.ts';

/** Steps of a process at its disk: see crash-points.ts. */
export type CrashPoint =
  | 'beforeWrite'
  | 'afterWrite'
  | 'beforeSync'
  | 'duringSync'
  | 'afterSync'
  | 'beforeMeta'
  | 'afterMeta'
  | 'beforeRename'
  | 'afterRename';

/** Which of a member's files: its log, its store, its snapshots. */
export type FileKind = 'wal' | 'db' | 'snap';

/** Where bits rot: kinds of pages of the store, the log's newest segment, the newest snapshot. */
export type RotZone = 'meta' | 'freelist' | 'branch' | 'leaf' | 'wal' | 'snapshot';

export type Astray = 'write' | 'lose' | 'read';

/** A clock whose rate changes by itself: there and back in turn, or to a rate that is drawn each time. */
export type SwingShape = 'periodic' | 'random';

/** A member's disk as it was made worse; each number is 0 where it is as the world's configuration says. */
export interface DiskSettings {
  /** From the request of a sync until it is done, and of each write before it. */
  readonly syncMinUs: number;
  readonly syncMeanUs: number;
  readonly writeMinUs: number;
  readonly writeMeanUs: number;
  /** Of each piece that is read from the disk: see disk-faults.ts. */
  readonly readMinUs: number;
  readonly readMeanUs: number;
  /** What more is asked than so many pieces and syncs a second waits. */
  readonly operationsPerSecond: number;
  /** So many syncs take so much longer. */
  readonly stallPerMille: number;
  readonly stallUs: number;
  readonly bytesPerSecond: number;
  /** What the member's files may hold together. */
  readonly quotaBytes: number;
  /** So many writes of the store land on another page. */
  readonly misdirectPerMille: number;
  /** 1: syncs are said to be done, and nothing is durable. */
  readonly lying: number;
  /** How unsynced writes fare at a power cut, as weights; three zeros: see power-cut.ts. */
  readonly keptWeight: number;
  readonly lostWeight: number;
  readonly tornWeight: number;
}

/** One direction of a link as it was made worse; zeros: nothing. */
export interface LinkSettings {
  readonly extraDelayUs: number;
  readonly lossPerMille: number;
  /** The mean of an exponential delay beside the usual one. */
  readonly jitterUs: number;
  readonly duplicatePerMille: number;
  /** So many messages are overtaken by later ones. */
  readonly reorderPerMille: number;
  /** So many messages have a bit turned on their way. */
  readonly corruptPerMille: number;
  readonly bytesPerSecond: number;
  /** With a bandwidth: what more would wait than this is dropped. */
  readonly queueBytes: number;
  /** So many messages find the link clogged: it carries nothing for a while, then all in its order. */
  readonly clogPerMille: number;
  /** How long, on average. */
  readonly clogMeanUs: number;
  /** Messages of these types are dropped: `MsgApp`, `MsgHeartbeat`... */
  readonly dropTypes: readonly string[];
}

export type HostFault =
  /**
   * The process ends, or the power goes, at the `nth` such step from now on. 0 takes it back.
   * `file`: only steps at such a file count.
   */
  | {
      readonly type: 'crashPoint';
      readonly member: number;
      readonly point: CrashPoint;
      readonly nth: number;
      readonly then: 'kill' | 'powerCut';
      readonly file?: FileKind;
    }
  /** An input takes the process so many times as long, 1 to 1000; 1 ends it. */
  | { readonly type: 'slowCpu'; readonly member: number; readonly factor: number }
  /** The member's clock runs at so many thousandths, 10 to 100,000; 1000 ends it. What it is off by stays. */
  | { readonly type: 'clockRate'; readonly member: number; readonly perMille: number }
  /** The member's clock is ahead by so much more at once, up to an hour. */
  | { readonly type: 'clockStep'; readonly member: number; readonly aheadUs: number }
  /**
   * The clock's rate is off by up to so many thousandths, 1 to 900, to one side and the other: it changes
   * each half of a period. 0 ends it.
   */
  | {
      readonly type: 'clockSwing';
      readonly member: number;
      readonly perMille: number;
      readonly periodUs: number;
      readonly shape: SwingShape;
    }
  /** The process ends where what is counted of its memory is more; 0 ends it. */
  | { readonly type: 'memoryLimit'; readonly member: number; readonly bytes: number }
  /**
   * The process gets no memory, and ends, at the `nth` allocation from now on: see allocations.ts. 0 takes it
   * back.
   */
  | { readonly type: 'failAllocation'; readonly member: number; readonly nth: number }
  /**
   * A process that ends without being asked to is started again so much later, as systemd and the kubelet do
   * it. 0: it stays away.
   */
  | { readonly type: 'restartDelay'; readonly member: number; readonly afterUs: number }
  /** Remembers what the disk holds for sure, in place of what was remembered before. */
  | { readonly type: 'keepImage'; readonly member: number }
  /** The process ends and its disk is as it was remembered: an old backup. */
  | { readonly type: 'restoreImage'; readonly member: number }
  /** The process ends, and these files of it are deleted, as by `rm`: a power cut may bring them back. */
  | { readonly type: 'loseFiles'; readonly member: number; readonly file: FileKind }
  /** The process ends and starts again with --force-new-cluster: its log takes all others out. */
  | { readonly type: 'forceNewCluster'; readonly member: number }
  /** Its data directory is copied to a host that has none, and started there: one member ID twice. */
  | { readonly type: 'copyMember'; readonly member: number; readonly host: number };

export type DiskFault =
  /** What is not named stays as it is. */
  | ({ readonly type: 'disk'; readonly member: number } & Partial<DiskSettings>)
  /** The next read (a start), write or sync fails, or each one until `never`. */
  | {
      readonly type: 'diskError';
      readonly member: number;
      readonly on: 'read' | 'write' | 'sync';
      readonly code: DiskErrorCode;
      readonly lasts: 'once' | 'always' | 'never';
    }
  /** Bits change on the disk: a start sees it. `page`: this page of the store. */
  | {
      readonly type: 'bitRot';
      readonly member: number;
      readonly zone: RotZone;
      readonly bits: number;
      readonly page?: number;
    }
  /**
   * The store's next page goes astray. `write`, or nothing: what is written lands on another page; `lose`: it
   * is said to be written and is not; `read`: the next start finds another page in its place.
   */
  | { readonly type: 'misdirect'; readonly member: number; readonly how?: Astray };

export type LinkFaultAction =
  /** One direction of a link from now on, as a whole: what is not named is as usual. */
  | ({
      readonly type: 'link';
      readonly from: number;
      readonly to: number;
      readonly extraDelayUs: number;
      readonly lossPerMille: number;
    } & Partial<LinkSettings>)
  /** Cuts one direction for `downUs`, heals it for `upUs`, and so on. Zeros end it, whole. */
  | {
      readonly type: 'flap';
      readonly from: number;
      readonly to: number;
      readonly upUs: number;
      readonly downUs: number;
    };

/** Every fault that goes on ends; who does not run is started; a load that is a fault ends. */
export interface HealEverything {
  readonly type: 'healEverything';
}

export type WorldFault = HostFault | DiskFault | LinkFaultAction | HealEverything;
