/** What the store did to its pages. */
import type { FreelistType, Pgid, Txid } from './types.ts';

/**
 * What a freelist did, step by step: the array keeps ids in order, the hashmap spans (runs of free pages) in
 * three maps. A run is `count` pages from `start` on.
 */
export type FreelistEvent =
  /** The list begins anew with these runs. */
  | {
      readonly type: 'freelist.init';
      readonly list: FreelistType;
      readonly runStarts: readonly number[];
      readonly runCounts: readonly number[];
    }
  /**
   * Entries looked at one by one: run i is `runCounts[i]` entries from `runStarts[i]` on, each one more than
   * the entry before it, or one less where `descending`. `what`: the array's ids, or the hashmap's span
   * sizes, or first pages of the spans of one size. `wanted` is a count of pages where an allocation looks
   * for room, and a page id where the array looks for a run's place. `found`: the entry that the scan was
   * for, else -1.
   */
  | {
      readonly type: 'freelist.scan';
      readonly what: 'ids' | 'sizes' | 'starts';
      readonly wanted: number;
      readonly descending: boolean;
      readonly runStarts: readonly number[];
      readonly runCounts: readonly number[];
      readonly found: number;
    }
  /**
   * One look into a map by its key. `found`: in freemaps, how many spans there are of the size `key`; in the
   * others, the size of the span that begins (forwardMap) or ends (backwardMap) at page `key`; 0 for none.
   */
  | {
      readonly type: 'freelist.probe';
      readonly map: 'freemaps' | 'forwardMap' | 'backwardMap';
      readonly key: number;
      readonly found: number;
    }
  /** A span came into the hashmap's three maps. */
  | { readonly type: 'freelist.addSpan'; readonly start: Pgid; readonly count: number }
  /** A span left the hashmap's three maps. */
  | { readonly type: 'freelist.dropSpan'; readonly start: Pgid; readonly count: number }
  /** Pages left the list, to be used; so many bytes of the list were moved. */
  | {
      readonly type: 'freelist.take';
      readonly pgid: Pgid;
      readonly count: number;
      readonly movedBytes: number;
    }
  /** Pages came into the list; so many bytes of the list were moved. */
  | {
      readonly type: 'freelist.put';
      readonly pgid: Pgid;
      readonly count: number;
      readonly movedBytes: number;
    }
  /** The array's ids moved, all of them, to have room behind the last. */
  | { readonly type: 'freelist.grow'; readonly movedBytes: number }
  /**
   * A run that came in joined the free run that ends before it, or the one that begins behind it; 0 for none.
   */
  | {
      readonly type: 'freelist.merge';
      readonly pgid: Pgid;
      readonly count: number;
      readonly leftCount: number;
      readonly rightCount: number;
    };

/** What a page of a tree holds, without its keys and values. */
export interface PageContent {
  /** Items of a leaf, children of a branch, ids of a freelist. */
  readonly itemCount: number;
  /** Bytes in use, header included. */
  readonly usedBytes: number;
  /** Of a branch: its children, in key order. */
  readonly children: readonly Pgid[];
  /** Of a leaf: the buckets among its items, in key order, as printable text. */
  readonly buckets: readonly string[];
  /** Their root pages; 0 for a bucket that is stored inline, in the leaf itself. */
  readonly bucketRoots: readonly Pgid[];
}

export type BoltEvent =
  | FreelistEvent
  /** After an open: the file's pages as parallel lists of runs (kind: see pageKindCodes in page.ts). */
  | {
      readonly type: 'bolt.open';
      readonly pageSize: number;
      readonly txid: Txid;
      readonly highWater: Pgid;
      readonly freelist: FreelistType;
      /** Transactions of meta pages 0 and 1; -1 for one that is not valid. */
      readonly metaTxids: readonly number[];
      /** The root bucket's page, as the newest meta page says. */
      readonly root: Pgid;
      readonly runKinds: readonly number[];
      readonly runStarts: readonly number[];
      readonly runCounts: readonly number[];
    }
  /**
   * After an open: what each page of the trees holds, as parallel lists; see PageContent. `children` holds
   * `childCounts[i]` entries for page i, `buckets` and `bucketRoots` `bucketCounts[i]`.
   */
  | {
      readonly type: 'bolt.tree';
      readonly pgids: readonly number[];
      /** Physical pages: 1, and those that a page overflows into. */
      readonly pageCounts: readonly number[];
      readonly itemCounts: readonly number[];
      readonly usedBytes: readonly number[];
      readonly childCounts: readonly number[];
      readonly children: readonly number[];
      readonly bucketCounts: readonly number[];
      readonly buckets: readonly string[];
      readonly bucketRoots: readonly number[];
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
  /** What page `from` held goes into `pgid`: its neighbour, or the root whose only child it was. */
  | { readonly type: 'bolt.merge'; readonly txid: Txid; readonly pgid: Pgid; readonly from: Pgid }
  | {
      readonly type: 'bolt.spill';
      readonly txid: Txid;
      readonly pgid: Pgid;
      readonly from: Pgid;
      readonly leaf: boolean;
    }
  /** A run left for the disk. `kind`: see pageKindCodes in page.ts. */
  | ({
      readonly type: 'bolt.write';
      readonly txid: Txid;
      readonly pgid: Pgid;
      readonly count: number;
      readonly kind: number;
    } & PageContent)
  | { readonly type: 'bolt.sync'; readonly txid: Txid; readonly what: 'data' | 'meta' | 'grow' }
  /** `root`: the root bucket's page; from here on this transaction is the database. */
  | {
      readonly type: 'bolt.writeMeta';
      readonly txid: Txid;
      readonly slot: 0 | 1;
      readonly highWater: Pgid;
      readonly root: Pgid;
    };
