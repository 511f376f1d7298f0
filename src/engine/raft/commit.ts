/** Whether a leader may raise its commit index, and why not. */
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

/** A historical mistake: counting replicas of any term. See `Defects.commitOlderTerms`. */
export function decideCommitByCounting(question: CommitQuestion): CommitDecision {
  return question.quorumIndex <= question.committed ? 'notAhead' : 'commits';
}
