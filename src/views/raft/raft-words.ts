/** Words for what a leader knows of its followers, and for votes. */
import { m } from '../../paraglide/messages.js';
import type { Ballot, FollowerView, RoundView } from '../../model/raft-view.ts';

export function progressWord({ state, paused, pendingSnapshot }: FollowerView): string {
  if (state === 'snapshot') return m.rf_state_snapshot({ index: pendingSnapshot });
  if (state === 'probe') return paused ? m.rf_state_probe_paused() : m.rf_state_probe();
  return paused ? m.rf_state_full() : m.rf_state_replicate();
}

/** Unanswered appends, as a share of the window. */
export const windowWord = ({ inflightCount, inflightLimit }: FollowerView): string =>
  m.rf_in_flight({ count: inflightCount, limit: inflightLimit });

const reasons: Readonly<Record<string, () => string>> = {
  own: m.rf_because_own,
  votedForItBefore: m.rf_because_votedForItBefore,
  voteIsFree: m.rf_because_voteIsFree,
  preVoteForLaterTerm: m.rf_because_preVoteForLaterTerm,
  alreadyVoted: m.rf_because_alreadyVoted,
  leaderKnown: m.rf_because_leaderKnown,
  logBehind: m.rf_because_logBehind,
  isLearner: m.rf_because_isLearner,
  staleTerm: m.rf_because_staleTerm,
  leaderLease: m.rf_because_leaderLease,
};

/** Why a member voted as it did, for people. */
export const reasonWord = ({ because }: Ballot): string => reasons[because]?.() ?? because;

export const roundWord = ({ pre, term }: RoundView): string =>
  pre ? m.rf_prevote_round({ term }) : m.rf_vote_round({ term });

/** A half of a configuration, or all of one that has no other. */
export const halfWord = (half: 'only' | 'incoming' | 'outgoing'): string =>
  ({ only: m.rf_voters, incoming: m.rf_incoming, outgoing: m.rf_outgoing })[half]();
