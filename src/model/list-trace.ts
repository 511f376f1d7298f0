/** What a member asked of its freelist: enough to ask the same of other freelists. A fold of events. */
import type { BoltEvent } from '../engine/bolt/events.ts';
import type { FreelistType } from '../engine/bolt/types.ts';

export type ListCall = Extract<BoltEvent, { type: 'bolt.allocate' | 'bolt.free' | 'bolt.release' }>;

/** Runs as parallel lists, ascending. */
export interface Runs {
  readonly starts: readonly number[];
  readonly counts: readonly number[];
}

export interface ListTrace {
  /** Which list the member itself uses. */
  readonly list: FreelistType;
  /** The calls begin with the state after this transaction. */
  readonly sinceTxid: number;
  readonly free: Runs;
  readonly highWater: number;
  readonly calls: readonly ListCall[];
}

/** More calls than twice this: the older half goes, and the beginning moves on. */
const keptCalls = 600;

export function openTrace(event: Extract<BoltEvent, { type: 'bolt.open' }>): ListTrace {
  const isFree = (_: number, i: number): boolean => event.runKinds[i] === 4;
  return {
    list: event.freelist,
    sinceTxid: event.txid,
    free: { starts: event.runStarts.filter(isFree), counts: event.runCounts.filter(isFree) },
    highWater: event.highWater,
    calls: [],
  };
}

/** Lets the oldest transactions go where there are too many. Called when a commit ends, at `calls.length`. */
export function trimmed(trace: ListTrace): ListTrace {
  const { calls } = trace;
  if (calls.length <= 2 * keptCalls) return trace;
  let cut = calls.length - keptCalls;
  while (cut < calls.length && calls[cut]?.txid === calls[cut - 1]?.txid) cut++;
  const gone = calls.slice(0, cut);
  return {
    ...trace,
    ...stateAfter(trace, gone),
    sinceTxid: gone.at(-1)?.txid ?? trace.sinceTxid,
    calls: calls.slice(cut),
  };
}

/** Which pages are free after these calls, and where the file ends. */
function stateAfter(
  { free, highWater }: ListTrace,
  calls: readonly ListCall[],
): { free: Runs; highWater: number } {
  const ids = new Set<number>();
  const each = (start: number, count: number, visit: (id: number) => void): void => {
    for (let id = start; id < start + count; id++) visit(id);
  };
  const add = (id: number): void => void ids.add(id);
  free.starts.forEach((start, i) => each(start, free.counts[i] ?? 0, add));
  let end = highWater;
  for (const call of calls) {
    if (call.type === 'bolt.allocate') {
      each(call.pgid, call.count, (id) => ids.delete(id));
      end = Math.max(end, call.pgid + call.count);
    }
    if (call.type === 'bolt.release') {
      call.runStarts.forEach((start, i) => each(start, call.runCounts[i] ?? 0, add));
    }
  }
  return { free: runsOf([...ids].sort((a, b) => a - b)), highWater: end };
}

/** Ascending ids as runs. */
export function runsOf(ids: readonly number[]): Runs {
  const starts: number[] = [];
  const counts: number[] = [];
  for (const id of ids) {
    const last = starts.length - 1;
    if (last >= 0 && (starts[last] ?? 0) + (counts[last] ?? 0) === id) counts[last] = (counts[last] ?? 0) + 1;
    else {
      starts.push(id);
      counts.push(1);
    }
  }
  return { starts, counts };
}
