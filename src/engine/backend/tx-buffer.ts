/** Writes that are not committed yet, bucket by bucket: what readers see on top of the last commit. */
import { compareBytes, equalBytes } from '../../base/bytes.ts';
import { searchFirst } from '../../base/sorted.ts';
import type { BucketName } from './schema.ts';

/** A pending write; a null value is a deletion. */
export interface PendingWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * One bucket's writes. In a read buffer they are sorted by key, one for each key; in a write buffer they
 * stand in the order in which they were made.
 * @source etcd mvcc/backend/tx_buffer.go bucketBuffer
 */
export class BucketBuffer {
  private pending: PendingWrite[] = [];

  get writes(): readonly PendingWrite[] {
    return this.pending;
  }

  add(key: Uint8Array, value: Uint8Array | null): void {
    this.pending.push({ key, value });
  }

  /** The index of the first write whose key is not below `key`, in a sorted buffer. */
  search(key: Uint8Array): number {
    return searchFirst(this.pending.length, (index) => compareBytes(this.pending[index].key, key) >= 0);
  }

  /** The write of one key in a sorted buffer; undefined where there is none. */
  find(key: Uint8Array): PendingWrite | undefined {
    const write = this.pending[this.search(key)] as PendingWrite | undefined;
    return write !== undefined && equalBytes(write.key, key) ? write : undefined;
  }

  /** Takes newer writes in. Keys that only ever grow, as revisions do, are just appended. */
  merge(newer: BucketBuffer): void {
    let ascends = true;
    for (const write of newer.pending) {
      const last = this.pending.at(-1);
      if (last !== undefined && compareBytes(last.key, write.key) >= 0) ascends = false;
      this.pending.push(write);
    }
    if (!ascends) this.sort();
  }

  copy(): BucketBuffer {
    const copy = new BucketBuffer();
    copy.pending = this.pending.slice();
    return copy;
  }

  /** Sorts by key; of one key's writes the newest stays. */
  private sort(): void {
    const sorted = this.pending.sort((a, b) => compareBytes(a.key, b.key));
    const isNewest = (write: PendingWrite, i: number): boolean =>
      i + 1 === sorted.length || !equalBytes(write.key, sorted[i + 1].key);
    this.pending = sorted.filter(isNewest);
  }
}

/** The buffers of all buckets. */
export class TxBuffer {
  private readonly buckets = new Map<BucketName, BucketBuffer>();

  bucket(name: BucketName): BucketBuffer | undefined {
    return this.buckets.get(name);
  }

  add(name: BucketName, key: Uint8Array, value: Uint8Array | null): void {
    let bucket = this.buckets.get(name);
    if (bucket === undefined) this.buckets.set(name, (bucket = new BucketBuffer()));
    bucket.add(key, value);
  }

  /** Moves all writes to the readers' buffer. */
  writeback(reader: TxBuffer): void {
    for (const [name, bucket] of this.buckets) {
      let target = reader.buckets.get(name);
      if (target === undefined) reader.buckets.set(name, (target = new BucketBuffer()));
      target.merge(bucket);
    }
    this.buckets.clear();
  }

  clear(): void {
    this.buckets.clear();
  }

  copy(): TxBuffer {
    const copy = new TxBuffer();
    for (const [name, bucket] of this.buckets) copy.buckets.set(name, bucket.copy());
    return copy;
  }
}
