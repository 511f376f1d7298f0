/** Runs of page ids in typed columns: what a transaction frees, and what a release brings back. */
import type { Spans } from './freelist.ts';

/** An index fits beside a page id below 2^32 into an exact integer. */
const indexLimit = 2097152;
/** So few runs are sorted where they are. */
const shortLength = 64;

/** A growing list of runs; run i is `counts[i]` pages from `starts[i]` on. */
export class Runs {
  private starts: Uint32Array;
  private counts: Uint32Array;
  private runCount = 0;

  constructor(capacity = 16) {
    this.starts = new Uint32Array(capacity);
    this.counts = new Uint32Array(capacity);
  }

  get length(): number {
    return this.runCount;
  }

  start(index: number): number {
    return this.starts[index];
  }

  count(index: number): number {
    return this.counts[index];
  }

  push(start: number, count: number): void {
    if (this.runCount === this.starts.length) this.grow();
    this.starts[this.runCount] = start;
    this.counts[this.runCount++] = count;
  }

  /** Puts a run in the place of another one. */
  move(from: number, to: number): void {
    this.starts[to] = this.starts[from];
    this.counts[to] = this.counts[from];
  }

  /** Lets go of all runs from `length` on. */
  truncate(length: number): void {
    this.runCount = length;
  }

  pushAll(other: Runs): void {
    while (this.runCount + other.runCount > this.starts.length) this.grow();
    for (let i = 0; i < other.runCount; i++) {
      this.starts[this.runCount] = other.starts[i];
      this.counts[this.runCount++] = other.counts[i];
    }
  }

  /** Pages of all runs. */
  get pageCount(): number {
    let pages = 0;
    for (let i = 0; i < this.runCount; i++) pages += this.counts[i];
    return pages;
  }

  /** Puts the runs in ascending order; neighbours become one. */
  sort(): void {
    if (this.runCount <= shortLength) this.insertionSort();
    else this.sortByKeys();
    this.join();
  }

  /** The same pages as ascending runs that stand apart. */
  sorted(): Runs {
    const sorted = new Runs(Math.max(1, this.runCount));
    sorted.pushAll(this);
    sorted.sort();
    return sorted;
  }

  toSpans(): Spans {
    return {
      starts: Array.from(this.starts.subarray(0, this.runCount)),
      counts: Array.from(this.counts.subarray(0, this.runCount)),
    };
  }

  static of(spans: Spans): Runs {
    const runs = new Runs(Math.max(1, spans.starts.length));
    spans.starts.forEach((start, i) => runs.push(start, spans.counts[i]));
    return runs;
  }

  private insertionSort(): void {
    const starts = this.starts;
    const counts = this.counts;
    for (let i = 1; i < this.runCount; i++) {
      const start = starts[i];
      const count = counts[i];
      let at = i;
      for (; at > 0 && starts[at - 1] > start; at--) {
        starts[at] = starts[at - 1];
        counts[at] = counts[at - 1];
      }
      starts[at] = start;
      counts[at] = count;
    }
  }

  private sortByKeys(): void {
    const length = this.runCount;
    const starts = this.starts.slice(0, length);
    const counts = this.counts.slice(0, length);
    const order = orderOf(starts);
    for (let i = 0; i < length; i++) {
      this.starts[i] = starts[order[i]];
      this.counts[i] = counts[order[i]];
    }
  }

  /** Makes sorted neighbours one. */
  private join(): void {
    let last = 0;
    for (let i = 1; i < this.runCount; i++) {
      if (this.starts[last] + this.counts[last] === this.starts[i]) this.counts[last] += this.counts[i];
      else this.move(i, ++last);
    }
    this.runCount = Math.min(this.runCount, last + 1);
  }

  private grow(): void {
    const starts = new Uint32Array(2 * this.starts.length);
    const counts = new Uint32Array(2 * this.starts.length);
    starts.set(this.starts);
    counts.set(this.counts);
    this.starts = starts;
    this.counts = counts;
  }
}

/** The indexes of numbers in ascending order of these. */
function orderOf(starts: Uint32Array): Uint32Array {
  const order = new Uint32Array(starts.length);
  if (starts.length > indexLimit) {
    for (let i = 0; i < order.length; i++) order[i] = i;
    return order.sort((a, b) => starts[a] - starts[b]);
  }
  // number and index in one sort without a comparison of ours
  const keys = new Float64Array(starts.length);
  for (let i = 0; i < keys.length; i++) keys[i] = starts[i] * indexLimit + i;
  keys.sort();
  for (let i = 0; i < keys.length; i++) order[i] = keys[i] - Math.floor(keys[i] / indexLimit) * indexLimit;
  return order;
}
