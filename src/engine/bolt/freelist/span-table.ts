/** Free spans in typed memory: found by their first page or by their last. */
import { PageTable } from './page-table.ts';

/** u32 a span: first page, pages, and two links for the order that the span stands in. */
const width = 4;

/**
 * bbolt's forwardMap and backwardMap in one table. Free spans never touch (they would be one), so of two
 * pages 2k and 2k+1 at most one span has an end there: place k tells its number. A span's number stays the
 * same as long as the span is there; 0 is no span.
 */
export class SpanTable {
  private fields: Uint32Array;
  private readonly ends = new PageTable();
  /** The first of the numbers that are free again, linked by their first field. */
  private unused = 0;
  /** Numbers given out so far, and number 0. */
  private used = 1;
  private spanCount = 0;

  constructor(capacity = 64) {
    this.fields = new Uint32Array(capacity * width);
  }

  /** How many spans there are. */
  get length(): number {
    return this.spanCount;
  }

  /** Lets go of all spans, and makes room for so many. */
  clear(capacity: number): void {
    this.fields = new Uint32Array((capacity + (capacity >>> 4) + 64) * width);
    this.ends.clear();
    this.unused = 0;
    this.used = 1;
    this.spanCount = 0;
  }

  start(span: number): number {
    return this.fields[span * width];
  }

  count(span: number): number {
    return this.fields[span * width + 1];
  }

  /** The link to the span before, or a place in a heap: what the span's order makes of it. */
  before(span: number): number {
    return this.fields[span * width + 2];
  }

  setBefore(span: number, value: number): void {
    this.fields[span * width + 2] = value;
  }

  after(span: number): number {
    return this.fields[span * width + 3];
  }

  setAfter(span: number, value: number): void {
    this.fields[span * width + 3] = value;
  }

  /** The span that begins at a page, or 0. */
  startingAt(page: number): number {
    const span = this.ends.get(page >>> 1);
    return span !== 0 && this.fields[span * width] === page ? span : 0;
  }

  /** The span whose last page is this one, or 0. */
  endingAt(page: number): number {
    const span = this.ends.get(page >>> 1);
    const at = span * width;
    return span !== 0 && this.fields[at] + this.fields[at + 1] - 1 === page ? span : 0;
  }

  /** @returns the new span's number */
  add(start: number, count: number): number {
    let span = this.unused;
    if (span !== 0) this.unused = this.fields[span * width];
    else {
      span = this.used++;
      if (span * width >= this.fields.length) this.grow();
    }
    const at = span * width;
    this.fields[at] = start;
    this.fields[at + 1] = count;
    this.ends.set(start >>> 1, span);
    if (count > 1) this.ends.set((start + count - 1) >>> 1, span);
    this.spanCount++;
    return span;
  }

  remove(span: number): void {
    const at = span * width;
    const start = this.fields[at];
    this.ends.set(start >>> 1, 0);
    this.ends.set((start + this.fields[at + 1] - 1) >>> 1, 0);
    this.fields[at] = this.unused;
    this.unused = span;
    this.spanCount--;
  }

  /** Calls for each span in ascending order of pages. */
  forEach(visit: (start: number, count: number) => void): void {
    const fields = this.fields;
    for (let place = this.ends.next(0); place >= 0;) {
      const at = this.ends.get(place) * width;
      const start = fields[at];
      const count = fields[at + 1];
      visit(start, count);
      // on the way to the next span only this one's own end is passed
      place = this.ends.next(((start + count - 1) >>> 1) + 1);
    }
  }

  /** Bytes of typed memory. */
  get sizeBytes(): number {
    return this.fields.byteLength + this.ends.sizeBytes;
  }

  private grow(): void {
    const spans = this.fields.length / width;
    const larger = new Uint32Array((spans + (spans >>> 1)) * width);
    larger.set(this.fields);
    this.fields = larger;
  }
}
