/**
 * Pattern-defeating quicksort as Go 1.19 sorts: not stable, but always the same for the same input. Who
 * answers as a Go program does must leave equal items in the order in which that leaves them.
 * @source Go 1.19 sort.Sort, after Orson Peters, "Pattern-defeating Quicksort" (2021)
 */

type Less<Item> = (a: Item, b: Item) => boolean;

/** Up to so many items are sorted by insertion. */
const insertionLimit = 12;
/** Shorter runs are not shifted about in the hope that they are nearly sorted. */
const shortestShift = 50;
const maxShifts = 5;
const shortestNinther = 50;
const maxSwaps = 12;

/** Sorts in place. @param less a strict weak order */
export function pdqsort<Item>(items: Item[], less: Less<Item>): void {
  if (items.length > 1) new Sorter(items, less).sort(0, items.length, bitLength(items.length));
}

const bitLength = (value: number): number => 32 - Math.clz32(value);

interface Pivot {
  readonly at: number;
  readonly hint: 'increasing' | 'decreasing' | 'unknown';
}

class Sorter<Item> {
  private readonly items: Item[];
  private readonly less: Less<Item>;
  private swapCount = 0;

  constructor(items: Item[], less: Less<Item>) {
    this.items = items;
    this.less = less;
  }

  /** @param limit how many bad partitions are borne before a heap takes over */
  sort(from: number, to: number, limit: number): void {
    let [a, b, left] = [from, to, limit];
    let [wasBalanced, wasPartitioned] = [true, true];
    for (;;) {
      const length = b - a;
      if (length <= insertionLimit) return this.insertion(a, b);
      if (left === 0) return this.heap(a, b);
      if (!wasBalanced) {
        this.breakPatterns(a, b);
        left--;
      }
      const { at, hint } = this.orient(a, b);
      if (wasBalanced && wasPartitioned && hint === 'increasing' && this.partialInsertion(a, b)) return;
      if (a > 0 && !this.isLess(a - 1, at)) {
        a = this.partitionEqual(a, b, at);
        continue;
      }
      const { middle, wasDone } = this.partition(a, b, at);
      wasPartitioned = wasDone;
      const [before, behind] = [middle - a, b - middle];
      wasBalanced = Math.min(before, behind) >= Math.floor(length / 8);
      if (before < behind) {
        this.sort(a, middle, left);
        a = middle + 1;
      } else {
        this.sort(middle + 1, b, left);
        b = middle;
      }
    }
  }

  private isLess(i: number, j: number): boolean {
    return this.less(this.items[i], this.items[j]);
  }

  private swap(i: number, j: number): void {
    const items = this.items;
    [items[i], items[j]] = [items[j], items[i]];
  }

  private insertion(a: number, b: number): void {
    for (let i = a + 1; i < b; i++) {
      for (let j = i; j > a && this.isLess(j, j - 1); j--) this.swap(j, j - 1);
    }
  }

  private heap(a: number, b: number): void {
    const size = b - a;
    for (let i = (size - 1) >> 1; i >= 0; i--) this.sink(i, size, a);
    for (let i = size - 1; i >= 0; i--) {
      this.swap(a, a + i);
      this.sink(0, i, a);
    }
  }

  private sink(start: number, size: number, first: number): void {
    let root = start;
    for (;;) {
      let child = 2 * root + 1;
      if (child >= size) return;
      if (child + 1 < size && this.isLess(first + child, first + child + 1)) child++;
      if (!this.isLess(first + root, first + child)) return;
      this.swap(first + root, first + child);
      root = child;
    }
  }

  /** Chooses a pivot; a run that seems to descend is turned round. */
  private orient(a: number, b: number): Pivot {
    const pivot = this.choosePivot(a, b);
    if (pivot.hint !== 'decreasing') return pivot;
    for (let [i, j] = [a, b - 1]; i < j; i++, j--) this.swap(i, j);
    return { at: b - 1 - (pivot.at - a), hint: 'increasing' };
  }

  private choosePivot(a: number, b: number): Pivot {
    const length = b - a;
    const quarter = Math.floor(length / 4);
    let [i, j, k] = [a + quarter, a + quarter * 2, a + quarter * 3];
    this.swapCount = 0;
    if (length >= 8) {
      if (length >= shortestNinther) {
        i = this.median(i - 1, i, i + 1);
        j = this.median(j - 1, j, j + 1);
        k = this.median(k - 1, k, k + 1);
      }
      j = this.median(i, j, k);
    }
    if (this.swapCount === 0) return { at: j, hint: 'increasing' };
    return { at: j, hint: this.swapCount === maxSwaps ? 'decreasing' : 'unknown' };
  }

  private median(i: number, j: number, k: number): number {
    let [a, b, c] = [i, j, k];
    [a, b] = this.ordered(a, b);
    [b, c] = this.ordered(b, c);
    [a, b] = this.ordered(a, b);
    return b;
  }

  private ordered(i: number, j: number): [number, number] {
    if (!this.isLess(j, i)) return [i, j];
    this.swapCount++;
    return [j, i];
  }

  private partition(
    a: number,
    b: number,
    pivot: number,
  ): { readonly middle: number; readonly wasDone: boolean } {
    this.swap(a, pivot);
    let [i, j] = [a + 1, b - 1];
    let wasDone = true;
    for (;;) {
      while (i <= j && this.isLess(i, a)) i++;
      while (i <= j && !this.isLess(j, a)) j--;
      if (i > j) break;
      wasDone = false;
      this.swap(i++, j--);
    }
    this.swap(j, a);
    return { middle: j, wasDone };
  }

  /** Parts what equals the pivot from what is greater; nothing is less. @returns where the greater begins */
  private partitionEqual(a: number, b: number, pivot: number): number {
    this.swap(a, pivot);
    let [i, j] = [a + 1, b - 1];
    for (;;) {
      while (i <= j && !this.isLess(a, i)) i++;
      while (i <= j && this.isLess(a, j)) j--;
      if (i > j) return i;
      this.swap(i++, j--);
    }
  }

  /** Sorts what is nearly sorted. @returns whether it is sorted now */
  private partialInsertion(a: number, b: number): boolean {
    let i = a + 1;
    for (let shifts = 0; shifts < maxShifts; shifts++) {
      while (i < b && !this.isLess(i, i - 1)) i++;
      if (i === b) return true;
      if (b - a < shortestShift) return false;
      this.swap(i, i - 1);
      if (i - a >= 2) for (let j = i - 1; j >= 1 && this.isLess(j, j - 1); j--) this.swap(j, j - 1);
      if (b - i >= 2) for (let j = i + 1; j < b && this.isLess(j, j - 1); j++) this.swap(j, j - 1);
    }
    return false;
  }

  /** Puts three items elsewhere, by a generator that the length seeds. */
  private breakPatterns(a: number, b: number): void {
    const length = b - a;
    if (length < 8) return;
    let random = BigInt(length);
    const mask = (1n << BigInt(bitLength(length))) - 1n;
    const middle = a + Math.floor(length / 4) * 2;
    for (let i = middle - 1; i <= middle + 1; i++) {
      random = xorshift(random);
      const other = Number(random & mask);
      this.swap(i, a + (other >= length ? other - length : other));
    }
  }
}

/** Marsaglia's xorshift of 64 bits, with the shifts that Go 1.19 has. */
function xorshift(state: bigint): bigint {
  let x = state;
  x ^= BigInt.asUintN(64, x << 13n);
  x ^= x >> 17n;
  return x ^ BigInt.asUintN(64, x << 5n);
}
