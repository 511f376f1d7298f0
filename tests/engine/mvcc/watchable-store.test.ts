/** Watchers against the history they should have seen: up to date, behind, or held up by a full channel. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import { WatchChannel } from '../../../src/engine/mvcc/watch-channel.ts';
import { WatchableStore } from '../../../src/engine/mvcc/watchable-store.ts';
import type { WatchFilter } from '../../../src/engine/mvcc/watcher-group.ts';

function newStore(): { kv: KvStore; watchable: WatchableStore } {
  const backend = Backend.open(openDb(new MemoryPager()));
  const kv = new KvStore(backend);
  return { kv, watchable: new WatchableStore(kv, backend) };
}

function put(kv: KvStore, key: string): void {
  const txn = kv.write();
  txn.put(encodeUtf8(key), encodeUtf8('v'), 0n);
  txn.end();
}

function del(kv: KvStore, key: string): void {
  const txn = kv.write();
  txn.deleteRange(encodeUtf8(key), null);
  txn.end();
}

const told = (channel: WatchChannel): string[] =>
  channel
    .take()
    .flatMap(({ events }) => events.map(({ type, kv }) => `${type} ${decodeUtf8(kv.key)}@${kv.modRevision}`));

interface Watched {
  readonly from: string;
  readonly to: string | null;
  readonly start: number;
  readonly filters: readonly WatchFilter[];
}

const keyOf = fc.constantFrom('a', 'b', 'c', 'd');
const watched: fc.Arbitrary<Watched> = fc.record({
  from: keyOf,
  to: fc.constantFrom(null, '', 'e'),
  start: fc.integer({ min: 0, max: 12 }),
  filters: fc.subarray<WatchFilter>(['noPut', 'noDelete'], { maxLength: 1 }),
});
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: keyOf }),
  fc.record({ kind: fc.constant('del' as const), key: keyOf }),
  fc.record({ kind: fc.constant('watch' as const), watched }),
  fc.record({ kind: fc.constant('sync' as const) }),
);

test('each watcher hears of each change of its keys once, in order, from its start on', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { kv, watchable } = newStore();
      const history: { key: string; type: 'put' | 'delete'; revision: number }[] = [];
      const watchers: { watched: Watched; begin: number; channel: WatchChannel }[] = [];
      for (const each of steps) {
        if (each.kind === 'sync') watchable.syncWatchers();
        else if (each.kind === 'watch') {
          const { from, to, start, filters } = each.watched;
          const channel = new WatchChannel();
          const [key, end] = [encodeUtf8(from), to === null ? null : encodeUtf8(to)];
          watchable.watch({ id: 0n, key, end, startRevision: start, filters, channel });
          watchers.push({ watched: each.watched, begin: start === 0 ? kv.revision + 1 : start, channel });
        } else {
          const before = kv.revision;
          if (each.kind === 'put') put(kv, each.key);
          else del(kv, each.key);
          const type = each.kind === 'put' ? 'put' : 'delete';
          if (kv.revision > before) history.push({ key: each.key, type, revision: kv.revision });
        }
      }
      watchable.syncWatchers();
      expect(watchable.unsyncedCount).toBe(0);
      for (const {
        watched: { from, to, filters },
        begin,
        channel,
      } of watchers) {
        const wanted = history.filter(
          ({ key, type, revision }) =>
            revision >= begin &&
            (to === null ? key === from : key >= from && (to === '' || key < to)) &&
            !filters.includes(type === 'put' ? 'noPut' : 'noDelete'),
        );
        expect(told(channel)).toEqual(wanted.map(({ type, key, revision }) => `${type} ${key}@${revision}`));
      }
    }),
    { numRuns: 150 },
  );
});

test('a watcher whose channel is full becomes a victim, and loses nothing', () => {
  const { kv, watchable } = newStore();
  const channel = new WatchChannel();
  const all = new Uint8Array(0);
  watchable.watch({ id: 1n, key: encodeUtf8('a'), end: all, startRevision: 0, filters: [], channel });
  for (let i = 0; i < 200; i++) put(kv, 'a');
  expect(channel.size).toBe(128);
  expect(watchable.watchers().map(({ place }) => place)).toEqual(['victim']);
  expect(watchable.moveVictims()).toBe(0);
  const first = told(channel);
  expect(watchable.moveVictims()).toBe(1);
  expect(watchable.watchers().map(({ place }) => place)).toEqual(['unsynced']);
  watchable.syncWatchers();
  expect(watchable.watchers().map(({ place }) => place)).toEqual(['synced']);
  const revisions = [...first, ...told(channel)].map((text) => Number(text.split('@')[1]));
  expect(revisions).toEqual(Array.from({ length: 200 }, (_, i) => i + 2));
});

test('a watcher of a compacted past is cancelled, with the revision from which it could watch', () => {
  const { kv, watchable } = newStore();
  for (let i = 0; i < 8; i++) put(kv, 'a');
  kv.compact(6);
  while (kv.compactions.run() !== null);
  const channel = new WatchChannel();
  for (const startRevision of [5, 6])
    watchable.watch({
      id: BigInt(startRevision),
      key: encodeUtf8('a'),
      end: null,
      startRevision,
      filters: [],
      channel,
    });
  watchable.syncWatchers();
  expect(
    channel.take().map(({ watchId, compactRevision, events }) => [watchId, compactRevision, events.length]),
  ).toEqual([
    [5n, 6, 0],
    [6n, 0, 4],
  ]);
});

test('a long past comes in batches of a thousand revisions', () => {
  const { kv, watchable } = newStore();
  for (let i = 0; i < 2500; i++) put(kv, 'a');
  const channel = new WatchChannel();
  watchable.watch({ id: 1n, key: encodeUtf8('a'), end: null, startRevision: 1, filters: [], channel });
  const sizes: number[] = [];
  while (watchable.unsyncedCount > 0) {
    watchable.syncWatchers();
    sizes.push(told(channel).length);
  }
  expect(sizes).toEqual([1000, 1000, 500]);
});

test('a watcher that a snapshot sends through the history hears nothing again (etcd#15271)', () => {
  const { kv, watchable } = newStore();
  const channel = new WatchChannel();
  const key = encodeUtf8('a');
  watchable.watch({ id: 1n, key, end: null, startRevision: 0, filters: [], channel });
  put(kv, 'a');
  expect(told(channel)).toEqual(['put a@2']);
  watchable.restored();
  watchable.syncWatchers();
  put(kv, 'a');
  expect(told(channel)).toEqual(['put a@3']);
});

test('a watcher of a revision to come still waits for it after a snapshot (etcd#20221)', () => {
  const { kv, watchable } = newStore();
  const channel = new WatchChannel();
  const key = encodeUtf8('a');
  watchable.watch({ id: 1n, key, end: null, startRevision: 4, filters: [], channel });
  put(kv, 'a');
  watchable.restored();
  watchable.syncWatchers();
  put(kv, 'a');
  put(kv, 'a');
  expect(told(channel)).toEqual(['put a@4']);
});
