/** The array freelist: all free ids in ascending order, scanned from the front for a run that fits. */
import { assert, fail, verify } from '../../../base/assert.ts';
import { silent } from '../../../base/trace.ts';
import { tellsAll } from '../../../base/trace.ts';
import type { Trace } from '../../../base/trace.ts';
import type { FreelistEvent } from '../events.ts';
import { pgid } from '../types.ts';
import { noWork, spansOf } from './freelist.ts';
import type { AllocationPath, Freelist, FreelistCounters } from './freelist.ts';
import type { Runs } from './runs.ts';

/** Throws where ids do not ascend or are a meta page's. */
function verifySorted(ids: Uint32Array): void {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] <= 1 || (i > 0 && ids[i] <= ids[i - 1]))
      fail(`freelist: id ${ids[i]} is out of order at ${i}`);
  }
}

/**
 * The first index from `from` on whose id and the one `distance` places behind it, before `to`, are so far
 * apart; -1 where there is none. A loop of its own, so that it is compiled for this one kind of array.
 */
function firstFit(ids: Uint32Array, from: number, to: number, distance: number): number {
  for (let first = from, last = from + distance; last < to; first++, last++)
    if (((ids[last] - ids[first]) | 0) === distance) return first;
  return -1;
}

/**
 * Free ids in a typed array, a window of which is in use: allocating from the front only moves the window.
 * @source bbolt v1.3.12 freelist.go arrayAllocate, arrayMergeSpans
 */
export class ArrayFreelist implements Freelist {
  readonly type = 'array';
  readonly counters: FreelistCounters = noWork();
  lastPath: AllocationPath = 'exact';
  private readonly trace: Trace<FreelistEvent>;
  private ids = new Uint32Array(0);
  private from = 0;
  private to = 0;

  constructor(trace: Trace<FreelistEvent> = silent) {
    this.trace = trace;
  }

  get freeCount(): number {
    return this.to - this.from;
  }

  init(ids: Uint32Array): void {
    if (verify.on) verifySorted(ids);
    this.ids = ids.slice();
    this.from = 0;
    this.to = ids.length;
    if (tellsAll(this.trace)) {
      const { starts, counts } = spansOf(ids);
      this.trace.emit({ type: 'freelist.init', list: 'array', runStarts: starts, runCounts: counts });
    }
  }

  get sizeBytes(): number {
    return this.ids.byteLength;
  }

  /**
   * First fit: the lowest start from which `count` ids follow one another. Ids ascend, so that ids in a row
   * are found by their distance from the first to the last.
   */
  allocate(count: number): number | null {
    assert(count > 0, 'freelist: a request is for at least one page');
    const ids = this.ids;
    const from = this.from;
    const to = this.to;
    const first = firstFit(ids, from, to, count - 1);
    const end = first < 0 ? to : first + count;
    this.counters.scanned += end - from;
    if (tellsAll(this.trace)) this.tellScan(count, end, first < 0 ? -1 : ids[first]);
    if (first < 0) return null;
    this.lastPath = end < to && ids[end] === ids[end - 1] + 1 ? 'larger' : 'exact';
    return this.take(first, count);
  }

  /**
   * From the back, so that each old id moves once and those below the lowest new id do not move at all; a
   * run's place is found by halving, and what lies above it moves in one piece.
   * @source bbolt page.go mergepgids
   */
  merge(runs: Runs): void {
    const added = runs.pageCount;
    if (added === 0) return;
    this.reserve(added);
    const ids = this.ids;
    const end = this.to + added;
    let above = this.to;
    let target = end;
    for (let run = runs.length - 1; run >= 0; run--) {
      const start = runs.start(run);
      const count = runs.count(run);
      const seen: number[] | null = tellsAll(this.trace) ? [] : null;
      const place = this.placeOf(start, above, seen);
      const moved = above - place;
      target -= moved;
      if (moved > 0) ids.copyWithin(target, place, above);
      const left = place > this.from && ids[place - 1] === start - 1;
      const right = target < end && ids[target] === start + count;
      this.counters.moved += moved * 4;
      this.counters.merged += (left ? 1 : 0) + (right ? 1 : 0);
      for (let id = start + count - 1; id >= start; id--) ids[--target] = id;
      if (seen !== null) this.tellPut(start, count, { place, above: target + count, moved, seen });
      above = place;
    }
    this.to = end;
    if (verify.on) verifySorted(ids.subarray(this.from, end));
  }

  forEachSpan(visit: (start: number, count: number) => void): void {
    const ids = this.ids;
    for (let i = this.from; i < this.to;) {
      const first = i;
      do i++;
      while (i < this.to && ids[i] === ids[i - 1] + 1);
      visit(ids[first], i - first);
    }
  }

  private take(at: number, count: number): number {
    const first = this.ids[at];
    const movedBytes = at === this.from ? 0 : (this.to - at - count) * 4;
    if (at === this.from) {
      this.from += count;
    } else {
      this.ids.copyWithin(at, at + count, this.to);
      this.counters.moved += movedBytes;
      this.to -= count;
    }
    if (tellsAll(this.trace))
      this.trace.emit({ type: 'freelist.take', pgid: pgid(first), count, movedBytes });
    return first;
  }

  /** The scan of an allocation, from the front up to `end`. */
  private tellScan(wanted: number, end: number, found: number): void {
    const { starts, counts } = spansOf(this.ids.subarray(this.from, end));
    this.trace.emit({
      type: 'freelist.scan',
      what: 'ids',
      wanted,
      descending: false,
      runStarts: starts,
      runCounts: counts,
      found,
    });
  }

  /**
   * Where the first id lies that is above `start`, among those before index `high`.
   * @param seen takes the ids that were looked at, where it is given
   */
  private placeOf(start: number, high: number, seen: number[] | null): number {
    const ids = this.ids;
    let low = this.from;
    let looked = 0;
    for (; low < high; looked++) {
      const middle = (low + high) >>> 1;
      const id = ids[middle];
      if (seen !== null) seen.push(id);
      if (id < start) low = middle + 1;
      else high = middle;
    }
    this.counters.scanned += looked;
    return low;
  }

  /**
   * The search for a run's place, and the run in it.
   * @param gap `place`: behind the last id below the run; `above`: where the ids above it are now
   */
  private tellPut(
    start: number,
    count: number,
    gap: { place: number; above: number; moved: number; seen: readonly number[] },
  ): void {
    const ids = this.ids;
    const { place, above, moved, seen } = gap;
    this.trace.emit({
      type: 'freelist.scan',
      what: 'ids',
      wanted: start,
      descending: true,
      runStarts: seen,
      runCounts: seen.map(() => 1),
      found: place > this.from ? ids[place - 1] : -1,
    });
    this.trace.emit({ type: 'freelist.put', pgid: pgid(start), count, movedBytes: moved * 4 });
    let leftCount = 0;
    while (place - leftCount > this.from && ids[place - 1 - leftCount] === start - 1 - leftCount) leftCount++;
    let rightCount = 0;
    while (rightCount < moved && ids[above + rightCount] === start + count + rightCount) rightCount++;
    if (leftCount + rightCount > 0)
      this.trace.emit({ type: 'freelist.merge', pgid: pgid(start), count, leftCount, rightCount });
  }

  /** Makes room behind the window, by sliding it to the front or moving to a larger array. */
  private reserve(added: number): void {
    const size = this.freeCount;
    if (this.to + added <= this.ids.length) return;
    const roomy = size + added <= this.ids.length - (this.ids.length >>> 2);
    const target = roomy ? this.ids : new Uint32Array(Math.max(64, size + added + ((size + added) >>> 2)));
    target.set(this.ids.subarray(this.from, this.to));
    this.counters.moved += size * 4;
    this.ids = target;
    this.from = 0;
    this.to = size;
    if (tellsAll(this.trace)) this.trace.emit({ type: 'freelist.grow', movedBytes: size * 4 });
  }
}
