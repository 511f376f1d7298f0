/** What faults of hosts and disks did, and that they were set. */
import type { Astray, DiskSettings } from './fault-types.ts';

export type HostEvent =
  /** A crash point waits for the nth such step from now on; 0: it does no more. `file` '': of any file. */
  | {
      readonly type: 'sim.crashPoint';
      readonly point: string;
      readonly nth: number;
      readonly then: string;
      readonly file: string;
    }
  /** The process came to the step: it ends here. */
  | { readonly type: 'sim.crash'; readonly point: string; readonly file: string }
  /** An input takes so many times as long; 1: as usual. */
  | { readonly type: 'sim.slowCpu'; readonly factor: number }
  /** The clock runs at so many thousandths from now on, and shows this time. */
  | { readonly type: 'sim.clockRate'; readonly perMille: number; readonly clockUs: number }
  /** The clock was set: it shows this time. */
  | { readonly type: 'sim.clockStep'; readonly aheadUs: number; readonly clockUs: number }
  /** The clock's rate changes by itself from now on; `perMille` 0: no more. */
  | {
      readonly type: 'sim.clockSwing';
      readonly perMille: number;
      readonly periodUs: number;
      readonly shape: string;
    }
  /** 0: without a limit. */
  | { readonly type: 'sim.memoryLimit'; readonly limitBytes: number }
  | { readonly type: 'sim.outOfMemory'; readonly usedBytes: number; readonly limitBytes: number }
  /** The nth allocation from now on fails; 0: none does. */
  | { readonly type: 'sim.failAllocation'; readonly nth: number }
  /** The process got no memory for a request, a message, or the store's larger file: it ends. */
  | { readonly type: 'sim.allocationFailed'; readonly of: string; readonly sizeBytes: number }
  /** A process that ends without being asked to is started again so much later; 0: it stays away. */
  | { readonly type: 'sim.restartDelay'; readonly afterUs: number }
  /**
   * The member will be started then: by a `supervisor`, or once its files are read (`load`). '': it will not.
   */
  | { readonly type: 'sim.coming'; readonly why: 'supervisor' | 'load' | ''; readonly atUs: number }
  /** So much of a file is read by then, or of all files. */
  | {
      readonly type: 'sim.diskRead';
      readonly file: string;
      readonly sizeBytes: number;
      readonly doneAt: number;
    }
  /** More was asked of the disk than it does in a second: a sync or a read of the file takes longer. */
  | { readonly type: 'sim.diskQueue'; readonly file: string; readonly waitedUs: number }
  /** The disk's files were remembered, or put back. */
  | { readonly type: 'sim.image'; readonly restored: boolean; readonly fileCount: number }
  /** The member is started with --force-new-cluster. */
  | { readonly type: 'sim.forceNewCluster' }
  /** The member's host has a copy of another one's data directory. */
  | { readonly type: 'sim.copyMember'; readonly from: number; readonly fileCount: number }
  /** Files of a kind were deleted. */
  | { readonly type: 'sim.loseFiles'; readonly file: string; readonly fileCount: number }
  /** The disk as it is from now on. */
  | ({ readonly type: 'sim.disk' } & DiskSettings)
  | {
      readonly type: 'sim.diskFault';
      readonly on: string;
      readonly code: string;
      readonly lasts: string;
    }
  | { readonly type: 'sim.stall'; readonly file: string; readonly stalledUs: number }
  | {
      readonly type: 'sim.bitRot';
      readonly zone: string;
      readonly file: string;
      /** The bytes that changed. */
      readonly offsets: readonly number[];
    }
  /**
   * A page of the store went astray: what was to be at `offset` was written to `to`, or nowhere, or read from
   * there. `how` armed: it will.
   */
  | {
      readonly type: 'sim.misdirect';
      readonly how: 'armed' | Astray;
      readonly offset: number;
      readonly to: number;
    }
  | {
      readonly type: 'sim.flap';
      readonly from: number;
      readonly to: number;
      readonly upUs: number;
      readonly downUs: number;
    }
  /** The link has clogged: what is sent waits so long, then goes on in its order. */
  | { readonly type: 'sim.clog'; readonly from: number; readonly to: number; readonly clogUs: number }
  | { readonly type: 'sim.healEverything' };
