/** Keys, compactions and watchers of each member's store, from events: the state that a picture asks. */
import { cutAt, isIndexed, type KeyHistory } from './key-history.ts';
import type { Shards } from './shards.ts';

export interface WatcherView {
  /** Counts the store's watchers. */
  readonly watcher: number;
  /** The id that the client knows. */
  readonly id: string;
  readonly key: string;
  /** Empty: the one key; `\0`: all keys from `key` on; else the first key past the range. */
  readonly end: string;
  readonly place: 'synced' | 'unsynced' | 'victim';
  /** The first revision that it has not seen, as far as it was told of any. */
  readonly minRevision: number;
}

export interface CompactionView {
  readonly revision: number;
  /** The index goes first, then the records. */
  readonly step: 'index' | 'records' | 'finished';
  readonly seenCount: number;
  readonly deletedCount: number;
}

export interface MemberKeys {
  /** From 1. */
  readonly id: number;
  readonly isRunning: boolean;
  /** The newest revision; 1 before the first write. */
  readonly revision: number;
  /** Below it nothing can be read; -1 where nothing was ever compacted. */
  readonly compactRevision: number;
  readonly keys: Shards<KeyHistory>;
  /** The lease, hexadecimal, of each key that has one. */
  readonly leases: Shards<string>;
  readonly watchers: ReadonlyMap<number, WatcherView>;
  /** The last compaction that this process has carried out, or does; null: none. */
  readonly compaction: CompactionView | null;
}

export interface KeysView {
  readonly members: readonly MemberKeys[];
}

/** Whose store a picture shows of itself: who has most watchers, of those that run, else who runs. */
export function suggestedMember({ members }: KeysView): number {
  const best = members.reduce<MemberKeys | null>((so, one) => {
    if (!one.isRunning) return so;
    return so === null || one.watchers.size > so.watchers.size ? one : so;
  }, null);
  return best?.id ?? 1;
}

/** The first revision that the watcher has still to see: one that is up to date waits for the next. */
export function positionOf({ place, minRevision }: WatcherView, { revision }: MemberKeys): number {
  return place === 'synced' ? Math.max(minRevision, revision + 1) : minRevision;
}

export const watchersIn = ({ watchers }: MemberKeys, place: WatcherView['place']): number => {
  let count = 0;
  for (const one of watchers.values()) if (one.place === place) count++;
  return count;
};

const byText = (a: KeyHistory, b: KeyHistory): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/**
 * The keys whose text has `wanted` in it, by text.
 * @param before an earlier answer: what is nearly in order is put in order much faster
 */
export function keysLike(
  { keys }: MemberKeys,
  wanted: string,
  before: readonly KeyHistory[] = [],
): readonly KeyHistory[] {
  const left = new Map<string, KeyHistory>();
  for (const shard of keys) {
    for (const history of shard.values()) if (history.key.includes(wanted)) left.set(history.key, history);
  }
  const found: KeyHistory[] = [];
  for (const { key } of before) {
    const history = left.get(key);
    if (history !== undefined) found.push(history);
    left.delete(key);
  }
  return [...found, ...left.values()].sort(byText);
}

export interface KeyTotals {
  readonly alive: number;
  /** Deleted, but still in the index. */
  readonly deleted: number;
  readonly revisions: number;
}

export function totalsOf(histories: readonly KeyHistory[]): KeyTotals {
  let [alive, deleted, revisions] = [0, 0, 0];
  for (const history of histories) {
    const isThere = (history.lives.at(-1)?.revisions.length ?? 0) > 0;
    if (isThere) alive++;
    else if (isIndexed(history)) deleted++;
    for (const life of history.lives) revisions += life.revisions.length;
  }
  return { alive, deleted, revisions };
}

/** How many revisions of these keys a compaction at `at` would drop. */
export function wouldDrop(histories: readonly KeyHistory[], at: number): number {
  return histories.reduce((sum, history) => sum + cutAt(history, at).dropped.length, 0);
}
