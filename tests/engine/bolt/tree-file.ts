/** Files on disk that hold little and are large: what lies between the pieces takes no room. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import { writeMetaPage } from '../../../src/engine/bolt/meta.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { pgid } from '../../../src/engine/bolt/types.ts';

const pageSize = 4096;

/** Writes pieces into a file of a size. */
export function sparseFile(
  path: string,
  sizeBytes: number,
  pieces: readonly (readonly [number, Uint8Array])[],
): string {
  const file = openSync(path, 'w');
  ftruncateSync(file, sizeBytes);
  for (const [offset, bytes] of pieces) writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
  return path;
}

/** A database of twenty thousand keys, whose high water mark is said to be higher than it is. */
export function tree(highWater: number, noFreelistSync: boolean): Uint8Array {
  const pager = new MemoryPager();
  const db = Db.open(pager, { pageSize, noFreelistSync });
  for (let round = 0; round < 20; round++) {
    const tx = db.beginWrite();
    const bucket = tx.createBucketIfNotExists(encodeUtf8('key'));
    for (let i = 0; i < 1000; i++)
      bucket.put(encodeUtf8(`key-${((1000 * round + i) * 7919) % 20000}`), new Uint8Array(200));
    tx.commit();
  }
  const slot = db.meta.txid % 2;
  const page = new Uint8Array(pageSize);
  writeMetaPage(page, { ...db.meta, highWater: pgid(highWater) });
  pager.write(slot * pageSize, page);
  return pager.image();
}
