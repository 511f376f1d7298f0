/** Sorting as Go sorts, and ranges of keys found by what they cover. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../../src/base/bytes.ts';
import { affinePoint, IntervalTree } from '../../src/base/interval-tree.ts';
import { IntervalMap } from '../../src/base/intervals.ts';
import { pdqsort } from '../../src/base/pdqsort.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 4 });
const interval = fc
  .tuple(key, key)
  .filter(([a, b]) => compareBytes(a, b) !== 0)
  .map(([a, b]) => (compareBytes(a, b) < 0 ? { begin: a, end: b } : { begin: b, end: a }));

test('pdqsort sorts, whatever comes, and keeps every item', () => {
  const numbers = fc.oneof(
    fc.array(fc.nat(1000), { maxLength: 400 }),
    fc.array(fc.nat(3), { maxLength: 400 }),
    fc.array(fc.nat(1000), { maxLength: 400 }).map((list) => list.sort((a, b) => b - a)),
  );
  fc.assert(
    fc.property(numbers, (list) => {
      const sorted = [...list];
      pdqsort(sorted, (a, b) => a < b);
      expect(sorted).toEqual([...list].sort((a, b) => a - b));
    }),
  );
});

// made by Go 1.19's sort.Sort
const goOrders: readonly (readonly [count: number, classes: number, order: string])[] = [
  [
    20,
    4,
    `
    11, 19, 16, 3, 4, 0, 15, 7, 8, 12, 5, 10, 9, 13, 14, 6, 2, 17, 18, 1
  `,
  ],
  [
    200,
    7,
    `
    161, 7, 84, 91, 98, 77, 196, 0, 105, 189, 70, 112, 63, 14, 119, 182, 56, 126, 175, 133, 49, 21,
    140, 42, 168, 147, 35, 154, 28, 41, 125, 160, 155, 27, 34, 162, 36, 153, 148, 167, 146, 90, 169,
    43, 141, 22, 139, 134, 48, 20, 50, 174, 132, 127, 176, 55, 181, 57, 29, 120, 15, 118, 62, 13,
    64, 113, 183, 111, 106, 69, 188, 71, 190, 104, 195, 99, 76, 197, 78, 8, 97, 92, 6, 83, 1, 85,
    100, 145, 198, 89, 86, 82, 2, 93, 5, 9, 96, 194, 79, 75, 191, 12, 187, 103, 184, 72, 68, 107,
    16, 180, 110, 177, 19, 65, 114, 173, 170, 117, 61, 23, 166, 121, 163, 26, 124, 58, 54, 30, 128,
    159, 156, 131, 33, 51, 47, 135, 37, 152, 138, 149, 40, 44, 142, 143, 172, 87, 45, 39, 38, 46,
    150, 151, 137, 136, 52, 32, 130, 157, 158, 129, 31, 53, 123, 122, 164, 165, 59, 25, 24, 60, 116,
    171, 144, 115, 66, 18, 17, 67, 178, 179, 109, 11, 108, 10, 73, 185, 186, 102, 4, 3, 101, 74,
    192, 193, 80, 95, 94, 81, 88, 199
  `,
  ],
];

test.each(goOrders)('%i items in %i classes end where Go leaves them', (count, classes, order) => {
  const items = Array.from({ length: count }, (_, i) => ({ by: (i * i * 31 + i * 7) % classes, i }));
  pdqsort(items, (a, b) => a.by < b.by);
  expect(items.map(({ i }) => i)).toEqual(order.split(',').map(Number));
});

test('an interval tree overlaps and covers as a list of its intervals does', () => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 30 }), interval, key, (intervals, wanted, point) => {
      const tree = new IntervalTree();
      for (const each of intervals) tree.insert(each);
      const covers = (at: Uint8Array): boolean =>
        intervals.some(({ begin, end }) => compareBytes(begin, at) <= 0 && compareBytes(at, end) < 0);
      expect(tree.intersects(affinePoint(point))).toBe(covers(point));
      const edges = intervals.flatMap(({ begin, end }) => [begin, end]);
      const inside = [wanted.begin, ...edges].filter(
        (at) => compareBytes(at, wanted.begin) >= 0 && compareBytes(at, wanted.end) < 0,
      );
      expect(tree.contains(wanted)).toBe(inside.every(covers));
    }),
    { numRuns: 300 },
  );
});

test('an interval map finds the values of all intervals that cover a key', () => {
  const step = fc.tuple(interval, fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), key, (steps, point) => {
      const map = new IntervalMap<number>();
      const model = new Map<string, { begin: Uint8Array; end: Uint8Array; value: number }>();
      steps.forEach(([each, isSet], value) => {
        const name = `${String(each.begin)}|${String(each.end)}`;
        if (isSet) {
          map.set(each, value);
          model.set(name, { ...each, value });
        } else expect(map.delete(each)).toBe(model.delete(name));
      });
      const covering = [...model.values()].filter(
        ({ begin, end }) => compareBytes(begin, point) <= 0 && compareBytes(point, end) < 0,
      );
      expect(map.size).toBe(model.size);
      expect(map.covering(point).sort()).toEqual(covering.map(({ value }) => value).sort());
    }),
    { numRuns: 200 },
  );
});
