/** What the store did to its pages. */
import type { FreelistType, Pgid, Txid } from './types.ts';

export type BoltEvent =
  /** After an open: the file's pages as parallel lists of runs (kind: see pageKindCodes in page.ts). */
  | {
      readonly type: 'bolt.open';
      readonly pageSize: number;
      readonly txid: Txid;
      readonly highWater: Pgid;
      readonly freelist: FreelistType;
      readonly runKinds: readonly number[];
      readonly runStarts: readonly number[];
      readonly runCounts: readonly number[];
    }
  /** `scanned` counts the freelist entries that were looked at; `path` says where the pages came from. */
  | {
      readonly type: 'bolt.allocate';
      readonly txid: Txid;
      readonly pgid: Pgid;
      readonly count: number;
      readonly scanned: number;
      readonly path: 'exact' | 'larger' | 'grow';
    }
  /** The pages now wait for readers: pending under `txid`. */
  | { readonly type: 'bolt.free'; readonly txid: Txid; readonly pgid: Pgid; readonly count: number }
  /** Pending pages became free, as runs. */
  | {
      readonly type: 'bolt.release';
      readonly txid: Txid;
      readonly runStarts: readonly number[];
      readonly runCounts: readonly number[];
    }
  | { readonly type: 'bolt.split'; readonly txid: Txid; readonly pgid: Pgid; readonly parts: number }
  | { readonly type: 'bolt.rebalance'; readonly txid: Txid; readonly pgid: Pgid }
  | {
      readonly type: 'bolt.spill';
      readonly txid: Txid;
      readonly pgid: Pgid;
      readonly from: Pgid;
      readonly leaf: boolean;
    }
  /** A run left for the disk. `kind`: see pageKindCodes in page.ts. */
  | {
      readonly type: 'bolt.write';
      readonly txid: Txid;
      readonly pgid: Pgid;
      readonly count: number;
      readonly kind: number;
    }
  | { readonly type: 'bolt.sync'; readonly txid: Txid; readonly what: 'data' | 'meta' | 'grow' }
  | { readonly type: 'bolt.writeMeta'; readonly txid: Txid; readonly slot: 0 | 1; readonly highWater: Pgid };
