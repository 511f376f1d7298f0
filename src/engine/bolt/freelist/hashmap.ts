/** The hashmap freelist: free spans by size, by first and by last page. */
import { assert, fail, verify } from '../../../base/assert.ts';
import { silent } from '../../../base/trace.ts';
import { tellsAll } from '../../../base/trace.ts';
import type { Trace } from '../../../base/trace.ts';
import { type Defects, noDefects } from '../../defects.ts';
import type { FreelistEvent } from '../events.ts';
import { pgid } from '../types.ts';
import { noWork, spansOf } from './freelist.ts';
import type { AllocationPath, Freelist, FreelistCounters } from './freelist.ts';
import { InsertionOrder } from './insertion-order.ts';
import { LowestOrder } from './lowest-order.ts';
import type { Runs } from './runs.ts';
import type { SpanOrder } from './span-order.ts';
import { SpanTable } from './span-table.ts';

/**
 * Which span is taken where several fit. bbolt takes whichever Go's random map order brings first; both of
 * these are orders it might take: *insertion*, sizes and spans in the order in which they came; *lowest*,
 * the smallest size that fits and the lowest start.
 */
export type HashmapChoice = 'insertion' | 'lowest';

/** One of the three maps, to be looked at: entries of key and value. */
export interface MapView<Value> extends Iterable<[number, Value]> {
  get(key: number): Value | undefined;
}

/**
 * Three maps in typed memory, for millions of spans: freemaps is a `SpanOrder`, forwardMap and backwardMap
 * are the two ways to ask a `SpanTable`.
 * @source bbolt v1.4 internal/freelist/hashmap.go
 */
export class HashmapFreelist implements Freelist {
  readonly type = 'hashmap';
  readonly choice: HashmapChoice;
  readonly counters: FreelistCounters = noWork();
  lastPath: AllocationPath = 'exact';
  private readonly trace: Trace<FreelistEvent>;
  private readonly defects: Defects;
  private readonly spans = new SpanTable();
  private readonly order: SpanOrder;
  private freePageCount = 0;

  constructor(choice: HashmapChoice, trace: Trace<FreelistEvent> = silent, defects: Defects = noDefects) {
    this.defects = defects;
    this.choice = choice;
    this.order = choice === 'insertion' ? new InsertionOrder(this.spans) : new LowestOrder(this.spans);
    this.trace = trace;
  }

  get freeCount(): number {
    return this.freePageCount;
  }

  get spanCount(): number {
    return this.spans.length;
  }

  get sizeBytes(): number {
    return this.spans.sizeBytes + this.order.sizeBytes;
  }

  /** First pages of spans by span size. */
  get freemaps(): MapView<readonly number[]> {
    const order = this.order;
    const get = (size: number): number[] => [...order.startsOf(size)];
    return {
      get: (size) => (order.lengthOf(size) === 0 ? undefined : get(size)),
      *[Symbol.iterator]() {
        for (const size of order.sizes()) yield [size, get(size)];
      },
    };
  }

  /** Span size by first page. */
  get forwardMap(): MapView<number> {
    return this.mapView(
      (page) => this.spans.startingAt(page),
      (start) => start,
    );
  }

  /** Span size by last page. */
  get backwardMap(): MapView<number> {
    return this.mapView(
      (page) => this.spans.endingAt(page),
      (start, count) => start + count - 1,
    );
  }

  init(ids: Uint32Array): void {
    let spanCount = 0;
    for (let i = 0; i < ids.length; i++) if (i === 0 || ids[i] !== ids[i - 1] + 1) spanCount++;
    this.spans.clear(spanCount);
    this.order.clear();
    this.freePageCount = 0;
    for (let i = 0; i < ids.length;) {
      const first = i;
      do i++;
      while (i < ids.length && ids[i] === ids[i - 1] + 1);
      this.addSpan(ids[first], i - first);
    }
    if (tellsAll(this.trace)) {
      const { starts, counts } = spansOf(ids);
      this.trace.emit({ type: 'freelist.init', list: 'hashmap', runStarts: starts, runCounts: counts });
    }
  }

  allocate(count: number): number | null {
    assert(count > 0, 'freelist: a request is for at least one page');
    const order = this.order;
    const exact = order.lengthOf(count);
    this.counters.probed++;
    if (tellsAll(this.trace)) this.tellProbe('freemaps', count, exact);
    let size = count;
    if (exact === 0) {
      size = order.sizeAbove(count);
      this.counters.scanned += order.looked;
      if (tellsAll(this.trace)) this.tellScan('sizes', count, order.sizesFrom(count), size === 0 ? -1 : size);
      if (size === 0) return null;
    }
    const span = order.first(size);
    this.counters.scanned += order.looked;
    const start = this.spans.start(span);
    if (tellsAll(this.trace)) this.tellScan('starts', count, order.startsOf(size), start);
    if (!this.defects.takenSpanStays) this.dropSpan(span);
    if (size > count) this.putSpan(start + count, size - count);
    if (tellsAll(this.trace))
      this.trace.emit({ type: 'freelist.take', pgid: pgid(start), count, movedBytes: 0 });
    this.lastPath = size === count ? 'exact' : 'larger';
    return start;
  }

  merge(runs: Runs): void {
    for (let i = 0; i < runs.length; i++) this.mergeSpan(runs.start(i), runs.count(i));
    if (verify.on) this.verifyMaps();
  }

  forEachSpan(visit: (start: number, count: number) => void): void {
    this.spans.forEach(visit);
  }

  private mapView(
    find: (page: number) => number,
    keyOf: (start: number, count: number) => number,
  ): MapView<number> {
    const spans = this.spans;
    return {
      get: (page) => {
        const span = find(page);
        return span === 0 ? undefined : spans.count(span);
      },
      *[Symbol.iterator]() {
        const entries: [number, number][] = [];
        spans.forEach((start, count) => entries.push([keyOf(start, count), count]));
        yield* entries;
      },
    };
  }

  private mergeSpan(start: number, count: number): void {
    const spans = this.spans;
    const left = this.defects.leftSpanNotMerged ? 0 : spans.endingAt(start - 1);
    const right = spans.startingAt(start + count);
    const leftCount = left === 0 ? 0 : spans.count(left);
    const rightCount = right === 0 ? 0 : spans.count(right);
    this.counters.probed += 2;
    if (tellsAll(this.trace)) {
      this.tellProbe('backwardMap', start - 1, leftCount);
      this.tellProbe('forwardMap', start + count, rightCount);
    }
    if (left !== 0) this.dropSpan(left);
    if (right !== 0) this.dropSpan(right);
    this.putSpan(start - leftCount, leftCount + count + rightCount);
    this.counters.merged += (left === 0 ? 0 : 1) + (right === 0 ? 0 : 1);
    if (!tellsAll(this.trace)) return;
    this.trace.emit({ type: 'freelist.put', pgid: pgid(start), count, movedBytes: 0 });
    if (leftCount + rightCount > 0)
      this.trace.emit({ type: 'freelist.merge', pgid: pgid(start), count, leftCount, rightCount });
  }

  private putSpan(start: number, count: number): void {
    this.addSpan(start, count);
    if (tellsAll(this.trace)) this.trace.emit({ type: 'freelist.addSpan', start: pgid(start), count });
  }

  private dropSpan(span: number): void {
    const start = this.spans.start(span);
    const count = this.spans.count(span);
    this.order.remove(span);
    this.spans.remove(span);
    this.freePageCount -= count;
    if (tellsAll(this.trace)) this.trace.emit({ type: 'freelist.dropSpan', start: pgid(start), count });
  }

  private addSpan(start: number, count: number): void {
    this.order.add(this.spans.add(start, count));
    this.freePageCount += count;
  }

  private tellProbe(map: 'freemaps' | 'forwardMap' | 'backwardMap', key: number, found: number): void {
    this.trace.emit({ type: 'freelist.probe', map, key, found });
  }

  /** Tells the entries that the order has just looked at. */
  private tellScan(what: 'sizes' | 'starts', wanted: number, entries: Iterable<number>, found: number): void {
    const { looked } = this.order;
    const seen: number[] = [];
    for (const entry of entries) {
      if (seen.length === looked) break;
      seen.push(entry);
    }
    const { starts, counts } = spansOf(seen);
    this.trace.emit({
      type: 'freelist.scan',
      what,
      wanted,
      descending: false,
      runStarts: starts,
      runCounts: counts,
      found,
    });
  }

  /** Throws where the three maps do not hold the same spans. */
  private verifyMaps(): void {
    let pages = 0;
    let end = 0;
    this.spans.forEach((start, count) => {
      if (start <= end) fail(`freelist: the span at ${start} touches the one before it`);
      if (this.spans.endingAt(start + count - 1) !== this.spans.startingAt(start))
        fail(`freelist: the span at ${start} has another end than backwardMap says`);
      end = start + count;
      pages += count;
    });
    let spans = 0;
    for (const size of this.order.sizes()) spans += this.order.lengthOf(size);
    assert(pages === this.freePageCount, 'freelist: the count of free pages is that of the spans');
    assert(spans === this.spans.length, 'freelist: each span is under its size');
  }
}
