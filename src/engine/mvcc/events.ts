/** What the multi-version store did. `key` is printable text: see `keyText`. */
import type { WatcherPlace } from './watcher-group.ts';

export type MvccEvent =
  | {
      readonly type: 'mvcc.open';
      readonly revision: number;
      readonly compactRevision: number;
      readonly keyCount: number;
    }
  /**
   * A piece of the index that an open has found, after `mvcc.open`. Each key has `lifeCounts` generations,
   * each of these `revisionCounts` revisions, oldest first; all lists follow on from key to key.
   */
  | {
      readonly type: 'mvcc.index';
      readonly keys: readonly string[];
      readonly lifeCounts: readonly number[];
      readonly versions: readonly number[];
      readonly createdMains: readonly number[];
      readonly createdSubs: readonly number[];
      readonly revisionCounts: readonly number[];
      readonly mains: readonly number[];
      readonly subs: readonly number[];
    }
  | {
      readonly type: 'mvcc.put';
      readonly key: string;
      readonly main: number;
      readonly sub: number;
      readonly createRevision: number;
      readonly version: number;
      readonly sizeBytes: number;
    }
  | { readonly type: 'mvcc.tombstone'; readonly key: string; readonly main: number; readonly sub: number }
  /** A compaction was ordered; reads below the revision are refused from now on. */
  | { readonly type: 'mvcc.compact'; readonly revision: number; readonly currentRevision: number }
  /** The index has let go of what no read at the revision or later can find; records follow. */
  | { readonly type: 'mvcc.compactIndex'; readonly revision: number; readonly keyCount: number }
  /** A batch of records was looked at, and those that nothing can read any more were deleted. */
  | {
      readonly type: 'mvcc.compactBatch';
      readonly revision: number;
      readonly seenCount: number;
      readonly deletedCount: number;
    }
  | { readonly type: 'mvcc.finishCompaction'; readonly revision: number; readonly deletedCount: number }
  /**
   * A watcher comes (from `gone`), changes its group, goes on within it, or goes. `watcher` counts the
   * store's watchers; `end` is empty for a single key, and `\\0` for all keys from `key` on.
   */
  | {
      readonly type: 'watch.move';
      readonly watcher: number;
      readonly id: string;
      readonly key: string;
      readonly end: string;
      readonly from: WatcherPlace;
      readonly to: WatcherPlace;
      readonly minRevision: number;
    }
  /** A response is on its way to a watcher's stream; without events it tells the revision alone. */
  | {
      readonly type: 'watch.notify';
      readonly watcher: number;
      readonly revision: number;
      readonly eventCount: number;
    };
