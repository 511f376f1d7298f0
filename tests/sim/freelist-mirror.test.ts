/** Both freelists under a member's own requests: the one that the member uses answers as it did. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Db } from '../../src/engine/bolt/db.ts';
import type { BoltEvent } from '../../src/engine/bolt/events.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { FreelistType } from '../../src/engine/bolt/types.ts';
import { mirrorTrace, type MirrorCall } from '../../src/sim/freelist-mirror.ts';
import { emptyFiles, foldFiles } from '../../src/model/file-view.ts';
import type { ListTrace } from '../../src/model/list-trace.ts';
import { apply, cloneModel, firstBuckets, history, newModel } from '../engine/bolt/model.ts';
import type { Transaction } from '../engine/bolt/model.ts';

interface Lived {
  readonly trace: ListTrace;
  readonly free: readonly number[];
  readonly pageCount: number;
}

/** A database's life with one reader now and then, and what it asked of its freelist. */
function live(freelistType: FreelistType, transactions: readonly Transaction[]): Lived {
  const events: BoltEvent[] = [];
  const trace = { on: true, emit: (event: BoltEvent) => void events.push(event) };
  const db = Db.open(new MemoryPager(), { pageSize: 512, freelistType, trace });
  let model = newModel();
  for (const { ops, beginReader } of transactions) {
    const reader = beginReader ? db.beginRead() : null;
    const next = cloneModel(model);
    const tx = db.beginWrite();
    for (const op of ops) apply(next, tx, op);
    tx.commit();
    model = next;
    reader?.rollback();
  }
  db.beginWrite().rollback();
  const told = events.map((event, i) => ({ at: { moment: i, ordinal: 0, timeUs: i, member: 1 }, event }));
  const file = foldFiles(emptyFiles(1), told).members[0];
  if (file?.trace == null) throw new Error('no trace');
  return { trace: file.trace, free: db.freelist.freeIds(), pageCount: db.meta.highWater };
}

const given = (calls: readonly { type: string }[]): unknown[] =>
  calls.filter(({ type }) => type === 'bolt.allocate');

test('the list of the member’s own kind gives the same pages after the same work, and is left as free', () => {
  const lives = fc.record({
    type: fc.constantFrom<FreelistType[]>('array', 'hashmap'),
    transactions: history(20, 12),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  let callCount = 0;
  fc.assert(
    fc.property(lives, ({ type, transactions, share }) => {
      const { trace, free } = live(type, [firstBuckets, ...transactions]);
      const from = Math.floor(share * trace.calls.length);
      const { race, before } = mirrorTrace(trace, from);
      const own = race.sides[type];
      // an insertion hashmap that was opened anew keeps its spans in another order
      const isExact = type === 'array' || trace.sinceTxid <= 2;
      if (isExact) {
        expect(given(own.flatMap(({ events }) => events))).toEqual(given(trace.calls.slice(from)));
        const { starts, counts } = own.at(-1)?.free ?? { starts: [], counts: [] };
        expect(
          starts.flatMap((start, i) => Array.from({ length: counts[i] ?? 0 }, (_, k) => start + k)),
        ).toEqual(free);
      }
      const whole = mirrorTrace(trace, 0).race.sides;
      for (const list of ['array', 'hashmap'] as const) {
        const scanned = whole[list].reduce((sum, { work }) => sum + work.scanned, 0);
        const shown = race.sides[list].reduce((sum, { work }) => sum + work.scanned, 0);
        expect(before[list].scanned + shown).toBe(scanned);
      }
      callCount += trace.calls.length;
    }),
    { numRuns: 60 },
  );
  expect(callCount).toBeGreaterThan(100);
});

test('a page that two lists put at different places is freed at both of them', () => {
  const tx = { txid: 2 } as const;
  const calls = [
    { type: 'bolt.allocate', ...tx, pgid: 4, count: 1, scanned: 0, path: 'exact' },
    { type: 'bolt.free', ...tx, pgid: 4, count: 1 },
    { type: 'bolt.release', txid: 3, runStarts: [4], runCounts: [1] },
  ] as unknown as MirrorCall[];
  // free: 4..5 and 9; the array takes the lowest, the hashmap the span of just one page
  const { race } = mirrorTrace({ free: { starts: [4, 9], counts: [2, 1] }, highWater: 12, calls }, 0);
  const places = (type: FreelistType): unknown[] =>
    race.sides[type].flatMap(({ events }) =>
      events.flatMap((event) =>
        event.type === 'bolt.allocate' || event.type === 'bolt.free' ? [event.pgid] : [],
      ),
    );
  expect(places('array')).toEqual([4, 4]);
  expect(places('hashmap')).toEqual([9, 9]);
  for (const type of ['array', 'hashmap'] as const) {
    expect(race.sides[type].at(-1)?.free).toEqual({ starts: [4, 9], counts: [2, 1] });
  }
});
