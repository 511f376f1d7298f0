/** The disk model against a slow one of whole files, and a store that does nothing but its commits. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WrittenBlocks } from '../../src/base/blocks.ts';
import { ChunkedFile } from '../../src/sim/chunked-file.ts';
import { Disk } from '../../src/sim/disk.ts';
import { applyStoreOps, toImage } from '../../src/sim/store-ops.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import type { DiskImage, DiskRequest } from '../../src/engine/server/types.ts';
import type { Sync } from '../../src/sim/disk-files.ts';
import type { StoreCommit } from '../../src/sim/types.ts';

const emptyImage: DiskImage = new Map();
const newDisk = (image = emptyImage, seed = 1): Disk => new Disk(1, image, defaultWorld.disk, seed, 1);
const bytes = (count: number, fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(count).fill(fill);
const write = (file: string, offset: number, data: Uint8Array): DiskRequest => ({
  kind: 'write',
  file,
  offset,
  data,
});
const sync = (file: string, id: number, barrier = false): DiskRequest => ({
  kind: 'sync',
  file,
  id,
  barrier,
});

type Step =
  | { readonly do: 'request'; readonly request: DiskRequest }
  | { readonly do: 'complete' }
  | { readonly do: 'powerCut' };

const file = fc.constantFrom('db', 'wal', 'tmp');
const request: fc.Arbitrary<DiskRequest> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      file,
      offset: fc.nat(70_000),
      data: fc
        .tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 255 }))
        .map(([count, fill]) => bytes(count, fill)),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('sync' as const), file, id: fc.nat(), barrier: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), file, sizeBytes: fc.nat(70_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename' as const), file, to: file }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), file }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: request.map((one) => ({ do: 'request' as const, request: one })) },
  { weight: 5, arbitrary: fc.constant({ do: 'complete' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'powerCut' as const }) },
);

/** What a reader sees: whole files, each request done at once. */
function readerSees(files: Map<string, Uint8Array>, one: DiskRequest): void {
  const present = files.get(one.file) ?? bytes(0, 0);
  if (one.kind === 'write') {
    const grown = bytes(Math.max(present.length, one.offset + one.data.length), 0);
    grown.set(present);
    grown.set(one.data, one.offset);
    files.set(one.file, grown);
  } else if (one.kind === 'truncate') {
    const cut = bytes(one.sizeBytes, 0);
    cut.set(present.subarray(0, one.sizeBytes));
    files.set(one.file, cut);
  } else if (one.kind === 'rename') {
    files.delete(one.file);
    files.set(one.to, present);
  } else if (one.kind === 'remove') files.delete(one.file);
  else files.set(one.file, present);
}

const sorted = (files: ReadonlyMap<string, Uint8Array>): [string, string][] =>
  [...files]
    .map(([name, data]): [string, string] => [name, `${data.length} ${Buffer.from(data).toString('base64')}`])
    .sort(([a], [b]) => (a < b ? -1 : 1));

class Bench {
  readonly disk: Disk;
  readonly under: Sync[] = [];
  readonly store = new Map<string, ChunkedFile>();
  reader = new Map<string, Uint8Array>();
  nowUs = 0;

  constructor(seed: number) {
    this.disk = newDisk(emptyImage, seed);
  }

  do(one: Step): void {
    if (one.do === 'request') {
      const started = this.disk.request(this.nowUs, 1, one.request);
      readerSees(this.reader, one.request);
      if (started !== null) this.under.push(started);
    } else if (one.do === 'complete') {
      this.under.sort((a, b) => a.doneAt - b.doneAt || a.commit - b.commit);
      const first = this.under.shift();
      if (first === undefined) return;
      this.nowUs = first.doneAt;
      this.disk.complete(first);
    } else {
      this.disk.powerCut(this.nowUs);
      this.under.length = 0;
      this.reader = new Map(this.disk.durable());
    }
    for (const commit of this.disk.takeCommits()) applyStoreOps(this.store, commit.ops);
  }
}

test('a reader sees every write; a store that does the commits holds what the disk says it holds', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(step, { maxLength: 40 }), (seed, steps) => {
      const bench = new Bench(seed);
      for (const one of steps) {
        bench.do(one);
        expect(sorted(bench.disk.files())).toEqual(sorted(bench.reader));
        expect(sorted(toImage(bench.store))).toEqual(sorted(bench.disk.stored()));
        if (bench.under.length === 0)
          expect(sorted(bench.disk.stored())).toEqual(sorted(bench.disk.durable()));
      }
    }),
    { numRuns: 150 },
  );
});

test('with all syncs complete and nothing written since, a power cut changes nothing', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(request, { maxLength: 30 }), (seed, requests) => {
      const bench = new Bench(seed);
      for (const one of requests) bench.do({ do: 'request', request: one });
      for (const name of bench.reader.keys()) bench.do({ do: 'request', request: sync(name, 0) });
      // removals reach the disk with any sync; one more file gives them one
      bench.do({ do: 'request', request: sync('last', 0) });
      while (bench.under.length > 0) bench.do({ do: 'complete' });
      expect(sorted(bench.disk.durable())).toEqual(sorted(bench.reader));
      const before = sorted(bench.reader);
      bench.do({ do: 'powerCut' });
      expect(sorted(bench.disk.files())).toEqual(before);
    }),
    { numRuns: 60 },
  );
});

test('a power cut leaves each sector of an unsynced write old or new, and every synced one', () => {
  const fates = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = newDisk(emptyImage, seed);
    disk.request(0, 1, write('db', 0, bytes(2048, 1)));
    const first = disk.request(0, 1, sync('db', 1)) as Sync;
    disk.complete(first);
    disk.request(first.doneAt, 1, write('db', 0, bytes(2048, 2)));
    const counts = disk.powerCut(first.doneAt);
    expect(counts.kept + counts.lost + counts.torn).toBe(1);
    const after = disk.files().get('db') as Uint8Array;
    const sectors = [0, 1, 2, 3].map((sector) => [
      ...new Set(after.subarray(sector * 512, sector * 512 + 512)),
    ]);
    expect(sectors.every((values) => values.length === 1)).toBe(true);
    fates.add(sectors.flat().join(''));
  }
  expect(fates.has('1111') && fates.has('2222')).toBe(true);
  expect(fates.size).toBeGreaterThan(5);
});

test('a write behind a running sync is never durable before it: the meta page waits for its pages', () => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = newDisk(emptyImage, seed);
    disk.request(0, 1, write('db', 512, bytes(512, 7)));
    disk.request(0, 1, sync('db', 1, true));
    disk.request(0, 1, write('db', 0, bytes(512, 9)));
    disk.request(0, 1, sync('db', 2));
    disk.powerCut(10);
    const after = disk.files().get('db') ?? bytes(0, 0);
    expect(after.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
  }
});

test('the syncs of a file complete one after the other; each commit holds its own writes', () => {
  const disk = newDisk();
  disk.request(0, 1, write('db', 0, bytes(4, 1)));
  const pages = disk.request(0, 1, sync('db', 1, true)) as Sync;
  disk.request(0, 1, write('db', 4, bytes(4, 2)));
  const meta = disk.request(0, 1, sync('db', 2)) as Sync;
  expect(meta.doneAt).toBeGreaterThan(pages.doneAt);
  const commits: StoreCommit[] = disk.takeCommits();
  expect(commits.map(({ commit, urgent }) => [commit, urgent])).toEqual([
    [1, false],
    [2, true],
  ]);
  expect(commits[0].ops).toEqual([
    { kind: 'truncate', file: 'db', sizeBytes: 0 },
    write('db', 0, bytes(4, 1)),
  ]);
  expect(commits[1].ops).toEqual([write('db', 4, bytes(4, 2))]);
  disk.complete(pages);
  expect(disk.durable().get('db')).toEqual(bytes(4, 1));
  disk.complete(meta);
  expect(disk.durable().get('db')).toEqual(Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2));
});

test('syncs that wait behind a running one are served together; a barrier is served alone', () => {
  const disk = newDisk();
  const request = (id: number, barrier: boolean): number => {
    disk.request(0, 1, write('wal', id * 8, bytes(8, id)));
    return (disk.request(0, 1, sync('wal', id, barrier)) as Sync).doneAt;
  };
  const times = [1, 2, 3, 4, 5, 6].map((id) => request(id, id === 4));
  expect(times[1]).toBeGreaterThan(times[0]);
  expect(times[2]).toBe(times[1]);
  expect(times[3]).toBeGreaterThan(times[2]);
  expect(times[4]).toBeGreaterThan(times[3]);
  expect(times[5]).toBe(times[4]);
});

test('a process may use its buffer again: the disk keeps what was written', () => {
  const disk = newDisk();
  const buffer = bytes(16, 3);
  disk.request(0, 1, write('db', 0, buffer));
  buffer.fill(0);
  disk.complete(disk.request(0, 1, sync('db', 1)) as Sync);
  expect(disk.durable().get('db')).toEqual(bytes(16, 3));
});

test('a failed store ends the syncs under way, keeps the cache and puts the store right', () => {
  const disk = newDisk(new Map([['wal', bytes(600, 5)]]));
  const store = new Map([['wal', ChunkedFile.from(bytes(600, 5))]]);
  disk.request(0, 1, write('wal', 0, bytes(600, 6)));
  disk.request(0, 1, sync('wal', 3));
  expect(disk.failSyncs(4).map(({ id }) => id)).toEqual([3]);
  expect(disk.durable().get('wal')).toEqual(bytes(600, 5));
  expect(disk.files().get('wal')).toEqual(bytes(600, 6));
  for (const { ops } of disk.takeCommits()) applyStoreOps(store, ops);
  expect(sorted(toImage(store))).toEqual(sorted(disk.durable()));
  disk.complete(disk.request(5, 2, sync('wal', 1)) as Sync);
  expect(disk.durable().get('wal')).toEqual(bytes(600, 6));
});

test('copies of a file share chunks until one of them writes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.nat(140_000), fc.integer({ min: 1, max: 9 })), { maxLength: 20 }),
      (ops) => {
        const original = ChunkedFile.from(bytes(100_000, 255));
        const copy = original.clone();
        const model = bytes(100_000, 255);
        let mine = { bytes: model.slice(), file: copy };
        for (const [isTruncate, at, fill] of ops) {
          if (isTruncate) {
            copy.truncate(at);
            const cut = bytes(at, 0);
            cut.set(mine.bytes.subarray(0, at));
            mine = { ...mine, bytes: cut };
          } else {
            copy.write(at, bytes(700, fill));
            const grown = bytes(Math.max(mine.bytes.length, at + 700), 0);
            grown.set(mine.bytes);
            grown.fill(fill, at, at + 700);
            mine = { ...mine, bytes: grown };
          }
        }
        expect(Buffer.compare(copy.toBytes(), mine.bytes)).toBe(0);
        expect(Buffer.compare(original.toBytes(), model)).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

test('files that take the same writes, or some of them, hold each their own bytes', () => {
  const step = fc.record({
    back: fc.constantFrom(0, 0, 0, 3, 700, 5000),
    length: fc.constantFrom(1, 90, 4096, 5000),
    fill: fc.integer({ min: 1, max: 255 }),
    takers: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    cut: fc.constantFrom(0, 0, 0, 1, 300),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const files = Array.from({ length: 4 }, () => ({ file: new ChunkedFile(), model: bytes(0, 0) }));
      for (const { back, length, fill, takers, cut } of steps) {
        const offset = Math.max(0, files[0].file.sizeBytes - back);
        const data = bytes(length, fill);
        const blocks = new WrittenBlocks(offset, data);
        for (const [i, taker] of files.entries()) {
          if (!takers[i]) continue;
          taker.file.write(offset, data, blocks);
          const grown = bytes(Math.max(taker.model.length, offset + length), 0);
          grown.set(taker.model);
          grown.set(data, offset);
          const size = Math.max(0, grown.length - cut);
          taker.file.truncate(size);
          taker.model = grown.slice(0, size);
        }
        if (takers[3]) files[3].file = files[3].file.clone();
      }
      for (const { file, model } of files) expect(Buffer.compare(file.toBytes(), model)).toBe(0);
      for (const { file, model } of files.slice(1)) {
        const same = ChunkedFile.from(model);
        expect([file.differences(same), same.differences(file)]).toEqual([[], []]);
      }
    }),
    { numRuns: 300 },
  );
});
