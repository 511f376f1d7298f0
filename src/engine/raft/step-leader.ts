/** What a leader does with each kind of message. */
import type { RaftErrorCode } from './errors.ts';
import { newMessage } from './message.ts';
import { propose } from './propose.ts';
import { readIndex, receiveReadAck, releasePendingReads } from './read-index.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend, broadcastHeartbeat, maybeSendAppend } from './replicate.ts';
import type { Progress } from './tracker/progress.ts';
import type { LogIndex, Message, NodeId } from './types.ts';
import { logIndex, none } from './types.ts';

/** @source etcd-io/raft raft.go stepLeader */
export function stepLeader(raft: Raft, m: Message): RaftErrorCode | null {
  switch (m.type) {
    case 'MsgBeat':
      broadcastHeartbeat(raft, raft.readQueue.heartbeatContext());
      return null;
    case 'MsgCheckQuorum':
      checkQuorum(raft);
      return null;
    case 'MsgProp':
      return propose(raft, m);
    case 'MsgReadIndex':
      readIndex(raft, m);
      return null;
    default:
      stepPeerMessage(raft, m);
      return null;
  }
}

/** Messages that concern one follower; from a node that is no member they are ignored. */
function stepPeerMessage(raft: Raft, m: Message): void {
  const progress = raft.tracker.get(m.from);
  if (progress === null) return;
  switch (m.type) {
    case 'MsgAppResp':
      progress.recentActive = true;
      if (m.reject) appendRejected(raft, m, progress);
      else appendAccepted(raft, m, progress);
      return;
    case 'MsgHeartbeatResp':
      heartbeatAnswered(raft, m, progress);
      return;
    case 'MsgSnapStatus':
      snapshotReported(m, progress);
      return;
    case 'MsgUnreachable':
      // What was streamed to it is probably lost.
      if (progress.state === 'replicate') progress.becomeProbe();
      return;
    case 'MsgTransferLeader':
      transferLeader(raft, m.from, progress);
      return;
    default:
  }
}

/** A leader that has not heard from a quorum for an election timeout steps down. Raft thesis section 6.2. */
function checkQuorum(raft: Raft): void {
  if (!raft.tracker.quorumActive()) raft.becomeFollower(raft.term, none);
  for (const progress of raft.tracker.progress) {
    if (progress.id !== raft.id) progress.recentActive = false;
  }
}

/**
 * The follower's log does not match at `m.index`. Its hint is the last place it thinks may match, and the
 * term it has there. The leader improves on it by its own log: all places where its terms are above the
 * hint's cannot match, since the follower's terms never rise going back. Example: the probe at 9 was
 * refused with hint 6, term 2:
 *
 *     index      1 2 3 4 5 6 7 8 9
 *     leader     1 3 3 3 5 5 5 5 5
 *     follower   1 1 1 1 2 2
 *
 * Places 6 to 2 hold terms above 2 at the leader, so the next probe is at 1, and it succeeds. The
 * follower does the same with its own log before it hints (step-follower.ts): one probe per term instead
 * of one per entry.
 */
function appendRejected(raft: Raft, m: Message, progress: Progress): void {
  let hint: LogIndex = m.rejectHint;
  if (m.logTerm > 0) hint = raft.log.findConflictByTerm(m.rejectHint, m.logTerm).index;
  const floor = raft.settings.defects.nextBelowMatch ? 0 : progress.match;
  if (!progress.maybeDecrTo(m.index, hint, floor)) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  maybeSendAppend(raft, progress, true);
}

/** The follower, or this node itself, has entries up to `m.index` on disk. */
function appendAccepted(raft: Raft, m: Message, progress: Progress): void {
  // An answer without news may still end a probe, but not the wait for a snapshot.
  const news = progress.maybeUpdate(m.index) || (progress.match === m.index && progress.state === 'probe');
  if (!news) return;
  if (progress.state === 'probe') {
    progress.becomeReplicate();
  } else if (progress.state === 'replicate') {
    progress.inflights.freeTo(m.index);
  } else if (progress.match + 1 >= raft.log.firstIndex()) {
    // Whatever snapshot the follower got, it now connects to this log. The probe takes account of it.
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  const isSelf = m.from === raft.id;
  if (raft.maybeCommit()) {
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else if (!isSelf && progress.canBumpCommit(raft.log.committed)) {
    // The next heartbeat would tell the commit index too; this is sooner.
    maybeSendAppend(raft, progress, true);
  }
  // The window may have room for several messages now.
  if (!isSelf) while (maybeSendAppend(raft, progress, false));
  if (m.from === raft.leadTransferee && progress.match === raft.log.lastIndex()) sendTimeoutNow(raft, m.from);
}

function heartbeatAnswered(raft: Raft, m: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.msgAppFlowPaused = false;
  // An empty append goes out even with a full window, in case all that filled it was lost; and to a
  // follower that has everything but is still probed, so that it can be streamed to again.
  if (progress.match < raft.log.lastIndex() || progress.state === 'probe')
    maybeSendAppend(raft, progress, true);
  if (raft.settings.readOnlyOption !== 'ReadOnlySafe' || m.context === null || m.context.length === 0) return;
  receiveReadAck(raft, m, m.context);
}

/** The application tells how sending a snapshot went. After a failure the snapshot's index means nothing. */
function snapshotReported(m: Message, progress: Progress): void {
  if (progress.state !== 'snapshot') return;
  if (m.reject) progress.pendingSnapshot = logIndex(0);
  progress.becomeProbe();
  // After success the follower's own answer comes first; after failure the next heartbeat's.
  progress.msgAppFlowPaused = true;
}

/** Why a leader does not hand over: the last one ends a transfer under way all the same. */
export type TransferRefusal = 'toLearner' | 'underWay' | 'toItself';

/**
 * Decides whether a leader begins to hand over to a member.
 * @returns null when it does
 * @source etcd-io/raft raft.go stepLeader, case MsgTransferLeader; Raft thesis section 3.10
 */
export function refuseTransfer(question: {
  readonly self: NodeId;
  readonly transferee: NodeId;
  readonly isLearner: boolean;
  /** Whom a transfer under way goes to. */
  readonly leadTransferee: NodeId;
}): TransferRefusal | null {
  if (question.isLearner) return 'toLearner';
  if (question.transferee === question.leadTransferee) return 'underWay';
  return question.transferee === question.self ? 'toItself' : null;
}

/** Hands over to a follower as soon as it has the whole log. Raft thesis section 3.10. */
function transferLeader(raft: Raft, transferee: NodeId, progress: Progress): void {
  const { isLearner } = progress;
  const { id: self, leadTransferee } = raft;
  const refusal = refuseTransfer({ self, transferee, isLearner, leadTransferee });
  if (refusal === 'toLearner' || refusal === 'underWay') return;
  // Another target ends a transfer under way, also when it is this node.
  raft.setLeadTransferee(none);
  if (refusal === 'toItself') return;
  raft.restartElectionTimer();
  raft.setLeadTransferee(transferee);
  if (progress.match === raft.log.lastIndex()) sendTimeoutNow(raft, transferee);
  else maybeSendAppend(raft, progress, true);
}

function sendTimeoutNow(raft: Raft, to: NodeId): void {
  raft.send(newMessage('MsgTimeoutNow', to));
  if (raft.trace.on) raft.trace.emit({ type: 'raft.transferLeader', to, step: 'timeoutNow' });
}
