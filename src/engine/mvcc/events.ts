/** What the multi-version store did. `key` is printable text, clipped. */
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
  | { readonly type: 'mvcc.tombstone'; readonly key: string; readonly main: number; readonly sub: number };
