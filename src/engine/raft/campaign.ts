/** Elections: standing for leader, giving votes, counting them. Raft thesis sections 3.4 and 9.6. */
import { encodeUtf8 } from '../../base/utf8.ts';
import { newMessage, voteResponseType } from './message.ts';
import type { VoteResult } from './quorum/majority.ts';
import { jointVoters } from './quorum/joint.ts';
import type { Raft } from './raft.ts';
import type { Entry, Message, StateType } from './types.ts';
import { logIndex, term } from './types.ts';
import type { VoteDecision } from './vote.ts';
import { voteRule } from './vote.ts';

/** `preElection` asks first; `transfer` was ordered by the leader and overrides the voters' loyalty to it. */
export type CampaignType = 'preElection' | 'election' | 'transfer';

/** The context of vote requests of a transfer. @source etcd-io/raft raft.go campaignTransfer */
export const campaignTransferContext = encodeUtf8('CampaignTransfer');

const isConfChange = (entry: Entry): boolean => entry.type !== 'EntryNormal';

/**
 * Conf changes take effect when they are applied. A candidate that knows of a committed one and has not
 * applied it would count votes by an old configuration, and two leaders could win one term (etcd#7625).
 */
function hasUnappliedConfChanges(raft: Raft): boolean {
  const { applied, committed, maxApplyingSize } = raft.log;
  if (applied >= committed) return false;
  return raft.log.some(logIndex(applied + 1), logIndex(committed + 1), maxApplyingSize, isConfChange);
}

/** Why a node does not stand for election. */
export type CampaignRefusal = 'leadsAlready' | 'isNoVoter' | 'snapshotNotStored' | 'unappliedConfChange';

/**
 * Decides whether a node may stand for election.
 * @returns null when it may
 * @source etcd-io/raft raft.go hup, promotable; Raft thesis sections 3.4, 4.2.1
 */
export function refuseCampaign(question: {
  readonly state: StateType;
  /** In the configuration, and no learner in it. */
  readonly isVoter: boolean;
  /** A snapshot was received and is not on disk: the log ends nowhere yet. */
  readonly snapshotWaits: boolean;
  readonly unappliedConfChange: boolean;
}): CampaignRefusal | null {
  if (question.state === 'StateLeader') return 'leadsAlready';
  if (!question.isVoter) return 'isNoVoter';
  if (question.snapshotWaits) return 'snapshotNotStored';
  return question.unappliedConfChange ? 'unappliedConfChange' : null;
}

/** Starts an election if this node may. */
export function hup(raft: Raft, type: CampaignType): void {
  const self = raft.tracker.get(raft.id);
  const mayLook = raft.promotable() && !raft.settings.defects.campaignWithUnappliedConfChanges;
  const refusal = refuseCampaign({
    state: raft.state,
    isVoter: self !== null && !self.isLearner,
    snapshotWaits: raft.log.hasNextOrInProgressSnapshot(),
    // Behind a snapshot that waits there are no entries to look at.
    unappliedConfChange: mayLook && hasUnappliedConfChanges(raft),
  });
  if (refusal === null) campaign(raft, type);
}

/** Asks all voters, itself included: its own vote counts when it is on disk, so it comes as a message too. */
export function campaign(raft: Raft, type: CampaignType): void {
  const pre = type === 'preElection';
  if (pre) raft.becomePreCandidate();
  else raft.becomeCandidate();
  const requestType = pre ? 'MsgPreVote' : 'MsgVote';
  const campaignTerm = pre ? term(raft.term + 1) : raft.term;
  const last = raft.log.lastEntryId();
  for (const id of jointVoters(raft.tracker.config)) {
    const own = id === raft.id;
    const m = newMessage(own ? voteResponseType(requestType) : requestType, id);
    m.term = campaignTerm;
    if (!own) {
      m.index = last.index;
      m.logTerm = last.term;
      if (type === 'transfer') m.context = campaignTransferContext;
    }
    raft.send(m);
  }
}

/** Counts an answer to this node's campaign. */
export function poll(raft: Raft, m: Message): VoteResult {
  raft.tracker.recordVote(m.from, !m.reject);
  return raft.tracker.tallyVotes();
}

/** Decides a request for a vote and answers it. */
export function castVote(raft: Raft, m: Message, type: 'MsgVote' | 'MsgPreVote'): void {
  const decide = voteRule(raft.settings.defects);
  const voter = {
    term: raft.term,
    vote: raft.vote,
    lead: raft.lead,
    last: raft.log.lastEntryId(),
    isLearner: raft.isLearner,
  };
  const last = { term: m.logTerm, index: m.index };
  const decision = decide(voter, { type, from: m.from, term: m.term, last });
  const answer = newMessage(voteResponseType(type), m.from);
  // A grant carries the term of the request: the candidate of a pre-vote is ahead of this node, or this
  // node of it.
  answer.term = decision.granted ? m.term : raft.term;
  answer.reject = !decision.granted;
  raft.send(answer);
  if (decision.granted && decision.recordVote) {
    raft.vote = m.from;
    raft.restartElectionTimer();
  }
  emitDecision(raft, m, decision);
}

function emitDecision(raft: Raft, m: Message, { granted, because }: VoteDecision): void {
  if (!raft.trace.on) return;
  const pre = m.type === 'MsgPreVote';
  raft.trace.emit({ type: 'raft.decideVote', candidate: m.from, term: m.term, pre, granted, because });
}
