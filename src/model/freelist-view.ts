/** The race of the two freelists as a picture at one step: a fold of the events up to there. */
import type { Race, RaceEvent, RaceOperation, RacePreset } from '../host/freelist-port.ts';

export const racePresets: readonly RacePreset[] = [
  'article',
  'interleaved',
  'random-deletes',
  'big-value-holes',
];

export type SideName = 'array' | 'hashmap';
export type PageState = 'used' | 'free' | 'pending' | 'taken';

/** The least that a step shows: an event, of a scan only its entries up to `entry`. */
export interface Frame {
  readonly event: RaceEvent;
  /** Of a scan: which of its entries is looked at; else 0. */
  readonly entry: number;
}

/** Work since the last fresh start. */
export interface Work {
  readonly scanned: number;
  readonly probed: number;
  readonly merged: number;
  readonly movedBytes: number;
}

/** What is looked at one by one in this operation: page ids, span sizes or first pages of spans. */
export interface Looking {
  readonly what: 'ids' | 'sizes' | 'starts';
  readonly seen: readonly number[];
  /** The one looked at now; null once the scan is over. */
  readonly at: number | null;
}

export interface Merge {
  readonly start: number;
  /** Pages of the free run on the left, of the run that came in, and of the free run on the right. */
  readonly counts: readonly [number, number, number];
}

/** A map as rows, in the order of the keys; freemaps' values are in the order in which they came. */
export type MapRows = readonly (readonly [key: number, values: readonly number[]])[];

export interface SideView {
  readonly name: SideName;
  /** States of pages `firstPage`, `firstPage + 1`, ... */
  readonly pages: readonly PageState[];
  /** Free ids, ascending: what the array holds. */
  readonly ids: readonly number[];
  /** Free runs, ascending. */
  readonly spans: readonly (readonly [start: number, count: number])[];
  readonly freemaps: MapRows;
  readonly forwardMap: MapRows;
  readonly backwardMap: MapRows;
  readonly looking: Looking | null;
  readonly merge: Merge | null;
  /** What happens now; null before the operation, and once it is done. */
  readonly now: Frame | null;
  readonly isDone: boolean;
  /** Pages that the allocation of this operation gave. */
  readonly given: readonly [start: number, count: number] | null;
  readonly work: Work;
}

export interface RaceView {
  readonly step: number;
  readonly operation: RaceOperation;
  /** Counted from 1. */
  readonly operationNumber: number;
  /** Whether the operation makes pending pages free. */
  readonly releases: boolean;
  readonly firstPage: number;
  readonly array: SideView;
  readonly hashmap: SideView;
}

/** Where each step stands: its operation, and how many of that operation's frames have been seen. */
export interface Timeline {
  readonly moments: readonly { readonly operation: number; readonly tick: number }[];
  readonly frames: Readonly<Record<SideName, readonly (readonly Frame[])[]>>;
}

/** The entries of a scan, in the order in which they were looked at. */
export function entriesOf(event: Extract<RaceEvent, { type: 'freelist.scan' }>): number[] {
  const sign = event.descending ? -1 : 1;
  return event.runStarts.flatMap((start, i) =>
    Array.from({ length: event.runCounts[i] ?? 0 }, (_, k) => start + sign * k),
  );
}

function framesOf(events: readonly RaceEvent[]): Frame[] {
  return events.flatMap((event): Frame[] =>
    event.type === 'freelist.scan'
      ? entriesOf(event).map((_, entry) => ({ event, entry }))
      : [{ event, entry: 0 }],
  );
}

/**
 * Cuts a race into steps. Both sides begin an operation together, and the faster one waits for the other.
 * An operation's first step only says what is asked; a fresh start is one step with its lists in place.
 */
export function timelineOf(race: Race): Timeline {
  const framesOn = (name: SideName): Frame[][] => race.sides[name].map(({ events }) => framesOf(events));
  const frames = { array: framesOn('array'), hashmap: framesOn('hashmap') };
  const moments = race.operations.flatMap(({ kind }, operation) => {
    const ticks = Math.max(frames.array[operation]?.length ?? 0, frames.hashmap[operation]?.length ?? 0);
    const first = kind === 'init' ? ticks : 0;
    return Array.from({ length: ticks - first + 1 }, (_, i) => ({ operation, tick: first + i }));
  });
  return { moments, frames };
}

/** The first step of each operation. */
export function operationSteps(timeline: Timeline | null): readonly number[] {
  return (timeline?.moments ?? []).flatMap(({ operation }, step, all) =>
    step === 0 || all[step - 1]?.operation !== operation ? [step] : [],
  );
}

/** Pages from the first on, without the end. */
export interface PageRange {
  readonly firstPage: number;
  readonly endPage: number;
}

function wholeRange({ operations }: Race): PageRange {
  const inits = operations.flatMap((one) => (one.kind === 'init' ? [one] : []));
  const firstPage = Math.max(2, Math.min(...inits.map(({ ids }) => (ids[0] ?? 4) - 1)));
  return { firstPage, endPage: Math.max(...inits.map(({ highWater }) => highWater)) };
}

/** More pages than an eye takes in at once. */
const mostPages = 120;

/** Where a race does something, with a little around it: a file may be far longer. */
export function touchedPages({ sides }: Race): PageRange {
  const pages = [...sides.array, ...sides.hashmap].flatMap(({ events }) =>
    events.flatMap((event) => {
      if (event.type === 'bolt.allocate' || event.type === 'bolt.free') {
        return [event.pgid, event.pgid + event.count - 1];
      }
      return event.type === 'bolt.release' ? [...event.runStarts] : [];
    }),
  );
  if (pages.length === 0) return { firstPage: 2, endPage: 2 + mostPages / 2 };
  const highest = Math.max(...pages) + 3;
  return { firstPage: Math.max(2, Math.min(...pages) - 2, highest - mostPages), endPage: highest };
}

/** The picture at a step: both sides as their events up to there leave them. */
export function viewRace(
  race: Race,
  timeline: Timeline,
  step: number,
  range: PageRange = wholeRange(race),
): RaceView {
  const { operation, tick } = timeline.moments[step] ?? { operation: 0, tick: 0 };
  const { firstPage, endPage } = range;
  const fold = (name: SideName): SideView => {
    const side = new Side();
    const own = timeline.frames[name];
    for (let i = 0; i <= operation; i++) {
      side.begin();
      const frames = own[i] ?? [];
      for (const frame of i < operation ? frames : frames.slice(0, tick)) side.take(frame);
    }
    const length = own[operation]?.length ?? 0;
    return side.view(name, firstPage, endPage, {
      isBusy: tick > 0 && tick <= length,
      isDone: tick >= length,
    });
  };
  const asked: RaceOperation = race.operations[operation] ?? { kind: 'commit' };
  return {
    step,
    operation: asked,
    operationNumber: operation + 1,
    releases: asked.kind === 'begin' && (race.sides.array[operation]?.events.length ?? 0) > 0,
    firstPage,
    array: fold('array'),
    hashmap: fold('hashmap'),
  };
}

/** One side while its events are folded. */
class Side {
  readonly #free = new Set<number>();
  readonly #pending = new Set<number>();
  readonly #taken = new Set<number>();
  readonly #freemaps = new Map<number, Set<number>>();
  readonly #forward = new Map<number, number>();
  readonly #backward = new Map<number, number>();
  #highestGiven = 0;
  #looking: { what: Looking['what']; seen: number[] } | null = null;
  #merge: Merge | null = null;
  #given: SideView['given'] = null;
  #now: Frame | null = null;
  #work = { scanned: 0, probed: 0, merged: 0, movedBytes: 0 };

  /** A new operation: what was taken before is in use now. */
  begin(): void {
    this.#taken.clear();
    this.#looking = null;
    this.#merge = null;
    this.#given = null;
    this.#now = null;
  }

  take(frame: Frame): void {
    this.#now = frame;
    const { event } = frame;
    switch (event.type) {
      case 'freelist.init':
        return this.#init(event.runStarts, event.runCounts);
      case 'freelist.scan':
        return this.#look(event, frame.entry);
      case 'freelist.probe':
        this.#work.probed += 1;
        return;
      case 'freelist.addSpan':
        for (const page of run(event.start, event.count)) this.#setFree(page);
        return this.#addSpan(event.start, event.count);
      case 'freelist.dropSpan':
        return this.#dropSpan(event.start, event.count);
      case 'freelist.take':
        this.#work.movedBytes += event.movedBytes;
        for (const page of run(event.pgid, event.count)) {
          this.#free.delete(page);
          this.#taken.add(page);
        }
        return;
      case 'freelist.put':
        this.#work.movedBytes += event.movedBytes;
        for (const page of run(event.pgid, event.count)) this.#setFree(page);
        return;
      case 'freelist.grow':
        this.#work.movedBytes += event.movedBytes;
        return;
      case 'freelist.merge':
        this.#work.merged += (event.leftCount > 0 ? 1 : 0) + (event.rightCount > 0 ? 1 : 0);
        this.#merge = {
          start: event.pgid - event.leftCount,
          counts: [event.leftCount, event.count, event.rightCount],
        };
        return;
      case 'bolt.allocate':
        this.#given = [event.pgid, event.count];
        this.#highestGiven = Math.max(this.#highestGiven, event.pgid + event.count - 1);
        for (const page of run(event.pgid, event.count)) this.#taken.add(page);
        return;
      case 'bolt.free':
        for (const page of run(event.pgid, event.count)) this.#pending.add(page);
        return;
      case 'bolt.release':
        return;
      default:
        event satisfies never;
    }
  }

  view(
    name: SideName,
    firstPage: number,
    endPage: number,
    at: { readonly isBusy: boolean; readonly isDone: boolean },
  ): SideView {
    const length = Math.max(endPage, this.#highestGiven + 1) - firstPage;
    const ids = [...this.#free].sort((a, b) => a - b);
    const now = at.isBusy ? this.#now : null;
    const isLooking = now?.event.type === 'freelist.scan';
    return {
      name,
      pages: Array.from({ length }, (_, i) => this.#stateOf(firstPage + i)),
      ids,
      spans: spansOf(ids),
      freemaps: sorted([...this.#freemaps].map(([size, starts]) => [size, [...starts]] as const)),
      forwardMap: sorted([...this.#forward].map(([start, size]) => [start, [size]] as const)),
      backwardMap: sorted([...this.#backward].map(([end, size]) => [end, [size]] as const)),
      looking: this.#looking && {
        what: this.#looking.what,
        seen: [...this.#looking.seen],
        at: isLooking ? (this.#looking.seen.at(-1) ?? null) : null,
      },
      merge: this.#merge,
      now,
      isDone: at.isDone,
      given: this.#given,
      work: { ...this.#work },
    };
  }

  #stateOf(page: number): PageState {
    if (this.#taken.has(page)) return 'taken';
    if (this.#free.has(page)) return 'free';
    return this.#pending.has(page) ? 'pending' : 'used';
  }

  #init(starts: readonly number[], counts: readonly number[]): void {
    for (const set of [this.#free, this.#pending, this.#freemaps, this.#forward, this.#backward]) set.clear();
    this.#highestGiven = 0;
    this.#work = { scanned: 0, probed: 0, merged: 0, movedBytes: 0 };
    starts.forEach((start, i) => {
      const count = counts[i] ?? 0;
      for (const page of run(start, count)) this.#setFree(page);
      this.#addSpan(start, count);
    });
  }

  #look(event: Extract<RaceEvent, { type: 'freelist.scan' }>, entry: number): void {
    const looked = entriesOf(event)[entry];
    if (looked === undefined) return;
    if (entry === 0 || this.#looking === null) this.#looking = { what: event.what, seen: [] };
    this.#looking.seen.push(looked);
    this.#work.scanned += 1;
  }

  #setFree(page: number): void {
    this.#pending.delete(page);
    this.#free.add(page);
  }

  #addSpan(start: number, count: number): void {
    this.#forward.set(start, count);
    this.#backward.set(start + count - 1, count);
    const starts = this.#freemaps.get(count) ?? new Set<number>();
    starts.add(start);
    this.#freemaps.set(count, starts);
  }

  #dropSpan(start: number, count: number): void {
    this.#forward.delete(start);
    this.#backward.delete(start + count - 1);
    const starts = this.#freemaps.get(count);
    starts?.delete(start);
    if (starts?.size === 0) this.#freemaps.delete(count);
  }
}

const run = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i);

const sorted = (rows: readonly (readonly [number, readonly number[]])[]): MapRows =>
  [...rows].sort((a, b) => a[0] - b[0]);

function spansOf(ids: readonly number[]): [number, number][] {
  const spans: [number, number][] = [];
  for (const id of ids) {
    const last = spans.at(-1);
    if (last !== undefined && last[0] + last[1] === id) last[1] += 1;
    else spans.push([id, 1]);
  }
  return spans;
}
