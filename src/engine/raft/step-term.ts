/** What the term of a message means for the node that gets it, before anything else of it is looked at. */
import { equalBytes } from '../../base/bytes.ts';
import { campaignTransferContext } from './campaign.ts';
import { newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import type { Message } from './types.ts';
import { none } from './types.ts';
import { isInLease } from './vote.ts';

/**
 * A message of a later term makes this node a follower of that term. Not so a pre-vote, nor a granted
 * one, which both speak of a term that nobody has entered; and a node in touch with its leader does not
 * hear candidates.
 * @returns 'ignore' when the message is to have no effect
 * @source etcd-io/raft raft.go Step; Raft thesis section 3.3, the leader lease 4.2.3
 */
export function stepHigherTerm(raft: Raft, m: Message): 'ignore' | 'handle' {
  if (m.type === 'MsgVote' || m.type === 'MsgPreVote') {
    const transfer = m.context !== null && equalBytes(m.context, campaignTransferContext);
    const node = {
      checkQuorum: raft.settings.checkQuorum,
      lead: raft.lead,
      electionElapsed: raft.electionElapsed,
    };
    const isDeaf = raft.settings.defects.preVoteDespiteLeader && m.type === 'MsgPreVote';
    if (!isDeaf && isInLease(node, raft.settings.electionTick, transfer)) {
      emitDropped(raft, m, 'leaderLease');
      return 'ignore';
    }
  }
  if (m.type === 'MsgPreVote' || (m.type === 'MsgPreVoteResp' && !m.reject)) return 'handle';
  const fromLeader = m.type === 'MsgApp' || m.type === 'MsgHeartbeat' || m.type === 'MsgSnap';
  raft.becomeFollower(m.term, fromLeader ? m.from : none);
  return 'handle';
}

/**
 * A message of an earlier term has no effect, but some need an answer all the same.
 *
 * An old leader: with checkQuorum or preVote this node cannot force an election from its higher term, so its
 * answer does; else it would stay cut off from a cluster that works on in the lower term.
 *
 * A pre-candidate of a lower term: it must learn of the higher one. If it heard nothing, and its log were the
 * longer one, neither of the two could ever win (etcd#8501).
 *
 * The end of a write: entries may have been replaced since, with the replacement still on its way to the
 * disk. If they counted as stable now, a read could see what the replacement has yet to overwrite
 * (raft#8). The next write of this term tells of them again.
 */
export function stepLowerTerm(raft: Raft, m: Message): void {
  const { checkQuorum, preVote, defects } = raft.settings;
  if ((checkQuorum || preVote) && (m.type === 'MsgHeartbeat' || m.type === 'MsgApp')) {
    raft.send(newMessage('MsgAppResp', m.from));
  } else if (m.type === 'MsgPreVote') {
    emitDropped(raft, m, 'staleTerm');
    if (defects.dropLowerTermPreVotes) return;
    const refusal = newMessage('MsgPreVoteResp', m.from);
    refusal.term = raft.term;
    refusal.reject = true;
    raft.send(refusal);
  } else if (m.type === 'MsgStorageAppendResp') {
    raft.stepStorageAppendResp(m, defects.stableAcrossTerms);
  } else if (m.type === 'MsgVote') {
    emitDropped(raft, m, 'staleTerm');
  }
}

function emitDropped(raft: Raft, m: Message, because: 'staleTerm' | 'leaderLease'): void {
  if (!raft.trace.on) return;
  const pre = m.type === 'MsgPreVote';
  raft.trace.emit({ type: 'raft.decideVote', candidate: m.from, term: m.term, pre, granted: false, because });
}
