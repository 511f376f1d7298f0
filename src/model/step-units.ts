/** What a run is stepped by: which events end which unit. */
import type { StepUnit } from '../host/port.ts';
import type { Told } from './told.ts';

/** All units but the input, of which every step is one. A unit's place here is its bit. */
export const countedUnits: readonly Exclude<StepUnit, 'input'>[] = [
  'tick',
  'message',
  'raft',
  'commit',
  'page',
  'command',
];

/** How many steps held each of `countedUnits`, in their order. */
export type UnitCounts = readonly number[];
export const noUnits: UnitCounts = countedUnits.map(() => 0);

/** The bit of a unit. */
export const bitOf = (unit: Exclude<StepUnit, 'input'>): number => 1 << countedUnits.indexOf(unit);

const [tick, message, raft, commit, page, command] = countedUnits.map(bitOf);

/** The nineteen actions of raft's state trace, and what else ends a unit. */
const bits: Readonly<Partial<Record<Told['event']['type'], number>>> = {
  'sim.tick': tick,
  'sim.deliver': message,
  'raft.initState': raft,
  'raft.becomeFollower': raft,
  'raft.becomeCandidate': raft,
  'raft.becomeLeader': raft,
  'raft.replicate': raft,
  'raft.commit': raft,
  'raft.changeConf': raft,
  'raft.applyConfChange': raft,
  'raft.ready': raft,
  'raft.sendAppendEntriesRequest': raft,
  'raft.receiveAppendEntriesRequest': raft,
  'raft.sendAppendEntriesResponse': raft,
  'raft.receiveAppendEntriesResponse': raft,
  'raft.sendRequestVoteRequest': raft,
  'raft.receiveRequestVoteRequest': raft,
  'raft.sendRequestVoteResponse': raft,
  'raft.receiveRequestVoteResponse': raft,
  'raft.sendSnapshot': raft,
  'raft.receiveSnapshot': raft,
  'bolt.write': page,
  'bolt.writeMeta': page,
  'sim.clientSend': command,
  'sim.clientDone': command,
};
const bitsOfType: ReadonlyMap<string, number> = new Map(Object.entries(bits));

/**
 * The bits of the units that an event ends.
 * @param committed the highest index that any member had told as committed before: each learns of a commit by
 * itself, and only the first one's is the entry's
 */
export function unitsOf({ event }: Told, committed: number): number {
  const ended = bitsOfType.get(event.type) ?? 0;
  return event.type === 'raft.commit' && event.index > committed ? ended | commit : ended;
}

/** The counts after a step that held these units besides. */
export const counted = (counts: UnitCounts, bits: number): UnitCounts =>
  bits === 0 ? counts : counts.map((count, place) => count + ((bits >> place) & 1));
