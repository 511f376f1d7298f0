/** What the write-ahead log did. */
export type WalEvent =
  | {
      readonly type: 'wal.open';
      readonly segment: string;
      readonly entryCount: number;
      readonly tornBytes: number;
    }
  /** Records left for the disk; they are durable when the sync that follows completes. */
  | {
      readonly type: 'wal.append';
      readonly firstIndex: number;
      readonly entryCount: number;
      readonly hardState: boolean;
      readonly sizeBytes: number;
    }
  | { readonly type: 'wal.sync' }
  | { readonly type: 'wal.synced'; readonly index: number }
  | { readonly type: 'wal.cut'; readonly segment: string }
  /** A segment was removed: what is in it lies before a snapshot. */
  | { readonly type: 'wal.purge'; readonly segment: string };
