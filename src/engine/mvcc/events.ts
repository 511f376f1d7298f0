/** What the multi-version store did. `key` is printable text, clipped. */
import type { WatcherPlace } from './watcher-group.ts';

export type MvccEvent =
  | {
      readonly type: 'mvcc.open';
      readonly revision: number;
      readonly compactRevision: number;
      readonly keyCount: number;
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
  /** A batch of records was looked at, and those that nothing can read any more were deleted. */
  | {
      readonly type: 'mvcc.compactBatch';
      readonly revision: number;
      readonly seenCount: number;
      readonly deletedCount: number;
    }
  | { readonly type: 'mvcc.finishCompaction'; readonly revision: number; readonly deletedCount: number }
  /**
   * A watcher comes (from `gone`), changes its group, or goes. `watcher` counts the store's watchers; `end`
   * is empty for a single key, and `\\0` for all keys from `key` on.
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
