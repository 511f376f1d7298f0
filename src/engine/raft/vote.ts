/** Who gets a vote, and why. */
import type { Defects } from '../defects.ts';
import type { EntryId, NodeId, Term } from './types.ts';
import { none } from './types.ts';

/** What a voter looks at in itself. */
export interface VoterState {
  readonly term: Term;
  readonly vote: NodeId;
  readonly lead: NodeId;
  readonly last: EntryId;
  readonly isLearner: boolean;
}

export interface VoteRequest {
  readonly type: 'MsgVote' | 'MsgPreVote';
  readonly from: NodeId;
  /** The term the candidate runs for; a pre-candidate's is one above its own. */
  readonly term: Term;
  /** The end of the candidate's log. */
  readonly last: EntryId;
}

export type VoteGrant = 'votedForItBefore' | 'voteIsFree' | 'preVoteForLaterTerm';
export type VoteRefusal = 'alreadyVoted' | 'leaderKnown' | 'logBehind' | 'isLearner';
/**
 * Refusals that come before the vote itself: the request is of an old term, or the leader's lease still
 * runs.
 */
export type VoteRequestDropped = 'staleTerm' | 'leaderLease';

export type VoteDecision =
  | { readonly granted: true; readonly because: VoteGrant; readonly recordVote: boolean }
  | { readonly granted: false; readonly because: VoteRefusal };

/** Whether a log that ends in `theirs` holds at least what one that ends in `ours` may have committed. */
export function isUpToDate(theirs: EntryId, ours: EntryId): boolean {
  return theirs.term > ours.term || (theirs.term === ours.term && theirs.index >= ours.index);
}

/**
 * Decides a vote of the voter's own term, or a pre-vote of that or a later one. Learners vote: one that
 * has been promoted may not know it yet, and the cluster may need it.
 * @source etcd-io/raft raft.go Step, case MsgVote and MsgPreVote; Raft thesis sections 3.4, 3.6.1, 9.6
 */
export function decideVote(voter: VoterState, request: VoteRequest): VoteDecision {
  const repeated = voter.vote === request.from;
  const free = voter.vote === none && voter.lead === none;
  const later = request.type === 'MsgPreVote' && request.term > voter.term;
  if (!repeated && !free && !later) {
    return { granted: false, because: voter.vote === none ? 'leaderKnown' : 'alreadyVoted' };
  }
  if (!isUpToDate(request.last, voter.last)) return { granted: false, because: 'logBehind' };
  const because = repeated ? 'votedForItBefore' : free ? 'voteIsFree' : 'preVoteForLaterTerm';
  // A pre-vote promises nothing, so it is not remembered.
  return { granted: true, because, recordVote: request.type === 'MsgVote' };
}

/** A historical mistake: learners do not vote. See `Defects.learnersRefuseVotes`. */
export function decideVoteAmongVoters(voter: VoterState, request: VoteRequest): VoteDecision {
  return voter.isLearner ? { granted: false, because: 'isLearner' } : decideVote(voter, request);
}

/** A planted mistake: the longer log wins. See `Defects.longerLogWins`. */
function decideVoteByLength(voter: VoterState, request: VoteRequest): VoteDecision {
  const asIfSameTerm = (last: EntryId): EntryId => ({ ...last, term: voter.last.term });
  return decideVote(voter, { ...request, last: asIfSameTerm(request.last) });
}

/** The rule by which a node votes. */
export function voteRule(defects: Defects): typeof decideVote {
  if (defects.learnersRefuseVotes) return decideVoteAmongVoters;
  return defects.longerLogWins ? decideVoteByLength : decideVote;
}

/**
 * Whether a node still owes its leader loyalty and ignores candidates of later terms: it has heard from
 * the leader within the least election timeout. Only a transfer of leadership overrides that.
 * @param campaignTransfer the request says that the leader itself wants the election
 * @source etcd-io/raft raft.go Step, inLease; Raft thesis section 4.2.3
 */
export function isInLease(
  node: { readonly checkQuorum: boolean; readonly lead: NodeId; readonly electionElapsed: number },
  electionTick: number,
  campaignTransfer: boolean,
): boolean {
  return node.checkQuorum && node.lead !== none && node.electionElapsed < electionTick && !campaignTransfer;
}
