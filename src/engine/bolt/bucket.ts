/** A bucket: keys with values, and nested buckets. */
import type { Cursor } from './cursor.ts';
import type { Pgid } from './types.ts';

export interface Bucket {
  get(key: Uint8Array): Uint8Array | null;
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  bucket(name: Uint8Array): Bucket | null;
  createBucket(name: Uint8Array): Bucket;
  createBucketIfNotExists(name: Uint8Array): Bucket;
  deleteBucket(name: Uint8Array): void;
  cursor(): Cursor;
  forEach(visit: (key: Uint8Array, value: Uint8Array | null) => void): void;
  readonly sequence: bigint;
  setSequence(value: bigint): void;
  nextSequence(): bigint;
  fillPercent: number;
  readonly root: Pgid;
}
