/** Watches over the store: who is up to date, who is behind, and who could not be told. */
import { assert } from '../../base/assert.ts';
import type { Trace } from '../../base/trace.ts';
import { keyText } from '../../base/utf8.ts';
import { kept } from '../../base/fork.ts';
import type { Backend } from '../backend/backend.ts';
import { decodeKeyValue } from '../pb/hot.ts';
import type { KeyValue } from '../pb/hot.ts';
import type { MvccEvent } from './events.ts';
import type { KvStore } from './kvstore.ts';
import { decodeRevision, encodeRevision, isTombstone } from './revision.ts';
import type { WatchChannel, WatchResponse } from './watch-channel.ts';
import { WatcherGroup } from './watcher-group.ts';
import type {
  EventBatch,
  Watcher,
  WatcherBatch,
  WatcherPlace,
  WatchEvent,
  WatchFilter,
} from './watcher-group.ts';

/** At most so many watchers are brought up to date by one pass. */
const watchersPerSync = 512;

export interface WatchRequest {
  readonly id: bigint;
  readonly key: Uint8Array;
  /** null: the one key; empty: all keys from `key` on. */
  readonly end: Uint8Array | null;
  /** What is past the newest revision waits for it. */
  readonly startRevision: number;
  readonly filters: readonly WatchFilter[];
  readonly channel: WatchChannel;
}

/** A watcher for a view. */
export interface WatcherView {
  readonly id: bigint;
  readonly key: Uint8Array;
  readonly end: Uint8Array | null;
  readonly minRevision: number;
  readonly place: WatcherPlace;
}

/**
 * A watcher that has seen everything is *synced*: it hears of each change at once. One that began in the past
 * is *unsynced* until a pass over the history has brought it up to date. One whose channel was full is a
 * *victim*, with the response that did not go through, until that is delivered.
 * @source etcd v3.4.23 mvcc/watchable_store.go
 */
export class WatchableStore {
  private readonly backend: Backend;
  private readonly trace: Trace<MvccEvent>;
  private readonly kv: KvStore;
  private readonly synced = new WatcherGroup();
  private readonly unsynced = new WatcherGroup();
  private victims: WatcherBatch = new Map();
  private serial = 0;

  constructor(kv: KvStore, backend: Backend) {
    this.kv = kv;
    this.backend = backend;
    this.trace = kv.trace;
    const notify = (self: WatchableStore) => (revision: number, changes: readonly KeyValue[]) =>
      self.notify(revision, changes);
    kv.setOnChanges(kept(notify, this));
  }

  get unsyncedCount(): number {
    return this.unsynced.size;
  }

  get victimCount(): number {
    return this.victims.size;
  }

  get watcherCount(): number {
    return this.synced.size + this.unsynced.size + this.victims.size;
  }

  watch(request: WatchRequest): Watcher {
    const { startRevision } = request;
    const current = this.kv.revision;
    const isSynced = startRevision > current || startRevision === 0;
    const { futureWatchHearsAll: hearsAll } = this.kv.defects;
    const watcher: Watcher = {
      serial: ++this.serial,
      id: request.id,
      key: request.key,
      end: request.end,
      filters: request.filters,
      channel: request.channel,
      minRevision: isSynced ? Math.max(hearsAll ? 0 : startRevision, current + 1) : startRevision,
      place: 'gone',
      restored: false,
    };
    this.put(watcher, isSynced ? 'synced' : 'unsynced');
    return watcher;
  }

  cancel(watcher: Watcher): void {
    this.remove(watcher);
  }

  /** Tells a watcher the revision, if it is up to date and its channel has room. */
  progress(watcher: Watcher): void {
    const isDue = watcher.place === 'synced' || this.kv.defects.progressOvertakes;
    if (isDue) this.send(watcher, [], this.kv.revision);
  }

  /**
   * One pass over the history for watchers that are behind; it is due every 100 ms while there are any.
   * @returns how many are still behind
   * @source etcd v3.4.23 mvcc/watchable_store.go syncWatchers
   */
  syncWatchers(): number {
    if (this.unsynced.size === 0) return 0;
    const current = this.kv.revision;
    const chosen = new WatcherGroup();
    const from = this.choose(chosen, current);
    const first = from + (this.kv.defects.watchSkipsFirst ? 1 : 0);
    const batch = chosen.batch(first > current ? [] : this.history(first, current, chosen));
    for (const watcher of chosen.watchers) {
      const events = batch.get(watcher);
      // who came here by a snapshot may wait for what is yet to come (etcd#20221)
      watcher.minRevision = Math.max(watcher.minRevision, current + 1);
      if (events !== undefined && events.moreRevision !== 0) watcher.minRevision = events.moreRevision;
      if (events === undefined) this.put(watcher, 'synced');
      else if (!this.send(watcher, events.events, current)) this.makeVictim(watcher, events);
      else if (events.moreRevision === 0) this.put(watcher, 'synced');
      else if (this.trace.on) this.tell(watcher, 'unsynced');
    }
    return this.unsynced.size;
  }

  /**
   * Tries again to tell those that could not be told.
   * @returns how many were told
   */
  moveVictims(): number {
    const victims = this.victims;
    this.victims = new Map();
    let moved = 0;
    for (const [watcher, batch] of victims) {
      if (!this.send(watcher, batch.events, watcher.minRevision - 1)) {
        this.victims.set(watcher, batch);
        continue;
      }
      moved++;
      if (batch.moreRevision !== 0) watcher.minRevision = batch.moreRevision;
      this.put(watcher, watcher.minRevision <= this.kv.revision ? 'unsynced' : 'synced');
    }
    return moved;
  }

  /** Another history has taken the store's place: everyone looks anew what there was since. */
  restored(): void {
    for (const watcher of [...this.synced.watchers]) {
      watcher.restored = true;
      this.put(watcher, 'unsynced');
    }
  }

  /** All watchers, by serial. */
  watchers(): WatcherView[] {
    const all = [...this.synced.watchers, ...this.unsynced.watchers, ...this.victims.keys()];
    return all.sort((a, b) => a.serial - b.serial).map(viewOf);
  }

  /**
   * Takes watchers that are behind, and cancels those whose past is compacted.
   * @returns the first revision that one of them wants
   */
  private choose(chosen: WatcherGroup, current: number): number {
    const { compactRevision } = this.kv;
    let from = Infinity;
    for (const watcher of [...this.unsynced.watchers].slice(0, watchersPerSync)) {
      assert(
        watcher.minRevision <= current || watcher.restored,
        'watchable-store: who waits for the future is not behind',
      );
      watcher.restored = false;
      if (watcher.minRevision < compactRevision) {
        const canceled = { watchId: watcher.id, events: [], revision: 0, compactRevision };
        if (watcher.channel.send(canceled)) this.remove(watcher);
        continue;
      }
      chosen.add(watcher);
      from = Math.min(from, watcher.minRevision);
    }
    return from;
  }

  /** The changes of watched keys from a revision on. @source etcd v3.4.23 watchable_store.go kvsToEvents */
  private history(from: number, to: number, group: WatcherGroup): WatchEvent[] {
    const events: WatchEvent[] = [];
    // as in 3.4, a negative revision stands behind all others once it is written as a key: nothing is found
    if (from < 0) return events;
    const [first, past] = [from, to + 1].map((main) => encodeRevision({ main, sub: 0 }));
    for (const { key, value } of this.backend.readTx.range('key', first, past)) {
      const kv = decodeKeyValue(value);
      if (group.watchersOf(kv.key).length === 0) continue;
      if (!isTombstone(key)) events.push({ type: 'put', kv });
      else events.push({ type: 'delete', kv: { ...kv, modRevision: decodeRevision(key).main } });
    }
    return events;
  }

  /** A write has ended: those that are up to date hear of it. */
  private notify(revision: number, changes: readonly KeyValue[]): void {
    if (this.synced.size === 0) return;
    const events = changes.map((kv): WatchEvent => ({ type: kv.version === 0 ? 'delete' : 'put', kv }));
    for (const [watcher, batch] of this.synced.batch(events)) {
      assert(batch.revisionCount === 1, 'watchable-store: a write is of one revision');
      // also of one that was told: a snapshot may send it through the history again (etcd#15271)
      if (!this.kv.defects.watchTellsAgain) watcher.minRevision = revision + 1;
      if (this.send(watcher, batch.events, revision)) continue;
      this.makeVictim(watcher, batch);
    }
  }

  /** @returns false when the channel is full; what the filters leave nothing of counts as sent */
  private send(watcher: Watcher, events: readonly WatchEvent[], revision: number): boolean {
    const wanted = events.filter(({ type }) => !isFiltered(watcher, type));
    if (events.length > 0 && wanted.length === 0) return true;
    if (this.kv.defects.splitRevisions && wanted.length > 1) {
      return wanted.every((event) => this.send(watcher, [event], revision));
    }
    const response: WatchResponse = { watchId: watcher.id, events: wanted, revision, compactRevision: 0 };
    if (!watcher.channel.send(response)) return false;
    if (this.trace.on) {
      this.trace.emit({
        type: 'watch.notify',
        watcher: watcher.serial,
        revision,
        eventCount: wanted.length,
      });
    }
    return true;
  }

  private makeVictim(watcher: Watcher, batch: EventBatch): void {
    this.put(watcher, 'victim');
    this.victims.set(watcher, batch);
  }

  private put(watcher: Watcher, place: WatcherPlace): void {
    const from = watcher.place;
    this.synced.delete(watcher);
    this.unsynced.delete(watcher);
    this.victims.delete(watcher);
    watcher.place = place;
    if (place === 'synced') this.synced.add(watcher);
    if (place === 'unsynced') this.unsynced.add(watcher);
    if (this.trace.on) this.tell(watcher, from);
  }

  private remove(watcher: Watcher): void {
    if (watcher.place !== 'gone') this.put(watcher, 'gone');
  }

  private tell({ serial, id, key, end, minRevision, place }: Watcher, from: WatcherPlace): void {
    this.trace.emit({
      type: 'watch.move',
      watcher: serial,
      id: String(id),
      key: keyText(key),
      end: end === null ? '' : end.length === 0 ? '\\0' : keyText(end),
      from,
      to: place,
      minRevision,
    });
  }
}

function isFiltered({ filters }: Watcher, type: WatchEvent['type']): boolean {
  return filters.includes(type === 'put' ? 'noPut' : 'noDelete');
}

function viewOf({ id, key, end, minRevision, place }: Watcher): WatcherView {
  return { id, key, end, minRevision, place };
}
