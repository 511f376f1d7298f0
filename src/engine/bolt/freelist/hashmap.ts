/** The hashmap freelist: free spans by size, by first and by last page. */
import { assert } from '../../../base/assert.ts';
import type { AllocationPath, Freelist, FreelistCounters, Spans } from './freelist.ts';

/**
 * Which span is taken where several fit. bbolt takes whichever Go's random map order brings first; both of
 * these are orders it might take: *insertion*, sizes and spans in the order in which they came; *lowest*,
 * the smallest size that fits and the lowest start.
 */
export type HashmapChoice = 'insertion' | 'lowest';

/** @source bbolt v1.4 internal/freelist/hashmap.go */
export class HashmapFreelist implements Freelist {
  readonly type = 'hashmap';
  readonly choice: HashmapChoice;
  readonly counters: FreelistCounters = { scanned: 0, merged: 0, moved: 0 };
  lastPath: AllocationPath = 'exact';
  /** First pages of spans by span size. */
  readonly freemaps = new Map<number, Set<number>>();
  /** Span size by first page. */
  readonly forwardMap = new Map<number, number>();
  /** Span size by last page. */
  readonly backwardMap = new Map<number, number>();
  #freeCount = 0;

  constructor(choice: HashmapChoice) {
    this.choice = choice;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  init(ids: Uint32Array): void {
    this.freemaps.clear();
    this.forwardMap.clear();
    this.backwardMap.clear();
    this.#freeCount = 0;
    for (let i = 0; i < ids.length;) {
      const first = i;
      do i++;
      while (i < ids.length && ids[i] === ids[i - 1] + 1);
      this.#addSpan(ids[first], i - first);
    }
  }

  allocate(count: number): number | null {
    assert(count > 0, 'freelist: a request is for at least one page');
    const size = this.freemaps.has(count) ? count : this.#largerSize(count);
    if (size === null) return null;
    const start = this.#startOf(this.freemaps.get(size) as Set<number>);
    this.#deleteSpan(start, size);
    if (size > count) this.#addSpan(start + count, size - count);
    this.lastPath = size === count ? 'exact' : 'larger';
    return start;
  }

  merge(spans: Spans): void {
    for (let i = 0; i < spans.starts.length; i++) this.#mergeSpan(spans.starts[i], spans.counts[i]);
  }

  forEachSpan(visit: (start: number, count: number) => void): void {
    const starts = Float64Array.from(this.forwardMap.keys()).sort();
    for (const start of starts) visit(start, this.forwardMap.get(start) as number);
  }

  #largerSize(count: number): number | null {
    let best: number | null = null;
    for (const size of this.freemaps.keys()) {
      this.counters.scanned++;
      if (size < count) continue;
      if (this.choice === 'insertion') return size;
      if (best === null || size < best) best = size;
    }
    return best;
  }

  #startOf(starts: Set<number>): number {
    let best = -1;
    for (const start of starts) {
      this.counters.scanned++;
      if (this.choice === 'insertion') return start;
      if (best < 0 || start < best) best = start;
    }
    return best;
  }

  #mergeSpan(start: number, count: number): void {
    let newStart = start;
    let newCount = count;
    const before = this.backwardMap.get(start - 1);
    const after = this.forwardMap.get(start + count);
    if (before !== undefined) {
      this.#deleteSpan(start - before, before);
      newStart -= before;
      newCount += before;
      this.counters.merged++;
    }
    if (after !== undefined) {
      this.#deleteSpan(start + count, after);
      newCount += after;
      this.counters.merged++;
    }
    this.#addSpan(newStart, newCount);
  }

  #addSpan(start: number, count: number): void {
    this.forwardMap.set(start, count);
    this.backwardMap.set(start + count - 1, count);
    const starts = this.freemaps.get(count);
    if (starts === undefined) this.freemaps.set(count, new Set([start]));
    else starts.add(start);
    this.#freeCount += count;
  }

  #deleteSpan(start: number, count: number): void {
    this.forwardMap.delete(start);
    this.backwardMap.delete(start + count - 1);
    const starts = this.freemaps.get(count);
    assert(starts !== undefined && starts.delete(start), 'freelist: a span is in the map of its size');
    if (starts.size === 0) this.freemaps.delete(count);
    this.#freeCount -= count;
  }
}
