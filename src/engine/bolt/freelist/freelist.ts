/** The contract of the two freelists: which pages are free, and which run is handed out next. */
import type { FreelistType } from '../types.ts';
import type { Runs } from './runs.ts';

/** Runs of page ids, ascending and apart: run i is `starts[i]`, `starts[i] + 1`, ... of `counts[i]` pages. */
export interface Spans {
  readonly starts: readonly number[];
  readonly counts: readonly number[];
}

/** Work done since the list was made, for cost models and benchmarks. */
export interface FreelistCounters {
  /** Entries looked at one by one: page ids in an array, size classes and spans in a hashmap. */
  scanned: number;
  /** Looks into a map by its key. */
  probed: number;
  /** Free spans that a span that came in joined. */
  merged: number;
  /** Bytes of the list's own memory moved to keep it in order. */
  moved: number;
}

export const noWork = (): FreelistCounters => ({ scanned: 0, probed: 0, merged: 0, moved: 0 });

/** Where an allocation's pages came from: a free run of just that length, or a part of a larger one. */
export type AllocationPath = 'exact' | 'larger';

/**
 * The free pages of a database, without those that wait for readers (shared.ts keeps these). The array
 * scans ids in order, as bbolt's; the hashmap keeps spans by size, start and end. Both hold page ids as u32:
 * a file has fewer than 2^32 pages here (16 TiB of pages of 4 KiB).
 */
export interface Freelist {
  readonly type: FreelistType;
  readonly counters: FreelistCounters;
  readonly freeCount: number;
  /** Bytes of the list's own memory. */
  readonly sizeBytes: number;
  /** How the last successful `allocate` found its pages. */
  readonly lastPath: AllocationPath;
  /** Starts anew. @param ids ascending, without repetition, each above 1; they are copied */
  init(ids: Uint32Array): void;
  /** Takes `count` pages in a row off the list and returns the first; null where there are none. */
  allocate(count: number): number | null;
  /** Takes pages in that are not on the list yet. @param runs ascending, apart from each other */
  merge(runs: Runs): void;
  /** Calls for each free span in ascending order. */
  forEachSpan(visit: (start: number, count: number) => void): void;
}

/** Sorted ids as runs. */
export function spansOf(ids: ArrayLike<number>): Spans {
  const starts: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const last = starts.length - 1;
    if (last >= 0 && starts[last] + counts[last] === ids[i]) counts[last]++;
    else {
      starts.push(ids[i]);
      counts.push(1);
    }
  }
  return { starts, counts };
}

/** The runs of a freelist. */
export function freeSpans(freelist: Freelist): Spans {
  const starts: number[] = [];
  const counts: number[] = [];
  freelist.forEachSpan((start, count) => {
    starts.push(start);
    counts.push(count);
  });
  return { starts, counts };
}
