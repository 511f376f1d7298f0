/** The smallest size that fits, and of its spans the one with the lowest first page. */
import type { SpanOrder } from './span-order.ts';
import type { SpanTable } from './span-table.ts';

/** The spans of one size: a heap of their numbers, lowest first page on top. */
interface Heap {
  spans: Uint32Array;
  length: number;
}

/** Sizes are a sorted list, the spans of each size a heap; a span knows its place in its heap. */
export class LowestOrder implements SpanOrder {
  private readonly spans: SpanTable;
  private readonly heaps = new Map<number, Heap>();
  /** Sizes with spans, ascending: the first `#sizeCount` entries. */
  private sizeTable = new Uint32Array(16);
  private sizeCount = 0;
  looked = 0;

  constructor(spans: SpanTable) {
    this.spans = spans;
  }

  clear(): void {
    this.heaps.clear();
    this.sizeCount = 0;
  }

  add(span: number): void {
    const size = this.spans.count(span);
    let heap = this.heaps.get(size);
    if (heap === undefined) {
      heap = { spans: new Uint32Array(4), length: 0 };
      this.heaps.set(size, heap);
      this.addSize(size);
    }
    if (heap.length === heap.spans.length) {
      const larger = new Uint32Array(2 * heap.length);
      larger.set(heap.spans);
      heap.spans = larger;
    }
    this.siftUp(heap, heap.length++, span);
  }

  remove(span: number): void {
    const size = this.spans.count(span);
    const heap = this.heaps.get(size) as Heap;
    const at = this.spans.before(span);
    const last = heap.spans[--heap.length];
    if (last !== span) {
      const isLower = at > 0 && this.spans.start(last) < this.spans.start(heap.spans[(at - 1) >>> 1]);
      if (isLower) this.siftUp(heap, at, last);
      else this.siftDown(heap, at, last);
    }
    if (heap.length > 0) return;
    this.heaps.delete(size);
    this.removeSize(size);
  }

  lengthOf(size: number): number {
    return this.heaps.get(size)?.length ?? 0;
  }

  sizeAbove(size: number): number {
    const at = this.search(size + 1);
    return at < this.sizeCount ? this.sizeTable[at] : 0;
  }

  first(size: number): number {
    this.looked = 1;
    const heap = this.heaps.get(size);
    return heap === undefined ? 0 : heap.spans[0];
  }

  *sizesFrom(size: number): Generator<number> {
    let low = 0;
    for (let high = this.sizeCount; low < high;) {
      const middle = (low + high) >>> 1;
      yield this.sizeTable[middle];
      if (this.sizeTable[middle] <= size) low = middle + 1;
      else high = middle;
    }
  }

  sizes(): Iterable<number> {
    return this.sizeTable.slice(0, this.sizeCount);
  }

  *startsOf(size: number): Generator<number> {
    const heap = this.heaps.get(size);
    if (heap === undefined) return;
    yield* heap.spans
      .slice(0, heap.length)
      .map((span) => this.spans.start(span))
      .sort();
  }

  get sizeBytes(): number {
    let bytes = this.sizeTable.byteLength;
    for (const heap of this.heaps.values()) bytes += heap.spans.byteLength;
    return bytes;
  }

  /** Where the first size is that is not below `size`. */
  private search(size: number): number {
    let low = 0;
    let looked = 0;
    for (let high = this.sizeCount; low < high; looked++) {
      const middle = (low + high) >>> 1;
      if (this.sizeTable[middle] < size) low = middle + 1;
      else high = middle;
    }
    this.looked = looked;
    return low;
  }

  private addSize(size: number): void {
    if (this.sizeCount === this.sizeTable.length) {
      const larger = new Uint32Array(2 * this.sizeCount);
      larger.set(this.sizeTable);
      this.sizeTable = larger;
    }
    const at = this.search(size);
    this.sizeTable.copyWithin(at + 1, at, this.sizeCount++);
    this.sizeTable[at] = size;
  }

  private removeSize(size: number): void {
    const at = this.search(size);
    this.sizeTable.copyWithin(at, at + 1, this.sizeCount--);
  }

  private siftUp(heap: Heap, at: number, span: number): void {
    const start = this.spans.start(span);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap.spans[parent];
      if (this.spans.start(above) < start) break;
      this.put(heap, at, above);
      at = parent;
    }
    this.put(heap, at, span);
  }

  private siftDown(heap: Heap, at: number, span: number): void {
    const start = this.spans.start(span);
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < heap.length && this.startAt(heap, right) < this.startAt(heap, child)) child = right;
      if (start < this.startAt(heap, child)) break;
      this.put(heap, at, heap.spans[child]);
      at = child;
    }
    this.put(heap, at, span);
  }

  private startAt(heap: Heap, at: number): number {
    return this.spans.start(heap.spans[at]);
  }

  private put(heap: Heap, at: number, span: number): void {
    heap.spans[at] = span;
    this.spans.setBefore(span, at);
  }
}
