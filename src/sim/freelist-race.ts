/**
 * One script run on both freelists side by side: what each tells, hands out and counts, operation by
 * operation.
 */
import { assert } from '../base/assert.ts';
import type { BoltEvent, FreelistEvent } from '../engine/bolt/events.ts';
import { ArrayFreelist } from '../engine/bolt/freelist/array.ts';
import type { FreelistCounters, Spans } from '../engine/bolt/freelist/freelist.ts';
import { HashmapFreelist } from '../engine/bolt/freelist/hashmap.ts';
import { SharedFreelist } from '../engine/bolt/freelist/shared.ts';
import { pgid, txid } from '../engine/bolt/types.ts';
import type { FreelistType } from '../engine/bolt/types.ts';

/**
 * What is asked of a freelist. `init` is a fresh start with these free pages (ascending); `begin` starts the
 * next write transaction, which releases what earlier ones freed; `commit` ends it.
 */
export type RaceOperation =
  | { readonly kind: 'init'; readonly ids: readonly number[]; readonly highWater: number }
  | { readonly kind: 'begin' }
  | { readonly kind: 'allocate'; readonly count: number }
  | { readonly kind: 'free'; readonly pgid: number; readonly count: number }
  | { readonly kind: 'commit' };

/** What a race tells: the freelist's own steps, and the transaction's frees, releases and allocations. */
export type RaceEvent =
  FreelistEvent | Extract<BoltEvent, { type: 'bolt.allocate' | 'bolt.free' | 'bolt.release' }>;

/** What one operation did on one list. */
export interface RaceStep {
  readonly events: readonly RaceEvent[];
  /** The work of this operation alone. */
  readonly work: FreelistCounters;
  /** The free runs after it. */
  readonly free: Spans;
}

export interface Race {
  readonly operations: readonly RaceOperation[];
  /** Step i is what operation i did. */
  readonly sides: Readonly<Record<FreelistType, readonly RaceStep[]>>;
}

const listTypes = ['array', 'hashmap'] as const;

/** One freelist under a script. */
class Racer {
  private readonly list: SharedFreelist;
  private events: RaceEvent[] = [];
  private txid = 1;
  private highWater = 0;

  constructor(type: FreelistType) {
    const trace = { on: true, emit: (event: FreelistEvent) => void this.events.push(event) };
    this.list = new SharedFreelist(
      type === 'array' ? new ArrayFreelist(trace) : new HashmapFreelist('insertion', trace),
    );
  }

  run(operation: RaceOperation): RaceStep {
    this.events = [];
    const { counters } = this.list.list;
    const before = { ...counters };
    this.do(operation);
    const work = {
      scanned: counters.scanned - before.scanned,
      probed: counters.probed - before.probed,
      merged: counters.merged - before.merged,
      moved: counters.moved - before.moved,
    };
    return { events: this.events, work, free: this.list.freeSpans() };
  }

  private do(operation: RaceOperation): void {
    switch (operation.kind) {
      case 'init':
        assert(this.list.pendingCount === 0, 'race: a fresh start leaves nothing pending');
        this.highWater = operation.highWater;
        return this.list.init(Uint32Array.from(operation.ids));
      case 'begin':
        return this.begin();
      case 'allocate':
        return this.allocate(operation.count);
      case 'free': {
        const { pgid: first, count } = operation;
        this.list.free(this.txid, first, count);
        this.events.push({ type: 'bolt.free', txid: txid(this.txid), pgid: pgid(first), count });
        return;
      }
      case 'commit':
        // what it freed stays pending: the state before it is still the newest that a reader may begin with
        return;
      default:
        operation satisfies never;
    }
  }

  private begin(): void {
    this.txid += 1;
    const released = this.list.releasePending();
    if (released.length === 0) return;
    const { starts, counts } = released.toSpans();
    this.events.push({
      type: 'bolt.release',
      txid: txid(this.txid),
      runStarts: starts,
      runCounts: counts,
    });
  }

  private allocate(count: number): void {
    const { first, scanned, path } = this.list.allocate(this.txid, count);
    const start = first ?? this.highWater;
    if (first === null) this.highWater += count;
    this.events.push({
      type: 'bolt.allocate',
      txid: txid(this.txid),
      pgid: pgid(start),
      count,
      scanned,
      path: first === null ? 'grow' : path,
    });
  }
}

/**
 * Runs a script on both lists. @throws BoltError where it frees what is free, InvariantError on a bad init
 */
export function runRace(operations: readonly RaceOperation[]): Race {
  const runOn = (type: FreelistType): RaceStep[] => {
    const racer = new Racer(type);
    return operations.map((operation) => racer.run(operation));
  };
  const [array, hashmap] = listTypes.map(runOn);
  return { operations, sides: { array, hashmap } };
}
