/** The B-tree against a sorted list. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Btree } from '../../../src/engine/mvcc/btree.ts';

interface Item {
  readonly key: Uint8Array;
  readonly name: string;
}
const item = (name: string): Item => ({ key: encodeUtf8(name), name });
const name = fc.nat(60).map((n) => `k${`${n}`.padStart(2, '0')}`);
const operation = fc.record({ adds: fc.boolean(), name });
const lists = fc.array(operation, { maxLength: 200, size: 'max' });

test.each([2, 3, 32])('a tree of degree %i holds what was added and not removed, in order', (degree) => {
  fc.assert(
    fc.property(lists, name, (operations, from) => {
      const tree = new Btree<Item>(degree);
      const model = new Set<string>();
      for (const { adds, name } of operations) {
        if (!adds) expect(tree.delete(encodeUtf8(name))?.name).toBe(model.delete(name) ? name : undefined);
        else if (!model.has(name)) {
          tree.insert(item(name));
          model.add(name);
        }
        tree.check();
        expect(tree.size).toBe(model.size);
        expect(tree.get(encodeUtf8(name))?.name).toBe(model.has(name) ? name : undefined);
      }
      const seen: string[] = [];
      tree.ascend(encodeUtf8(from), ({ key }) => seen.push(decodeUtf8(key)) < 5);
      expect(seen).toEqual(
        [...model]
          .sort()
          .filter((name) => name >= from)
          .slice(0, 5),
      );
    }),
    { numRuns: 40 },
  );
});

test('a key is added once', () => {
  const tree = new Btree<Item>(2);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) tree.insert(item(name));
  for (const name of ['a', 'c', 'f']) expect(() => tree.insert(item(name))).toThrow('a key is added once');
});
