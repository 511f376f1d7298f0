/** One put, followed from the client to every member's pages. A fold: no station lights by itself. */
import { replaced, type Told } from './told.ts';

export const stationIds = [
  'asked',
  'appended',
  'sent',
  'synced',
  'acknowledged',
  'committed',
  'applied',
  'answered',
  'batched',
  'paged',
  'stored',
] as const;
export type StationId = (typeof stationIds)[number];

/** One event that belongs to a station: whose it was and when. */
export interface Mark {
  readonly member: number;
  readonly timeUs: number;
  /** appended, committed: index · sent, acknowledged: peer · applied, answered: revision · else txid */
  readonly detail: number;
}

export interface Station {
  readonly id: StationId;
  readonly marks: readonly Mark[];
  /** When it was reached; null before. `acknowledged` takes a majority, the others their first mark. */
  readonly litAtUs: number | null;
}

export interface Journey {
  /** Of the members that decide: the voters. */
  readonly memberCount: number;
  /** The client's request that is followed; null before the first put. */
  readonly request: number | null;
  readonly label: string;
  readonly leader: number;
  readonly index: number | null;
  readonly stations: readonly Station[];
  /** Pages that members wrote for it, by member, from 1 on. */
  readonly pageCounts: Readonly<Record<number, number>>;
  /** The transaction that holds it, by member. */
  readonly txids: Readonly<Record<number, number>>;
  readonly failure: { readonly code: number; readonly message: string } | null;
}

export function emptyJourney(memberCount: number): Journey {
  const stations = stationIds.map((id): Station => ({ id, marks: [], litAtUs: null }));
  return {
    memberCount,
    request: null,
    label: '',
    leader: 0,
    index: null,
    stations,
    pageCounts: {},
    txids: {},
    failure: null,
  };
}

export const majorityOf = (memberCount: number): number => Math.floor(memberCount / 2) + 1;

/** The journey after these events, told in order; a new put starts a new one. */
export function foldJourney(before: Journey, events: readonly Told[]): Journey {
  let journey = before;
  for (const told of events) journey = foldBackend(foldRaft(foldClient(journey, told), told), told);
  return journey;
}

const isPut = (method: string): boolean => method.endsWith('Put');

function foldClient(journey: Journey, { at, event }: Told): Journey {
  switch (event.type) {
    case 'raft.becomeLeader':
      return { ...journey, leader: at.member };
    case 'raft.applyConfChange':
      return journey.leader === 0 || journey.leader === at.member
        ? { ...journey, memberCount: event.voters.length }
        : journey;
    case 'sim.clientSend': {
      if (!isPut(event.method)) return journey;
      const fresh = { ...emptyJourney(journey.memberCount), leader: journey.leader };
      const followed = event.request === journey.request ? journey : fresh;
      return mark(
        { ...followed, request: event.request, label: event.label },
        'asked',
        at.timeUs,
        event.to,
        0,
      );
    }
    case 'sim.clientDone': {
      if (event.request !== journey.request) return journey;
      const { code, message } = event;
      if (code !== 0) return { ...journey, failure: { code, message } };
      return mark(journey, 'answered', at.timeUs, 0, revisionOf(journey));
    }
    default:
      return journey;
  }
}

function revisionOf(journey: Journey): number {
  return stationOf(journey, 'applied').marks[0]?.detail ?? 0;
}

function foldRaft(journey: Journey, told: Told): Journey {
  const { at, event } = told;
  if (journey.request === null) return journey;
  if (event.type === 'server.entries') return findIndex(journey, told);
  const { index } = journey;
  if (index === null) return journey;
  switch (event.type) {
    case 'sim.send': {
      const carries =
        event.messageType === 'MsgApp' && event.index < index && index <= event.index + event.entryCount;
      return carries ? mark(journey, 'sent', at.timeUs, event.from, event.to) : journey;
    }
    case 'wal.synced':
      return event.index >= index ? mark(journey, 'synced', at.timeUs, at.member, event.index) : journey;
    case 'raft.stable':
      return at.member === journey.leader && event.index >= index
        ? mark(journey, 'acknowledged', at.timeUs, at.member, at.member)
        : journey;
    case 'raft.progress':
      return at.member === journey.leader && event.match >= index && !event.isLearner
        ? mark(journey, 'acknowledged', at.timeUs, event.peer, event.peer)
        : journey;
    case 'raft.commit':
      return event.index >= index ? mark(journey, 'committed', at.timeUs, at.member, index) : journey;
    case 'server.apply':
      return event.index === index ? mark(journey, 'applied', at.timeUs, at.member, event.revision) : journey;
    default:
      return journey;
  }
}

/** A leader appends what is proposed to it and nothing else: its first new entry of this text is the put. */
function findIndex(journey: Journey, { at, event }: Told): Journey {
  if (event.type !== 'server.entries' || at.member !== journey.leader || journey.index !== null)
    return journey;
  const found = event.labels.indexOf(journey.label);
  if (found < 0) return journey;
  const index = event.firstIndex + found;
  return mark({ ...journey, index }, 'appended', at.timeUs, at.member, index);
}

/**
 * The first transaction whose data pages leave after a member has applied the put holds it: a meta page alone
 * may belong to the transaction before.
 */
function foldBackend(journey: Journey, { at, event }: Told): Journey {
  if (!stationOf(journey, 'applied').marks.some(({ member }) => member === at.member)) return journey;
  const { member, timeUs } = at;
  switch (event.type) {
    case 'backend.commit': {
      const held = withTxid(journey, member, event.txid);
      return held.txids[member] === event.txid ? mark(held, 'batched', timeUs, member, event.txid) : journey;
    }
    case 'bolt.write':
      return wrote(withTxid(journey, member, event.txid), { at, event }, event.count);
    case 'bolt.writeMeta':
      return wrote(journey, { at, event }, 1);
    case 'backend.committed': {
      const txid = journey.txids[member];
      return txid !== undefined && event.txid >= txid
        ? mark(journey, 'stored', timeUs, member, event.txid)
        : journey;
    }
    default:
      return journey;
  }
}

function withTxid(journey: Journey, member: number, txid: number): Journey {
  return journey.txids[member] === undefined
    ? { ...journey, txids: { ...journey.txids, [member]: txid } }
    : journey;
}

function wrote(journey: Journey, { at, event }: Told, count: number): Journey {
  if (!('txid' in event) || journey.txids[at.member] !== event.txid) return journey;
  const pageCounts = { ...journey.pageCounts, [at.member]: (journey.pageCounts[at.member] ?? 0) + count };
  return mark({ ...journey, pageCounts }, 'paged', at.timeUs, at.member, event.txid);
}

/** Adds a mark, once for each member and detail at most, and lights the station when it is reached. */
function mark(journey: Journey, id: StationId, timeUs: number, member: number, detail: number): Journey {
  const at = stationIds.indexOf(id);
  const station = stationOf(journey, id);
  const isRepeat = station.marks.some(
    (one) => one.member === member && (id !== 'sent' || one.detail === detail),
  );
  if (isRepeat) return journey;
  const marks = [...station.marks, { member, timeUs, detail }];
  const needed = id === 'acknowledged' ? majorityOf(journey.memberCount) : 1;
  const litAtUs = station.litAtUs ?? (marks.length >= needed ? timeUs : null);
  return { ...journey, stations: replaced(journey.stations, at, { id, marks, litAtUs }) };
}

export function stationOf(journey: Journey, id: StationId): Station {
  return journey.stations[stationIds.indexOf(id)] as Station;
}
