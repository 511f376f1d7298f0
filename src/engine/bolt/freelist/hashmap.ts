/** The hashmap freelist: free spans by size, by first and by last page. */
import { assert } from '../../../base/assert.ts';
import { silent } from '../../../base/trace.ts';
import type { Trace } from '../../../base/trace.ts';
import type { FreelistEvent } from '../events.ts';
import { pgid } from '../types.ts';
import { noWork, spansOf } from './freelist.ts';
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
  readonly counters: FreelistCounters = noWork();
  lastPath: AllocationPath = 'exact';
  /** First pages of spans by span size. */
  readonly freemaps = new Map<number, Set<number>>();
  /** Span size by first page. */
  readonly forwardMap = new Map<number, number>();
  /** Span size by last page. */
  readonly backwardMap = new Map<number, number>();
  readonly #trace: Trace<FreelistEvent>;
  #freeCount = 0;

  constructor(choice: HashmapChoice, trace: Trace<FreelistEvent> = silent) {
    this.choice = choice;
    this.#trace = trace;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  init(ids: Uint32Array): void {
    this.freemaps.clear();
    this.forwardMap.clear();
    this.backwardMap.clear();
    this.#freeCount = 0;
    const { starts, counts } = spansOf(ids);
    starts.forEach((start, i) => this.#addSpan(start, counts[i]));
    if (this.#trace.on)
      this.#trace.emit({ type: 'freelist.init', list: 'hashmap', runStarts: starts, runCounts: counts });
  }

  allocate(count: number): number | null {
    assert(count > 0, 'freelist: a request is for at least one page');
    const exact = this.freemaps.get(count);
    this.counters.probed++;
    if (this.#trace.on) this.#tellProbe('freemaps', count, exact?.size);
    const size = exact === undefined ? this.#largerSize(count) : count;
    if (size === null) return null;
    const start = this.#startOf(exact ?? (this.freemaps.get(size) as Set<number>), count);
    this.#dropSpan(start, size);
    if (size > count) this.#putSpan(start + count, size - count);
    if (this.#trace.on) this.#trace.emit({ type: 'freelist.take', pgid: pgid(start), count, movedBytes: 0 });
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
    let looked = 0;
    for (const size of this.freemaps.keys()) {
      looked++;
      if (size < count || (best !== null && size >= best)) continue;
      best = size;
      if (this.choice === 'insertion') break;
    }
    this.counters.scanned += looked;
    if (this.#trace.on) this.#tellScan('sizes', count, this.freemaps.keys(), looked, best ?? -1);
    return best;
  }

  #startOf(starts: Set<number>, wanted: number): number {
    let best = -1;
    let looked = 0;
    for (const start of starts) {
      looked++;
      if (best < 0 || start < best) best = start;
      if (this.choice === 'insertion') break;
    }
    this.counters.scanned += looked;
    if (this.#trace.on) this.#tellScan('starts', wanted, starts.values(), looked, best);
    return best;
  }

  #mergeSpan(start: number, count: number): void {
    const before = this.backwardMap.get(start - 1);
    const after = this.forwardMap.get(start + count);
    this.counters.probed += 2;
    if (this.#trace.on) {
      this.#tellProbe('backwardMap', start - 1, before);
      this.#tellProbe('forwardMap', start + count, after);
    }
    const [leftCount, rightCount] = [before ?? 0, after ?? 0];
    if (leftCount > 0) this.#dropSpan(start - leftCount, leftCount);
    if (rightCount > 0) this.#dropSpan(start + count, rightCount);
    this.#putSpan(start - leftCount, leftCount + count + rightCount);
    this.counters.merged += (leftCount > 0 ? 1 : 0) + (rightCount > 0 ? 1 : 0);
    if (!this.#trace.on) return;
    this.#trace.emit({ type: 'freelist.put', pgid: pgid(start), count, movedBytes: 0 });
    if (leftCount + rightCount > 0)
      this.#trace.emit({ type: 'freelist.merge', pgid: pgid(start), count, leftCount, rightCount });
  }

  #putSpan(start: number, count: number): void {
    this.#addSpan(start, count);
    if (this.#trace.on) this.#trace.emit({ type: 'freelist.addSpan', start: pgid(start), count });
  }

  #dropSpan(start: number, count: number): void {
    this.#deleteSpan(start, count);
    if (this.#trace.on) this.#trace.emit({ type: 'freelist.dropSpan', start: pgid(start), count });
  }

  #tellProbe(map: 'freemaps' | 'forwardMap' | 'backwardMap', key: number, found = 0): void {
    this.#trace.emit({ type: 'freelist.probe', map, key, found });
  }

  #tellScan(
    what: 'sizes' | 'starts',
    wanted: number,
    entries: Iterable<number>,
    looked: number,
    found: number,
  ): void {
    const seen: number[] = [];
    for (const entry of entries) {
      if (seen.length === looked) break;
      seen.push(entry);
    }
    const { starts, counts } = spansOf(seen);
    this.#trace.emit({
      type: 'freelist.scan',
      what,
      wanted,
      descending: false,
      runStarts: starts,
      runCounts: counts,
      found,
    });
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
