/** Half-open ranges of keys, found by the points they cover. */
import { compareBytes, equalBytes } from './bytes.ts';
import { searchFirst } from './sorted.ts';

/** All keys from `begin` on that are below `end`; `end` null: no bound. */
export interface Interval {
  readonly begin: Uint8Array;
  readonly end: Uint8Array | null;
}

/** Compares ends; null is past all keys. */
export function compareEnds(a: Uint8Array | null, b: Uint8Array | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compareBytes(a, b);
}

export function covers({ begin, end }: Interval, key: Uint8Array): boolean {
  return compareBytes(begin, key) <= 0 && (end === null || compareBytes(key, end) < 0);
}

interface Entry<Value> extends Interval {
  readonly value: Value;
}

/**
 * Values by interval, one for each. Sorted by begin and then end, with the furthest end of all that stand
 * before: whoever looks for a point walks back from it until nothing before can reach it.
 */
export class IntervalMap<Value> {
  private readonly entries: Entry<Value>[] = [];
  /** The furthest end up to each place; made anew when a search follows a change. */
  private reach: (Uint8Array | null)[] = [];
  private stale = false;

  get size(): number {
    return this.entries.length;
  }

  get(interval: Interval): Value | undefined {
    const entry = this.entries[this.place(interval)] as Entry<Value> | undefined;
    return entry !== undefined && isSame(entry, interval) ? entry.value : undefined;
  }

  /** Puts a value under an interval, in place of the one that was there. */
  set(interval: Interval, value: Value): void {
    const place = this.place(interval);
    const known = this.entries[place] as Entry<Value> | undefined;
    const replaced = known !== undefined && isSame(known, interval) ? 1 : 0;
    this.entries.splice(place, replaced, { begin: interval.begin, end: interval.end, value });
    this.stale = true;
  }

  delete(interval: Interval): boolean {
    const place = this.place(interval);
    const known = this.entries[place] as Entry<Value> | undefined;
    if (known === undefined || !isSame(known, interval)) return false;
    this.entries.splice(place, 1);
    this.stale = true;
    return true;
  }

  /** The values of all intervals that cover a key, by begin and end. */
  covering(key: Uint8Array): Value[] {
    this.renew();
    const found: Value[] = [];
    const past = searchFirst(this.entries.length, (i) => compareBytes(this.entries[i].begin, key) > 0);
    for (let i = past - 1; i >= 0 && reaches(this.reach[i], key); i--) {
      if (covers(this.entries[i], key)) found.push(this.entries[i].value);
    }
    return found.reverse();
  }

  private place(interval: Interval): number {
    return searchFirst(this.entries.length, (i) => {
      const { begin, end } = this.entries[i];
      const order = compareBytes(begin, interval.begin);
      return order > 0 || (order === 0 && compareEnds(end, interval.end) >= 0);
    });
  }

  private renew(): void {
    if (!this.stale) return;
    this.stale = false;
    let furthest: Uint8Array | null = new Uint8Array(0);
    this.reach = this.entries.map(({ end }) => {
      if (compareEnds(end, furthest) > 0) furthest = end;
      return furthest;
    });
  }
}

function isSame(a: Interval, b: Interval): boolean {
  return equalBytes(a.begin, b.begin) && compareEnds(a.end, b.end) === 0;
}

function reaches(end: Uint8Array | null, key: Uint8Array): boolean {
  return end === null || compareBytes(key, end) < 0;
}
