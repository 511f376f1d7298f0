/** Sizes and spans in the order in which they came: what a JS Map of Sets would do, in typed memory. */
import { PageTable } from './page-table.ts';
import type { SpanOrder } from './span-order.ts';
import type { SpanTable } from './span-table.ts';

/** u32 a size: the size, its first and last span, how many, and the sizes that came before and after. */
const width = 6;
const [sizeField, headField, tailField, lengthField, beforeField, afterField] = [0, 1, 2, 3, 4, 5];

/**
 * Sizes are a linked list, the spans of each size another: a new entry goes behind the last, and a size
 * that has no span any more leaves its place.
 */
export class InsertionOrder implements SpanOrder {
  private readonly spans: SpanTable;
  private fields = new Uint32Array(16 * width);
  private readonly bySize = new PageTable();
  private head = 0;
  private tail = 0;
  private unused = 0;
  private used = 1;
  looked = 0;

  constructor(spans: SpanTable) {
    this.spans = spans;
  }

  clear(): void {
    this.fields = new Uint32Array(16 * width);
    this.bySize.clear();
    this.head = 0;
    this.tail = 0;
    this.unused = 0;
    this.used = 1;
  }

  add(span: number): void {
    const spans = this.spans;
    const size = spans.count(span);
    const at = (this.bySize.get(size) || this.addSize(size)) * width;
    const fields = this.fields;
    const last = fields[at + tailField];
    spans.setBefore(span, last);
    spans.setAfter(span, 0);
    if (last === 0) fields[at + headField] = span;
    else spans.setAfter(last, span);
    fields[at + tailField] = span;
    fields[at + lengthField]++;
  }

  remove(span: number): void {
    const spans = this.spans;
    const fields = this.fields;
    const entry = this.bySize.get(spans.count(span));
    const at = entry * width;
    const before = spans.before(span);
    const after = spans.after(span);
    if (before === 0) fields[at + headField] = after;
    else spans.setAfter(before, after);
    if (after === 0) fields[at + tailField] = before;
    else spans.setBefore(after, before);
    if (--fields[at + lengthField] === 0) this.removeSize(entry);
  }

  lengthOf(size: number): number {
    return this.fields[this.bySize.get(size) * width + lengthField];
  }

  sizeAbove(size: number): number {
    const fields = this.fields;
    let looked = 0;
    let found = 0;
    for (let entry = this.head; entry !== 0; entry = fields[entry * width + afterField]) {
      looked++;
      if (fields[entry * width + sizeField] <= size) continue;
      found = fields[entry * width + sizeField];
      break;
    }
    this.looked = looked;
    return found;
  }

  first(size: number): number {
    this.looked = 1;
    return this.fields[this.bySize.get(size) * width + headField];
  }

  sizesFrom(): Iterable<number> {
    return this.sizes();
  }

  *sizes(): Generator<number> {
    for (let entry = this.head; entry !== 0; entry = this.fields[entry * width + afterField])
      yield this.fields[entry * width + sizeField];
  }

  *startsOf(size: number): Generator<number> {
    const spans = this.spans;
    for (let span = this.first(size); span !== 0; span = spans.after(span)) yield spans.start(span);
  }

  get sizeBytes(): number {
    return this.fields.byteLength + this.bySize.sizeBytes;
  }

  private addSize(size: number): number {
    let entry = this.unused;
    if (entry !== 0) this.unused = this.fields[entry * width + afterField];
    else {
      entry = this.used++;
      if (entry * width >= this.fields.length) this.grow();
    }
    const fields = this.fields;
    const at = entry * width;
    fields.fill(0, at, at + width);
    fields[at + sizeField] = size;
    fields[at + beforeField] = this.tail;
    if (this.tail === 0) this.head = entry;
    else fields[this.tail * width + afterField] = entry;
    this.tail = entry;
    this.bySize.set(size, entry);
    return entry;
  }

  private removeSize(entry: number): void {
    const fields = this.fields;
    const at = entry * width;
    const before = fields[at + beforeField];
    const after = fields[at + afterField];
    if (before === 0) this.head = after;
    else fields[before * width + afterField] = after;
    if (after === 0) this.tail = before;
    else fields[after * width + beforeField] = before;
    this.bySize.set(fields[at + sizeField], 0);
    fields[at + afterField] = this.unused;
    this.unused = entry;
  }

  private grow(): void {
    const larger = new Uint32Array(this.fields.length * 2);
    larger.set(this.fields);
    this.fields = larger;
  }
}
