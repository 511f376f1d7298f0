/** Damaged files on purpose: structure-aware mutations of a sound one, by seed. */
import { stream } from '../../../src/base/prng.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import type { Bucket } from '../../../src/engine/bolt/bucket.ts';
import { bucketStats } from '../../../src/engine/bolt/bucket-stats.ts';
import { compact } from '../../../src/engine/bolt/compact.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import { BoltError } from '../../../src/engine/bolt/errors.ts';
import { chooseMeta, findPageSize, writeMetaPage } from '../../../src/engine/bolt/meta.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { checkFile } from '../../../src/engine/bolt/tx-check.ts';
import { pgid, txid } from '../../../src/engine/bolt/types.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import type { XrayReport } from '../../../src/engine/bolt/xray-report.ts';

export const pageSize = 512;

/** A sound file with all that a file can hold: branches, overflow, nested and inline buckets, free pages. */
export function soundFile(noFreelistSync: boolean): Uint8Array {
  const pager = new MemoryPager();
  const db = Db.open(pager, { pageSize, noFreelistSync });
  for (let round = 0; round < 4; round++) {
    const tx = db.beginWrite();
    const bucket = tx.createBucketIfNotExists(encodeUtf8('data'));
    for (let i = round; i < 60; i += 1 + round) bucket.put(encodeUtf8(`key-${i}`), new Uint8Array(i % 40));
    bucket.put(encodeUtf8(`long-${round}`), new Uint8Array(1300));
    if (round > 0) bucket.delete(encodeUtf8(`long-${round - 1}`));
    const outer = tx.createBucketIfNotExists(encodeUtf8('outer'));
    outer.createBucketIfNotExists(encodeUtf8(`inline-${round}`)).put(encodeUtf8('k'), encodeUtf8('v'));
    const inner = outer.createBucketIfNotExists(encodeUtf8('inner'));
    for (let i = 0; i < 12; i++) inner.put(encodeUtf8(`x${round}-${i}`), new Uint8Array(20));
    tx.commit();
  }
  return pager.copy(0, db.meta.highWater * pageSize);
}

/** Numbers that are at the edge of something. */
function oddNumber(prng: Prng, pages: number): number {
  const odd = [0, 1, 2, 3, pages - 1, pages, pages + 1, 0xffff, 0xfffe, 0x7fffffff, 0xffffffff, 16, 511, 512];
  return prng.chance(1, 2) ? odd[prng.below(odd.length)] : prng.below(pages);
}

/** Changes one field of a page's header or of one of its elements. */
function mutateField(view: DataView, prng: Prng, pages: number): void {
  const page = prng.below(pages) * pageSize;
  const element = page + 16 + 16 * prng.below(8);
  const value = oddNumber(prng, pages);
  const fields: (() => void)[] = [
    () => view.setUint32(page, value, true),
    () => view.setUint32(page + 4, prng.below(3), true),
    () => view.setUint16(page + 8, [0, 1, 2, 3, 4, 16, 18][prng.below(7)], true),
    () => view.setUint16(page + 10, value & 0xffff, true),
    () => view.setUint32(page + 12, value, true),
    () => view.setUint32(element, value, true),
    () => view.setUint32(element + 4, value, true),
    () => view.setUint32(element + 8, value, true),
    () => view.setUint32(element + 12, value, true),
  ];
  fields[prng.below(fields.length)]();
}

/** Writes a meta with a right checksum and wrong numbers. */
function mutateMeta(bytes: Uint8Array, sound: Uint8Array, prng: Prng, pages: number): void {
  const meta = chooseMeta(new MemoryPager(sound), pageSize);
  const number = (): number => oddNumber(prng, pages);
  const wrong = [
    { pageSize: [64, 512, 1000, 1024, 65536, 0x80000000][prng.below(6)] },
    { root: { root: pgid(number()), sequence: 0n } },
    { freelist: prng.chance(1, 3) ? null : pgid(number()) },
    { highWater: pgid(prng.chance(1, 4) ? 2 ** 52 : number()) },
    { txid: txid(prng.chance(1, 4) ? 2 ** 52 : number()) },
  ][prng.below(5)];
  const slot = meta.txid % 2;
  writeMetaPage(bytes.subarray(slot * pageSize, slot * pageSize + 80), { ...meta, ...wrong });
}

/** A mutant of a sound file. */
export function mutant(sound: Uint8Array, seed: number): Uint8Array {
  const prng = stream(seed, 'mutant');
  let bytes = sound.slice();
  const pages = sound.length / pageSize;
  for (let left = prng.between(1, 4); left > 0; left--) {
    const view = new DataView(bytes.buffer);
    const kind = prng.below(10);
    if (kind < 6) mutateField(view, prng, pages);
    else if (kind === 6) mutateMeta(bytes, sound, prng, pages);
    else if (kind === 7) bytes[prng.below(bytes.length)] ^= 1 << prng.below(8);
    else if (kind === 8) {
      const from = prng.below(pages) * pageSize;
      bytes.copyWithin(prng.below(pages) * pageSize, from, from + pageSize);
    } else if (left === 1) bytes = bytes.slice(0, prng.below(bytes.length + 1));
  }
  return bytes;
}

/** Runs what may refuse with words; anything but a BoltError goes on. */
function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
  }
}

/** Reads forwards until a limit: the pages of a damaged file may run in circles. */
function readSome(bucket: Bucket, budget: { left: number }): void {
  const cursor = bucket.cursor();
  for (let item = cursor.first(); item !== null && budget.left-- > 0; item = cursor.next()) {
    const child = item.value === null ? bucket.bucket(item.key) : null;
    if (child !== null) readSome(child, budget);
  }
}

/** Does to a file all that a user may: looks through it, checks it, opens, reads, copies and changes it. */
export function treat(bytes: Uint8Array, noFreelistSync: boolean): XrayReport {
  const pager = new MemoryPager(bytes);
  const report = xray(pager);
  attempt(() => {
    const meta = chooseMeta(pager, findPageSize(pager));
    checkFile(pager, meta.pageSize, meta);
  });
  attempt(() => {
    const db = Db.open(new MemoryPager(bytes), { noFreelistSync });
    attempt(() => void db.pageRuns());
    const reader = db.beginRead();
    attempt(() => void reader.check());
    attempt(() => void bucketStats(reader.root));
    attempt(() => compact(Db.open(new MemoryPager(), { pageSize }), reader));
    attempt(() => readSome(reader.root, { left: 5000 }));
    reader.rollback();
    const tx = db.beginWrite();
    attempt(() => {
      const bucket = tx.createBucketIfNotExists(encodeUtf8('data'));
      for (let i = 0; i < 60; i += 3) bucket.delete(encodeUtf8(`key-${i}`));
      bucket.put(encodeUtf8('key-7'), new Uint8Array(2000));
      tx.commit();
    });
    if (tx.isOpen) tx.rollback();
  });
  return report;
}
