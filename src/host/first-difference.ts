/**
 * Where two timelines part: found by their chain hashes, halving the stretch between keyframes, and by doing
 * what is left again.
 */
import { pack, PastEvents, unpack } from './past-events.ts';
import type { Place } from './port.ts';
import type { Difference, Told } from './time-port.ts';
import type { Timeline } from './timeline.ts';
import type { Visits } from './visits.ts';

/** Null where they are equal as far as both go. */
export async function firstDifference(a: Timeline, b: Timeline, visits: Visits): Promise<Difference | null> {
  if (a === b) return null;
  const end = Math.min(a.place.moment, b.place.moment);
  let low = commonUpTo(a, b);
  const stops = stopsBetween(a, b, low, end);
  let [from, to] = [0, stops.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (await areEqual(a, b, stops[middle], visits)) {
      low = stops[middle];
      from = middle + 1;
    } else to = middle;
  }
  if (from === stops.length) return null;
  return inStretch(a, b, low, { high: stops[from], end }, visits);
}

/** They are one and the same up to here. */
function commonUpTo(a: Timeline, b: Timeline): number {
  const ways = new Map(wayOf(a));
  for (const [timeline, upTo] of wayOf(b)) {
    const other = ways.get(timeline);
    if (other !== undefined) return Math.min(upTo, other);
  }
  return 0;
}

/** The timeline and its ancestors, each with the moment up to which it is theirs. */
function wayOf(timeline: Timeline): [Timeline, number][] {
  const way: [Timeline, number][] = [[timeline, timeline.place.moment]];
  let upTo = timeline.place.moment;
  for (let at = timeline; at.parent !== null; at = at.parent) {
    upTo = Math.min(upTo, at.from.moment);
    way.push([at.parent, upTo]);
  }
  return way;
}

/** Where one of them has a keyframe, and the end of the shorter one: ascending. */
function stopsBetween(a: Timeline, b: Timeline, low: number, end: number): number[] {
  const moments = new Set([...a.past.moments, ...b.past.moments, end]);
  return [...moments].filter((moment) => moment > low && moment <= end).sort((x, y) => x - y);
}

async function areEqual(a: Timeline, b: Timeline, moment: number, visits: Visits): Promise<boolean> {
  const [left, right] = [await placeAt(a, moment, visits), await placeAt(b, moment, visits)];
  return left.moment === right.moment && left.chainHash === right.chainHash;
}

const placeAt = (timeline: Timeline, moment: number, visits: Visits): Promise<Omit<Place, 'timeUs'>> =>
  visits.to(timeline.stretchAt(moment).owner, moment, ({ cluster }) => {
    const { moment: reached, chainHash } = cluster;
    return { moment: reached, chainHash };
  });

interface Stretch {
  /** Up to here the stretch is done first, */
  readonly high: number;
  /** and at most up to here. */
  readonly end: number;
}

/** Both are equal at `low`, and not so at the first end of a plan at or past `high`. */
async function inStretch(
  a: Timeline,
  b: Timeline,
  low: number,
  { high, end }: Stretch,
  visits: Visits,
): Promise<Difference | null> {
  const [left, right] = [await heardOf(a, low, high, visits), await heardOf(b, low, high, visits)];
  const count = Math.max(left.places.length, right.places.length);
  for (let i = 0; i < count; i++) {
    const [one, other] = [left.places[i], right.places[i]];
    if (one?.chainHash === other?.chainHash) continue;
    const { moment, timeUs } = one ?? other;
    return { moment, timeUs, a: firstOf(left, moment), b: firstOf(right, moment) };
  }
  // equal input for input: only their plans end elsewhere, so what differs follows
  return high === end ? null : inStretch(a, b, low, { high: Math.min(end, 2 * high - low), end }, visits);
}

interface Heard {
  readonly places: readonly Place[];
  readonly told: readonly Told[];
}

async function heardOf(timeline: Timeline, low: number, high: number, visits: Visits): Promise<Heard> {
  let [places, told, at]: [Place[], Told[], number] = [[], [], low];
  while (at < high) {
    const { owner, upTo } = timeline.stretchAt(at + 1);
    const to = Math.min(high, upTo);
    const heard = new PastEvents(at, to, true);
    at = await visits.hear(owner, at, to, heard);
    places = [...places, ...heard.places];
    told = [...told, ...heard.take()];
  }
  return { places, told };
}

/** As a page gets it. */
const firstOf = ({ told }: Heard, moment: number): Told | null =>
  unpack(pack(told.filter(({ at }) => at.moment === moment)))[0] ?? null;
