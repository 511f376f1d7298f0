/** Damaged and hostile files: never a crash, never a hang, never a fault of our own; a sound one has no findings. */
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import { writeMetaPage } from '../../../src/engine/bolt/meta.ts';
import { Page, writePageHeader } from '../../../src/engine/bolt/page.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { pgid, txid } from '../../../src/engine/bolt/types.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import { fuzzBolt } from '../../fuzz/bolt.ts';
import { soundFiles } from '../../fuzz/bolt-mutants.ts';
import { treat } from '../../fuzz/bolt-treatment.ts';

const mutantCount = 2000;

test('a branch that leads back to itself is refused, whether the way to it is open for change or not', () => {
  const pager = new MemoryPager();
  const made = Db.open(pager, { pageSize: 512 });
  const making = made.beginWrite();
  const name = encodeUtf8('b');
  const keyOf = (i: number): Uint8Array => encodeUtf8(`key-${String(i).padStart(3, '0')}`);
  const bucket = making.createBucket(name);
  for (let i = 0; i < 60; i++) bucket.put(keyOf(i), new Uint8Array(20));
  making.commit();
  const root = made.beginRead().bucket(name)?.root ?? 0;
  const image = pager.image();
  const place = pager.run(root, 1, 512);
  const page = new Page(place, place.at + 512);
  expect(page.isBranch && page.count).toBeGreaterThan(2);
  // the second child of the bucket's root
  new DataView(image.buffer).setBigUint64(root * 512 + 16 + 16 + 8, BigInt(root), true);
  const key = new Uint8Array(page.key(1));
  for (const opensFirst of [false, true]) {
    const damaged = Db.open(new MemoryPager(image)).beginWrite().bucket(name);
    if (opensFirst) damaged?.put(keyOf(0), new Uint8Array(1));
    expect(() => damaged?.put(key, new Uint8Array(1))).toThrow('run in a circle');
    expect(() => damaged?.get(key)).toThrow('run in a circle');
  }
});

test('branches that each claim the whole file are not all kept', () => {
  const pages = 2048;
  const pager = new MemoryPager();
  const db = Db.open(pager, { pageSize: 512 });
  const image = new Uint8Array(pages * 512);
  image.set(pager.image());
  const view = new DataView(image.buffer);
  // a chain of branches: each leads to an empty leaf and to the next one
  for (let id = 4; id < 60; id++) {
    writePageHeader(view, id * 512, { id, flags: 1, count: 2, overflow: pages - 1 - id });
    [3, id === 59 ? 3 : id + 1].forEach((child, i) => {
      const element = id * 512 + 16 + 16 * i;
      view.setUint32(element, 100, true);
      view.setUint32(element + 4, 1, true);
      view.setBigUint64(element + 8, BigInt(child), true);
      image[element + 100] = i;
    });
  }
  const root = { root: pgid(4), sequence: 0n };
  writeMetaPage(image.subarray(512, 1024).fill(0), {
    ...db.meta,
    root,
    highWater: pgid(pages),
    txid: txid(3),
  });
  const damaged = Db.open(new MemoryPager(image), { noFreelistSync: true });
  const tx = damaged.beginRead();
  const pagesKept = new Set<unknown>();
  for (let id = 4; id < 60; id++) pagesKept.add(tx.page(id)).add(tx.page(id));
  // read anew each time, so that nobody holds what was read before
  expect(pagesKept.size).toBe(2 * 56);
});

test('a sound file has nothing to report, with and without a stored freelist', () => {
  for (const sound of soundFiles()) {
    const report = xray(new MemoryPager(sound.bytes));
    expect(report.findings).toEqual([]);
    expect(report.unreachableCount).toBe(0);
    expect(report.buckets.some(({ isInline }) => isInline)).toBe(true);
    expect(report.freeCount).toBeGreaterThan(0);
    expect(sound.runs.length).toBeGreaterThan(0);
    expect(treat(sound.bytes, sound.noFreelistSync)).toMatchObject({ isOpened: true, isChecked: true });
  }
  expect(soundFiles().some(({ branches }) => branches.length > 2)).toBe(true);
});

test(`whatever is done to a file, it is read, refused with words, or changed without a fault of ours (seeds 0 to ${
  mutantCount - 1
})`, () => {
  const { failures, damaged, opened, made } = fuzzBolt(0, mutantCount);
  expect(failures).toEqual([]);
  // most mutations are seen, and many files open all the same: else the mutants, or the reader, are too tame
  expect(damaged).toBeGreaterThan(mutantCount / 2);
  expect(opened).toBeGreaterThan(mutantCount / 3);
  expect([...made].filter(([, times]) => times === 0)).toEqual([]);
}, 120_000);
