/**
 * The race of the two freelists: the article's figures, equal free sets, and counts that a naive recount
 * finds too.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verify } from '../../src/base/assert.ts';
import { HashmapFreelist } from '../../src/engine/bolt/freelist/hashmap.ts';
import { Runs } from '../../src/engine/bolt/freelist/runs.ts';
import type { Race, RaceEvent, RaceOperation, RaceStep } from '../../src/sim/freelist-race.ts';
import { runRace } from '../../src/sim/freelist-race.ts';
import type { RacePreset } from '../../src/sim/race-presets.ts';
import { openPreset } from '../../src/sim/race-presets.ts';

verify.on = true;

const presets: readonly RacePreset[] = ['article', 'interleaved', 'random-deletes', 'big-value-holes'];
const idsOf = ({ free }: RaceStep): number[] =>
  free.starts.flatMap((start, i) => Array.from({ length: free.counts[i] }, (_, k) => start + k));

function given(events: readonly RaceEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'bolt.allocate' ? [event.pgid] : []));
}

test("the article's first run: both lists give page 47 for three pages, after 5 entries and after 1", () => {
  const { operations, sides } = openPreset('article', 0);
  const at = operations.findIndex(({ kind }) => kind === 'allocate');
  expect(given(sides.array[at].events)).toEqual([47]);
  expect(given(sides.hashmap[at].events)).toEqual([47]);
  expect(sides.array[at].work).toEqual({ scanned: 5, probed: 0, merged: 0, moved: 0 });
  expect(sides.hashmap[at].work).toEqual({ scanned: 1, probed: 1, merged: 0, moved: 0 });
  expect(idsOf(sides.array[at])).toEqual([42, 44]);
});

test("the article's second run: 45 and 46 join 44 and 47..49 to one span of six", () => {
  const { sides } = openPreset('article', 0);
  const list = new HashmapFreelist('insertion');
  list.init(Uint32Array.of(42, 44, 47, 48, 49));
  list.merge(Runs.of({ starts: [45], counts: [2] }));
  expect([...list.forwardMap].sort()).toEqual([
    [42, 1],
    [44, 6],
  ]);
  expect([...list.backwardMap].sort()).toEqual([
    [42, 1],
    [49, 6],
  ]);
  expect([...list.freemaps].map(([size, starts]) => [size, [...starts]]).sort()).toEqual([
    [1, [42]],
    [6, [44]],
  ]);
  const last = (steps: readonly RaceStep[]): RaceStep => steps[steps.length - 1];
  expect(last(sides.hashmap).events.map(({ type }) => type)).toEqual([
    'freelist.probe',
    'freelist.probe',
    'freelist.dropSpan',
    'freelist.dropSpan',
    'freelist.addSpan',
    'freelist.put',
    'freelist.merge',
    'bolt.release',
  ]);
  expect(last(sides.hashmap).events).toContainEqual({
    type: 'freelist.merge',
    pgid: 45,
    count: 2,
    leftCount: 1,
    rightCount: 3,
  });
  expect(last(sides.hashmap).free).toEqual({ starts: [42, 44], counts: [1, 6] });
  // all five move to a larger array; 47 and 44 are looked at to find the place, then 47, 48 and 49 make room
  expect(last(sides.array).work).toEqual({ scanned: 2, probed: 0, merged: 2, moved: (5 + 3) * 4 });
  expect(last(sides.array).events).toContainEqual(
    expect.objectContaining({
      type: 'freelist.scan',
      wanted: 45,
      descending: true,
      runStarts: [47, 44],
      runCounts: [1, 1],
      found: 44,
    }),
  );
});

/** The work as the told steps alone say it. */
function recount(events: readonly RaceEvent[]): RaceStep['work'] {
  const work = { scanned: 0, probed: 0, merged: 0, moved: 0 };
  for (const event of events) {
    if (event.type === 'freelist.scan')
      work.scanned += event.runCounts.reduce((sum, count) => sum + count, 0);
    if (event.type === 'freelist.probe') work.probed += 1;
    if (event.type === 'freelist.take' || event.type === 'freelist.put' || event.type === 'freelist.grow')
      work.moved += event.movedBytes;
    if (event.type === 'freelist.merge')
      work.merged += (event.leftCount > 0 ? 1 : 0) + (event.rightCount > 0 ? 1 : 0);
  }
  return work;
}

/**
 * Looks at a sorted list from the front, one id after the other: how many until a run of `count` is complete.
 */
function naiveScan(ids: readonly number[], count: number): { looked: number; first: number | null } {
  for (let i = 0; i < ids.length; i++) {
    const first = i - count + 1;
    if (first >= 0 && ids[i] - ids[first] === count - 1) return { looked: i + 1, first: ids[first] };
  }
  return { looked: ids.length, first: null };
}

function check({ operations, sides }: Race): void {
  let free: number[] = [];
  let pending: number[] = [];
  operations.forEach((operation, i) => {
    const { array, hashmap } = { array: sides.array[i], hashmap: sides.hashmap[i] };
    if (operation.kind === 'init') free = [...operation.ids];
    if (operation.kind === 'allocate') {
      const { looked, first } = naiveScan(free, operation.count);
      expect(array.work.scanned).toBe(looked);
      expect(given(array.events)).toEqual(given(hashmap.events));
      if (first !== null) free = free.filter((id) => id < first || id >= first + operation.count);
    }
    if (operation.kind === 'free')
      pending.push(...Array.from({ length: operation.count }, (_, k) => operation.pgid + k));
    if (operation.kind === 'begin') [free, pending] = [[...free, ...pending].sort((a, b) => a - b), []];
    expect(idsOf(array)).toEqual(free);
    expect(idsOf(hashmap)).toEqual(free);
    expect(recount(array.events)).toEqual(array.work);
    expect(recount(hashmap.events)).toEqual(hashmap.work);
  });
}

for (const preset of presets) {
  test(`${preset}: after each operation both lists hold the same pages, and did the work that they tell`, () => {
    for (let seed = 0; seed < 12; seed++) check(openPreset(preset, seed));
  });
}

test('every preset but the article allocates, frees and merges, and depends on its seed alone', () => {
  for (const preset of presets.slice(1)) {
    const race = openPreset(preset, 7);
    expect(race).toEqual(openPreset(preset, 7));
    expect(race.operations).not.toEqual(openPreset(preset, 8).operations);
    for (const kind of ['allocate', 'free'] as const)
      expect(race.operations.filter((o) => o.kind === kind).length).toBeGreaterThan(2);
    expect(race.sides.hashmap.some(({ work }) => work.merged > 0)).toBe(true);
  }
});

const starts = fc.uniqueArray(fc.integer({ min: 2, max: 60 }), { maxLength: 40 });
const requests = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 });

test('whatever is asked, each list tells all the work that it counts', () => {
  fc.assert(
    fc.property(starts, requests, (pages, counts) => {
      const ids = [...pages].sort((a, b) => a - b);
      const used = Array.from({ length: 60 }, (_, i) => i + 2)
        .filter((page) => !pages.includes(page))
        .slice(0, 6);
      const operations: RaceOperation[] = [
        { kind: 'init', ids, highWater: 64 },
        { kind: 'begin' },
        ...used.map((page): RaceOperation => ({ kind: 'free', pgid: page, count: 1 })),
        { kind: 'begin' },
        ...counts.map((count): RaceOperation => ({ kind: 'allocate', count })),
      ];
      for (const steps of Object.values(runRace(operations).sides)) {
        for (const { events, work } of steps) expect(recount(events)).toEqual(work);
      }
    }),
    { numRuns: 60 },
  );
});
