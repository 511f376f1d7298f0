/** Timelines as lanes: no line crosses another lane, the axis holds all of them, what is cut is said. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { laneMarks, lanePath, layoutLanes, placeAt } from '../../src/model/layout/timeline-lanes.ts';
import type { LaneFacts } from '../../src/model/layout/timeline-lanes.ts';

const root: LaneFacts = { id: 0, parent: null, fromUs: 0, timeUs: 6_000_000 };

/** A root and branches, each of one that was there before it. */
const trees = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 5_000_000 })), {
    maxLength: 9,
  })
  .map((draws) => {
    const list: LaneFacts[] = [root];
    for (const [which, share, further] of draws) {
      const parent = list[which % list.length] as LaneFacts;
      const fromUs = parent.fromUs + Math.floor(((parent.timeUs - parent.fromUs) * share) / 1000);
      list.push({ id: list.length, parent: parent.id, fromUs, timeUs: fromUs + further });
    }
    return list;
  });

test('every timeline has a row of its own, and no line down to a branch crosses another lane', () => {
  fc.assert(
    fc.property(trees, (list) => {
      const { lanes } = layoutLanes(list);
      expect(lanes.map(({ row }) => row)).toEqual(list.map((_, row) => row));
      expect(new Set(lanes.map(({ id }) => id)).size).toBe(list.length);
      for (const { id, row, parentRow, from } of lanes) {
        if (parentRow === null) continue;
        expect(lanes[parentRow]?.id).toBe(list[id]?.parent);
        const crossed = lanes.filter((lane) => lane.row > parentRow && lane.row < row && lane.from < from);
        expect(crossed).toEqual([]);
      }
    }),
  );
});

test('the axis holds every branch whole, and grows with time', () => {
  fc.assert(
    fc.property(trees, (list) => {
      const layout = layoutLanes(list);
      expect(layout.isCut).toBe(layout.fromUs > 0);
      for (const one of list.slice(1)) {
        expect(one.fromUs).toBeGreaterThanOrEqual(layout.fromUs);
        expect(one.timeUs).toBeLessThanOrEqual(layout.toUs);
      }
      for (const { from, to } of layout.lanes) expect(from).toBeLessThanOrEqual(to);
      expect([placeAt(layout, layout.fromUs), placeAt(layout, layout.toUs)]).toEqual([0, 1]);
    }),
  );
});

test('an hour before the first branch is cut off: the branches stay wide enough to be seen', () => {
  const hour = 3_600_000_000;
  const branch = { id: 1, parent: 0, fromUs: hour - 4_000_000, timeUs: hour };
  const { lanes, isCut } = layoutLanes([{ ...root, timeUs: hour }, branch]);
  expect(isCut).toBe(true);
  expect(lanes[0]).toMatchObject({ from: 0, to: 1 });
  expect((lanes[1]?.to ?? 0) - (lanes[1]?.from ?? 0)).toBeGreaterThan(0.7);
});

test('a branch leaves its parent’s row at its own time; a branch that was closed leaves no gap', () => {
  const list = [
    root,
    { id: 3, parent: 0, fromUs: 3_000_000, timeUs: 6_000_000 },
    { id: 7, parent: 3, fromUs: 4_000_000, timeUs: 5_000_000 },
  ];
  const [, first, second] = layoutLanes(list).lanes;
  expect(first && lanePath(first, 100, 20)).toBe('M25,10V23.3Q25,30 31.7,30H100');
  expect(second).toMatchObject({ id: 7, row: 2, parentRow: 1 });
});

test('marks of one kind that cannot be told apart are one; commits and what lies before the axis are none', () => {
  const layout = layoutLanes([root, { id: 1, parent: 0, fromUs: 3_000_000, timeUs: 6_000_000 }]);
  const mark = (kind: 'election' | 'commit' | 'fault', timeUs: number) => ({
    kind,
    step: 1,
    timeUs,
    sentence: kind,
  });
  const marks = [
    mark('election', 1),
    mark('commit', 4e6),
    mark('fault', 4e6),
    mark('fault', 4e6 + 1),
    mark('election', 5e6),
  ];
  expect(laneMarks(layout, marks, 40).map(({ kind }) => kind)).toEqual(['fault', 'election']);
});
