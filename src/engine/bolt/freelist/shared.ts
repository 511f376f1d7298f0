/** What both freelists share: pages that were freed but wait until no reader can see them any more. */
import { assert } from '../../../base/assert.ts';
import { type Defects, noDefects } from '../../defects.ts';
import { BoltError } from '../errors.ts';
import { Bitmap } from './bitmap.ts';
import type { AllocationPath, Freelist, Spans } from './freelist.ts';
import { freeSpans } from './freelist.ts';
import { Runs } from './runs.ts';
import { SparseTxids } from './sparse-txids.ts';

/** Runs that one transaction freed, and which transaction took each from the freelist. */
class PendingTx {
  readonly runs = new Runs();
  /** 0 unknown. */
  private allocTxids = new Float64Array(16);
  /** The start of the last range that was looked for in here. */
  lastReleaseBegin = 0;

  allocTxid(index: number): number {
    return this.allocTxids[index];
  }

  push(start: number, count: number, allocTxid: number): void {
    const at = this.runs.length;
    if (at === this.allocTxids.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.allocTxids);
      this.allocTxids = larger;
    }
    this.runs.push(start, count);
    this.allocTxids[at] = allocTxid;
  }

  clear(): void {
    this.runs.truncate(0);
    this.lastReleaseBegin = 0;
  }

  /** Moves the runs that were taken by transactions of a range to `taken`. */
  takeRange(begin: number, end: number, taken: Runs): void {
    const { runs } = this;
    const allocTxids = this.allocTxids;
    let kept = 0;
    for (let i = 0; i < runs.length; i++) {
      if (allocTxids[i] >= begin && allocTxids[i] <= end) {
        taken.push(runs.start(i), runs.count(i));
        continue;
      }
      runs.move(i, kept);
      allocTxids[kept++] = allocTxids[i];
    }
    runs.truncate(kept);
  }
}

/** What an allocation gave; `first` null where the file must grow. */
export interface Allocation {
  readonly first: number | null;
  readonly scanned: number;
  readonly path: AllocationPath;
}

const maxIdsInHeader = 0xffff;

/**
 * Free pages (in one of the two lists) and pending ones by transaction. A page goes: in use -> `free` ->
 * pending -> `release` -> free -> `allocate` -> in use.
 * @source bbolt v1.3.12 freelist.go; v1.4 internal/freelist/shared.go
 */
export class SharedFreelist {
  readonly list: Freelist;
  private readonly readers: number[] = [];
  private readonly pending = new Map<number, PendingTx>();
  /** Free or pending. */
  private readonly freed = new Bitmap();
  /** Which transaction took a run from the freelist, by the run's first page. */
  private readonly allocTxids = new SparseTxids();
  private pendingPageCount = 0;
  /** Lists that are used again, so that a transaction costs no memory. */
  private spare: PendingTx | null = null;
  private readonly freeing = new Runs();
  private readonly released = new Runs();
  private readonly defects: Defects;

  constructor(list: Freelist, defects: Defects = noDefects) {
    this.list = list;
    this.defects = defects;
  }

  get freeCount(): number {
    return this.list.freeCount;
  }

  get pendingCount(): number {
    return this.pendingPageCount;
  }

  /** Bytes that the list needs on disk, header included. @source bbolt freelist.go size */
  get sizeBytes(): number {
    const count = this.freeCount + this.pendingPageCount;
    return 16 + 8 * (count >= maxIdsInHeader ? count + 1 : count);
  }

  /** Bytes of typed memory: the list, the set of free and pending pages, and who took which page. */
  get memoryBytes(): number {
    return this.list.sizeBytes + this.freed.sizeBytes + this.allocTxids.sizeBytes;
  }

  /** Starts anew with these free ids (ascending); pending pages stay pending and are left out. */
  init(ids: Uint32Array): void {
    const freed = this.freed;
    freed.clear();
    for (const { runs } of this.pending.values()) freed.addRuns(runs);
    const free = freed.isEmpty ? ids : freed.without(ids);
    this.list.init(free);
    freed.addAscending(free);
  }

  isFreed(pgid: number): boolean {
    return this.freed.has(pgid);
  }

  allocate(txid: number, count: number): Allocation {
    const before = this.list.counters.scanned;
    const first = this.list.allocate(count);
    const scanned = this.list.counters.scanned - before;
    if (first !== null) {
      assert(first > 1, 'freelist: pages 0 and 1 are meta pages, never free');
      this.freed.clearRun(first, count);
      this.allocTxids.set(first, txid);
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
    const again = this.freed.firstIn(pgid, count);
    if (again >= 0) throw new BoltError('invalid database', `page ${again} already freed`);
    const known = this.allocTxids.get(pgid);
    this.allocTxids.set(pgid, 0);
    this.freed.setRun(pgid, count);
    this.pendingOf(txid).push(pgid, count, known === 0 ? unknown : known);
    this.pendingPageCount += count;
  }

  addReader(txid: number): void {
    this.readers.push(txid);
  }

  removeReader(txid: number): void {
    const index = this.readers.indexOf(txid);
    assert(index >= 0, 'freelist: a reader ends once');
    this.readers.splice(index, 1);
  }

  /**
   * Frees what no reader can see: all that was freed before the oldest reader began, and between two
   * readers what was both allocated and freed there. Called when a write transaction begins.
   * @returns the pages released, ascending; the list is used again by the next call
   * @source bbolt db.go freePages; v1.4 shared.go ReleasePendingPages
   */
  releasePending(): Runs {
    const released = this.released;
    released.truncate(0);
    if (this.pendingPageCount === 0) return released;
    const readers = this.defects.readersForgotten ? [] : this.readers.sort((a, b) => a - b);
    let begin = readers.length > 0 ? readers[0] : Infinity;
    if (begin > 0) this.release(begin - 1);
    for (const reader of readers) {
      this.releaseRange(begin, reader - 1);
      begin = reader + 1;
    }
    this.releaseRange(begin, Infinity);
    released.sort();
    return released;
  }

  /** Forgets what a transaction freed and took; its pages are in use again. */
  rollback(txid: number): void {
    const pending = this.pending.get(txid);
    if (pending === undefined || this.defects.rollbackFrees) return;
    this.allocTxids.forget(txid);
    const { runs } = pending;
    for (let i = 0; i < runs.length; i++) {
      const start = runs.start(i);
      const count = runs.count(i);
      this.freed.clearRun(start, count);
      this.pendingPageCount -= count;
      const allocTxid = pending.allocTxid(i);
      if (allocTxid === 0) continue;
      for (let id = start; id < start + count; id++) this.allocTxids.set(id, allocTxid);
    }
    this.forgetPending(txid, pending);
  }

  freeSpans(): Spans {
    return freeSpans(this.list);
  }

  /** Pending pages by transaction, ascending. */
  pendingSpans(): Map<number, Spans> {
    const byTx = new Map<number, Spans>();
    for (const txid of [...this.pending.keys()].sort((a, b) => a - b))
      byTx.set(txid, this.pendingOf(txid).runs.sorted().toSpans());
    return byTx;
  }

  /** Writes all free and pending ids, ascending, as u64 from `at` on: what a commit stores. */
  writeIds(view: DataView, at: number): void {
    this.freed.writeIds(view, at);
  }

  /** All free and pending ids as spans. */
  allSpans(): Spans {
    const starts: number[] = [];
    const counts: number[] = [];
    this.freed.forEachRun((start, count) => {
      starts.push(start);
      counts.push(count);
    });
    return { starts, counts };
  }

  /** Free ids, ascending; for tests and small lists. */
  freeIds(): number[] {
    const ids: number[] = [];
    this.list.forEachSpan((start, count) => {
      for (let i = 0; i < count; i++) ids.push(start + i);
    });
    return ids;
  }

  private pendingOf(txid: number): PendingTx {
    let pending = this.pending.get(txid);
    if (pending === undefined) {
      pending = this.spare ?? new PendingTx();
      this.spare = null;
      this.pending.set(txid, pending);
    }
    return pending;
  }

  /** A transaction's list is empty, and kept for another. */
  private forgetPending(txid: number, pending: PendingTx): void {
    this.pending.delete(txid);
    pending.clear();
    this.spare = pending;
  }

  private release(upTo: number): void {
    const freed = this.freeing;
    freed.truncate(0);
    for (const [txid, pending] of this.pending) {
      if (txid > upTo) continue;
      freed.pushAll(pending.runs);
      this.forgetPending(txid, pending);
    }
    this.makeFree(freed);
  }

  private releaseRange(begin: number, end: number): void {
    if (begin > end) return;
    const freed = this.freeing;
    freed.truncate(0);
    for (const [txid, pending] of this.pending) {
      if (txid < begin || txid > end || pending.lastReleaseBegin === begin) continue;
      pending.takeRange(begin, end, freed);
      pending.lastReleaseBegin = begin;
      if (pending.runs.length === 0) this.forgetPending(txid, pending);
    }
    this.makeFree(freed);
  }

  private makeFree(freed: Runs): void {
    if (freed.length === 0) return;
    freed.sort();
    this.list.merge(freed);
    this.pendingPageCount -= freed.pageCount;
    this.released.pushAll(freed);
  }
}
