/** What the backend did: batches of bucket writes over bolt. */
export type BackendEvent =
  | {
      readonly type: 'backend.put';
      readonly bucket: string;
      readonly sizeBytes: number;
      readonly pendingCount: number;
    }
  | {
      readonly type: 'backend.commit';
      readonly reason: 'limit' | 'interval' | 'force';
      readonly operationCount: number;
      readonly txid: number;
    }
  /** The commit's meta page is on disk. */
  | { readonly type: 'backend.committed'; readonly txid: number; readonly consistentIndex: number };
