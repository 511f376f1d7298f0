/** Power cuts: whatever of the unsynced writes reached the disk, the last synced state is found again. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Db } from '../../../src/engine/bolt/db.ts';
import type { DbOptions } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { PageSink } from '../../../src/engine/bolt/pager.ts';
import { apply, cloneModel, firstBuckets, history, modelText, newModel, txText } from './model.ts';
import type { Transaction } from './model.ts';

const sectorBytes = 512;

type Entry =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }
  | { readonly kind: 'sync'; readonly what: string }
  | { readonly kind: 'committed'; readonly text: string };

class Log implements PageSink {
  readonly entries: Entry[] = [];
  write(offset: number, bytes: Uint8Array): void {
    this.entries.push({ kind: 'write', offset, bytes });
  }
  sync(what: string): void {
    this.entries.push({ kind: 'sync', what });
  }
  truncate(sizeBytes: number): void {
    this.entries.push({ kind: 'truncate', sizeBytes });
  }
}

/** Runs a history; the log says after which entry which content was committed. */
function record(dbOptions: DbOptions, transactions: readonly Transaction[]): Entry[] {
  const log = new Log();
  const db = Db.open(new MemoryPager(null, log), dbOptions);
  let model = newModel();
  log.entries.push({ kind: 'committed', text: modelText(model) });
  for (const { ops, commit } of [firstBuckets, ...transactions]) {
    const tx = db.beginWrite();
    const next = cloneModel(model);
    for (const op of ops) apply(next, tx, op);
    if (!commit) {
      tx.rollback();
      continue;
    }
    tx.commit();
    model = next;
    log.entries.push({ kind: 'committed', text: modelText(model) });
  }
  return log.entries;
}

/** The disk after a cut at `cut`: synced writes are there, of others each sector as `fate` decides. */
function diskAfter(entries: readonly Entry[], cut: number, fate: () => number): Uint8Array {
  const disk = new MemoryPager();
  let cached: Entry[] = [];
  const flush = (): void => {
    for (const entry of cached) {
      if (entry.kind === 'write') disk.write(entry.offset, entry.bytes);
      else if (entry.kind === 'truncate') disk.truncate(entry.sizeBytes);
    }
    cached = [];
  };
  for (const entry of entries.slice(0, cut)) {
    if (entry.kind === 'sync') flush();
    else cached.push(entry);
  }
  for (const entry of cached) {
    const lot = fate() % 3;
    if (entry.kind === 'truncate' && lot !== 0) disk.truncate(Math.max(entry.sizeBytes, disk.sizeBytes));
    if (entry.kind !== 'write' || lot === 0) continue;
    for (let at = 0; at < entry.bytes.length; at += sectorBytes) {
      if (lot === 1 || fate() % 2 === 0)
        disk.write(entry.offset + at, entry.bytes.subarray(at, at + sectorBytes));
    }
  }
  return disk.image();
}

/**
 * What may be found: the last committed content, and the next one if the cut falls behind its meta's
 * write.
 */
function expected(entries: readonly Entry[], cut: number): string[] {
  let last = '';
  entries.slice(0, cut).forEach((entry) => {
    if (entry.kind === 'committed') last = entry.text;
  });
  const pending = entries.slice(cut).find((entry) => entry.kind === 'committed');
  // the meta is the write behind the data sync: if it is in the log already, it may have reached the disk
  const open = entries.slice(0, cut).map((entry) => entry.kind);
  const sinceCommit = entries.slice(open.lastIndexOf('committed') + 1, cut);
  const dataSync = sinceCommit.findIndex((entry) => entry.kind === 'sync' && entry.what === 'data');
  const metaWritten = dataSync >= 0 && sinceCommit.slice(dataSync).some((entry) => entry.kind === 'write');
  const metaSynced = sinceCommit.some((entry) => entry.kind === 'sync' && entry.what === 'meta');
  if (metaSynced && pending?.kind === 'committed') return [pending.text];
  return metaWritten && pending?.kind === 'committed' ? [last, pending.text] : [last];
}

test('after a power cut at any write the database opens at the last synced commit or the next one', () => {
  const options = fc.record({
    pageSize: fc.constantFrom(512, 1024),
    freelistType: fc.constantFrom('array' as const, 'hashmap' as const),
    noFreelistSync: fc.boolean(),
  });
  const fates = fc.infiniteStream(fc.nat({ max: 5 }));
  fc.assert(
    fc.property(options, history(6, 20, 40, 900), fates, (dbOptions, transactions, stream) => {
      const entries = record(dbOptions, transactions);
      const fate = (): number => stream.next().value as number;
      // the file itself must have been made: cuts begin behind its first commit
      const first = entries.findIndex((entry) => entry.kind === 'committed') + 1;
      for (let cut = first; cut <= entries.length; cut++) {
        const db = Db.open(new MemoryPager(diskAfter(entries, cut, fate)), dbOptions);
        const tx = db.beginRead();
        expect(expected(entries, cut)).toContain(txText(tx));
        expect(tx.check()).toEqual([]);
        tx.rollback();
      }
    }),
    { numRuns: 40 },
  );
});

test('a commit writes its pages in order, syncs, writes its meta and syncs again', () => {
  const log = new Log();
  const db = Db.open(new MemoryPager(null, log), { pageSize: 4096 });
  const before = log.entries.length;
  const tx = db.beginWrite();
  tx.createBucket(Uint8Array.of(1)).put(Uint8Array.of(2), new Uint8Array(9000));
  tx.commit();
  const told = log.entries.slice(before).map((entry) => {
    if (entry.kind === 'write') return `write ${entry.offset / 4096}+${entry.bytes.length / 4096}`;
    return entry.kind === 'sync'
      ? `sync ${entry.what}`
      : `${entry.kind} ${entry.kind === 'truncate' ? entry.sizeBytes : ''}`;
  });
  // pages 4 to 8: the bucket's leaf of three pages, the root, the freelist; one write, as they lie together
  expect(told).toEqual(['truncate 65536', 'sync grow', 'write 4+5', 'sync data', 'write 0+1', 'sync meta']);
});
