/** Whether a leader may raise its commit index, and why not. */
import type { Defects } from '../defects.ts';
import { majorityCommittedIndex } from './quorum/majority.ts';
import type { ProgressTracker } from './tracker/tracker.ts';
import type { LogIndex, Term } from './types.ts';

export interface CommitQuestion {
  readonly committed: LogIndex;
  /** The highest index that a quorum has on disk; see quorum/joint.ts. */
  readonly quorumIndex: LogIndex;
  /** The term of the entry at `quorumIndex`, null where it is not known. */
  readonly entryTerm: Term | null;
  /** The leader's own term. */
  readonly term: Term;
}

/**
 * `commits`: up to quorumIndex. `notAhead`: the quorum holds nothing new. `olderTerm`: a quorum holds an
 * entry of an earlier leader, which may still be overwritten; an entry of the own term on top of it will
 * commit both.
 */
export type CommitDecision = 'commits' | 'notAhead' | 'olderTerm';

/**
 * A leader counts replicas only for entries of its own term.
 * @source etcd-io/raft log.go maybeCommit; Raft thesis section 3.6.2 and figure 3.7
 */
export function decideCommit(question: CommitQuestion): CommitDecision {
  if (question.quorumIndex <= question.committed) return 'notAhead';
  return question.term !== 0 && question.entryTerm === question.term ? 'commits' : 'olderTerm';
}

/** The rule by which a leader commits. */
export function commitRule(defects: Defects): typeof decideCommit {
  return defects.commitOlderTerms ? decideCommitByCounting : decideCommit;
}

/** The highest index that a quorum of the configuration has on disk. */
const quorumIndex = (tracker: ProgressTracker): LogIndex => tracker.committed();

/** A planted mistake: half of the voters. See `Defects.halfIsQuorum`. */
function halfIndex({ config, progress }: ProgressTracker): LogIndex {
  const matches = progress.filter(({ id }) => config.voters.includes(id)).map(({ match }) => match);
  return matches.sort((a, b) => b - a)[Math.max(0, (matches.length >> 1) - 1)];
}

/** A planted mistake: learners count. See `Defects.learnersCount`. */
function indexWithLearners({ progress }: ProgressTracker): LogIndex {
  const matches = progress.map(({ match }) => match).sort((a, b) => b - a);
  return matches[matches.length >> 1];
}

/** A planted mistake: the new half decides alone. See `Defects.newHalfCommits`. */
function newHalfIndex(tracker: ProgressTracker): LogIndex {
  return majorityCommittedIndex(tracker.config.voters, tracker) as LogIndex;
}

/** How a leader finds what a quorum has. */
export function quorumRule(defects: Defects): (tracker: ProgressTracker) => LogIndex {
  if (defects.halfIsQuorum) return halfIndex;
  if (defects.learnersCount) return indexWithLearners;
  return defects.newHalfCommits ? newHalfIndex : quorumIndex;
}

/** A historical mistake: counting replicas of any term. See `Defects.commitOlderTerms`. */
export function decideCommitByCounting(question: CommitQuestion): CommitDecision {
  return question.quorumIndex <= question.committed ? 'notAhead' : 'commits';
}
