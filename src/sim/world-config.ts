/** How fast and how reliable the world is, in integers. */
import type { DelayConfig } from './delay.ts';
import type { LabAction } from './types.ts';

/** `of` in `outOf` cases; 0 of anything never happens. */
export interface Ratio {
  readonly of: number;
  readonly outOf: number;
}

export interface NetworkConfig {
  /** Between members, one way. */
  readonly memberDelay: DelayConfig;
  /** Between a client and a member, one way. */
  readonly clientDelay: DelayConfig;
  readonly loss: Ratio;
  readonly duplicate: Ratio;
  /** Messages of one link arrive in the order they were sent, as on rafthttp's streams. */
  readonly ordered: boolean;
  /** How fast a link carries bytes; absent: 125,000,000, a gigabit a second. */
  readonly bytesPerSecond?: number;
}

export interface DiskConfig {
  /** From the request to make a file's writes durable until they are. */
  readonly syncDelay: DelayConfig;
}

export interface WorldConfig {
  readonly network: NetworkConfig;
  readonly disk: DiskConfig;
  /** Members start at a random moment of this span, as processes do. */
  readonly startSpanUs: number;
  /** What is wrong from the first moment on; each must make sense then. */
  readonly faults?: readonly LabAction[];
}

/** etcd's flags of these names; see `MemberConfig`. */
export interface SnapshotConfig {
  readonly snapshotCount: number;
  readonly snapshotCatchUpEntries: number;
  readonly walSegmentBytes: number;
}

/** A hundredth of etcd's own numbers and less, so that a lab of some thousand writes sees it all happen. */
export const labSnapshots: SnapshotConfig = {
  snapshotCount: 1000,
  snapshotCatchUpEntries: 100,
  walSegmentBytes: 1_000_000,
};

const never: Ratio = { of: 0, outOf: 1 };

/** A local network of one to three milliseconds and disks like a good SSD's, two to four. */
export const defaultWorld: WorldConfig = {
  network: {
    memberDelay: { minUs: 1000, meanUs: 600 },
    clientDelay: { minUs: 500, meanUs: 200 },
    loss: never,
    duplicate: never,
    ordered: true,
  },
  disk: { syncDelay: { minUs: 1500, meanUs: 1200 } },
  startSpanUs: 50_000,
};
