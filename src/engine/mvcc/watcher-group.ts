/** Watchers by what they watch: single keys in a map, ranges by interval. */
import { IntervalMap } from '../../base/intervals.ts';
import type { Interval } from '../../base/intervals.ts';
import { itemOf } from '../lease/item.ts';
import type { Item } from '../lease/item.ts';
import type { KeyValue } from '../pb/hot.ts';
import type { WatchChannel } from './watch-channel.ts';

/** A change as a watcher sees it; a deletion has a key and its modRevision alone. */
export interface WatchEvent {
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
}

/** What leaves an event out. */
export type WatchFilter = 'noPut' | 'noDelete';

/** Where a watcher stands: see `WatchableStore`. */
export type WatcherPlace = 'synced' | 'unsynced' | 'victim' | 'gone';

export interface Watcher {
  /** Counts the store's watchers: their order in everything. */
  readonly serial: number;
  readonly id: bigint;
  readonly key: Uint8Array;
  /** null: the one key; empty: all keys from `key` on. */
  readonly end: Uint8Array | null;
  readonly filters: readonly WatchFilter[];
  readonly channel: WatchChannel;
  /** The first revision that it has not seen. */
  minRevision: number;
  place: WatcherPlace;
  /** It came over from another history, and may wait for a revision that is still to come. */
  restored: boolean;
}

/** At most so many revisions are handed to a watcher that is behind at a time. */
const batchRevisions = 1000;

/** The events for one watcher, in the order of history. */
export class EventBatch {
  readonly events: WatchEvent[] = [];
  /** How many revisions they are of. */
  revisionCount = 0;
  /** The first revision that did not fit; 0 where all did. */
  moreRevision = 0;

  /** @source etcd v3.4.23 mvcc/watcher_group.go eventBatch.add */
  add(event: WatchEvent): void {
    if (this.revisionCount > batchRevisions) return;
    const last = this.events.at(-1);
    const revision = event.kv.modRevision;
    if (last === undefined) this.revisionCount = 1;
    else if (revision > last.kv.modRevision && ++this.revisionCount > batchRevisions) {
      this.moreRevision = revision;
      return;
    }
    this.events.push(event);
  }
}

/** Watchers with what there is for each of them, in the order of their first event. */
export type WatcherBatch = Map<Watcher, EventBatch>;

const intervalOf = ({ key, end }: Watcher): Interval => ({
  begin: key,
  end: end === null || end.length === 0 ? null : end,
});

/** @source etcd v3.4.23 mvcc/watcher_group.go watcherGroup */
export class WatcherGroup {
  private readonly keys = new Map<Item, Set<Watcher>>();
  private readonly ranges = new IntervalMap<Set<Watcher>>();
  private readonly all = new Set<Watcher>();

  get size(): number {
    return this.all.size;
  }

  /** All of them, in the order in which they came to the group. */
  get watchers(): ReadonlySet<Watcher> {
    return this.all;
  }

  add(watcher: Watcher): void {
    this.all.add(watcher);
    const { key, end } = watcher;
    let set = end === null ? this.keys.get(itemOf(key)) : this.ranges.get(intervalOf(watcher));
    if (set === undefined) {
      set = new Set();
      if (end === null) this.keys.set(itemOf(key), set);
      else this.ranges.set(intervalOf(watcher), set);
    }
    set.add(watcher);
  }

  /** @returns whether it was there */
  delete(watcher: Watcher): boolean {
    if (!this.all.delete(watcher)) return false;
    const { key, end } = watcher;
    const set = end === null ? this.keys.get(itemOf(key)) : this.ranges.get(intervalOf(watcher));
    set?.delete(watcher);
    if (set?.size !== 0) return true;
    if (end === null) this.keys.delete(itemOf(key));
    else this.ranges.delete(intervalOf(watcher));
    return true;
  }

  /** The watchers of a key, by serial. */
  watchersOf(key: Uint8Array): Watcher[] {
    const sets = this.ranges.covering(key);
    const ofKey = this.keys.get(itemOf(key));
    if (ofKey !== undefined) sets.push(ofKey);
    return sets.flatMap((set) => [...set]).sort((a, b) => a.serial - b.serial);
  }

  /** What of the events is for whom; nobody hears of what it has seen. */
  batch(events: readonly WatchEvent[]): WatcherBatch {
    const batch: WatcherBatch = new Map();
    if (this.size === 0) return batch;
    for (const event of events) {
      for (const watcher of this.watchersOf(event.kv.key)) {
        if (event.kv.modRevision < watcher.minRevision) continue;
        let events = batch.get(watcher);
        if (events === undefined) batch.set(watcher, (events = new EventBatch()));
        events.add(event);
      }
    }
    return batch;
  }
}
