/** What both freelists share: pages that were freed but wait until no reader can see them any more. */
import { assert } from '../../../base/assert.ts';
import { BoltError } from '../errors.ts';
import { Bitmap } from './bitmap.ts';
import type { AllocationPath, Freelist, Spans } from './freelist.ts';
import { freeSpans } from './freelist.ts';
import { SparseTxids } from './sparse-txids.ts';

/**
 * Runs that one transaction freed; `allocTxids` says which transaction took each from the freelist, 0
 * unknown.
 */
interface PendingTx {
  starts: number[];
  counts: number[];
  allocTxids: number[];
  /** The start of the last range that was looked for in here. */
  lastReleaseBegin: number;
}

/** What an allocation gave; `first` null where the file must grow. */
export interface Allocation {
  readonly first: number | null;
  readonly scanned: number;
  readonly path: AllocationPath;
}

const maxIdsInHeader = 0xffff;

/** Runs in any order as ascending spans; neighbours become one. */
function sortedSpans(starts: readonly number[], counts: readonly number[]): Spans {
  const order = starts.map((_, i) => i).sort((a, b) => starts[a] - starts[b]);
  const merged: { starts: number[]; counts: number[] } = { starts: [], counts: [] };
  for (const i of order) {
    const last = merged.starts.length - 1;
    if (last >= 0 && merged.starts[last] + merged.counts[last] === starts[i])
      merged.counts[last] += counts[i];
    else {
      merged.starts.push(starts[i]);
      merged.counts.push(counts[i]);
    }
  }
  return merged;
}

/**
 * Free pages (in one of the two lists) and pending ones by transaction. A page goes: in use -> `free` ->
 * pending -> `release` -> free -> `allocate` -> in use.
 * @source bbolt v1.3.12 freelist.go; v1.4 internal/freelist/shared.go
 */
export class SharedFreelist {
  readonly list: Freelist;
  readonly #readers: number[] = [];
  readonly #pending = new Map<number, PendingTx>();
  /** Free or pending. */
  readonly #freed = new Bitmap();
  /** Which transaction took a run from the freelist, by the run's first page. */
  readonly #allocTxids = new SparseTxids();
  #pendingCount = 0;

  constructor(list: Freelist) {
    this.list = list;
  }

  get freeCount(): number {
    return this.list.freeCount;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Bytes that the list needs on disk, header included. @source bbolt freelist.go size */
  get sizeBytes(): number {
    const count = this.freeCount + this.#pendingCount;
    return 16 + 8 * (count >= maxIdsInHeader ? count + 1 : count);
  }

  /** Starts anew with these free ids (ascending); pending pages stay pending and are left out. */
  init(ids: Uint32Array): void {
    const waiting = new Bitmap();
    for (const pending of this.#pending.values()) {
      pending.starts.forEach((start, i) => waiting.setRun(start, pending.counts[i]));
    }
    const free = waiting.isEmpty ? ids : ids.filter((id) => !waiting.has(id));
    this.list.init(free);
    this.#freed.clear();
    this.list.forEachSpan((start, count) => this.#freed.setRun(start, count));
    this.#freed.add(waiting);
  }

  isFreed(pgid: number): boolean {
    return this.#freed.has(pgid);
  }

  allocate(txid: number, count: number): Allocation {
    const before = this.list.counters.scanned;
    const first = this.list.allocate(count);
    const scanned = this.list.counters.scanned - before;
    if (first !== null) {
      assert(first > 1, 'freelist: pages 0 and 1 are meta pages, never free');
      this.#freed.clearRun(first, count);
      this.#allocTxids.set(first, txid);
    }
    return { first, scanned, path: this.list.lastPath };
  }

  /**
   * A run is no longer used by `txid`; readers of older states may still need it.
   * @param unknown what to take for the allocating transaction where none is recorded
   * @throws BoltError 'invalid database' where a page is freed twice, or is a meta page
   */
  free(txid: number, pgid: number, count: number, unknown = 0): void {
    if (pgid <= 1) throw new BoltError('invalid database', `cannot free page 0 or 1: ${pgid}`);
    for (let id = pgid; id < pgid + count; id++) {
      if (this.#freed.has(id)) throw new BoltError('invalid database', `page ${id} already freed`);
    }
    const known = this.#allocTxids.get(pgid);
    this.#allocTxids.set(pgid, 0);
    this.#freed.setRun(pgid, count);
    const pending = this.#pendingOf(txid);
    pending.starts.push(pgid);
    pending.counts.push(count);
    pending.allocTxids.push(known === 0 ? unknown : known);
    this.#pendingCount += count;
  }

  addReader(txid: number): void {
    this.#readers.push(txid);
  }

  removeReader(txid: number): void {
    const index = this.#readers.indexOf(txid);
    assert(index >= 0, 'freelist: a reader ends once');
    this.#readers.splice(index, 1);
  }

  /**
   * Frees what no reader can see: all that was freed before the oldest reader began, and between two
   * readers what was both allocated and freed there. Called when a write transaction begins.
   * @returns the pages released
   * @source bbolt db.go freePages; v1.4 shared.go ReleasePendingPages
   */
  releasePending(): Spans {
    if (this.#pendingCount === 0) return { starts: [], counts: [] };
    const readers = this.#readers.sort((a, b) => a - b);
    const released = { starts: [] as number[], counts: [] as number[] };
    let begin = readers.length > 0 ? readers[0] : Infinity;
    if (begin > 0) this.#release(begin - 1, released);
    for (const reader of readers) {
      this.#releaseRange(begin, reader - 1, released);
      begin = reader + 1;
    }
    this.#releaseRange(begin, Infinity, released);
    return sortedSpans(released.starts, released.counts);
  }

  /** Forgets what a transaction freed and took; its pages are in use again. */
  rollback(txid: number): void {
    const pending = this.#pending.get(txid);
    if (pending === undefined) return;
    this.#allocTxids.forget(txid);
    pending.starts.forEach((start, i) => {
      this.#freed.clearRun(start, pending.counts[i]);
      this.#pendingCount -= pending.counts[i];
      if (pending.allocTxids[i] === 0) return;
      for (let id = start; id < start + pending.counts[i]; id++)
        this.#allocTxids.set(id, pending.allocTxids[i]);
    });
    this.#pending.delete(txid);
  }

  freeSpans(): Spans {
    return freeSpans(this.list);
  }

  /** Pending pages by transaction, ascending. */
  pendingSpans(): Map<number, Spans> {
    const byTx = new Map<number, Spans>();
    for (const txid of [...this.#pending.keys()].sort((a, b) => a - b)) {
      const pending = this.#pendingOf(txid);
      byTx.set(txid, sortedSpans(pending.starts, pending.counts));
    }
    return byTx;
  }

  /** All free and pending ids as spans: what a commit writes to disk. */
  allSpans(): Spans {
    const all = { starts: [] as number[], counts: [] as number[] };
    this.list.forEachSpan((start, count) => {
      all.starts.push(start);
      all.counts.push(count);
    });
    for (const pending of this.#pending.values()) {
      for (const start of pending.starts) all.starts.push(start);
      for (const count of pending.counts) all.counts.push(count);
    }
    return this.#pending.size === 0 ? all : sortedSpans(all.starts, all.counts);
  }

  /** Free ids, ascending; for tests and small lists. */
  freeIds(): number[] {
    const ids: number[] = [];
    this.list.forEachSpan((start, count) => {
      for (let i = 0; i < count; i++) ids.push(start + i);
    });
    return ids;
  }

  #pendingOf(txid: number): PendingTx {
    let pending = this.#pending.get(txid);
    if (pending === undefined) {
      pending = { starts: [], counts: [], allocTxids: [], lastReleaseBegin: 0 };
      this.#pending.set(txid, pending);
    }
    return pending;
  }

  #release(upTo: number, released: { starts: number[]; counts: number[] }): void {
    const freed = { starts: [] as number[], counts: [] as number[] };
    for (const [txid, pending] of this.#pending) {
      if (txid > upTo) continue;
      for (const start of pending.starts) freed.starts.push(start);
      for (const count of pending.counts) freed.counts.push(count);
      this.#pending.delete(txid);
    }
    this.#makeFree(freed, released);
  }

  #releaseRange(begin: number, end: number, released: { starts: number[]; counts: number[] }): void {
    if (begin > end) return;
    const freed = { starts: [] as number[], counts: [] as number[] };
    for (const [txid, pending] of this.#pending) {
      if (txid < begin || txid > end || pending.lastReleaseBegin === begin) continue;
      this.#takeRange(pending, begin, end, freed);
      pending.lastReleaseBegin = begin;
      if (pending.starts.length === 0) this.#pending.delete(txid);
    }
    this.#makeFree(freed, released);
  }

  #takeRange(
    pending: PendingTx,
    begin: number,
    end: number,
    freed: { starts: number[]; counts: number[] },
  ): void {
    let kept = 0;
    for (let i = 0; i < pending.starts.length; i++) {
      const allocTxid = pending.allocTxids[i];
      if (allocTxid >= begin && allocTxid <= end) {
        freed.starts.push(pending.starts[i]);
        freed.counts.push(pending.counts[i]);
        continue;
      }
      pending.starts[kept] = pending.starts[i];
      pending.counts[kept] = pending.counts[i];
      pending.allocTxids[kept++] = allocTxid;
    }
    pending.starts.length = kept;
    pending.counts.length = kept;
    pending.allocTxids.length = kept;
  }

  #makeFree(freed: Spans, released: { starts: number[]; counts: number[] }): void {
    if (freed.starts.length === 0) return;
    this.list.merge(sortedSpans(freed.starts, freed.counts));
    for (const start of freed.starts) released.starts.push(start);
    for (const count of freed.counts) {
      released.counts.push(count);
      this.#pendingCount -= count;
    }
  }
}
