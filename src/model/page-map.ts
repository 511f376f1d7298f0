/** Each member's database file as a map of pages. A fold of events. */
import type { PageKind } from '../engine/bolt/types.ts';
import { firstSeats, replaced, seated, type Told } from './told.ts';

/** What a page is, by the codes of bolt's events; `never`: not used since the file was made. */
export type MapKind = PageKind | 'never';
export const mapKinds: readonly MapKind[] = [
  'meta',
  'freelist',
  'branch',
  'leaf',
  'free',
  'pending',
  'never',
];
const code = { pending: 5, free: 4, never: 6 };

export interface CommitView {
  readonly txid: number;
  readonly atUs: number;
  /** Ascending; a meta page among them. */
  readonly pages: readonly number[];
  /** Set when the meta page is on disk. */
  readonly stored: boolean;
}

export interface MemberPages {
  readonly id: number;
  readonly pageSize: number;
  /** Page n's kind as an index of `mapKinds`. */
  readonly kinds: Uint8Array;
  /** Txids of meta pages 0 and 1; null: not written in this run. */
  readonly metas: readonly [number | null, number | null];
  /** What the transaction that writes now, or wrote last, put on disk; null before the first. */
  readonly commit: CommitView | null;
}

export interface PageMaps {
  readonly members: readonly MemberPages[];
}

const noPages = (id: number): MemberPages => ({
  id,
  pageSize: 4096,
  kinds: new Uint8Array(0),
  metas: [null, null],
  commit: null,
});

export const emptyPageMaps = (memberCount: number): PageMaps => ({
  members: firstSeats(memberCount, noPages),
});

/** The maps after these events, told in order; the maps before stay as they were. */
export function foldPageMaps(before: PageMaps, events: readonly Told[]): PageMaps {
  let members = seated(before.members, events, noPages);
  members.forEach((member, at) => {
    const own = events.filter((told) => told.at.member === member.id && isOfFile(told));
    if (own.length > 0) members = replaced(members, at, foldMember(member, own));
  });
  return members === before.members ? before : { members };
}

/** Whether an event is of a member's database file: bolt's and the backend's, and that it is gone. */
export const isOfFile = ({ event }: Told): boolean => event.type.startsWith('b') || event.type === 'sim.wipe';

/** Takes one copy of the page kinds for all the events, since a file may have very many pages. */
function foldMember(before: MemberPages, events: readonly Told[]): MemberPages {
  const kinds = new Kinds(before.kinds);
  let member = before;
  for (const told of events) member = step(member, kinds, told);
  return { ...member, kinds: kinds.taken() };
}

function step(member: MemberPages, kinds: Kinds, { at, event }: Told): MemberPages {
  switch (event.type) {
    case 'bolt.open':
      kinds.reset(event.highWater);
      event.runKinds.forEach((kind, i) => kinds.fill(event.runStarts[i] ?? 0, event.runCounts[i] ?? 0, kind));
      return { ...member, pageSize: event.pageSize, metas: [null, null], commit: null };
    case 'bolt.free':
      kinds.fill(event.pgid, event.count, code.pending);
      return member;
    case 'bolt.release':
      event.runStarts.forEach((start, i) => kinds.fill(start, event.runCounts[i] ?? 0, code.free));
      return member;
    case 'bolt.write':
      kinds.fill(event.pgid, event.count, event.kind);
      return { ...member, commit: written(member.commit, event.txid, at.timeUs, event.pgid, event.count) };
    case 'bolt.writeMeta':
      kinds.grow(event.highWater);
      return {
        ...member,
        metas: event.slot === 0 ? [event.txid, member.metas[1]] : [member.metas[0], event.txid],
        commit: written(member.commit, event.txid, at.timeUs, event.slot, 1),
      };
    case 'sim.wipe':
      kinds.reset(0);
      return noPages(member.id);
    case 'backend.committed':
      return { ...member, commit: stored(member.commit, event.txid) };
    default:
      return member;
  }
}

function written(
  commit: CommitView | null,
  txid: number,
  atUs: number,
  pgid: number,
  count: number,
): CommitView {
  const before = commit !== null && commit.txid === txid ? commit.pages : [];
  const added = Array.from({ length: count }, (_, i) => pgid + i).filter((page) => !before.includes(page));
  return { txid, atUs, pages: [...before, ...added].sort((a, b) => a - b), stored: false };
}

function stored(commit: CommitView | null, txid: number): CommitView | null {
  return commit !== null && commit.txid <= txid ? { ...commit, stored: true } : commit;
}

/** Page kinds while a batch is folded: the first change copies them, later ones write into the copy. */
class Kinds {
  #kinds: Uint8Array;
  #isCopy = false;

  constructor(kinds: Uint8Array) {
    this.#kinds = kinds;
  }

  taken(): Uint8Array {
    return this.#kinds;
  }

  reset(pageCount: number): void {
    this.#kinds = new Uint8Array(pageCount).fill(code.never);
    this.#isCopy = true;
  }

  grow(pageCount: number): void {
    if (pageCount <= this.#kinds.length) return;
    const grown = new Uint8Array(pageCount).fill(code.never);
    grown.set(this.#kinds);
    this.#kinds = grown;
    this.#isCopy = true;
  }

  fill(from: number, count: number, kind: number): void {
    this.grow(from + count);
    if (!this.#isCopy) {
      this.#kinds = this.#kinds.slice();
      this.#isCopy = true;
    }
    this.#kinds.fill(kind, from, from + count);
  }
}

/** How many pages are of a kind. */
export function countKind(pages: MemberPages, kind: MapKind): number {
  const wanted = mapKinds.indexOf(kind);
  let count = 0;
  for (const one of pages.kinds) if (one === wanted) count += 1;
  return count;
}
