/**
 * A member's own requests to its freelist, asked of both lists side by side. Each list hands out pages of its
 * own choice; what the member frees is freed in each list at the place where that list had put it.
 */
import { assert } from '../base/assert.ts';
import type { BoltEvent, FreelistEvent } from '../engine/bolt/events.ts';
import { ArrayFreelist } from '../engine/bolt/freelist/array.ts';
import { spansOf, type FreelistCounters, type Spans } from '../engine/bolt/freelist/freelist.ts';
import { HashmapFreelist } from '../engine/bolt/freelist/hashmap.ts';
import { SharedFreelist } from '../engine/bolt/freelist/shared.ts';
import { pgid, txid } from '../engine/bolt/types.ts';
import type { FreelistType } from '../engine/bolt/types.ts';
import type { Race, RaceEvent, RaceOperation, RaceStep } from './freelist-race.ts';

export type MirrorCall = Extract<BoltEvent, { type: 'bolt.allocate' | 'bolt.free' | 'bolt.release' }>;

/** The state that the calls begin with, and the calls in order. */
export interface MirrorTrace {
  readonly free: Spans;
  readonly highWater: number;
  readonly calls: readonly MirrorCall[];
}

export interface Mirror {
  /** The calls from the wanted one on, after a start with the lists as they were then. */
  readonly race: Race;
  /** The work of all calls before. */
  readonly before: Readonly<Record<FreelistType, FreelistCounters>>;
  /** How many calls were made in all. */
  readonly callCount: number;
}

/** One freelist that is asked what a member asked of its own. */
class Follower {
  private readonly shared: SharedFreelist;
  private readonly hashmap: HashmapFreelist | null;
  /** Where this list put the pages that it handed out, by the member's page; others lie where they were. */
  private readonly ownPages = new Map<number, number>();
  private events: RaceEvent[] = [];
  private highWater: number;

  constructor(type: FreelistType, { free, highWater }: MirrorTrace) {
    const trace = { on: true, emit: (event: FreelistEvent) => void this.events.push(event) };
    const hashmap = new HashmapFreelist('insertion', trace);
    this.hashmap = type === 'hashmap' ? hashmap : null;
    this.shared = new SharedFreelist(type === 'hashmap' ? hashmap : new ArrayFreelist(trace));
    this.highWater = highWater;
    this.shared.init(Uint32Array.from(idsOf(free)));
  }

  get work(): FreelistCounters {
    return { ...this.shared.list.counters };
  }

  ask(call: MirrorCall): RaceStep {
    this.events = [];
    const before = this.work;
    if (call.type === 'bolt.allocate') this.allocate(call.txid, call.pgid, call.count);
    else if (call.type === 'bolt.free') this.free(call.txid, call.pgid, call.count);
    else this.release(call.txid, { starts: call.runStarts, counts: call.runCounts });
    const { scanned, probed, merged, moved } = this.work;
    const work = {
      scanned: scanned - before.scanned,
      probed: probed - before.probed,
      merged: merged - before.merged,
      moved: moved - before.moved,
    };
    return { events: this.events, work, free: this.shared.freeSpans() };
  }

  /** The list as it is, told as a fresh start: the hashmap's spans in the order in which it keeps them. */
  start(): RaceStep {
    const free = this.shared.freeSpans();
    const { starts: runStarts, counts: runCounts } = this.hashmap === null ? free : kept(this.hashmap);
    const list = this.shared.list.type;
    return {
      events: [{ type: 'freelist.init', list, runStarts, runCounts }],
      work: { scanned: 0, probed: 0, merged: 0, moved: 0 },
      free,
    };
  }

  private allocate(tx: number, memberPage: number, count: number): void {
    const { first, scanned, path } = this.shared.allocate(tx, count);
    const start = first ?? this.highWater;
    if (first === null) this.highWater += count;
    for (let i = 0; i < count; i++) this.ownPages.set(memberPage + i, start + i);
    const from = first === null ? 'grow' : path;
    this.events.push({
      type: 'bolt.allocate',
      txid: txid(tx),
      pgid: pgid(start),
      count,
      scanned,
      path: from,
    });
  }

  /** Waits, as in the member: the list itself hears of it when the pages are released. */
  private free(tx: number, memberPage: number, count: number): void {
    this.events.push({ type: 'bolt.free', txid: txid(tx), pgid: pgid(this.own(memberPage)), count });
  }

  private release(tx: number, runs: Spans): void {
    const ids = idsOf(runs).map((page) => this.own(page));
    for (const page of idsOf(runs)) this.ownPages.delete(page);
    const { starts, counts } = spansOf(ids.sort((a, b) => a - b));
    starts.forEach((start, i) => this.shared.free(tx, start, counts[i]));
    this.shared.releasePending();
    this.events.push({ type: 'bolt.release', txid: txid(tx), runStarts: starts, runCounts: counts });
  }

  private own(memberPage: number): number {
    return this.ownPages.get(memberPage) ?? memberPage;
  }
}

const idsOf = ({ starts, counts }: Spans): number[] =>
  starts.flatMap((start, i) => Array.from({ length: counts[i] }, (_, k) => start + k));

/** A hashmap's spans, by size and within a size in the order in which they came. */
function kept({ freemaps }: HashmapFreelist): Spans {
  const starts: number[] = [];
  const counts: number[] = [];
  for (const [size, spans] of freemaps) {
    for (const start of spans) {
      starts.push(start);
      counts.push(size);
    }
  }
  return { starts, counts };
}

function operationOf(call: MirrorCall): RaceOperation {
  if (call.type === 'bolt.allocate') return { kind: 'allocate', count: call.count };
  if (call.type === 'bolt.free') return { kind: 'free', pgid: call.pgid, count: call.count };
  return { kind: 'begin' };
}

/**
 * Asks both lists all that a member asked. @param from the first call to tell step by step
 * @throws BoltError where a trace frees what is free: it is not a member's
 */
export function mirrorTrace(trace: MirrorTrace, from: number): Mirror {
  assert(from >= 0 && from <= trace.calls.length, 'mirror: the first call to tell is one of the calls');
  const shown = trace.calls.slice(from);
  const follow = (type: FreelistType): { before: FreelistCounters; steps: RaceStep[]; start: RaceStep } => {
    const follower = new Follower(type, trace);
    for (const call of trace.calls.slice(0, from)) follower.ask(call);
    const before = follower.work;
    return { before, start: follower.start(), steps: shown.map((call) => follower.ask(call)) };
  };
  const [array, hashmap] = [follow('array'), follow('hashmap')];
  const ids = idsOf(array.start.free);
  const highest = Math.max(trace.highWater, ...trace.calls.map((call) => endOf(call)));
  const init: RaceOperation = { kind: 'init', ids, highWater: highest };
  return {
    race: {
      operations: [init, ...shown.map(operationOf)],
      sides: { array: [array.start, ...array.steps], hashmap: [hashmap.start, ...hashmap.steps] },
    },
    before: { array: array.before, hashmap: hashmap.before },
    callCount: trace.calls.length,
  };
}

const endOf = (call: MirrorCall): number => (call.type === 'bolt.allocate' ? call.pgid + call.count : 0);
