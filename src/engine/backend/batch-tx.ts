/** The one writer: puts and deletes go into the open bolt transaction and, at `writeback`, to the readers. */
import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import type { Bucket } from '../bolt/bucket.ts';
import type { Tx } from '../bolt/tx.ts';
import type { BackendEvent } from './events.ts';
import type { Pair } from './read-tx.ts';
import { bucketKey } from './schema.ts';
import type { BucketName } from './schema.ts';
import { TxBuffer } from './tx-buffer.ts';

/** How full a page gets before it splits, where keys only ever grow. @source etcd mvcc/backend/batch_tx.go */
const sequentialFillPercent = 0.9;

export class BatchTx {
  private readonly trace: Trace<BackendEvent>;
  private readonly buffer = new TxBuffer();
  private tx: Tx;
  /** Those that were used since the last commit. */
  private readonly buckets = new Map<BucketName, Bucket>();
  private writeCount = 0;

  constructor(tx: Tx, trace: Trace<BackendEvent>) {
    this.tx = tx;
    this.trace = trace;
  }

  /** Operations since the last commit. */
  get pendingCount(): number {
    return this.writeCount;
  }

  /** Stores a value under a key. Both are taken over: the caller changes them no more. */
  put(name: BucketName, key: Uint8Array, value: Uint8Array): void {
    this.putInto(name, this.bucket(name), key, value);
  }

  /** As `put`, for a bucket whose keys only ever grow: its pages are filled to nine tenths. */
  seqPut(name: BucketName, key: Uint8Array, value: Uint8Array): void {
    const bucket = this.bucket(name);
    bucket.fillPercent = sequentialFillPercent;
    this.putInto(name, bucket, key, value);
  }

  delete(name: BucketName, key: Uint8Array): void {
    this.bucket(name).delete(key);
    this.buffer.add(name, key, null);
    this.writeCount++;
  }

  /** One key's value as the writer sees it, its own writes included. */
  get(name: BucketName, key: Uint8Array): Uint8Array | null {
    return this.bucket(name).get(key);
  }

  /** The pairs with from <= key < to as the writer sees them; see `ReadTx.range`. */
  range(name: BucketName, from: Uint8Array, to: Uint8Array | null, limit = 0): Pair[] {
    const pairs: Pair[] = [];
    const cursor = this.bucket(name).cursor();
    for (let item = cursor.seek(from); item !== null; item = cursor.next()) {
      const isPast = to !== null && compareBytes(item.key, to) >= 0;
      if (isPast || (limit > 0 && pairs.length === limit)) break;
      assert(item.value !== null, 'batch-tx: a member has no nested buckets');
      pairs.push({ key: item.key, value: item.value });
    }
    return pairs;
  }

  createBucket(name: BucketName): void {
    if (this.tx.bucket(bucketKey(name)) !== null) return;
    this.tx.createBucket(bucketKey(name));
    this.writeCount++;
  }

  /** Shows what was written since the last call to the readers. */
  writeback(reader: TxBuffer): void {
    this.buffer.writeback(reader);
  }

  /** @internal Commits into the pages; `renew` must follow. */
  commit(): void {
    this.tx.commit();
  }

  /** @internal Goes on in a new bolt transaction. */
  renew(tx: Tx): void {
    this.tx = tx;
    this.buckets.clear();
    this.writeCount = 0;
  }

  /** @internal Drops what the readers were not shown yet. */
  forget(): void {
    this.buffer.clear();
  }

  /** @internal Gives up what was not committed. */
  rollback(): void {
    this.tx.rollback();
  }

  private putInto(name: BucketName, bucket: Bucket, key: Uint8Array, value: Uint8Array): void {
    bucket.put(key, value);
    this.buffer.add(name, key, value);
    this.writeCount++;
    if (tellsAll(this.trace)) {
      const sizeBytes = key.length + value.length;
      this.trace.emit({ type: 'backend.put', bucket: name, sizeBytes, pendingCount: this.writeCount });
    }
  }

  private bucket(name: BucketName): Bucket {
    const known = this.buckets.get(name);
    if (known !== undefined) return known;
    const bucket = this.tx.bucket(bucketKey(name));
    assert(bucket !== null, 'batch-tx: every bucket is there from the start');
    this.buckets.set(name, bucket);
    return bucket;
  }
}
