/** Counts of whole numbers by size, as a histogram of Prometheus has them. */
import { assert } from './assert.ts';
import { sharedByForks } from './fork.ts';

export class Histogram {
  /** Upper limits, ascending; one more bucket takes what is above all. */
  readonly limits: readonly number[];
  private readonly counts: number[];
  private total = 0;

  /** Limits that begin with the first and double. */
  static doubling(first: number, count: number): Histogram {
    return new Histogram(Array.from({ length: count }, (_, i) => first * 2 ** i));
  }

  constructor(limits: readonly number[]) {
    this.limits = sharedByForks(limits);
    this.counts = Array.from({ length: limits.length + 1 }, () => 0);
  }

  /** @param value a safe integer; a sum past the safe range stays at its end */
  observe(value: number): void {
    assert(Number.isSafeInteger(value), 'histogram: whole numbers are observed');
    const at = this.limits.findIndex((limit) => value <= limit);
    this.counts[at < 0 ? this.limits.length : at]++;
    this.total = Math.min(this.total + value, Number.MAX_SAFE_INTEGER);
  }

  get sum(): number {
    return this.total;
  }

  get count(): number {
    return this.counts.reduce((total, count) => total + count, 0);
  }

  /** For each limit how many are not above it. */
  cumulative(): number[] {
    let total = 0;
    return this.limits.map((_, i) => (total += this.counts[i]));
  }
}
