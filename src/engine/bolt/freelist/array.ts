/** The array freelist: all free ids in ascending order, scanned from the front for a run that fits. */
import { assert, fail, verify } from '../../../base/assert.ts';
import { silent } from '../../../base/trace.ts';
import type { Trace } from '../../../base/trace.ts';
import type { FreelistEvent } from '../events.ts';
import { pgid } from '../types.ts';
import { noWork, spansOf } from './freelist.ts';
import type { AllocationPath, Freelist, FreelistCounters, Spans } from './freelist.ts';

/** Throws where ids do not ascend or are a meta page's. */
function verifySorted(ids: Uint32Array): void {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] <= 1 || (i > 0 && ids[i] <= ids[i - 1]))
      fail(`freelist: id ${ids[i]} is out of order at ${i}`);
  }
}

/**
 * Free ids in a typed array, a window of which is in use: allocating from the front only moves the window.
 * @source bbolt v1.3.12 freelist.go arrayAllocate, arrayMergeSpans
 */
export class ArrayFreelist implements Freelist {
  readonly type = 'array';
  readonly counters: FreelistCounters = noWork();
  lastPath: AllocationPath = 'exact';
  readonly #trace: Trace<FreelistEvent>;
  #ids = new Uint32Array(0);
  #from = 0;
  #to = 0;

  constructor(trace: Trace<FreelistEvent> = silent) {
    this.#trace = trace;
  }

  get freeCount(): number {
    return this.#to - this.#from;
  }

  init(ids: Uint32Array): void {
    if (verify.on) verifySorted(ids);
    this.#ids = ids.slice();
    this.#from = 0;
    this.#to = ids.length;
    if (this.#trace.on) {
      const { starts, counts } = spansOf(ids);
      this.#trace.emit({ type: 'freelist.init', list: 'array', runStarts: starts, runCounts: counts });
    }
  }

  /** First fit: the lowest start from which `count` ids follow one another. */
  allocate(count: number): number | null {
    assert(count > 0, 'freelist: a request is for at least one page');
    const ids = this.#ids;
    const to = this.#to;
    let runFrom = this.#from;
    for (let i = this.#from; i < to; i++) {
      if (i > runFrom && ids[i] !== ids[i - 1] + 1) runFrom = i;
      if (i - runFrom + 1 === count) {
        this.counters.scanned += i - this.#from + 1;
        this.lastPath = i + 1 < to && ids[i + 1] === ids[i] + 1 ? 'larger' : 'exact';
        if (this.#trace.on) this.#tellScan(count, i + 1, ids[runFrom]);
        return this.#take(runFrom, count);
      }
    }
    this.counters.scanned += to - this.#from;
    if (this.#trace.on) this.#tellScan(count, to, -1);
    return null;
  }

  merge(spans: Spans): void {
    let added = 0;
    for (const count of spans.counts) added += count;
    if (added === 0) return;
    this.#reserve(added);
    const ids = this.#ids;
    // from the back, so that each old id moves once and those below the lowest new id do not move at all
    let old = this.#to - 1;
    let target = this.#to + added - 1;
    for (let span = spans.starts.length - 1; span >= 0; span--) {
      const start = spans.starts[span];
      const above = old;
      while (old >= this.#from && ids[old] > start) ids[target--] = ids[old--];
      const count = spans.counts[span];
      // the ids that moved, and the one that stayed where it was
      const looked = above - old + (old >= this.#from ? 1 : 0);
      const left = old >= this.#from && ids[old] === start - 1;
      const right = target + 1 < this.#to + added && ids[target + 1] === start + count;
      this.counters.scanned += looked;
      this.counters.moved += (above - old) * 4;
      this.counters.merged += (left ? 1 : 0) + (right ? 1 : 0);
      for (let id = start + count - 1; id >= start; id--) ids[target--] = id;
      if (this.#trace.on)
        this.#tellPut(start, count, { old, movedFrom: target + 1 + count, moved: above - old });
    }
    this.#to += added;
    if (verify.on) verifySorted(ids.subarray(this.#from, this.#to));
  }

  forEachSpan(visit: (start: number, count: number) => void): void {
    const ids = this.#ids;
    for (let i = this.#from; i < this.#to;) {
      const first = i;
      do i++;
      while (i < this.#to && ids[i] === ids[i - 1] + 1);
      visit(ids[first], i - first);
    }
  }

  #take(at: number, count: number): number {
    const first = this.#ids[at];
    const movedBytes = at === this.#from ? 0 : (this.#to - at - count) * 4;
    if (at === this.#from) {
      this.#from += count;
    } else {
      this.#ids.copyWithin(at, at + count, this.#to);
      this.counters.moved += movedBytes;
      this.#to -= count;
    }
    if (this.#trace.on) this.#trace.emit({ type: 'freelist.take', pgid: pgid(first), count, movedBytes });
    return first;
  }

  /** The scan of an allocation, from the front up to `end`. */
  #tellScan(wanted: number, end: number, found: number): void {
    const { starts, counts } = spansOf(this.#ids.subarray(this.#from, end));
    this.#trace.emit({
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
   * The search for a run's place, from the back, and the run in it.
   * @param gap `old`: where the last id below the run is; `movedFrom`: where those above it are now
   */
  #tellPut(start: number, count: number, gap: { old: number; movedFrom: number; moved: number }): void {
    const ids = this.#ids;
    const { old, movedFrom, moved } = gap;
    const hasBelow = old >= this.#from;
    const above = ids.subarray(movedFrom, movedFrom + moved);
    const looked = spansOf(hasBelow ? [ids[old], ...above] : above);
    this.#trace.emit({
      type: 'freelist.scan',
      what: 'ids',
      wanted: start,
      descending: true,
      runStarts: looked.starts.map((first, i) => first + looked.counts[i] - 1).reverse(),
      runCounts: [...looked.counts].reverse(),
      found: hasBelow ? ids[old] : -1,
    });
    this.#trace.emit({ type: 'freelist.put', pgid: pgid(start), count, movedBytes: moved * 4 });
    let leftCount = 0;
    while (old - leftCount >= this.#from && ids[old - leftCount] === start - 1 - leftCount) leftCount++;
    let rightCount = 0;
    while (rightCount < moved && above[rightCount] === start + count + rightCount) rightCount++;
    if (leftCount + rightCount > 0)
      this.#trace.emit({ type: 'freelist.merge', pgid: pgid(start), count, leftCount, rightCount });
  }

  /** Makes room behind the window, by sliding it to the front or moving to a larger array. */
  #reserve(added: number): void {
    const size = this.freeCount;
    if (this.#to + added <= this.#ids.length) return;
    const roomy = size + added <= this.#ids.length - (this.#ids.length >>> 2);
    const target = roomy ? this.#ids : new Uint32Array(Math.max(64, size + added + ((size + added) >>> 2)));
    target.set(this.#ids.subarray(this.#from, this.#to));
    this.counters.moved += size * 4;
    this.#ids = target;
    this.#from = 0;
    this.#to = size;
    if (this.#trace.on) this.#trace.emit({ type: 'freelist.grow', movedBytes: size * 4 });
  }
}
