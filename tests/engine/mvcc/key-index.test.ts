/** A key's history against the list of all its changes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { KeyIndex } from '../../../src/engine/mvcc/key-index.ts';
import {
  compareRevisions,
  decodeRevision,
  encodeRevision,
  isTombstone,
  revisionText,
} from '../../../src/engine/mvcc/revision.ts';
import type { Found, Revision } from '../../../src/engine/mvcc/types.ts';

interface Change {
  readonly revision: Revision;
  readonly deletes: boolean;
}

/** Changes with ascending revisions; a deletion only where the key is alive. */
const changes = fc
  .array(fc.record({ gap: fc.nat(2), deletes: fc.boolean() }), { maxLength: 25, size: 'max' })
  .map((steps) => {
    const list: Change[] = [];
    let revision: Revision = { main: 2, sub: 0 };
    for (const { gap, deletes } of steps) {
      revision =
        gap === 0 ? { main: revision.main, sub: revision.sub + 1 } : { main: revision.main + gap, sub: 0 };
      const isAlive = list.length > 0 && !list[list.length - 1].deletes;
      list.push({ revision, deletes: deletes && isAlive });
    }
    return list;
  });

/** What a read at `at` finds, by walking over the whole list. */
function naiveGet(list: readonly Change[], at: number): Found | null {
  const seen = list.filter(({ revision }) => revision.main <= at);
  const life = seen.slice(seen.findLastIndex(({ deletes }) => deletes) + 1);
  if (life.length === 0) return null;
  return { modified: life[life.length - 1].revision, created: life[0].revision, version: life.length };
}

function indexOf(list: readonly Change[]): KeyIndex {
  const index = new KeyIndex(encodeUtf8('foo'));
  for (const { revision, deletes } of list) {
    if (deletes) expect(index.tombstone(revision)).toBe(true);
    else index.put(revision);
  }
  return index;
}

const lastMain = (list: readonly Change[]): number => list.at(-1)?.revision.main ?? 2;

test('a read at any revision finds the last change before it, with its creation and version', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const index = indexOf(list);
      for (let at = 0; at <= lastMain(list) + 1; at++) expect(index.get(at)).toEqual(naiveGet(list, at));
      const alive = naiveGet(list, Infinity) !== null;
      expect(index.isAlive).toBe(alive);
      if (!alive) expect(index.tombstone({ main: 999, sub: 0 })).toBe(false);
    }),
  );
});

test('the changes since a revision are the last ones of each transaction', () => {
  fc.assert(
    fc.property(changes, fc.nat(30), (list, from) => {
      const wanted = list.filter(
        ({ revision }, i) => revision.main >= from && list[i + 1]?.revision.main !== revision.main,
      );
      expect(indexOf(list).since(from)).toEqual(wanted.map(({ revision }) => revision));
    }),
  );
});

test('a compaction changes no read at its revision or later, keeps just what such reads need, and ends with nothing', () => {
  const cuts = fc.array(fc.nat(40), { maxLength: 4 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(
      changes.filter((list) => list.length > 0),
      cuts,
      (list, atList) => {
        const index = indexOf(list);
        for (const at of atList) {
          if (index.isEmpty) break;
          const found = naiveGet(list, at);
          const wanted = new Set(found === null ? [] : [revisionText(found.modified)]);
          const [planned, kept] = [new Set<string>(), new Set<string>()];
          index.keep(at, planned);
          index.compact(at, kept);
          expect([planned, kept]).toEqual([wanted, wanted]);
          for (let later = at; later <= lastMain(list) + 1; later++)
            expect(index.get(later)).toEqual(naiveGet(list, later));
          const held = index.generations
            .flatMap(({ revisions }) => revisions)
            .filter(({ main }) => main <= at);
          if (held.length > 1) expect(held.map(({ main }) => main)).toEqual([]);
          expect(index.isEmpty).toBe(naiveGet(list, Infinity) === null && lastMain(list) <= at);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('the example of the file: put 1, put 2, delete 3, put 4, delete 5', () => {
  const build = (): KeyIndex =>
    indexOf(
      [1, 2, 3, 4, 5].map((main) => ({ revision: { main, sub: 0 }, deletes: main === 3 || main === 5 })),
    );
  const mains = (index: KeyIndex): number[][] =>
    index.generations.map(({ revisions }) => revisions.map(({ main }) => main));
  expect(mains(build())).toEqual([[1, 2, 3], [4, 5], []]);
  const wanted: [number, number[][]][] = [
    [2, [[2, 3], [4, 5], []]],
    [3, [[4, 5], []]],
    [4, [[4, 5], []]],
    [5, [[]]],
  ];
  for (const [at, left] of wanted) {
    const index = build();
    index.compact(at, new Set());
    expect(mains(index)).toEqual(left);
  }
});

test('a change that is not newer than the last is a broken invariant', () => {
  const index = indexOf([{ revision: { main: 5, sub: 1 }, deletes: false }]);
  expect(() => index.put({ main: 5, sub: 1 })).toThrow('a change is newer than all before it');
});

const revision = fc.record({
  main: fc.oneof(fc.nat(300), fc.maxSafeNat()),
  sub: fc.oneof(fc.nat(3), fc.maxSafeNat()),
});

test('revision keys order as revisions do, a tombstone keeps its place, and both are read back', () => {
  fc.assert(
    fc.property(revision, revision, fc.boolean(), (a, b, tombstone) => {
      const [keyA, keyB] = [encodeRevision(a, tombstone), encodeRevision(b)];
      expect(decodeRevision(keyA)).toEqual(a);
      expect([keyA.length, isTombstone(keyA)]).toEqual([tombstone ? 18 : 17, tombstone]);
      const order = compareRevisions(a, b);
      if (order !== 0) expect(Math.sign(compareBytes(keyA, keyB))).toBe(Math.sign(order));
    }),
  );
  for (const length of [0, 16, 19])
    expect(() => decodeRevision(new Uint8Array(length))).toThrow('mvcc: bad record');
});
