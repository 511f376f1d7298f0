/** What a candidate or a pre-candidate does with each kind of message. */
import { campaign, poll } from './campaign.ts';
import type { RaftErrorCode } from './errors.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend } from './replicate.ts';
import { handleFromLeader } from './step-follower.ts';
import type { Message } from './types.ts';
import { none } from './types.ts';

/** @source etcd-io/raft raft.go stepCandidate; Raft thesis section 3.4, pre-votes 9.6 */
export function stepCandidate(raft: Raft, m: Message): RaftErrorCode | null {
  switch (m.type) {
    case 'MsgProp':
      return 'raft proposal dropped';
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // Its term is this node's own by now: somebody else has won it.
      raft.becomeFollower(m.term, m.from);
      handleFromLeader(raft, m);
      return null;
    case 'MsgPreVoteResp':
      // A candidate may still get answers to the pre-vote before its candidacy; they count no more.
      if (raft.state === 'StatePreCandidate') countVote(raft, m);
      return null;
    case 'MsgVoteResp':
      if (raft.state === 'StateCandidate') countVote(raft, m);
      return null;
    default:
      return null;
  }
}

function countVote(raft: Raft, m: Message): void {
  const result = poll(raft, m);
  if (result === 'VoteLost') {
    raft.becomeFollower(raft.term, none);
  } else if (result === 'VoteWon') {
    if (raft.state === 'StatePreCandidate') {
      campaign(raft, 'election');
    } else {
      raft.becomeLeader();
      broadcastAppend(raft);
    }
  }
}
