/** A commit in frames, and the tree that is drawn of it, beside real files. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Db } from '../../src/engine/bolt/db.ts';
import type { BoltEvent } from '../../src/engine/bolt/events.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { framesOf, sceneAt, sumOf } from '../../src/model/commit-film.ts';
import { countAt, mapRuns, stateAt } from '../../src/model/file-page.ts';
import { emptyFiles, foldFiles, rootOf } from '../../src/model/file-view.ts';
import type { FileView } from '../../src/model/file-view.ts';
import { layoutTree } from '../../src/model/layout/page-tree.ts';
import { emptyPageMaps, foldPageMaps, mapKinds } from '../../src/model/page-map.ts';
import type { Told } from '../../src/model/told.ts';
import { placesOf, shapeOf, shownChildren } from '../../src/model/tree-shape.ts';
import type { TreeNode } from '../../src/model/tree-shape.ts';
import { apply, cloneModel, firstBuckets, history, newModel } from '../engine/bolt/model.ts';

interface Drawn {
  readonly file: FileView;
  readonly kinds: Uint8Array;
}

const drawn = (events: readonly Told[]): Drawn => ({
  file: foldFiles(emptyFiles(1), events).members[0] as FileView,
  kinds: foldPageMaps(emptyPageMaps(1), events).members[0]?.kinds ?? new Uint8Array(0),
});

const commits = fc.record({ sync: fc.boolean(), transactions: history(10, 12) });

test('each frame of a commit shows the pages as its events up to there leave them', () => {
  fc.assert(
    fc.property(commits, ({ sync, transactions }) => {
      const events: Told[] = [];
      const emit = (event: BoltEvent): void => {
        const moment = events.length;
        events.push({ at: { moment, ordinal: 0, timeUs: moment, member: 1 }, event });
      };
      const trace = { on: true, emit };
      const db = Db.open(new MemoryPager(), { pageSize: 512, noFreelistSync: sync, trace });
      let model = newModel();
      for (const { ops } of [firstBuckets, ...transactions]) {
        const tx = db.beginWrite();
        const before = drawn(events);
        const released = events.length;
        const next = cloneModel(model);
        for (const op of ops) apply(next, tx, op);
        tx.commit();
        model = next;
        db.beginWrite().rollback();
        const after = drawn(events);
        const { film } = after.file;
        if (film === null) throw new Error('no film');
        expect(film.metasBefore).toEqual(before.file.metas);
        for (const frame of framesOf(film)) {
          // fold only what the film had told by then: the events of a transaction stand in a row
          const then = drawn(events.slice(0, released + toldBy(events.slice(released), frame.seen)));
          const scene = sceneAt(after.file, film, frame);
          expect(scene.metas).toEqual(then.file.metas);
          const written = new Set(
            film.events
              .slice(0, frame.seen)
              .flatMap((event) => (event.type === 'bolt.write' ? [event.pgid] : [])),
          );
          for (let pgid = 0; pgid < after.kinds.length; pgid++) {
            const state = stateAt(after.kinds, scene, pgid);
            if (state === 'reserved') expect(written.has(pgid as never)).toBe(false);
            else expect([pgid, state]).toEqual([pgid, mapKinds[then.kinds[pgid] ?? 6]]);
          }
        }
        const all = mapRuns(after.file, after.kinds, null);
        expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(db.meta.highWater);
        expect(countAt(after.kinds, null, 'free')).toBe(db.freePageCount);
        expect(sumOf(film).releasedBy === null).toBe(sumOf(film).freed.length === 0);
      }
    }),
    { numRuns: 25 },
  );
});

/** How many of these events pass until so many of them belong to a film. */
function toldBy(events: readonly Told[], wanted: number): number {
  let seen = 0;
  let at = 0;
  while (seen < wanted) {
    const { type } = (events[at++] as Told).event;
    const isFilm = /^bolt\.(merge|split|spill|allocate|free|write|sync|writeMeta|release)$/.test(type);
    if (isFilm) seen += 1;
  }
  return at;
}

const filled = (keyCount: number): Drawn => {
  const events: Told[] = [];
  const emit = (event: BoltEvent): void => {
    events.push({ at: { moment: events.length, ordinal: 0, timeUs: 0, member: 1 }, event });
  };
  const db = Db.open(new MemoryPager(), { pageSize: 512, trace: { on: true, emit } });
  const tx = db.beginWrite();
  const bucket = tx.createBucket(Uint8Array.of(1));
  for (let i = 0; i < keyCount; i++) bucket.put(Uint8Array.of(i >> 8, i & 255), new Uint8Array(90));
  tx.createBucket(Uint8Array.of(2));
  tx.commit();
  return drawn(events);
};

const nodesOf = (node: TreeNode): TreeNode[] => [node, ...node.children.flatMap(nodesOf)];

test('a drawn tree leaves nothing out: drawn children and those counted as more are all there are', () => {
  const { file } = filled(3000);
  for (const limit of [3, 5, 7]) {
    const options = {
      limit,
      otherLimit: limit,
      lit: new Map<number, number>(),
      opened: new Map<number, number>(),
    };
    const collapsed = shapeOf(file, rootOf(file), { ...options, otherLimit: 0, lit: new Map([[-1, 0]]) });
    expect(collapsed === null ? [] : nodesOf(collapsed).map(({ kind }) => kind)).toContain('more');
    const root = shapeOf(file, rootOf(file), options);
    if (root === null) throw new Error('no tree');
    const nodes = nodesOf(root);
    expect(nodes.some(({ kind }) => kind === 'more')).toBe(true);
    expect(nodes.some((node) => node.kind === 'inline' && node.names.length === 1)).toBe(true);
    for (const node of nodes) {
      if (node.kind !== 'page' || node.page.kind !== 'branch') continue;
      expect(node.children.length).toBeLessThanOrEqual(Math.max(limit, 3));
      const count = node.children.reduce((sum, one) => sum + (one.kind === 'more' ? one.count : 1), 0);
      expect(count).toBe(node.page.itemCount);
    }
    const { nodes: placed, width } = layoutTree<TreeNode>(root, () => 10, 4);
    for (const level of new Set(placed.map((one) => one.level))) {
      const row = placed.filter((one) => one.level === level).sort((a, b) => a.x - b.x);
      row.forEach((one, i) => {
        const left = i === 0 ? 0 : (row[i - 1]?.x ?? 0) + 5 + 4;
        expect(one.x - 5).toBeGreaterThanOrEqual(left - 1e-9);
        expect(one.x + 5).toBeLessThanOrEqual(width + 1e-9);
      });
    }
  }
  expect(placesOf(file, rootOf(file)).size).toBe(countAt(filled(3000).kinds, null, 'leaf') + branches(file));
});

const branches = (file: FileView): number =>
  file.pages.flat().filter((page) => page?.kind === 'branch').length;

test('lit children come first, and a window that was opened shows what it was opened for', () => {
  const children = Array.from({ length: 100 }, (_, i) => 1000 + i);
  const options = { limit: 7, otherLimit: 7, lit: new Map([[1050, 0]]), opened: new Map<number, number>() };
  expect(shownChildren(children, options)).toEqual([0, 50, 97, 98, 99].slice(-5));
  expect(shownChildren(children, { ...options, opened: new Map([[1000, 40]]) })).toEqual([
    40, 41, 42, 43, 44,
  ]);
  expect(shownChildren(children.slice(0, 7), options)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
