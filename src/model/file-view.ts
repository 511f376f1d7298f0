/** Each member's database file: trees, meta pages, what waits, its newest commit. A fold of events. */
import type { BoltEvent } from '../engine/bolt/events.ts';
import type { LabEvent } from '../sim/types.ts';
import { openTrace, trimmed, type ListCall, type ListTrace } from './list-trace.ts';
import { isOfFile, mapKinds } from './page-map.ts';
import { firstSeats, replaced, seated, type Told } from './told.ts';
import { noTreePages, withPages, type TreePage, type TreePages } from './tree-pages.ts';

export interface MetaView {
  readonly txid: number;
  /** The root bucket's page; null where nothing told it. */
  readonly root: number | null;
}

/** What meta pages 0 and 1 say; null: not valid. */
export type MetaPair = readonly [MetaView | null, MetaView | null];

/** Pages that transaction `txid` freed: readers of older states may still need them. */
export interface PendingRun {
  readonly txid: number;
  readonly pgid: number;
  readonly count: number;
}

/** What a commit tells of itself, in its order; the release is what the next transaction begins with. */
export type FilmEvent = Extract<
  BoltEvent,
  {
    type:
      | 'bolt.merge'
      | 'bolt.split'
      | 'bolt.spill'
      | 'bolt.allocate'
      | 'bolt.free'
      | 'bolt.write'
      | 'bolt.sync'
      | 'bolt.writeMeta'
      | 'bolt.release';
  }
>;

export interface CommitFilm {
  readonly txid: number;
  readonly atUs: number;
  readonly events: readonly FilmEvent[];
  /** Changes that it holds; null while nothing tells. */
  readonly operationCount: number | null;
  /** The disk has its meta page. */
  readonly stored: boolean;
  /** The meta pages before it. */
  readonly metasBefore: MetaPair;
}

export interface FileView {
  readonly member: number;
  readonly pageSize: number;
  /** The first page that was never used. */
  readonly highWater: number;
  readonly metas: MetaPair;
  readonly pages: TreePages;
  readonly pending: readonly PendingRun[];
  /** The commit that is going on or was the last; null before the first of this run of the member. */
  readonly film: CommitFilm | null;
  /** Null before the file is open. */
  readonly trace: ListTrace | null;
}

export interface Files {
  readonly members: readonly FileView[];
}

const noFile = (member: number): FileView => ({
  member,
  pageSize: 4096,
  highWater: 0,
  metas: [null, null],
  pages: noTreePages,
  pending: [],
  film: null,
  trace: null,
});

export const emptyFiles = (memberCount: number): Files => ({ members: firstSeats(memberCount, noFile) });

/** The files after these events, told in order; those before stay as they were. */
export function foldFiles(before: Files, events: readonly Told[]): Files {
  let members = seated(before.members, events, noFile);
  members.forEach((file, at) => {
    const own = events.filter((told) => told.at.member === file.member && isOfFile(told));
    if (own.length > 0) members = replaced(members, at, foldFile(file, own));
  });
  return members === before.members ? before : { members };
}

function foldFile(before: FileView, events: readonly Told[]): FileView {
  const fold = new FileFold(before);
  for (const { at, event } of events) fold.take(event, at.timeUs);
  return fold.file();
}

/** The slot of the meta page in force: the valid one with the higher transaction; null for none. */
export function newestSlot([zero, one]: MetaPair): 0 | 1 | null {
  if (zero === null) return one === null ? null : 1;
  return one !== null && one.txid > zero.txid ? 1 : 0;
}

/** The root bucket's page in force; null before the file is open. */
export function rootOf({ metas }: FileView): number | null {
  const slot = newestSlot(metas);
  return slot === null ? null : (metas[slot]?.root ?? null);
}

/** One file while a batch is folded: lists are copied once for all its events. */
class FileFold {
  #file: FileView;
  #written: TreePage[] = [];
  #told: FilmEvent[] = [];
  #calls: ListCall[] = [];

  constructor(file: FileView) {
    this.#file = file;
  }

  file(): FileView {
    this.#gather();
    return this.#file;
  }

  take(event: LabEvent, timeUs: number): void {
    switch (event.type) {
      case 'bolt.open':
        return this.#open(event);
      case 'bolt.tree':
        this.#written.push(...pagesOf(event));
        return;
      case 'bolt.write':
        this.#film(event, timeUs);
        this.#written.push(pageOf(event));
        return;
      case 'bolt.free':
        this.#film(event, timeUs);
        this.#calls.push(event);
        return this.#change({
          pending: [...this.#file.pending, { txid: event.txid, pgid: event.pgid, count: event.count }],
        });
      case 'bolt.release':
        if (this.#file.film !== null) this.#told.push(event);
        this.#calls.push(event);
        return this.#release(event);
      case 'bolt.allocate':
        this.#film(event, timeUs);
        this.#calls.push(event);
        return;
      case 'bolt.writeMeta':
        this.#film(event, timeUs);
        return this.#meta(event);
      case 'bolt.merge':
      case 'bolt.split':
      case 'bolt.spill':
      case 'bolt.sync':
        return this.#film(event, timeUs);
      case 'sim.wipe':
        [this.#written, this.#told, this.#calls] = [[], [], []];
        this.#file = noFile(this.#file.member);
        return;
      case 'backend.commit':
        return this.#changeFilm(event.txid, { operationCount: event.operationCount });
      case 'backend.committed':
        return this.#changeFilm(event.txid, { stored: true });
    }
  }

  #change(change: Partial<FileView>): void {
    this.#file = { ...this.#file, ...change };
  }

  #changeFilm(txid: number, change: Partial<CommitFilm>): void {
    const { film } = this.#file;
    if (film?.txid === txid) this.#change({ film: { ...film, ...change } });
  }

  #open(event: Extract<BoltEvent, { type: 'bolt.open' }>): void {
    [this.#written, this.#told, this.#calls] = [[], [], []];
    const metaOf = (slot: 0 | 1): MetaView | null => {
      const txid = event.metaTxids[slot] ?? -1;
      return txid < 0 ? null : { txid, root: txid === event.txid ? event.root : null };
    };
    this.#change({
      pageSize: event.pageSize,
      highWater: event.highWater,
      metas: [metaOf(0), metaOf(1)],
      pages: withPages(noTreePages, freelistPages(event)),
      pending: [],
      film: null,
      trace: openTrace(event),
    });
  }

  /** The first event of a transaction begins its film; those of a new file's first sync belong to none. */
  #film(event: Exclude<FilmEvent, { type: 'bolt.release' }>, atUs: number): void {
    const { film, metas } = this.#file;
    if (film === null || film.txid < event.txid) {
      if (event.type === 'bolt.sync') return;
      this.#gather();
      const begun = { txid: event.txid, atUs, events: [], operationCount: null, stored: false };
      this.#change({ film: { ...begun, metasBefore: metas } });
    }
    this.#told.push(event);
  }

  #release({ runStarts, runCounts }: Extract<BoltEvent, { type: 'bolt.release' }>): void {
    const isIn = (pgid: number): boolean =>
      runStarts.some((start, i) => pgid >= start && pgid < start + (runCounts[i] ?? 0));
    this.#change({ pending: this.#file.pending.filter(({ pgid }) => !isIn(pgid)) });
  }

  #meta({ txid, slot, root, highWater }: Extract<BoltEvent, { type: 'bolt.writeMeta' }>): void {
    const { metas } = this.#file;
    const written = { txid, root };
    this.#change({ highWater, metas: slot === 0 ? [written, metas[1]] : [metas[0], written] });
    this.#gather();
    if (this.#file.trace !== null) this.#change({ trace: trimmed(this.#file.trace) });
  }

  #gather(): void {
    const { film, trace, pages } = this.#file;
    if (film !== null && this.#told.length > 0) {
      this.#change({ film: { ...film, events: [...film.events, ...this.#told] } });
    }
    if (trace !== null && this.#calls.length > 0) {
      this.#change({ trace: { ...trace, calls: [...trace.calls, ...this.#calls] } });
    }
    this.#change({ pages: withPages(pages, this.#written) });
    [this.#written, this.#told, this.#calls] = [[], [], []];
  }
}

function pageOf(event: Extract<BoltEvent, { type: 'bolt.write' }>): TreePage {
  const { pgid, count, txid, itemCount, usedBytes, children, buckets, bucketRoots } = event;
  const kind = mapKinds[event.kind] as TreePage['kind'];
  return { pgid, count, kind, txid, itemCount, usedBytes, children, buckets, bucketRoots };
}

/** The freelist's own pages, where the file has them: its ids are not told. */
function freelistPages(event: Extract<BoltEvent, { type: 'bolt.open' }>): TreePage[] {
  return event.runKinds.flatMap((code, i): TreePage[] => {
    if (mapKinds[code] !== 'freelist') return [];
    const [pgid, count] = [event.runStarts[i] ?? 0, event.runCounts[i] ?? 0];
    const empty = { itemCount: 0, usedBytes: 0, children: [], buckets: [], bucketRoots: [] };
    return [{ pgid, count, kind: 'freelist', txid: null, ...empty }];
  });
}

function pagesOf(event: Extract<BoltEvent, { type: 'bolt.tree' }>): TreePage[] {
  let child = 0;
  let bucket = 0;
  return event.pgids.map((pgid, i) => {
    const [childCount, bucketCount] = [event.childCounts[i] ?? 0, event.bucketCounts[i] ?? 0];
    const page = {
      pgid,
      count: event.pageCounts[i] ?? 1,
      kind: childCount > 0 ? ('branch' as const) : ('leaf' as const),
      txid: null,
      itemCount: event.itemCounts[i] ?? 0,
      usedBytes: event.usedBytes[i] ?? 0,
      children: event.children.slice(child, child + childCount),
      buckets: event.buckets.slice(bucket, bucket + bucketCount),
      bucketRoots: event.bucketRoots.slice(bucket, bucket + bucketCount),
    };
    child += childCount;
    bucket += bucketCount;
    return page;
  });
}
