/** The store against a map for each revision, over commits and restarts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../../../src/base/bytes.ts';
import { crc32c } from '../../../src/base/checksum.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { MvccEvent } from '../../../src/engine/mvcc/events.ts';
import type { ReadView } from '../../../src/engine/mvcc/kv.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import type { RangeOptions } from '../../../src/engine/mvcc/types.ts';
import { decodeKeyValue } from '../../../src/engine/pb/hot.ts';

const text = encodeUtf8;
const all = new Uint8Array(0);

interface Pair {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}
type State = ReadonlyMap<string, Pair>;

interface Opened {
  readonly pager: MemoryPager;
  readonly backend: Backend;
  readonly store: KvStore;
}

function open(image: Uint8Array | null = null): Opened {
  const pager = new MemoryPager(image);
  const backend = Backend.open(openDb(pager, { pageSize: 1024 }));
  if (backend.committing) backend.committed();
  return { pager, backend, store: new KvStore(backend) };
}

function commit(backend: Backend): void {
  if (backend.commit('interval')) backend.committed();
}

/** The range of a state, by the obvious means; `end` null: one key, '': all from `key` on. */
function naiveRange(state: State, key: string, end: string | null): Pair[] {
  const isIn = (k: string): boolean => (end === null ? k === key : k >= key && (end === '' || k < end));
  return [...state.values()].filter((pair) => isIn(pair.key)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function range(view: ReadView, key: string, end: string | null, options: RangeOptions = {}): Pair[] {
  const { kvs } = view.range(text(key), end === null ? null : text(end), options);
  return kvs.map((kv) => ({ ...kv, key: decodeUtf8(kv.key), value: decodeUtf8(kv.value) }));
}

const key = fc.constantFrom('a', 'b', 'ba', 'c', 'd', 'e');
const end = fc.oneof(fc.constant(null), fc.constant(''), key);
const change = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    key,
    value: fc.nat(99).map((n) => `v${n}`),
    lease: fc.constantFrom(0n, 7n),
  }),
  fc.record({ kind: fc.constant('delete' as const), key, end }),
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('txn' as const), changes: fc.array(change, { maxLength: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly kind: 'delete'; readonly key: string; readonly end: string | null };

/** One transaction on the store and on a copy of the state. */
function runTxn(store: KvStore, before: State, changes: readonly Change[]): State {
  const state = new Map(before);
  const txn = store.write();
  const next = store.revision + 1;
  let changed = 0;
  for (const one of changes) {
    if (one.kind === 'put') {
      const old = state.get(one.key);
      const { key, value, lease } = one;
      const createRevision = old?.createRevision ?? next;
      state.set(key, {
        key,
        value,
        lease,
        createRevision,
        modRevision: next,
        version: (old?.version ?? 0) + 1,
      });
      expect(txn.put(text(key), text(value), lease)).toBe(next);
      changed++;
    } else {
      const gone = naiveRange(state, one.key, one.end);
      for (const pair of gone) state.delete(pair.key);
      changed += gone.length;
      const revision = changed > 0 ? next : store.revision;
      const deleted = txn.deleteRange(text(one.key), one.end === null ? null : text(one.end));
      expect(deleted).toEqual({ deleted: gone.length, revision });
    }
    expect(range(txn, 'a', '')).toEqual(naiveRange(state, 'a', ''));
  }
  expect(txn.changes).toHaveLength(changed);
  txn.end();
  expect(store.revision).toBe(changed > 0 ? next : next - 1);
  return state;
}

test('every revision can be read as it was, and a crash takes the store back to its last commit', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40, size: 'max' }),
      key,
      end,
      fc.nat(3),
      (steps, from, to, limit) => {
        let { pager, backend, store } = open();
        /** The state at each revision; at 0 and 1 there is nothing. */
        let states: State[] = [new Map(), new Map()];
        let durable = states.length;
        for (const one of steps) {
          if (one.kind === 'txn') {
            const state = runTxn(store, states[store.revision], one.changes);
            if (store.revision === states.length) states.push(state);
          } else if (one.kind === 'commit') {
            commit(backend);
            durable = states.length;
          } else {
            ({ pager, backend, store } = open(pager.image()));
            states = states.slice(0, durable);
          }
          expect(store.revision).toBe(states.length - 1);
        }
        for (let revision = 1; revision < states.length; revision++) {
          const wanted = naiveRange(states[revision], from, to);
          expect(range(store.read(), from, to, { revision, limit })).toEqual(
            limit > 0 ? wanted.slice(0, limit) : wanted,
          );
          const counted = store
            .read()
            .range(text(from), to === null ? null : text(to), { revision, countOnly: true, limit });
          expect(counted).toEqual({ kvs: [], count: wanted.length, revision: store.revision });
        }
        expect(() => range(store.read(), from, to, { revision: states.length })).toThrow(
          'mvcc: required revision is a future revision',
        );
        const before = store.hashByRevision(0);
        commit(backend);
        expect(open(pager.image()).store.hashByRevision(0)).toEqual(before);
      },
    ),
    { numRuns: 60 },
  );
});

test('a fresh store is at revision 1, and deleting nothing leaves it there', () => {
  const { store, backend } = open();
  expect([store.revision, store.compactRevision]).toEqual([1, -1]);
  const txn = store.write();
  expect(txn.deleteRange(text('a'), all)).toEqual({ deleted: 0, revision: 1 });
  txn.end();
  expect(store.revision).toBe(1);
  expect(backend.pendingCount).toBe(0);
});

test('HashKV counts all records up to the asked revision', () => {
  const { store, backend } = open();
  for (const name of ['a', 'b', 'a', 'c']) {
    const txn = store.write();
    if (name === 'c') txn.deleteRange(text('a'), null);
    txn.put(text(name), text('value'), 0n);
    txn.end();
  }
  const naive = (upTo: number): number => {
    let hash = crc32c(text('key'));
    const bound = text('\0\0\0\0\0\0\0');
    backend.readTx.forEach('key', (k, v) => {
      if (compareBytes(k, Uint8Array.from([...bound, upTo + 1])) < 0) hash = crc32c(v, crc32c(k, hash));
    });
    return hash;
  };
  for (const revision of [1, 2, 3, 4, 5]) {
    expect(store.hashByRevision(revision)).toEqual({
      hash: naive(revision),
      currentRevision: 5,
      compactRevision: -1,
    });
  }
  expect(new Set([1, 2, 3, 4, 5].map(naive)).size).toBe(5);
  expect(store.hashByRevision(0)).toEqual(store.hashByRevision(5));
  expect(() => store.hashByRevision(6)).toThrow('mvcc: required revision is a future revision');
});

test('one transaction shares a main revision; its changes are told in order, a deletion with its revision', () => {
  const { backend } = open();
  const events: MvccEvent[] = [];
  const store = new KvStore(backend, { on: true, emit: (event) => void events.push(event) });
  const txn = store.write();
  txn.put(text('a\n'), text('1'), 0n);
  txn.deleteRange(text('a'), all);
  txn.put(text('a\n'), text('2'), 5n);
  expect(txn.changes.map(({ modRevision, version, lease }) => [modRevision, version, lease])).toEqual([
    [2, 1, 0n],
    [2, 0, 0n],
    [2, 1, 5n],
  ]);
  txn.end();
  expect(events).toEqual([
    { type: 'mvcc.open', revision: 1, compactRevision: -1, keyCount: 0 },
    { type: 'mvcc.put', key: 'a\\x0a', main: 2, sub: 0, createRevision: 2, version: 1, sizeBytes: 13 },
    { type: 'mvcc.tombstone', key: 'a\\x0a', main: 2, sub: 1 },
    { type: 'mvcc.put', key: 'a\\x0a', main: 2, sub: 2, createRevision: 2, version: 1, sizeBytes: 15 },
  ]);
  const sizes: number[] = [];
  backend.readTx.forEach('key', (k, v) => sizes.push(k.length, decodeKeyValue(v).key.length));
  expect(sizes).toEqual([17, 2, 18, 2, 17, 2]);
});

test('one write transaction at a time', () => {
  const { store } = open();
  const txn = store.write();
  expect(() => store.write()).toThrow('one write transaction at a time');
  txn.end();
  expect(() => txn.end()).toThrow('a transaction ends once');
});

test('a record that is no KeyValue is refused at the start', () => {
  const { backend } = open();
  backend.batchTx.put('key', text('not a revision'), text('x'));
  backend.unlock();
  expect(() => new KvStore(backend)).toThrow('mvcc: bad record');
});
