/** Both freelists against plain sets: what they hand out is free, and they refuse only when nothing fits. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verify } from '../../../src/base/assert.ts';
import { ArrayFreelist } from '../../../src/engine/bolt/freelist/array.ts';
import type { Freelist } from '../../../src/engine/bolt/freelist/freelist.ts';
import { HashmapFreelist } from '../../../src/engine/bolt/freelist/hashmap.ts';
import { SharedFreelist } from '../../../src/engine/bolt/freelist/shared.ts';

verify.on = true;

const lists: Readonly<Record<string, () => Freelist>> = {
  'the array': () => new ArrayFreelist(),
  'the hashmap by insertion': () => new HashmapFreelist('insertion'),
  'the hashmap by lowest start': () => new HashmapFreelist('lowest'),
};

type Step =
  | { readonly do: 'allocate'; readonly count: number }
  | { readonly do: 'free'; readonly pick: number }
  | { readonly do: 'end' }
  | { readonly do: 'rollback' }
  | { readonly do: 'beginReader' }
  | { readonly do: 'endReader' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('allocate' as const), count: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('free' as const), pick: fc.nat({ max: 1000 }) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'end' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'rollback' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'beginReader' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'endReader' as const }) },
  ),
  { maxLength: 120 },
);

const ids = fc.uniqueArray(fc.integer({ min: 2, max: 120 }), { maxLength: 80 });

interface Run {
  readonly first: number;
  readonly count: number;
}

const pagesOf = ({ first, count }: Run): number[] => Array.from({ length: count }, (_, i) => first + i);

/** The obvious bookkeeping: a page is free, or in use, or freed by a transaction that some reader is older than. */
class Model {
  readonly free: Set<number>;
  inUse: Run[] = [];
  /** Freed by the transaction under way, and by earlier ones. */
  pending: { readonly run: Run; readonly txid: number }[] = [];
  readonly readers: number[] = [];

  constructor(first: readonly number[]) {
    this.free = new Set(first);
  }

  fits(count: number): boolean {
    return [...this.free].some((first) => pagesOf({ first, count }).every((id) => this.free.has(id)));
  }
}

function play(list: SharedFreelist, model: Model, all: readonly Step[]): void {
  let txid = 10;
  let highWater = 200;
  /** What the transaction under way did, to be undone. */
  let freed: Run[] = [];
  let hasAllocated = false;
  for (const step of all) {
    switch (step.do) {
      case 'allocate': {
        const { first } = list.allocate(txid, step.count);
        hasAllocated = true;
        expect(first === null).toBe(!model.fits(step.count));
        const run = { first: first ?? highWater, count: step.count };
        if (first === null) highWater += step.count;
        for (const id of pagesOf(run)) expect(model.free.delete(id)).toBe(first !== null);
        model.inUse.push(run);
        break;
      }
      case 'free': {
        if (model.inUse.length === 0 || hasAllocated) break;
        const [run] = model.inUse.splice(step.pick % model.inUse.length, 1);
        list.free(txid, run.first, run.count);
        freed.push(run);
        break;
      }
      case 'rollback': {
        // a transaction is rolled back by its user before it has taken any page
        if (hasAllocated) break;
        list.rollback(txid);
        model.inUse.push(...freed);
        freed = [];
        break;
      }
      case 'end': {
        model.pending.push(...freed.map((run) => ({ run, txid })));
        freed = [];
        hasAllocated = false;
        txid++;
        checkRelease(list, model);
        break;
      }
      case 'beginReader': {
        model.readers.push(txid - 1);
        list.addReader(txid - 1);
        break;
      }
      case 'endReader': {
        const reader = model.readers.shift();
        if (reader !== undefined) list.removeReader(reader);
        break;
      }
      default:
        step satisfies never;
    }
    const pendingCount = [...model.pending.map(({ run }) => run), ...freed].reduce(
      (sum, { count }) => sum + count,
      0,
    );
    expect(list.pendingCount).toBe(pendingCount);
    expect(list.freeIds()).toEqual([...model.free].sort((a, b) => a - b));
  }
}

/** A write transaction begins: all goes free that no reader can see; nothing that the oldest reader sees does. */
function checkRelease(list: SharedFreelist, model: Model): void {
  const { starts, counts } = list.releasePending().toSpans();
  const released = new Set(starts.flatMap((first, i) => pagesOf({ first, count: counts[i] })));
  const oldest = Math.min(...model.readers, Infinity);
  model.pending = model.pending.filter(({ run, txid }) => {
    const went = pagesOf(run).filter((id) => released.has(id)).length;
    expect([0, run.count]).toContain(went);
    if (txid < oldest) expect(went).toBe(run.count);
    // freed after the only reader began: kept, unless the page was taken after it began, too
    if (went === 0) expect(txid).toBeGreaterThanOrEqual(oldest);
    for (const id of pagesOf(run)) if (went > 0) model.free.add(id);
    return went === 0;
  });
}

for (const [name, make] of Object.entries(lists)) {
  test(`${name} hands out free runs, refuses only when none fits, and keeps pages that a reader may see`, () => {
    fc.assert(
      fc.property(ids, steps, (first, all) => {
        const list = new SharedFreelist(make());
        list.init(Uint32Array.from(first).sort());
        play(list, new Model(first), all);
      }),
      { numRuns: 150 },
    );
  });
}

test('the array takes the lowest start, the hashmap an exact span before a larger one', () => {
  const spans = [2, 3, 4, 5, 10, 11, 20];
  const first = (list: Freelist, count: number): number | null => {
    list.init(Uint32Array.from(spans));
    return list.allocate(count);
  };
  expect(first(new ArrayFreelist(), 2)).toBe(2);
  expect(first(new HashmapFreelist('lowest'), 2)).toBe(10);
  expect(first(new HashmapFreelist('insertion'), 2)).toBe(10);
  // no span of three: insertion takes the first size that came and is large enough
  expect(first(new HashmapFreelist('insertion'), 3)).toBe(2);
  expect(first(new HashmapFreelist('insertion'), 5)).toBeNull();
});

test('a page freed twice is named, and nothing changes', () => {
  const list = new SharedFreelist(new ArrayFreelist());
  list.init(Uint32Array.of(7));
  list.free(5, 10, 2);
  expect(() => list.free(5, 11, 1)).toThrow('page 11 already freed');
  expect(() => list.free(5, 6, 2)).toThrow('page 7 already freed');
  expect([list.freeCount, list.pendingCount]).toEqual([1, 2]);
});
