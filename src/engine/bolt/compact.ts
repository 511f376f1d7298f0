/** Compaction: copies a database into a new one, key by key, so that its pages are full and none is free. */
import { assert } from '../../base/assert.ts';
import type { Bucket } from './bucket.ts';
import { BoltError } from './errors.ts';
import type { Db } from './db.ts';
import type { Tx } from './tx.ts';

export interface CompactOptions {
  /** How full a page gets, 0.1 to 1. Default 1, as bbolt's; etcd's defragmentation takes 0.9. */
  readonly fillPercent?: number;
  /**
   * Bytes of keys and values after which the copy is committed; 0: all in one transaction. Default 64
   * KiB.
   */
  readonly txMaxBytes?: number;
}

class Copy {
  private readonly target: Db;
  private readonly fillPercent: number;
  private readonly txMaxBytes: number;
  private tx: Tx;
  private bytes = 0;
  /** Bytes that may still come: a sound file holds no more than its own size. */
  private budget = 0;

  constructor(target: Db, options: CompactOptions) {
    this.target = target;
    this.fillPercent = options.fillPercent ?? 1;
    this.txMaxBytes = options.txMaxBytes ?? 65536;
    this.tx = target.beginWrite();
  }

  run(source: Tx): void {
    this.budget = source.sizeBytes;
    this.copyBucket(source.root, []);
    this.tx.commit();
  }

  private copyBucket(bucket: Bucket, path: readonly Uint8Array[]): void {
    bucket.forEach((key, value) => {
      this.makeRoom(key.length + (value === null ? 0 : value.length));
      const parent = this.bucketAt(path);
      if (value !== null) {
        parent.put(key, value);
        return;
      }
      const child = bucket.bucket(key);
      if (child === null) throw new BoltError('invalid database', 'a bucket is not found under its name');
      parent.createBucket(key).setSequence(child.sequence);
      this.copyBucket(child, [...path, key]);
    });
  }

  /** Commits first where the transaction would get too large. */
  private makeRoom(bytes: number): void {
    if (this.bytes + bytes > this.txMaxBytes && this.txMaxBytes !== 0) {
      this.tx.commit();
      this.tx = this.target.beginWrite();
      this.bytes = 0;
    }
    this.bytes += bytes;
    this.budget -= bytes;
    if (this.budget < 0) throw new BoltError('invalid database', 'pages are referred to over and over');
  }

  private bucketAt(path: readonly Uint8Array[]): Bucket {
    let bucket = this.tx.root;
    for (const name of path) {
      const next = bucket.bucket(name);
      assert(next !== null, 'compact: a bucket is made before what is in it');
      bucket = next;
    }
    if (path.length > 0) bucket.fillPercent = this.fillPercent;
    return bucket;
  }
}

/**
 * Copies all buckets, keys and sequences of `source` into `target`, a new and empty database.
 * @param source a reader; it stays open
 * @throws BoltError 'invalid database' where the source is damaged
 * @source bbolt v1.3.12 compact.go Compact
 */
export function compact(target: Db, source: Tx, options: CompactOptions = {}): void {
  new Copy(target, options).run(source);
}
