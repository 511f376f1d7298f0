/** What a database says and tells: errors in bbolt's words, events in order, compaction. */
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { compact } from '../../../src/engine/bolt/compact.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import type { Rules } from '../../../src/engine/bolt/db.ts';
import type { BoltEvent } from '../../../src/engine/bolt/events.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { writeMetaPage } from '../../../src/engine/bolt/meta.ts';
import { pageKindCodes, writePageHeader } from '../../../src/engine/bolt/page.ts';
import { pgid, txid } from '../../../src/engine/bolt/types.ts';
import type { Tx } from '../../../src/engine/bolt/tx.ts';
import { bucketText, txText } from './model.ts';

const bytes = encodeUtf8;

function write(db: Db, change: (tx: Tx) => void): void {
  const tx = db.beginWrite();
  change(tx);
  tx.commit();
}

test('each wrong request gets the error that bbolt gives', () => {
  const db = Db.open(new MemoryPager());
  const tx = db.beginWrite();
  const bucket = tx.createBucket(bytes('b'));
  bucket.createBucket(bytes('inner'));
  bucket.put(bytes('k'), bytes('v'));
  expect(() => tx.createBucket(bytes('b'))).toThrow('bucket already exists');
  expect(() => tx.createBucket(bytes(''))).toThrow('bucket name required');
  expect(() => tx.deleteBucket(bytes('none'))).toThrow('bucket not found');
  expect(() => bucket.createBucket(bytes('k'))).toThrow('incompatible value');
  expect(() => bucket.deleteBucket(bytes('k'))).toThrow('incompatible value');
  expect(() => bucket.put(bytes('inner'), bytes('v'))).toThrow('incompatible value');
  expect(() => bucket.delete(bytes('inner'))).toThrow('incompatible value');
  expect(() => bucket.put(bytes(''), bytes('v'))).toThrow('key required');
  expect(() => bucket.put(new Uint8Array(32769), bytes('v'))).toThrow('key too large');
  tx.commit();
  expect(() => bucket.put(bytes('k'), bytes('v'))).toThrow('tx closed');
  expect(() => tx.commit()).toThrow('tx closed');
  const reader = db.beginRead();
  expect(() => reader.createBucket(bytes('c'))).toThrow('tx not writable');
  expect(() => reader.bucket(bytes('b'))?.put(bytes('k'), bytes('w'))).toThrow('tx not writable');
  expect(() => reader.commit()).toThrow('tx not writable');
});

test('a file whose metas are both wrong does not open, and the error says what is wrong with the first', () => {
  const pager = new MemoryPager();
  Db.open(pager);
  const image = pager.image();
  image[4096 + 16 + 20] ^= 1;
  expect(Db.open(new MemoryPager(image)).meta.txid).toBe(0);
  image[16 + 20] ^= 1;
  expect(() => Db.open(new MemoryPager(image))).toThrow('checksum error');
  image[16 + 4] = 3;
  expect(() => Db.open(new MemoryPager(image))).toThrow('version mismatch');
  image[16] = 0;
  expect(() => Db.open(new MemoryPager(image))).toThrow('invalid database');
  expect(() => Db.open(new MemoryPager(image.subarray(0, 100)))).toThrow('invalid database');
});

test('a cursor deletes what it stands on and goes both ways', () => {
  const db = Db.open(new MemoryPager());
  write(db, (tx) => {
    const bucket = tx.createBucket(bytes('b'));
    for (const key of ['a', 'b', 'c', 'd']) bucket.put(bytes(key), bytes(key.toUpperCase()));
    const cursor = bucket.cursor();
    expect(cursor.seek(bytes('bb'))?.key).toEqual(bytes('c'));
    cursor.delete();
    expect(cursor.prev()?.key).toEqual(bytes('b'));
    expect(cursor.prev()?.key).toEqual(bytes('a'));
    expect(cursor.prev()).toBeNull();
    expect(cursor.next()?.key).toEqual(bytes('b'));
    expect(cursor.last()?.value).toEqual(bytes('D'));
    expect(cursor.next()).toBeNull();
    expect(cursor.seek(bytes('e'))).toBeNull();
  });
});

test('a bucket moves with all that is in it', () => {
  const db = Db.open(new MemoryPager(), { pageSize: 512 });
  const moved = (tx: Tx): string => bucketText(tx.bucket(bytes('to'))?.bucket(bytes('x')) ?? tx.root);
  let before = '';
  write(db, (tx) => {
    const from = tx.createBucket(bytes('from')).createBucket(bytes('x'));
    for (let i = 0; i < 90; i++) from.put(bytes(`key${i}`), new Uint8Array(i));
    tx.createBucket(bytes('to'));
    before = bucketText(from);
  });
  write(db, (tx) => {
    const from = tx.bucket(bytes('from'));
    const to = tx.bucket(bytes('to'));
    if (from === null || to === null) throw new Error('the buckets are not there');
    const x = from.bucket(bytes('x'));
    if (x === null) throw new Error('the bucket is not there');
    x.put(bytes('key0'), bytes('changed before the move'));
    before = bucketText(x);
    expect(() => from.moveBucket(bytes('none'), to)).toThrow('bucket not found');
    expect(() => from.moveBucket(bytes('x'), from)).toThrow('same bucket');
    expect(() => from.moveBucket(bytes('x'), x)).toThrow('one holds the other');
    from.moveBucket(bytes('x'), to);
    expect(from.bucket(bytes('x'))).toBeNull();
    expect(moved(tx)).toBe(before);
  });
  const tx = db.beginRead();
  expect(moved(tx)).toBe(before);
  expect(tx.check()).toEqual([]);
});

test('the events of a commit tell each page that was taken, freed and written', () => {
  const events: BoltEvent[] = [];
  const trace = { on: true, emit: (event: BoltEvent) => void events.push(event) };
  const db = Db.open(new MemoryPager(), { pageSize: 512, trace });
  write(db, (tx) => void tx.createBucket(bytes('b')));
  events.length = 0;
  write(db, (tx) => tx.bucket(bytes('b'))?.put(bytes('k'), new Uint8Array(700)));
  const { branch: _, ...kinds } = pageKindCodes;
  const wrote = { type: 'bolt.write', txid: 3, count: 1, children: [], buckets: [], bucketRoots: [] };
  expect(events.filter(({ type }) => type.startsWith('bolt.'))).toEqual([
    // the first commit's old root and freelist: no reader needs them
    { type: 'bolt.release', txid: 3, runStarts: [2], runCounts: [2] },
    { type: 'bolt.allocate', txid: 3, pgid: 2, count: 2, scanned: 2, path: 'exact' },
    { type: 'bolt.spill', txid: 3, pgid: 2, from: 0, leaf: true },
    { type: 'bolt.free', txid: 3, pgid: 4, count: 1 },
    { type: 'bolt.allocate', txid: 3, pgid: 6, count: 1, scanned: 0, path: 'grow' },
    { type: 'bolt.spill', txid: 3, pgid: 6, from: 4, leaf: true },
    { type: 'bolt.free', txid: 3, pgid: 5, count: 1 },
    { type: 'bolt.allocate', txid: 3, pgid: 7, count: 1, scanned: 0, path: 'grow' },
    { ...wrote, pgid: 2, count: 2, kind: kinds.leaf, itemCount: 1, usedBytes: 16 + 16 + 1 + 700 },
    {
      ...wrote,
      pgid: 6,
      kind: kinds.leaf,
      itemCount: 1,
      usedBytes: 16 + 16 + 1 + 16,
      buckets: ['b'],
      bucketRoots: [2],
    },
    { ...wrote, pgid: 7, kind: kinds.freelist, itemCount: 2, usedBytes: 16 + 2 * 8 },
    { type: 'bolt.sync', txid: 3, what: 'data' },
    { type: 'bolt.writeMeta', txid: 3, slot: 1, highWater: 8, root: 6 },
    { type: 'bolt.sync', txid: 3, what: 'meta' },
  ]);
});

test('a commit that fails on its way leaves the database as it was, and the next one goes through', () => {
  let isFull = false;
  const sink = {
    write: () => {
      if (isFull) throw new Error('no space left');
    },
    sync: () => {},
    truncate: () => {},
  };
  const db = Db.open(new MemoryPager(null, sink), { pageSize: 512 });
  write(db, (tx) => tx.createBucket(bytes('b')).put(bytes('k'), bytes('v')));
  const before = db.pageRuns();
  isFull = true;
  const tx = db.beginWrite();
  tx.bucket(bytes('b'))?.put(bytes('k'), new Uint8Array(5000));
  expect(() => tx.commit()).toThrow('no space left');
  isFull = false;
  const reader = db.beginRead();
  expect(reader.check()).toEqual([]);
  expect(reader.bucket(bytes('b'))?.get(bytes('k'))).toEqual(bytes('v'));
  reader.rollback();
  expect(
    db
      .pageRuns()
      .map(({ count }) => count)
      .reduce((a, b) => a + b),
  ).toBe(before.map(({ count }) => count).reduce((a, b) => a + b));
  write(db, (next) => next.bucket(bytes('b'))?.put(bytes('k'), new Uint8Array(5000)));
  const after = db.beginRead();
  expect(after.check()).toEqual([]);
  expect(after.bucket(bytes('b'))?.get(bytes('k'))?.length).toBe(5000);
});

test('compaction keeps every bucket, key and sequence, and leaves no page free but the last commit’s', () => {
  const source = Db.open(new MemoryPager(), { pageSize: 1024 });
  write(source, (tx) => {
    for (const name of ['a', 'b']) {
      const bucket = tx.createBucket(bytes(name));
      bucket.setSequence(2n ** 64n - 1n);
      const inner = bucket.createBucket(bytes('inner'));
      for (let i = 0; i < 400; i++) inner.put(bytes(`key${i}`), new Uint8Array(i % 90).fill(i));
    }
  });
  for (let round = 0; round < 6; round++) {
    write(source, (tx) => {
      const inner = tx.bucket(bytes('a'))?.bucket(bytes('inner'));
      for (let i = round; i < 400; i += 2) inner?.delete(bytes(`key${i}`));
    });
  }
  const target = Db.open(new MemoryPager(), { pageSize: 1024 });
  const reader = source.beginRead();
  compact(target, reader);
  const copy = target.beginRead();
  expect(txText(copy)).toBe(txText(reader));
  expect(copy.check()).toEqual([]);
  const used = (db: Db): number => db.meta.highWater - db.freePageCount - db.pendingPageCount;
  expect(used(target)).toBeLessThan(used(source));
});

/** Items as the benchmark's: 16-byte keys, 100-byte values, a hundred a transaction. */
function fileBytesAfter(items: number, rules: Rules, noFreelistSync: boolean): number {
  const db = Db.open(new MemoryPager(), { rules, noFreelistSync });
  write(db, (tx) => void tx.createBucket(bytes('b')));
  for (let from = 0; from < items; from += 100) {
    write(db, (tx) => {
      const bucket = tx.createBucketIfNotExists(bytes('b'));
      for (let i = from; i < from + 100; i++) {
        const key = new Uint8Array(16);
        new DataView(key.buffer).setUint32(12, i);
        bucket.put(key, new Uint8Array(100));
      }
    });
  }
  return db.sizeBytes;
}

test('a file is as long as bbolt 1.3.6 makes it: to the last page in use where no freelist is stored', () => {
  // lengths that bbolt 1.3.6 itself left
  expect([200, 3000].map((items) => fileBytesAfter(items, '1.3.6', true))).toEqual([81920, 860160]);
  expect([200, 3000, 32000].map((items) => fileBytesAfter(items, '1.3.6', false))).toEqual([
    131072, 1048576, 25194496,
  ]);
  // since 1.3.7 it grows ahead, whatever is stored
  for (const rules of ['1.3', '1.4'] as const)
    expect([200, 3000].map((items) => fileBytesAfter(items, rules, true))).toEqual([131072, 1048576]);
});

/** A file of many pages of 512 bytes that are not there: only what is written takes memory. */
function sparse(highWater: number, ids: readonly bigint[]): MemoryPager {
  const pager = new MemoryPager();
  Db.open(pager, { pageSize: 512 });
  const list = new Uint8Array(512);
  writePageHeader(new DataView(list.buffer), 0, { id: 2, flags: 16, count: ids.length, overflow: 0 });
  ids.forEach((id, i) => new DataView(list.buffer).setBigUint64(16 + 8 * i, id, true));
  pager.write(1024, list);
  const page = new Uint8Array(512);
  const root = { root: pgid(3), sequence: 0n };
  writeMetaPage(page, {
    pageSize: 512,
    flags: 0,
    root,
    freelist: pgid(2),
    highWater: pgid(highWater),
    txid: txid(2),
  });
  pager.write(0, page);
  pager.truncate(highWater * 512);
  return pager;
}

test('page numbers from 2^32 on are refused in words, in the meta, in the freelist and when the file grows', () => {
  expect(() => Db.open(sparse(2 ** 32, []))).toThrow('invalid database: 4294967296 pages are more than');
  expect(() => Db.open(sparse(2 ** 40, []))).toThrow('are more than this store can count');
  // 2^32 + 3 and 2^64 - 1 must not pass for pages 3 and 4294967295
  const wide = Db.open(sparse(2 ** 31, [5n, 2n ** 32n + 3n, 2n ** 64n - 1n]));
  expect(wide.freePageCount).toBe(1);
  expect(wide.freelist.freeIds()).toEqual([5]);
  const full = Db.open(sparse(2 ** 32 - 2, []));
  const tx = full.beginWrite();
  tx.createBucket(encodeUtf8('b')).put(encodeUtf8('k'), new Uint8Array(2000));
  expect(() => tx.commit()).toThrow('mmap too large');
  expect(full.meta).toMatchObject({ txid: 2, highWater: 2 ** 32 - 2 });
  full.beginWrite().rollback();
});

test('a meta page of a transaction that belongs to the other one is found', () => {
  const pager = new MemoryPager();
  const db = Db.open(pager, { pageSize: 512 });
  expect(db.beginRead().check()).toEqual([]);
  const page = new Uint8Array(512);
  writeMetaPage(page, db.meta);
  pager.write(db.meta.txid % 2 === 0 ? 512 : 0, page);
  const found = Db.open(pager).beginRead().check();
  expect(found.map(({ code, text }) => `${code}: ${text}`)).toEqual([
    'wrong meta: page 0: transaction 1 belongs to the other meta page',
  ]);
});

test('the metas of a copy are in order on whichever page they are, and after each commit to it', () => {
  const pager = new MemoryPager();
  let db = Db.open(pager, { pageSize: 512 });
  const commit = (): void => {
    const tx = db.beginWrite();
    tx.createBucketIfNotExists(encodeUtf8('b')).put(encodeUtf8('k'), encodeUtf8(`${tx.meta.txid}`));
    tx.commit();
  };
  while (db.meta.txid % 2 === 0) commit();
  for (const back of [0, 1]) {
    const page = new Uint8Array(512);
    writeMetaPage(page, { ...db.meta, txid: txid(db.meta.txid - back) });
    pager.write(back * 512, page);
  }
  db = Db.open(pager);
  for (let i = 0; i < 4; i++) {
    expect(db.beginRead().check()).toEqual([]);
    commit();
  }
});
