/** The museum's switches: each plants one bug in the engine. All are off in a healthy cluster. */

/** Bugs that were once in real code. */
interface HistoricalDefects {
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

interface RaftDefects {
  /** The vote is not in the hard state that goes to the disk. */
  readonly voteNotStored: boolean;
  /** Nor is the term. */
  readonly termNotStored: boolean;
  /** Half of the voters are enough to commit. */
  readonly halfIsQuorum: boolean;
  /** Learners count where entries are committed. */
  readonly learnersCount: boolean;
  /** In a joint configuration the new half decides alone what is committed. */
  readonly newHalfCommits: boolean;
  /** A candidate's log is good enough if it is longer, whatever its last term. */
  readonly longerLogWins: boolean;
  /** A follower replaces all that follows an append's start, also where it matches. */
  readonly truncateAlways: boolean;
  /** Entries that conflict stay, and only what lies behind the log's end is taken. */
  readonly keepConflicts: boolean;
  /** A follower's commit index is the leader's, whatever it has of the leader's entries. */
  readonly commitUnseen: boolean;
  /** Entries are applied when they are appended. */
  readonly applyUncommitted: boolean;
  /** A member's own acknowledgement does not wait for its disk (etcd#14370). */
  readonly ownAckBeforeSync: boolean;
  /** Answers to others do not wait for the disk. */
  readonly ackBeforeSync: boolean;
  /** A leader answers reads without asking a quorum whether it still leads. */
  readonly readWithoutQuorum: boolean;
  /** A leader trusts its clock that it still leads. */
  readonly readByClock: boolean;
  /** Pre-votes are given although a leader is there. */
  readonly preVoteDespiteLeader: boolean;
  /** A conf change is proposed while another is under way. */
  readonly manyConfChanges: boolean;
}

interface ServerDefects {
  /** The keys of a snapshot are not read: the old ones stay. */
  readonly snapshotKeepsKeys: boolean;
  /** A snapshot goes out with a database from before its index. */
  readonly snapshotAheadOfData: boolean;
  /** A member whose disk was erased starts under its old id. */
  readonly wipedKeepsId: boolean;
  /** Proposals are made again when there is a new leader. */
  readonly proposeAgain: boolean;
  /** Whether a put finds its lease is asked of the member's own clock. */
  readonly applyByClock: boolean;
  /** The entry's index may be stored without its effect (etcd#13766). */
  readonly indexBeforeEffect: boolean;
  /** The copy that a defragmentation makes does not say which entry it is at (etcd#14685). */
  readonly defragmentLosesIndex: boolean;
  /** A write that has failed counts as done. */
  readonly diskErrorsIgnored: boolean;
  /** Records of the log are taken without a look at their checksum. */
  readonly walUnchecked: boolean;
}

interface StoreDefects {
  /** A compaction takes the newest record at its revision, too (etcd#18089). */
  readonly compactionDropsNewest: boolean;
  /** A start finds the revision by records alone: the last may be compacted (etcd#17780). */
  readonly revisionByRecords: boolean;
  /** Who watches the past misses the first revision of it (etcd#17529). */
  readonly watchSkipsFirst: boolean;
  /** Who watches from a revision to come hears what is before it, too (etcd#20221). */
  readonly futureWatchHearsAll: boolean;
  /** Who was told of a change hears it again after a snapshot (etcd#15271). */
  readonly watchTellsAgain: boolean;
  /** Who asks how far the store is hears of it before what it has yet to hear (etcd#15220). */
  readonly progressOvertakes: boolean;
  /** What a key was before is read at the change's own revision. */
  readonly prevKvIsNew: boolean;
  /** The events of one revision come in two responses. */
  readonly splitRevisions: boolean;
  /** The end of a lease leaves its last key. */
  readonly revokeLeavesKey: boolean;
  /** Each member ends leases by its own clock, which has not heard of renewals. */
  readonly everyClockEndsLeases: boolean;
  /** A new leader gives the leases no time, though the one before it has promised some. */
  readonly promotionEndsLeases: boolean;
}

interface PageDefects {
  /** A meta page is taken whatever its checksum. */
  readonly metaUnchecked: boolean;
  /** The meta page is written before the data are durable. */
  readonly metaBeforeData: boolean;
  /** Meta page 0 is in force, whatever the other says. */
  readonly firstMetaCounts: boolean;
  /** Pages that a reader may still see are handed out. */
  readonly readersForgotten: boolean;
  /** A span that comes free does not join the one before it. */
  readonly leftSpanNotMerged: boolean;
  /** A span that was taken stays among those to be taken. */
  readonly takenSpanStays: boolean;
  /** A long list of free pages has its count in 16 bits. */
  readonly shortFreelistCount: boolean;
  /** The pages that a page overflows into are not freed with it. */
  readonly overflowStays: boolean;
  /** A node that is split loses its last key. */
  readonly splitLosesKey: boolean;
  /** A page's parent knows it by its last key, not by its first. */
  readonly lastKeySeparates: boolean;
  /** A transaction that is rolled back leaves as free what it has freed. */
  readonly rollbackFrees: boolean;
}

export interface Defects extends HistoricalDefects, RaftDefects, ServerDefects, StoreDefects, PageDefects {}

export const noDefects: Defects = {
  campaignWithUnappliedConfChanges: false,
  commitOlderTerms: false,
  readBeforeCommitInTerm: false,
  readKeyedByContext: false,
  dropLowerTermPreVotes: false,
  stableAcrossTerms: false,
  learnersRefuseVotes: false,
  nextBelowMatch: false,
  voteNotStored: false,
  termNotStored: false,
  halfIsQuorum: false,
  learnersCount: false,
  newHalfCommits: false,
  longerLogWins: false,
  truncateAlways: false,
  keepConflicts: false,
  commitUnseen: false,
  applyUncommitted: false,
  ownAckBeforeSync: false,
  ackBeforeSync: false,
  readWithoutQuorum: false,
  readByClock: false,
  preVoteDespiteLeader: false,
  manyConfChanges: false,
  snapshotKeepsKeys: false,
  snapshotAheadOfData: false,
  wipedKeepsId: false,
  proposeAgain: false,
  applyByClock: false,
  indexBeforeEffect: false,
  defragmentLosesIndex: false,
  diskErrorsIgnored: false,
  walUnchecked: false,
  compactionDropsNewest: false,
  revisionByRecords: false,
  watchSkipsFirst: false,
  futureWatchHearsAll: false,
  watchTellsAgain: false,
  progressOvertakes: false,
  prevKvIsNew: false,
  splitRevisions: false,
  revokeLeavesKey: false,
  everyClockEndsLeases: false,
  promotionEndsLeases: false,
  metaUnchecked: false,
  metaBeforeData: false,
  firstMetaCounts: false,
  readersForgotten: false,
  leftSpanNotMerged: false,
  takenSpanStays: false,
  shortFreelistCount: false,
  overflowStays: false,
  splitLosesKey: false,
  lastKeySeparates: false,
  rollbackFrees: false,
};
