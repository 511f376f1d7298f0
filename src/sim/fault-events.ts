/** What faults of hosts and disks did, and that they were set. */
import type { DiskSettings } from './fault-types.ts';

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
  /** 0: without a limit. */
  | { readonly type: 'sim.memoryLimit'; readonly limitBytes: number }
  | { readonly type: 'sim.outOfMemory'; readonly usedBytes: number; readonly limitBytes: number }
  /** The disk's files were remembered, or put back. */
  | { readonly type: 'sim.image'; readonly restored: boolean; readonly fileCount: number }
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
  /** A write of the store went elsewhere; `to` -1: the next one will. */
  | { readonly type: 'sim.misdirect'; readonly offset: number; readonly to: number }
  | {
      readonly type: 'sim.flap';
      readonly from: number;
      readonly to: number;
      readonly upUs: number;
      readonly downUs: number;
    }
  | { readonly type: 'sim.healEverything' };
