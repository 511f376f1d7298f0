/** What the host must know of the members to open a lab and to step it: noted from their events. */
import type { EngineEvent } from '../engine/events.ts';
import type { RaftEvent } from '../engine/raft/events.ts';
import type { Status } from '../engine/raft/status.ts';

/** One member's; plain data, so that a member's worker can send its own. */
export interface MemberNotes {
  readonly member: number;
  /** Who leads, as the member knows; 0 for nobody. */
  readonly lead: number;
  /** The term that it last heard of. */
  readonly term: number;
  /** The term in which its commit index last moved, and where to. */
  readonly commitTerm: number;
  readonly commitIndex: number;
  /** The last entry whose effect its backend has made durable. */
  readonly storedIndex: number;
  /** In how many of its inputs its raft acted and it wrote pages, and the last of each. */
  readonly raftInputs: number;
  readonly raftMoment: number;
  readonly pageInputs: number;
  readonly pageMoment: number;
}

export const noNotes = (member: number): MemberNotes => ({
  member,
  lead: 0,
  term: 0,
  commitTerm: 0,
  commitIndex: 0,
  storedIndex: 0,
  raftInputs: 0,
  raftMoment: -1,
  pageInputs: 0,
  pageMoment: -1,
});

/** The notes of a member that runs already, as far as its raft knows. */
export function notesOfMember(
  member: number,
  running: { raftStatus(): Pick<Status, 'lead' | 'term' | 'commit'> | null },
): MemberNotes {
  const status = running.raftStatus();
  if (status === null) return noNotes(member);
  const { lead, term, commit } = status;
  return { ...noNotes(member), lead, term, commitTerm: term, commitIndex: commit };
}

/** The actions of raft's state trace, as events. */
const raftActions: ReadonlySet<string> = new Set<RaftEvent['type']>([
  'raft.initState',
  'raft.becomeFollower',
  'raft.becomeCandidate',
  'raft.becomeLeader',
  'raft.replicate',
  'raft.commit',
  'raft.changeConf',
  'raft.applyConfChange',
  'raft.ready',
  'raft.sendAppendEntriesRequest',
  'raft.receiveAppendEntriesRequest',
  'raft.sendAppendEntriesResponse',
  'raft.receiveAppendEntriesResponse',
  'raft.sendRequestVoteRequest',
  'raft.receiveRequestVoteRequest',
  'raft.sendRequestVoteResponse',
  'raft.receiveRequestVoteResponse',
  'raft.sendSnapshot',
  'raft.receiveSnapshot',
]);

/** The notes after an event of the member, which input number `moment` brought about. */
export function noteEvent(notes: MemberNotes, event: EngineEvent, moment: number): MemberNotes {
  const noted = noteState(notes, event);
  if (noted.raftMoment !== moment && raftActions.has(event.type))
    return { ...noted, raftMoment: moment, raftInputs: noted.raftInputs + 1 };
  if (noted.pageMoment !== moment && (event.type === 'bolt.write' || event.type === 'bolt.writeMeta'))
    return { ...noted, pageMoment: moment, pageInputs: noted.pageInputs + 1 };
  return noted;
}

function noteState(notes: MemberNotes, event: EngineEvent): MemberNotes {
  switch (event.type) {
    case 'raft.becomeLeader':
      return { ...notes, lead: notes.member, term: event.term };
    case 'raft.becomeFollower':
    case 'raft.leaderChanged':
      return { ...notes, lead: event.lead, term: event.term };
    case 'raft.becomePreCandidate':
    case 'raft.becomeCandidate':
      return { ...notes, lead: 0 };
    case 'raft.commit':
      return { ...notes, commitTerm: event.term, commitIndex: event.index };
    case 'backend.committed':
      return { ...notes, storedIndex: event.consistentIndex };
    default:
      return notes;
  }
}

/**
 * Whether a lab is ready to be shown: all members follow one leader, which has committed in its term, and
 * each has stored all that is committed (by then the members' own attributes too). It depends on the run
 * alone, so a seed always shows the same first picture.
 */
export function isSettled(all: readonly MemberNotes[]): boolean {
  const [first] = all;
  const committed = Math.max(...all.map(({ commitIndex }) => commitIndex));
  return (
    first.lead !== 0 &&
    all.every(
      (notes) =>
        notes.lead === first.lead &&
        notes.term === first.term &&
        notes.commitTerm === notes.term &&
        notes.commitIndex === committed &&
        notes.storedIndex >= committed,
    )
  );
}

/** Whether an event of the world says that a member's process is gone, and with it what was noted. */
export function isEnding(type: string): boolean {
  return type === 'sim.kill' || type === 'sim.stop' || type === 'sim.powerCut';
}
