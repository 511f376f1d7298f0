/** What a follower does with each kind of message. */
import { fail } from '../../base/assert.ts';
import { switchToConfig } from './apply-conf-change.ts';
import { hup } from './campaign.ts';
import { restore, sameConfState } from './confchange/restore.ts';
import type { RaftErrorCode } from './errors.ts';
import { forwarded, newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import { emptySnapshot } from './storage.ts';
import type { ConfState, Message, NodeId, Snapshot } from './types.ts';
import { logIndex, none, term } from './types.ts';

/** @source etcd-io/raft raft.go stepFollower; Raft thesis sections 3.4, 3.5 */
export function stepFollower(raft: Raft, m: Message): RaftErrorCode | null {
  switch (m.type) {
    case 'MsgProp':
      if (raft.lead === none || raft.settings.disableProposalForwarding) return 'raft proposal dropped';
      raft.send(forwarded(m, raft.lead));
      return null;
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      raft.restartElectionTimer();
      raft.setLead(m.from);
      handleFromLeader(raft, m);
      return null;
    case 'MsgTransferLeader':
    case 'MsgReadIndex':
      if (raft.lead !== none) raft.send(forwarded(m, raft.lead));
      return null;
    case 'MsgForgetLeader':
      // A lease based read trusts that followers are loyal: then they must not forget.
      if (raft.settings.readOnlyOption !== 'ReadOnlyLeaseBased') raft.setLead(none);
      return null;
    case 'MsgTimeoutNow':
      // No pre-vote: the leader has asked for this election, so it disturbs nobody.
      hup(raft, 'transfer');
      return null;
    case 'MsgReadIndexResp':
      if (m.entries.length === 1) raft.readStates.push({ index: m.index, requestContext: m.entries[0].data });
      return null;
    default:
      return null;
  }
}

/** A message that only the leader of this node's term can have sent. */
export function handleFromLeader(raft: Raft, m: Message): void {
  if (m.type === 'MsgApp') handleAppend(raft, m);
  else if (m.type === 'MsgHeartbeat') handleHeartbeat(raft, m);
  else handleSnapshot(raft, m);
}

/**
 * Takes entries if the log holds the one before them. Else it hints where the logs may still match: the
 * last place up to `m.index` with a term not above `m.logTerm`, since the leader's terms before that
 * place are not above it either. See step-leader.ts for what the leader makes of it.
 */
function handleAppend(raft: Raft, m: Message): void {
  const { log } = raft;
  const answer = newMessage('MsgAppResp', m.from);
  if (m.index < log.committed) {
    // Old news: what is committed matches the leader's log anyway.
    answer.index = log.committed;
    raft.send(answer);
    return;
  }
  const last = log.maybeAppend({ term: m.logTerm, index: m.index }, m.entries, m.commit);
  if (last !== null) {
    answer.index = last;
  } else {
    const lastIndex = log.lastIndex();
    const hint = log.findConflictByTerm(m.index < lastIndex ? m.index : lastIndex, m.logTerm);
    answer.index = m.index;
    answer.reject = true;
    answer.rejectHint = hint.index;
    answer.logTerm = hint.term;
  }
  raft.send(answer);
}

function handleHeartbeat(raft: Raft, m: Message): void {
  raft.log.commitHeard(m.commit);
  const answer = newMessage('MsgHeartbeatResp', m.from);
  answer.context = m.context;
  raft.send(answer);
}

function handleSnapshot(raft: Raft, m: Message): void {
  const restored = restoreSnapshot(raft, m.snapshot ?? emptySnapshot);
  const answer = newMessage('MsgAppResp', m.from);
  answer.index = restored ? raft.log.lastIndex() : raft.log.committed;
  raft.send(answer);
}

/**
 * Replaces log and configuration by a snapshot.
 * @returns false when it is old, when the log holds its last entry already (then only the commit index
 * rises to
 *   it), or when this node is no member of it
 * @source etcd-io/raft raft.go restore; Raft thesis section 5.1
 */
function restoreSnapshot(raft: Raft, snapshot: Snapshot): boolean {
  const { log } = raft;
  if (snapshot.index <= log.committed) return false;
  if (raft.state !== 'StateFollower') {
    raft.becomeFollower(term(raft.term + 1), none);
    return false;
  }
  if (!isMember(snapshot.confState, raft.id)) return false;
  if (log.matchTerm(snapshot.index, snapshot.term)) {
    log.commitTo(snapshot.index);
    return false;
  }
  log.restore(snapshot);
  raft.tracker = raft.newTracker();
  const restored = switchToConfig(raft, restore(raft.tracker, logIndex(log.lastIndex()), snapshot.confState));
  if (!sameConfState(restored, snapshot.confState)) {
    fail(`ConfStates not equivalent: ${JSON.stringify([restored, snapshot.confState])}`);
  }
  return true;
}

/** Learners-to-be are voters of the outgoing half, so the other three lists name every member. */
function isMember(state: ConfState, id: NodeId): boolean {
  return state.voters.includes(id) || state.learners.includes(id) || state.votersOutgoing.includes(id);
}
