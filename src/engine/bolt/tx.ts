/** A transaction: one writer, many readers. */
import type { Bucket } from './bucket.ts';
import type { Cursor } from './cursor.ts';
import type { Txid } from './types.ts';

/** Something wrong in a file: `text` in bbolt's words, `pgid` the page it is about (null: none in particular). */
export interface Finding {
  readonly code: string;
  readonly pgid: number | null;
  readonly text: string;
}

export interface Tx {
  readonly id: Txid;
  readonly writable: boolean;
  bucket(name: Uint8Array): Bucket | null;
  createBucket(name: Uint8Array): Bucket;
  createBucketIfNotExists(name: Uint8Array): Bucket;
  deleteBucket(name: Uint8Array): void;
  cursor(): Cursor;
  readonly sizeBytes: number;
  commit(): void;
  rollback(): void;
  check(): Finding[];
}
