/** The freelists' typed memory against JS maps, sets and sorted arrays: page for page, in the same order. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verify } from '../../../src/base/assert.ts';
import { ArrayFreelist } from '../../../src/engine/bolt/freelist/array.ts';
import { Bitmap } from '../../../src/engine/bolt/freelist/bitmap.ts';
import type { Freelist } from '../../../src/engine/bolt/freelist/freelist.ts';
import { HashmapFreelist } from '../../../src/engine/bolt/freelist/hashmap.ts';
import type { HashmapChoice } from '../../../src/engine/bolt/freelist/hashmap.ts';
import { PageTable } from '../../../src/engine/bolt/freelist/page-table.ts';
import { Runs } from '../../../src/engine/bolt/freelist/runs.ts';

verify.on = true;

/** What allocates and takes runs back. */
interface Plain {
  init(ids: readonly number[]): void;
  allocate(count: number): number | null;
  merge(start: number, count: number): void;
}

/** Spans in JS maps, which keep the order in which entries came. */
class PlainHashmap implements Plain {
  readonly #choice: HashmapChoice;
  readonly sizes = new Map<number, Set<number>>();
  readonly #forward = new Map<number, number>();
  readonly #backward = new Map<number, number>();

  constructor(choice: HashmapChoice) {
    this.#choice = choice;
  }

  init(ids: readonly number[]): void {
    for (let i = 0; i < ids.length;) {
      let end = i + 1;
      while (end < ids.length && ids[end] === ids[end - 1] + 1) end++;
      this.#add(ids[i], end - i);
      i = end;
    }
  }

  allocate(count: number): number | null {
    let size = this.sizes.has(count) ? count : undefined;
    const larger = [...this.sizes.keys()].filter((one) => one > count);
    size ??= this.#choice === 'insertion' ? larger[0] : larger.sort((a, b) => a - b)[0];
    if (size === undefined) return null;
    const starts = [...(this.sizes.get(size) ?? [])];
    const start = this.#choice === 'insertion' ? starts[0] : Math.min(...starts);
    this.#delete(start, size);
    if (size > count) this.#add(start + count, size - count);
    return start;
  }

  merge(start: number, count: number): void {
    const left = this.#backward.get(start - 1) ?? 0;
    const right = this.#forward.get(start + count) ?? 0;
    if (left > 0) this.#delete(start - left, left);
    if (right > 0) this.#delete(start + count, right);
    this.#add(start - left, left + count + right);
  }

  #add(start: number, size: number): void {
    this.#forward.set(start, size);
    this.#backward.set(start + size - 1, size);
    this.sizes.set(size, (this.sizes.get(size) ?? new Set()).add(start));
  }

  #delete(start: number, size: number): void {
    this.#forward.delete(start);
    this.#backward.delete(start + size - 1);
    const starts = this.sizes.get(size);
    starts?.delete(start);
    if (starts?.size === 0) this.sizes.delete(size);
  }
}

/** Sorted ids, and the lowest run that is long enough. */
class PlainArray implements Plain {
  ids: number[] = [];

  init(ids: readonly number[]): void {
    this.ids = [...ids];
  }

  allocate(count: number): number | null {
    const at = this.ids.findIndex((id, i) => this.ids[i + count - 1] === id + count - 1);
    return at < 0 ? null : this.ids.splice(at, count)[0];
  }

  merge(start: number, count: number): void {
    this.ids.push(...Array.from({ length: count }, (_, i) => start + i));
    this.ids.sort((a, b) => a - b);
  }
}

const pairs: Readonly<Record<string, () => readonly [Freelist, Plain]>> = {
  'the array': () => [new ArrayFreelist(), new PlainArray()],
  'the hashmap by insertion': () => [new HashmapFreelist('insertion'), new PlainHashmap('insertion')],
  'the hashmap by lowest start': () => [new HashmapFreelist('lowest'), new PlainHashmap('lowest')],
};

const ids = fc.uniqueArray(fc.integer({ min: 2, max: 400 }), { maxLength: 250 });
/** A request for so many pages, or the return of one of the runs in use. */
const steps = fc.array(fc.record({ count: fc.integer({ min: -3, max: 9 }), pick: fc.nat({ max: 1000 }) }), {
  maxLength: 200,
});

for (const [name, make] of Object.entries(pairs)) {
  test(`${name} hands out page for page what plain maps, sets and arrays would`, () => {
    fc.assert(
      fc.property(ids, steps, (unsorted, all) => {
        const [list, plain] = make();
        const first = [...unsorted].sort((a, b) => a - b);
        list.init(Uint32Array.from(first));
        plain.init(first);
        const inUse: [number, number][] = [];
        for (const { count, pick } of all) {
          if (count > 0) {
            const start = list.allocate(count);
            expect(start).toBe(plain.allocate(count));
            if (start !== null) inUse.push([start, count]);
          } else if (inUse.length > 0) {
            const [[start, length]] = inUse.splice(pick % inUse.length, 1);
            list.merge(Runs.of({ starts: [start], counts: [length] }));
            plain.merge(start, length);
          }
        }
        if (!(list instanceof HashmapFreelist) || !(plain instanceof PlainHashmap)) return;
        const sizes = [...list.freemaps].map(([size, starts]) => [size, [...starts]]);
        const plainSizes = [...plain.sizes].map(([size, starts]) => [size, [...starts]]);
        // lowest has an order of its own, which does not tell when an entry came
        if (list.choice === 'insertion') expect(sizes).toEqual(plainSizes);
        expect(list.spanCount).toBe(plainSizes.flatMap(([, starts]) => starts).length);
      }),
      { numRuns: 150 },
    );
  });
}

test('sorted runs are ascending and stand apart, however many there are', () => {
  const sets = fc.uniqueArray(fc.integer({ min: 2, max: 3000 }), { maxLength: 300 });
  fc.assert(
    fc.property(sets, (pages) => {
      const runs = new Runs();
      for (const page of pages) runs.push(page * 2, page % 2 === 0 ? 2 : 1);
      const { starts, counts } = runs.sorted().toSpans();
      const listed = starts.flatMap((start, i) => Array.from({ length: counts[i] }, (_, k) => start + k));
      const given = pages.flatMap((page) => (page % 2 === 0 ? [page * 2, page * 2 + 1] : [page * 2]));
      expect(listed).toEqual(given.sort((a, b) => a - b));
      starts.slice(1).forEach((start, i) => expect(start).toBeGreaterThan(starts[i] + counts[i]));
    }),
    { numRuns: 60 },
  );
});

test('a bitmap counts, finds and writes what a set of ids would', () => {
  const run = fc.record({ in: fc.boolean(), start: fc.nat({ max: 300 }), count: fc.nat({ max: 90 }) });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 20 }), (runs) => {
      const bitmap = new Bitmap();
      const set = new Set<number>();
      for (const { in: isIn, start, count } of runs) {
        const pages = Array.from({ length: count }, (_, i) => start + i);
        const first = pages.find((page) => set.has(page)) ?? -1;
        expect(bitmap.firstIn(start, count)).toBe(first);
        if (isIn) bitmap.setRun(start, count);
        else bitmap.clearRun(start, count);
        for (const page of pages)
          if (isIn) set.add(page);
          else set.delete(page);
      }
      const sorted = [...set].sort((a, b) => a - b);
      expect(bitmap.count).toBe(sorted.length);
      const found: number[] = [];
      bitmap.forEachRun((start, count) => found.push(...Array.from({ length: count }, (_, i) => start + i)));
      expect(found).toEqual(sorted);
      const view = new DataView(new ArrayBuffer(8 * sorted.length + 8));
      bitmap.writeIds(view, 8);
      expect(sorted.map((_, i) => Number(view.getBigUint64(8 + 8 * i, true)))).toEqual(sorted);
    }),
    { numRuns: 100 },
  );
});

test('page numbers up to 2^32 keep what they were given, and cost only where they are', () => {
  const table = new PageTable();
  const pages = [0, 4095, 4096, 70000, 2147483648, 4294967295];
  pages.forEach((page, i) => table.set(page, i + 1));
  expect(pages.map((page) => table.get(page))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(table.get(4294967294)).toBe(0);
  expect(table.next(4097)).toBe(70000);
  expect(table.next(70001)).toBe(2147483648);
  expect(table.sizeBytes).toBeLessThan(100_000);
});
