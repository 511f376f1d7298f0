import { expect, test } from 'vitest';
import { thinned } from '../../src/model/layout/crowd.ts';
import fc from 'fast-check';
import { cellAt, layoutGrid } from '../../src/model/layout/grid.ts';
import {
  along,
  arcPath,
  layoutRing,
  linkBetween,
  progressAt,
  queuePlaces,
} from '../../src/model/layout/ring.ts';

test('members keep apart from each other and inside the picture, at any width', () => {
  const widths = fc.integer({ min: 280, max: 1600 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), widths, (count, width) => {
      const ids = Array.from({ length: count }, (_, i) => i + 1);
      const { members: places, nodeRadius: r, width: w, height: h } = layoutRing(ids, width);
      const members = [...places.values()];
      for (const { x, y } of members) {
        expect(x - r).toBeGreaterThanOrEqual(0);
        expect(x + r).toBeLessThanOrEqual(w);
        expect(y - r).toBeGreaterThanOrEqual(0);
        expect(y + r).toBeLessThanOrEqual(h);
      }
      const far = members.every((a, i) =>
        members.every((b, j) => i === j || Math.hypot(a.x - b.x, a.y - b.y) > 2 * r),
      );
      expect(far).toBe(true);
    }),
  );
});

test('a message leaves at the sender, is half way at half time and arrives at the receiver', () => {
  const line = linkBetween({ x: 0, y: 0 }, { x: 100, y: 0 }, 10, 0);
  const at = (timeUs: number) => along(line, progressAt(1000, 3000, timeUs));
  expect([0, 1000, 2000, 3000, 9000].map((timeUs) => at(timeUs).x)).toEqual([10, 10, 50, 90, 90]);
});

test('the two directions of a link run in lanes of their own', () => {
  const [a, b] = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
  ];
  expect(linkBetween(a, b, 0, 6).from.y).toBe(6);
  expect(linkBetween(b, a, 0, 6).from.y).toBe(-6);
});

test('an arc starts at the top and runs clockwise; nothing left draws nothing', () => {
  expect(arcPath(10, 0)).toBe('');
  expect(arcPath(10, 0.25)).toBe('M0,-10A10,10 0 0 1 10.00,0.00');
  expect(arcPath(10, 0.75)).toBe('M0,-10A10,10 0 1 1 -10.00,0.00');
});

test('every page has a cell of its own; cells shrink before the picture grows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 60, max: 300 }), (pages, width) => {
      const grid = layoutGrid(pages, width, 84, [32, 20, 10, 5]);
      const cells = new Set(Array.from({ length: pages }, (_, page) => JSON.stringify(cellAt(grid, page))));
      expect(cells.size).toBe(pages);
      if (grid.height > 84) expect(grid.pitch).toBe(5);
      expect(grid.columns * grid.pitch).toBeLessThanOrEqual(width);
    }),
  );
});

test('messages that wait on one link keep their order and stand apart, the first where it stopped', () => {
  expect(queuePlaces([0.9, 0.85, 0.2], 0.1)).toEqual([0.9, 0.8, 0.2]);
  expect(queuePlaces([0.05, 0.05, 0.05], 0.1)).toEqual([0.05]);
  const stops = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(stops, (given) => {
      const places = queuePlaces(
        [...given].sort((a, b) => b - a),
        0.2,
      );
      expect(places[0]).toBe(Math.max(...given));
      for (const [i, place] of places.entries()) {
        expect(place).toBeGreaterThanOrEqual(0);
        if (i > 0) expect((places[i - 1] as number) - place).toBeGreaterThanOrEqual(0.2 - 1e-9);
      }
    }),
  );
});

test('of a crowd on one way the first are drawn, and the last of them counts the others', () => {
  const items = ['a1', 'b1', 'a2', 'a3', 'b2', 'a4'];
  const drawn = thinned(items, (item) => item.charAt(0), 2);
  expect(drawn.map(({ item, more }) => `${item}+${more}`)).toEqual(['a1+0', 'b1+0', 'a2+2', 'b2+0']);
  expect(thinned(items, () => '', 9).every(({ more }) => more === 0)).toBe(true);
});
