/** One key's history as a picture has it: its lives, and what compactions have dropped or would drop. */

export interface Revision {
  readonly main: number;
  /** The place within the transaction. */
  readonly sub: number;
}

/** From a creation to a deletion: a generation of etcd's key index. */
export interface Life {
  /** Changes since the creation, those that compaction has dropped included. */
  readonly version: number;
  readonly created: Revision;
  /** Ascending; the last one of each life but the key's last is a tombstone. Empty: the key is not there. */
  readonly revisions: readonly Revision[];
}

export interface Dropped extends Revision {
  readonly isTombstone: boolean;
}

export interface KeyHistory {
  readonly key: string;
  /** Oldest first. None: compaction has removed the key from the index. */
  readonly lives: readonly Life[];
  /** What the last compaction let go of; it stays in the picture until the next one. */
  readonly dropped: readonly Dropped[];
}

const noLife: Life = { version: 0, created: { main: 0, sub: 0 }, revisions: [] };

export const newHistory = (key: string): KeyHistory => ({ key, lives: [noLife], dropped: [] });

/** The key exists at the newest revision. */
export const isAlive = ({ lives }: KeyHistory): boolean => (lives.at(-1)?.revisions.length ?? 0) > 0;

/** The last change that is left; null where none is. */
export function lastChange({ lives }: KeyHistory): Revision | null {
  return lives.findLast(({ revisions }) => revisions.length > 0)?.revisions.at(-1) ?? null;
}

export function withPut(history: KeyHistory, at: Revision): KeyHistory {
  const life = history.lives.at(-1) ?? noLife;
  const created = life.revisions.length === 0 ? at : life.created;
  const next = { version: life.version + 1, created, revisions: [...life.revisions, at] };
  return { ...history, lives: [...history.lives.slice(0, -1), next] };
}

export function withTombstone(history: KeyHistory, at: Revision): KeyHistory {
  if (!isAlive(history)) return history;
  const ended = withPut(history, at);
  return { ...ended, lives: [...ended.lives, noLife] };
}

/** What of a key a compaction at `at` leaves, and what it lets go of. */
export interface Cut {
  readonly lives: readonly Life[];
  readonly dropped: readonly Dropped[];
}

/**
 * Of the life in which `at` falls, the last revision up to `at` stays, and all later ones; a tombstone goes
 * once it is the only one left of its life; lives that were over go.
 * @source etcd mvcc/key_index.go compact
 */
export function cutAt({ lives }: KeyHistory, at: number): Cut {
  const last = lives.length - 1;
  const open = lives.findIndex(({ revisions }) => (revisions.at(-1)?.main ?? Infinity) > at);
  const place = open < 0 ? last : open;
  const life = lives[place];
  if (life === undefined) return { lives, dropped: [] };
  const from = Math.max(
    0,
    life.revisions.findLastIndex(({ main }) => main <= at),
  );
  const isEnded = place < last && life.revisions.length - from === 1;
  const kept = isEnded ? [] : [from === 0 ? life : { ...life, revisions: life.revisions.slice(from) }];
  const goneLives = lives.slice(0, place).flatMap((gone) => asDropped(gone.revisions, true));
  const gone = isEnded ? asDropped(life.revisions, true) : asDropped(life.revisions.slice(0, from), false);
  return { lives: [...kept, ...lives.slice(place + 1)], dropped: [...goneLives, ...gone] };
}

/** @param isEnded the last of them is a tombstone */
const asDropped = (revisions: readonly Revision[], isEnded: boolean): Dropped[] =>
  revisions.map(({ main, sub }, i) => ({ main, sub, isTombstone: isEnded && i === revisions.length - 1 }));

/** The key after a compaction; null where neither the index nor the picture has anything of it any more. */
export function compacted(history: KeyHistory, at: number): KeyHistory | null {
  const { lives, dropped } = cutAt(history, at);
  if (dropped.length === 0 && history.dropped.length === 0 && lives.length > 0) return history;
  const isEmpty = lives.every(({ revisions }) => revisions.length === 0);
  if (isEmpty && dropped.length === 0) return null;
  return { key: history.key, lives: isEmpty ? [noLife] : lives, dropped };
}

/** Something of the key is in the index. */
export const isIndexed = (history: KeyHistory): boolean => lastChange(history) !== null;
