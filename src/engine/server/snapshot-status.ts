/** `snapshot status`: what a database holds, counted and hashed without a member. */
import { crc32c } from '../../base/checksum.ts';
import { readU64be } from '../../base/u64.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import { BoltError } from '../bolt/errors.ts';
import type { Db } from '../bolt/db.ts';

export interface SnapshotStatus {
  /** CRC-32C over the buckets' names and all that is in them; it goes by content, not by pages. */
  readonly hash: number;
  /** Of the last record; 0 where there is none. */
  readonly revision: number;
  /** Of all buckets. */
  readonly totalKey: number;
  /** Bytes up to the high water mark. */
  readonly totalSize: number;
}

/**
 * @param db a database that `checkFile` finds sound
 * @throws BoltError 'invalid database' where something outside a bucket is stored
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go Status
 */
export function snapshotStatus(db: Db): SnapshotStatus {
  const tx = db.beginRead();
  let [hash, revision, totalKey] = [0, 0, 0];
  const names = tx.cursor();
  for (let name = names.first(); name !== null; name = names.next()) {
    const bucket = tx.bucket(name.key);
    if (bucket === null) throw new BoltError('invalid database', 'a key stands outside the buckets');
    hash = crc32c(name.key, hash);
    const isKeys = decodeUtf8(name.key) === 'key';
    const items = bucket.cursor();
    for (let item = items.first(); item !== null; item = items.next()) {
      hash = crc32c(item.key, hash);
      if (item.value !== null) hash = crc32c(item.value, hash);
      if (isKeys) revision = mainOf(item.key);
      totalKey++;
    }
  }
  tx.rollback();
  return { hash, revision, totalKey, totalSize: db.meta.highWater * db.pageSize };
}

function mainOf(key: Uint8Array): number {
  return key.length < 8 ? 0 : readU64be(new DataView(key.buffer, key.byteOffset, 8), 0);
}
