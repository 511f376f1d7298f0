/** Which free span is taken where several fit: the contract of the two orders. */

/** Spans by their size (bbolt's freemaps), and which of them comes first. */
export interface SpanOrder {
  /** Entries that the last `sizeAbove` or `first` looked at. */
  readonly looked: number;
  clear(): void;
  /** Takes a span of the table in. */
  add(span: number): void;
  /** Takes a span out while it is still in the table. */
  remove(span: number): void;
  /** How many spans of a size there are. */
  lengthOf(size: number): number;
  /** A size above `size` of which there are spans; 0 for none. */
  sizeAbove(size: number): number;
  /** The span of a size that is taken first; 0 for none. */
  first(size: number): number;
  /** The sizes that `sizeAbove` looks at, in its order. */
  sizesFrom(size: number): Iterable<number>;
  /** All sizes of which there are spans. */
  sizes(): Iterable<number>;
  /** First pages of the spans of a size; the one that is taken first comes first. */
  startsOf(size: number): Iterable<number>;
  /** Bytes of typed memory beside the table's. */
  readonly sizeBytes: number;
}
