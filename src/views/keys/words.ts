/** Words for keys: what a mark means, where a watcher stands, how far a compaction has come. */
import { m } from '../../paraglide/messages.js';
import { isAlive, isIndexed, lastChange, type KeyHistory, type Life } from '../../model/key-history.ts';
import { positionOf, type CompactionView, type MemberKeys, type WatcherView } from '../../model/keys-view.ts';

/** Clips in the middle: keys begin alike, and differ at their ends. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) * 0.4);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

export const placeWord = (place: WatcherView['place']): string =>
  ({ synced: m.ky_synced, unsynced: m.ky_unsynced, victim: m.ky_victim })[place]();

/** The first key behind all that begin so, where it can be told from the text. */
const prefixEnd = (key: string): string =>
  key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);

export function watchedWord({ key, end }: Pick<WatcherView, 'key' | 'end'>): string {
  if (end === '') return key;
  if (end === prefixEnd(key)) return `${key}*`;
  return end === '\\0' ? m.ky_range_from({ key }) : m.ky_range({ key, end });
}

export function watcherWords(watcher: WatcherView, member: MemberKeys): string {
  const revision = positionOf(watcher, member);
  const told = { what: watchedWord(watcher), revision };
  if (watcher.place === 'victim') return m.ky_say_victim(told);
  return watcher.place === 'synced' ? m.ky_say_synced(told) : m.ky_say_unsynced(told);
}

export function compactionWords({ revision, step, deletedCount: count }: CompactionView): string {
  if (step === 'index') return m.ky_compact_index({ revision });
  return step === 'records' ? m.ky_compact_records({ revision, count }) : m.ky_compacted({ revision, count });
}

/** Where each version of a life stands, as `revision (version)`; the tombstone by a cross. */
function lifeText(life: Life, isOver: boolean): string {
  const { revisions, version } = life;
  const texts = revisions.map(({ main, sub }, i) => {
    const at = sub === 0 ? String(main) : `${main}.${sub}`;
    if (isOver && i === revisions.length - 1) return `${at} ×`;
    return `${at} (${version - (revisions.length - 1 - i)})`;
  });
  return texts.join(', ');
}

export function livesText({ lives }: KeyHistory): string {
  const texts = lives.map((life, i) => lifeText(life, i < lives.length - 1)).filter((text) => text !== '');
  return texts.join(' | ');
}

export const stateWord = (history: KeyHistory): string => {
  if (isAlive(history)) return m.ky_alive();
  return isIndexed(history) ? m.ky_deleted() : m.ky_gone();
};

/** What stands at a revision of a key, in a sentence; the key alone where nothing does. */
export function markWords(history: KeyHistory, revision: number, lease: string | undefined): string {
  const { key, lives, dropped } = history;
  const gone = dropped.find(({ main }) => main === revision);
  if (gone !== undefined) return m.ky_say_dropped({ key, revision });
  for (const [place, life] of lives.entries()) {
    const at = life.revisions.findLastIndex(({ main }) => main === revision);
    if (at < 0) continue;
    const behind = life.revisions.length - 1 - at;
    if (place < lives.length - 1 && behind === 0) return m.ky_say_tombstone({ key, revision });
    const told = { key, revision, version: life.version - behind, created: life.created.main };
    const isNewest = behind === 0 && lease !== undefined;
    return isNewest ? m.ky_say_put_lease({ ...told, lease }) : m.ky_say_put(told);
  }
  return m.ky_say_none({ key, revision, state: stateWord(history) });
}

/** The revisions of a key that the picture marks, ascending. */
export function markedRevisions({ lives, dropped }: KeyHistory): readonly number[] {
  const all = [...dropped, ...lives.flatMap(({ revisions }) => revisions)].map(({ main }) => main);
  return [...new Set(all)].sort((a, b) => a - b);
}

export const newestOf = (history: KeyHistory): number =>
  lastChange(history)?.main ?? history.dropped.at(-1)?.main ?? 0;
