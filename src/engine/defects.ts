/** The museum's switches: each plants one historical bug in the engine. All are off in a healthy cluster. */

export interface Defects {
  /**
   * A node campaigns with committed but unapplied conf changes: two leaders in one term (etcd#7625,
   * raft#469).
   */
  readonly campaignWithUnappliedConfChanges: boolean;
  /** A leader commits entries of older terms by counting their replicas: figure 8 of the Raft paper. */
  readonly commitOlderTerms: boolean;
  /** A new leader answers ReadIndex before it has committed in its own term: stale reads (etcd#7331). */
  readonly readBeforeCommitInTerm: boolean;
  /** Reads are confirmed by the id their client chose, not by position: a retry frees others (etcd#20418). */
  readonly readKeyedByContext: boolean;
  /** Pre-votes of a lower term are dropped without an answer: no leader for ever (etcd#8243, #8501). */
  readonly dropLowerTermPreVotes: boolean;
  /** The end of an append of an older term marks newer entries as stable: the ABA race (raft#8). */
  readonly stableAcrossTerms: boolean;
  /** Learners refuse votes, also when they have been promoted without knowing it yet (etcd#10998). */
  readonly learnersRefuseVotes: boolean;
  /** A late rejection moves a follower's next index below what it has acknowledged (raft#149). */
  readonly nextBelowMatch: boolean;
}

export const noDefects: Defects = {
  campaignWithUnappliedConfChanges: false,
  commitOlderTerms: false,
  readBeforeCommitInTerm: false,
  readKeyedByContext: false,
  dropLowerTermPreVotes: false,
  stableAcrossTerms: false,
  learnersRefuseVotes: false,
  nextBelowMatch: false,
};
