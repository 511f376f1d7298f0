/** Power cuts: whatever of the unsynced writes reached the disk, the last synced state is found again. */
import { expect, test } from 'vitest';
import { Db } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { fuzzCrashes } from '../../fuzz/crash.ts';

const commitCount = 1000;

test(`after a power cut at any write of ${commitCount} commits the database opens at the last synced commit`, () => {
  const { commits, states, torn, failures } = fuzzCrashes(0, commitCount);
  expect(failures.slice(0, 5)).toEqual([]);
  expect(commits).toBe(commitCount);
  expect(states).toBeGreaterThan(10 * commitCount);
  expect(torn).toBeGreaterThan(3 * commitCount);
}, 180_000);

test('a disk that loses what it said was synced is found out', () => {
  expect(fuzzCrashes(0, 20, { isLying: true }).failures.length).toBeGreaterThan(20);
});

test('a commit writes its pages in order, syncs, writes its meta and syncs again', () => {
  const told: string[] = [];
  const pager = new MemoryPager(null, {
    write: (offset, bytes) => told.push(`write ${offset / 4096}+${bytes.length / 4096}`),
    sync: (what) => told.push(`sync ${what}`),
    truncate: (sizeBytes) => told.push(`truncate ${sizeBytes}`),
  });
  const db = Db.open(pager, { pageSize: 4096 });
  told.length = 0;
  const tx = db.beginWrite();
  tx.createBucket(Uint8Array.of(1)).put(Uint8Array.of(2), new Uint8Array(9000));
  tx.commit();
  // pages 4 to 8: the bucket's leaf of three pages, the root, the freelist; one write, as they lie together
  expect(told).toEqual(['truncate 65536', 'sync grow', 'write 4+5', 'sync data', 'write 0+1', 'sync meta']);
});
