/** What a leader does with proposals. */
import { fail } from '../../base/assert.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { countChanges } from './confchange-codec.ts';
import { RaftError } from './errors.ts';
import type { RaftErrorCode } from './errors.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend } from './replicate.ts';
import { traceChangeConf } from './state-trace.ts';
import type { Entry, LogIndex, Message, NodeId } from './types.ts';
import { logIndex, none, term } from './types.ts';

/** Why a conf change is refused when it is proposed. */
export type ConfChangeRefusal = 'unappliedConfChange' | 'mustLeaveJointFirst' | 'notJoint';

/**
 * Decides whether a conf change may enter the log: one at a time, and while joint only the way out. The
 * leader looks at the configuration in force, which may lag behind its log, so it may be wrong both ways
 * (raft#80).
 * @returns null when it may
 * @source etcd-io/raft raft.go stepLeader, case MsgProp; Raft thesis sections 4.1, 4.3
 */
export function refuseConfChange(question: {
  readonly pendingConfIndex: LogIndex;
  readonly applied: LogIndex;
  readonly isJoint: boolean;
  readonly changeCount: number;
}): ConfChangeRefusal | null {
  if (question.pendingConfIndex > question.applied) return 'unappliedConfChange';
  const leaves = question.changeCount === 0;
  if (question.isJoint) return leaves ? null : 'mustLeaveJointFirst';
  return leaves ? 'notJoint' : null;
}

/** Why a leader takes no proposals at all. */
export type ProposalRefusal = 'isRemoved' | 'handsOver';

/**
 * Decides whether a leader may take something new: not once it has removed itself, and not while the
 * follower that it hands over to catches up.
 * @returns null when it may
 * @source etcd-io/raft raft.go stepLeader, case MsgProp; Raft thesis sections 3.10, 4.2.2
 */
export function refuseProposals(question: {
  readonly isMember: boolean;
  readonly leadTransferee: NodeId;
}): ProposalRefusal | null {
  if (!question.isMember) return 'isRemoved';
  return question.leadTransferee === none ? null : 'handsOver';
}

const refusedEntry: Entry = { term: term(0), index: logIndex(0), type: 'EntryNormal', data: emptyBytes };

/**
 * Appends proposals to the log and sends them on. A refused conf change leaves an empty entry in its
 * place.
 */
export function propose(raft: Raft, m: Message): RaftErrorCode | null {
  if (m.entries.length === 0) fail(`${raft.id} stepped empty MsgProp`);
  const isMember = raft.tracker.get(raft.id) !== null;
  if (refuseProposals({ isMember, leadTransferee: raft.leadTransferee }) !== null)
    return 'raft proposal dropped';
  let entries = m.entries;
  if (entries.some((entry) => entry.type !== 'EntryNormal')) {
    entries = entries.map((entry, i) =>
      entry.type === 'EntryNormal' ? entry : checkConfChange(raft, entry, i),
    );
  }
  if (!raft.appendEntries(entries)) return 'raft proposal dropped';
  broadcastAppend(raft);
  return null;
}

function checkConfChange(raft: Raft, entry: Entry, at: number): Entry {
  const { manyConfChanges } = raft.settings.defects;
  const refusal = refuseConfChange({
    pendingConfIndex: manyConfChanges ? logIndex(0) : raft.pendingConfIndex,
    applied: raft.log.applied,
    isJoint: raft.tracker.isJoint(),
    changeCount: changeCountOf(raft, entry),
  });
  if (refusal !== null && !raft.settings.disableConfChangeValidation) return refusedEntry;
  raft.pendingConfIndex = logIndex(raft.log.lastIndex() + at + 1);
  if (raft.trace.on || raft.stateTrace !== null) traceChangeConf(raft, entry);
  return entry;
}

/** A change that cannot be read stops the leader, as upstream: no proposer of this engine makes one. */
function changeCountOf(raft: Raft, entry: Entry): number {
  try {
    return countChanges(entry);
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    return fail(`${raft.id} stepped a MsgProp with a malformed ${entry.type} of ${entry.data.length} bytes`);
  }
}
