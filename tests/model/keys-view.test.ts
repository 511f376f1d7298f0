/** The picture of keys against the store that it is of: index, compactions and watchers after random work. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyBytes } from '../../src/base/bytes.ts';
import { encodeUtf8, keyText } from '../../src/base/utf8.ts';
import { Backend, openDb } from '../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { MvccEvent } from '../../src/engine/mvcc/events.ts';
import { KvStore } from '../../src/engine/mvcc/kvstore.ts';
import { WatchChannel } from '../../src/engine/mvcc/watch-channel.ts';
import { WatchableStore } from '../../src/engine/mvcc/watchable-store.ts';
import type { Watcher } from '../../src/engine/mvcc/watcher-group.ts';
import { cutAt, isIndexed, type KeyHistory } from '../../src/model/key-history.ts';
import { emptyKeys, foldKeys } from '../../src/model/keys-fold.ts';
import { keysLike, positionOf, totalsOf, type KeysView } from '../../src/model/keys-view.ts';
import type { Told } from '../../src/model/told.ts';

/** A store whose events are folded as they come. */
class Traced {
  view: KeysView = emptyKeys(1);
  readonly backend = Backend.open(openDb(new MemoryPager()));
  kv!: KvStore;
  watchable!: WatchableStore;
  watchers: { watcher: Watcher; channel: WatchChannel }[] = [];
  #events: Told[] = [];

  constructor() {
    this.open();
  }

  /** As a member that starts: the index is made anew from the records. */
  open(): void {
    this.tell({ type: 'sim.kill' });
    this.tell({ type: 'sim.start', epoch: 1 });
    this.kv = new KvStore(this.backend, { on: true, emit: (event: MvccEvent) => this.tell(event) });
    this.watchable = new WatchableStore(this.kv, this.backend);
    this.watchers = [];
  }

  tell(event: Told['event']): void {
    this.#events.push({ at: { member: 1, timeUs: 0, moment: 0, ordinal: 0 } as Told['at'], event });
  }

  fold(): KeysView['members'][number] {
    this.view = foldKeys(this.view, this.#events);
    this.#events = [];
    return this.view.members[0];
  }

  write(changes: readonly { readonly key: string; readonly isPut: boolean }[]): void {
    const txn = this.kv.write();
    for (const { key, isPut } of changes) {
      if (isPut) txn.put(encodeUtf8(key), encodeUtf8('v'), 0n);
      else txn.deleteRange(encodeUtf8(key), null);
    }
    txn.end();
  }
}

/** What the engine has, in the picture's shape. */
function indexOf(kv: KvStore): { key: string; lives: unknown }[] {
  const found: { key: string; lives: unknown }[] = [];
  kv.index.visit(emptyBytes, emptyBytes, ({ key, generations }) => {
    found.push({ key: keyText(key), lives: generations.map((life) => ({ ...life })) });
  });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

const shown = (histories: readonly KeyHistory[]): { key: string; lives: unknown }[] =>
  histories.filter(isIndexed).map(({ key, lives }) => ({ key, lives }));

/** Has room for one response more: then its watcher becomes a victim. */
function nearlyFull(): WatchChannel {
  const channel = new WatchChannel();
  const response = { watchId: 0n, events: [], revision: 1, compactRevision: 0 };
  while (channel.size < 127) channel.send(response);
  return channel;
}

const long = 'k'.repeat(200);
const keyOf = fc.constantFrom('a', 'b', 'c/1', 'c/2', 'c\\', 'c\n', `${long}1`, `${long}2`);
const change = fc.record({ key: keyOf, isPut: fc.boolean() });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), changes: fc.array(change) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('work' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('watch' as const),
      key: keyOf,
      end: fc.constantFrom(null, '', 'd'),
      start: fc.nat(12),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sync' as const), takes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), place: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function doStep(store: Traced, one: Step): void {
  const { kv, watchable, watchers } = store;
  switch (one.kind) {
    case 'write':
      return store.write(one.changes);
    case 'compact': {
      const at = kv.revision - one.back;
      if (at > Math.max(0, kv.compactRevision)) kv.compact(at);
      return;
    }
    case 'work':
      kv.compactions.run();
      return;
    case 'watch': {
      const channel = nearlyFull();
      const [key, end] = [encodeUtf8(one.key), one.end === null ? null : encodeUtf8(one.end)];
      const request = {
        id: BigInt(watchers.length),
        key,
        end,
        startRevision: one.start,
        filters: [],
        channel,
      };
      watchers.push({ watcher: watchable.watch(request), channel });
      return;
    }
    case 'sync':
      if (one.takes) for (const { channel } of watchers) channel.take();
      watchable.moveVictims();
      watchable.syncWatchers();
      return;
    case 'cancel': {
      const chosen = watchers[one.place];
      if (chosen !== undefined) watchable.cancel(chosen.watcher);
      return;
    }
    case 'reopen':
      while (!kv.compactions.isIdle) kv.compactions.run();
      return store.open();
    default:
      one satisfies never;
  }
}

test('keys, lives, compactions and watchers are what the store itself has, after each step', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const store = new Traced();
      for (const one of steps) {
        doStep(store, one);
        const member = store.fold();
        expect(shown(keysLike(member, ''))).toEqual(indexOf(store.kv));
        expect(member.revision).toBe(store.kv.revision);
        expect(member.compactRevision).toBe(store.kv.compactRevision);
        const watchers = store.watchable.watchers().map(({ id, key, place, minRevision }) => ({
          id: String(id),
          key: keyText(key),
          place,
          minRevision,
        }));
        const seen = [...member.watchers.values()].sort((a, b) => a.watcher - b.watcher);
        expect(seen.map(({ id, key, place, minRevision }) => ({ id, key, place, minRevision }))).toEqual(
          watchers,
        );
        expect(totalsOf(keysLike(member, '')).alive).toBe(store.kv.index.countAlive());
      }
    }),
    { numRuns: 150 },
  );
});

test('what a compaction would drop is what it then drops', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change), { minLength: 1, maxLength: 20 }), fc.nat(20), (writes, at) => {
      const store = new Traced();
      for (const changes of writes) store.write(changes);
      const revision = Math.min(Math.max(1, at), store.kv.revision);
      const promised = keysLike(store.fold(), '').map((history) => cutAt(history, revision).dropped);
      store.kv.compact(revision);
      while (!store.kv.compactions.isIdle) store.kv.compactions.run();
      const after = keysLike(store.fold(), '');
      expect(after.map(({ dropped }) => dropped)).toEqual(promised);
      expect(after.filter(isIndexed).map(({ key }) => key)).toEqual(indexOf(store.kv).map(({ key }) => key));
    }),
    { numRuns: 100 },
  );
});

test('a compaction is seen on its way: the index first, then records, then the end', () => {
  const store = new Traced();
  for (let i = 0; i < 3; i++) store.write([{ key: 'a', isPut: true }]);
  store.kv.compact(3);
  expect(store.fold().compaction).toEqual({ revision: 3, step: 'index', seenCount: 0, deletedCount: 0 });
  store.kv.compactions.run();
  expect(store.fold().compaction).toEqual({ revision: 3, step: 'finished', seenCount: 2, deletedCount: 1 });
  expect(keysLike(store.fold(), 'a')[0].dropped).toEqual([{ main: 2, sub: 0, isTombstone: false }]);
});

test('an up-to-date watcher waits for the next revision; one for the future where it begins', () => {
  const store = new Traced();
  store.write([{ key: 'a', isPut: true }]);
  for (const startRevision of [0, 1, 9]) {
    const channel = new WatchChannel();
    const request = { id: 1n, key: encodeUtf8('a'), end: null, startRevision, filters: [], channel };
    store.watchable.watch(request);
  }
  const member = store.fold();
  expect([...member.watchers.values()].map((one) => [one.place, positionOf(one, member)])).toEqual([
    ['synced', 3],
    ['unsynced', 1],
    ['synced', 9],
  ]);
});

test('a watcher whose client does not take what it is sent becomes a victim, until it does', () => {
  const store = new Traced();
  const channel = nearlyFull();
  store.watchable.watch({ id: 1n, key: encodeUtf8('a'), end: null, startRevision: 0, filters: [], channel });
  const places = ['a', 'a', 'b'].map((key) => {
    store.write([{ key, isPut: true }]);
    return store.fold().watchers.get(1)?.place;
  });
  expect(places).toEqual(['synced', 'victim', 'victim']);
  channel.take();
  store.watchable.moveVictims();
  expect(store.fold().watchers.get(1)).toMatchObject({ place: 'unsynced', minRevision: 4 });
});

test('a watcher far behind is seen to come nearer, a thousand revisions at a time', () => {
  const store = new Traced();
  for (let i = 0; i < 1200; i++) store.write([{ key: 'a', isPut: true }]);
  const request = { id: 1n, key: encodeUtf8('a'), end: null, filters: [], channel: new WatchChannel() };
  store.watchable.watch({ ...request, startRevision: 2 });
  store.watchable.syncWatchers();
  expect(store.fold().watchers.get(1)).toMatchObject({ place: 'unsynced', minRevision: 1002 });
  store.watchable.syncWatchers();
  expect(store.fold().watchers.get(1)?.place).toBe('synced');
});

test('a state of the past stays as it was while the store goes on', () => {
  const store = new Traced();
  store.write([{ key: 'a', isPut: true }]);
  const past = store.fold();
  const before = JSON.stringify(shown(keysLike(past, '')));
  store.write([
    { key: 'a', isPut: false },
    { key: 'b', isPut: true },
  ]);
  store.fold();
  expect(JSON.stringify(shown(keysLike(past, '')))).toBe(before);
});
