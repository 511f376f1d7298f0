/** Messages between members over a window of time, and what happened to each: a Lamport diagram. */
import type { MessageView } from './cluster-view.ts';
import type { Lanes, Stretch } from './lanes.ts';
import type { Told } from './told.ts';

export type MessageGroup = 'heartbeat' | 'append' | 'vote' | 'read' | 'other';
export const messageGroups: readonly MessageGroup[] = ['append', 'vote', 'heartbeat', 'read', 'other'];

/** A message from its sending to where it ended, or to where it is. */
export interface Flight {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly messageType: string;
  readonly group: MessageGroup;
  readonly sentAtUs: number;
  /** When it arrived or was lost; while it is on its way, when it is to arrive. */
  readonly endsAtUs: number;
  readonly end: 'arrived' | 'flying' | 'lost';
  /** Why it was lost; '' else. */
  readonly because: string;
  readonly term: number;
  readonly index: number;
  readonly entryCount: number;
  readonly sizeBytes: number;
  readonly reject: boolean;
  /** The inputs that it left with and ended with; 0 where that is not known, or not yet so. */
  readonly sentMoment: number;
  readonly endMoment: number;
}

export type HappeningKind = 'lead' | 'campaign' | 'commit' | 'start' | 'end' | 'snapshot' | 'sync';

/** Something at one member at one time. */
export interface Happening {
  /** No other of the window has the same. */
  readonly key: string;
  readonly kind: HappeningKind;
  readonly member: number;
  readonly timeUs: number;
  readonly told: Told;
}

/** A part of a lane, cut to the window. */
export interface Band extends Stretch {
  readonly toUs: number;
}

export interface Spacetime {
  readonly fromUs: number;
  readonly toUs: number;
  /** In the order in which they were sent. */
  readonly flights: readonly Flight[];
  readonly happenings: readonly Happening[];
  /** By member from 1. */
  readonly bands: readonly (readonly Band[])[];
}

/** How long before the window a message may have left; one that is held may have left earlier. */
export const lookBackUs = 1_000_000;

const groups: Readonly<Record<string, MessageGroup>> = {
  MsgHeartbeat: 'heartbeat',
  MsgHeartbeatResp: 'heartbeat',
  MsgApp: 'append',
  MsgAppResp: 'append',
  MsgSnap: 'append',
  MsgProp: 'append',
  MsgVote: 'vote',
  MsgVoteResp: 'vote',
  MsgPreVote: 'vote',
  MsgPreVoteResp: 'vote',
  MsgTimeoutNow: 'vote',
  MsgReadIndex: 'read',
  MsgReadIndexResp: 'read',
};

export const groupOf = (messageType: string): MessageGroup => groups[messageType] ?? 'other';

interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * What a window shows.
 * @param events those from `lookBackUs` before the window on to its end, in order
 * @param flying the messages on their way at the window's end
 */
export function spacetimeOf(
  window: Window,
  events: readonly Told[],
  lanes: Lanes,
  flying: readonly MessageView[],
): Spacetime {
  const flights = new Map<number, Flight>();
  for (const message of flying) if (message.lost === null) flights.set(message.id, ofView(message));
  const happenings: Happening[] = [];
  for (const told of events) {
    stepFlights(flights, told);
    const kind = told.at.timeUs >= window.fromUs ? happeningOf(told) : null;
    if (kind === null) continue;
    const { member, moment, ordinal, timeUs } = told.at;
    happenings.push({ key: `${moment}.${ordinal}.${member}`, kind, member, timeUs, told });
  }
  const seen = [...flights.values()].filter(({ endsAtUs }) => endsAtUs >= window.fromUs);
  return {
    ...window,
    flights: seen.sort((a, b) => a.sentAtUs - b.sentAtUs || a.id - b.id),
    happenings,
    bands: lanes.map((lane) => bandsOf(lane, window)),
  };
}

function stepFlights(flights: Map<number, Flight>, { at, event }: Told): void {
  if (event.type === 'sim.send') {
    const { message: id, deliverAt: endsAtUs, sentAt: sentAtUs, type: _type, ...facts } = event;
    const group = groupOf(event.messageType);
    const way = { end: 'flying', because: '', sentMoment: at.moment, endMoment: 0 } as const;
    flights.set(id, { ...facts, ...way, id, group, sentAtUs, endsAtUs });
    return;
  }
  if (event.type !== 'sim.deliver' && event.type !== 'sim.drop' && event.type !== 'sim.release') return;
  const flight = flights.get(event.message);
  if (flight === undefined) return;
  if (event.type === 'sim.release') {
    flights.set(flight.id, { ...flight, endsAtUs: event.deliverAt });
    return;
  }
  const lost = event.type === 'sim.drop';
  const because = event.type === 'sim.drop' ? event.because : '';
  const end = { endsAtUs: at.timeUs, endMoment: at.moment, because };
  flights.set(flight.id, { ...flight, ...end, end: lost ? 'lost' : 'arrived' });
}

/** One that left before the events that there are. */
function ofView({ id, from, to, messageType, term, index, entryCount, ...rest }: MessageView): Flight {
  const { reject, sentAtUs, deliverAtUs: endsAtUs } = rest;
  const facts = { id, from, to, messageType, term, index, entryCount, reject, sentAtUs, endsAtUs };
  const way = { end: 'flying', because: '', sentMoment: 0, endMoment: 0 } as const;
  return { ...facts, ...way, group: groupOf(messageType), sizeBytes: 0 };
}

function happeningOf({ event }: Told): HappeningKind | null {
  switch (event.type) {
    case 'raft.becomeLeader':
      return 'lead';
    case 'raft.becomePreCandidate':
    case 'raft.becomeCandidate':
      return 'campaign';
    case 'raft.commit':
      return 'commit';
    case 'wal.synced':
      return 'sync';
    case 'sim.start':
    case 'sim.resume':
      return 'start';
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
    case 'sim.pause':
    case 'server.halt':
      return 'end';
    case 'snapshot.save':
    case 'snapshot.apply':
      return 'snapshot';
    default:
      return null;
  }
}

function bandsOf(lane: readonly Stretch[], { fromUs, toUs }: Window): readonly Band[] {
  return lane.flatMap((stretch, i) => {
    const end = Math.min(toUs, lane[i + 1]?.fromUs ?? toUs);
    const begin = Math.max(fromUs, stretch.fromUs);
    return end > begin ? [{ ...stretch, fromUs: begin, toUs: end }] : [];
  });
}

export interface FlightFilter {
  readonly hidden: ReadonlySet<MessageGroup>;
  /** Members whose messages are not drawn. */
  readonly collapsed: ReadonlySet<number>;
  /** A part of the words of a flight; '' lets all through. */
  readonly text: string;
}

/**
 * The flights that a reader has asked for.
 * @param wordsOf what a flight can be found by
 */
export function filtered(
  flights: readonly Flight[],
  { hidden, collapsed, text }: FlightFilter,
  wordsOf: (flight: Flight) => string,
): readonly Flight[] {
  const wanted = text.trim().toLowerCase();
  return flights.filter(
    (flight) =>
      !hidden.has(flight.group) &&
      !collapsed.has(flight.from) &&
      !collapsed.has(flight.to) &&
      (wanted === '' || wordsOf(flight).toLowerCase().includes(wanted)),
  );
}

/** Which groups give way first where too many flights would hide each other. */
const plainest: readonly MessageGroup[] = ['heartbeat', 'read', 'append', 'other', 'vote'];

/** The same of what happened at a member. */
const commonest: readonly HappeningKind[] = [
  'sync',
  'commit',
  'snapshot',
  'start',
  'end',
  'campaign',
  'lead',
];

/** At most so many flights: whole groups go first, the plainest before the others; then the oldest. */
export function drawable(flights: readonly Flight[], most: number): readonly Flight[] {
  return thinned(flights, most, plainest, ({ group }) => group);
}

/** As `drawable`, of what happened at one member. */
export function signs(happenings: readonly Happening[], most: number): readonly Happening[] {
  return thinned(happenings, most, commonest, ({ kind }) => kind);
}

function thinned<Item, Kind>(
  items: readonly Item[],
  most: number,
  firstToGo: readonly Kind[],
  kindOf: (item: Item) => Kind,
): readonly Item[] {
  let left = items;
  for (const kind of firstToGo) {
    if (left.length <= most) return left;
    const without = left.filter((item) => kindOf(item) !== kind);
    if (without.length === 0) break;
    left = without;
  }
  return left.slice(-most);
}
