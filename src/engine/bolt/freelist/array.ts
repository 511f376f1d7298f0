/** The array freelist: all free ids in ascending order, scanned from the front for a run that fits. */
import { assert, fail, verify } from '../../../base/assert.ts';
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
  readonly counters: FreelistCounters = { scanned: 0, merged: 0, moved: 0 };
  lastPath: AllocationPath = 'exact';
  #ids = new Uint32Array(0);
  #from = 0;
  #to = 0;

  get freeCount(): number {
    return this.#to - this.#from;
  }

  init(ids: Uint32Array): void {
    if (verify.on) verifySorted(ids);
    this.#ids = ids.slice();
    this.#from = 0;
    this.#to = ids.length;
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
        return this.#take(runFrom, count);
      }
    }
    this.counters.scanned += to - this.#from;
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
      this.counters.moved += (above - old) * 4;
      for (let id = start + spans.counts[span] - 1; id >= start; id--) ids[target--] = id;
    }
    this.#to += added;
    this.counters.merged += spans.starts.length;
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
    if (at === this.#from) {
      this.#from += count;
    } else {
      this.#ids.copyWithin(at, at + count, this.#to);
      this.counters.moved += (this.#to - at - count) * 4;
      this.#to -= count;
    }
    return first;
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
  }
}
