/** Keys and leases together: the store attaches and detaches, and a revocation is one revision and one commit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../../src/base/utf8.ts';
import { Lessor } from '../../../src/engine/lease/lessor.ts';
import type { LeaseId } from '../../../src/engine/lease/types.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import { id, openBackend, text } from './rig.ts';

function openStore(image: Uint8Array | null = null) {
  const { pager, backend, store } = openBackend(image);
  const lessor = new Lessor(store, { minTtlSeconds: 2 });
  const kv = new KvStore(backend, undefined, lessor);
  lessor.setRangeDeleter(() => kv.write());
  const commit = (): void => {
    if (backend.commit('interval')) backend.committed();
  };
  return { pager, backend, lessor, kv, commit };
}
type Opened = ReturnType<typeof openStore>;

function put({ kv }: Opened, key: string, lease: bigint): void {
  const txn = kv.write();
  txn.put(text(key), text('v'), lease);
  txn.end();
}

function del({ kv }: Opened, key: string): void {
  const txn = kv.write();
  txn.deleteRange(text(key), null);
  txn.end();
}

const keysOf = ({ lessor }: Opened, lease: LeaseId): string[] => lessor.keysOf(lease).map(decodeUtf8);

const key = fc.constantFrom('a', 'b', 'c', 'd');
const lease = fc.constantFrom(1n, 2n, -3n);
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), key, lease: fc.oneof(lease, fc.constant(0n)) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('del' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), lease }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

test('a key belongs to the lease of its last put, until it is deleted, over restarts too', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let opened = openStore();
      const model = new Map<string, bigint>();
      const granted = new Set([1n, 2n, -3n]);
      for (const each of granted) opened.lessor.grant(id(each), 60, 0);
      for (const step of changes) {
        if (step.kind === 'restart') {
          opened.commit();
          opened = openStore(opened.pager.image());
        } else if (step.kind === 'del') {
          del(opened, step.key);
          model.delete(step.key);
        } else if (step.kind === 'put') {
          const target = granted.has(step.lease) ? step.lease : 0n;
          put(opened, step.key, target);
          model.set(step.key, target);
        } else if (granted.delete(step.lease)) {
          const before = opened.kv.revision;
          opened.lessor.revoke(id(step.lease));
          const gone = [...model].filter(([, of]) => of === step.lease);
          for (const [name] of gone) model.delete(name);
          expect(opened.kv.revision).toBe(before + (gone.length > 0 ? 1 : 0));
        }
        const alive = opened.kv.read().range(text('a'), new Uint8Array(0), {}).kvs;
        expect(alive.map((kv) => [decodeUtf8(kv.key), kv.lease])).toEqual([...model].sort());
        for (const each of granted) {
          const expected = [...model].filter(([, of]) => of === each).map(([name]) => name);
          expect(keysOf(opened, id(each))).toEqual(expected.sort());
        }
        expect(opened.lessor.leaseCount).toBe(granted.size);
      }
    }),
    { numRuns: 100 },
  );
});

test('a crash after a revocation leaves the lease with all its keys, or neither', () => {
  const opened = openStore();
  opened.lessor.grant(id(1), 60, 0);
  for (const name of ['a', 'b', 'c']) put(opened, name, 1n);
  opened.commit();
  const before = opened.pager.image();
  opened.lessor.revoke(id(1));
  const crashed = openStore(before);
  expect(keysOf(crashed, id(1))).toEqual(['a', 'b', 'c']);
  opened.commit();
  const after = openStore(opened.pager.image());
  expect(after.lessor.lookup(id(1))).toBeNull();
  expect(after.kv.read().range(text('a'), new Uint8Array(0), {}).kvs).toEqual([]);
});

test('a record that names a lease which is not there is kept, and expires with none', () => {
  const opened = openStore();
  put(opened, 'orphan', 77n);
  opened.commit();
  const { lessor, kv } = openStore(opened.pager.image());
  expect(kv.read().range(text('orphan'), null, {}).kvs[0].lease).toBe(77n);
  expect(lessor.leaseOf(text('orphan'))).toBeNull();
});
