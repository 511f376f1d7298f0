/** The configuration in force, what the leader knows of each member, and the votes a candidate got. */
import type { AckedIndexer, VoteResult } from '../quorum/majority.ts';
import { jointCommittedIndex, jointVoteResult } from '../quorum/joint.ts';
import { emptyConfState } from '../storage.ts';
import type { ConfState, LogIndex, NodeId } from '../types.ts';
import type { Progress } from './progress.ts';

/**
 * Voters decide, learners only receive. In a joint configuration `learnersNext` are voters of the
 * outgoing half that become learners when it is left: nobody is voter and learner at once.
 * @source etcd-io/raft tracker/tracker.go ProgressTracker; Raft thesis sections 4.2.1, 4.3
 */
export class ProgressTracker implements AckedIndexer {
  /** Lists ascending, each id once. */
  config: ConfState = emptyConfState;
  /** Every voter and learner, ascending by id. */
  progress: readonly Progress[] = [];
  readonly votes = new Map<NodeId, boolean>();
  readonly maxInflight: number;
  readonly maxInflightBytes: number;

  constructor(maxInflight: number, maxInflightBytes: number) {
    this.maxInflight = maxInflight;
    this.maxInflightBytes = maxInflightBytes;
  }

  get(id: NodeId): Progress | null {
    const all = this.progress;
    for (let i = 0; i < all.length; i++) if (all[i].id === id) return all[i];
    return null;
  }

  ackedIndex(id: NodeId): number | null {
    const progress = this.get(id);
    return progress === null ? null : progress.match;
  }

  /** One voter alone: its word is the quorum's. */
  isSingleton(): boolean {
    return this.config.voters.length === 1 && this.config.votersOutgoing.length === 0;
  }

  isJoint(): boolean {
    return this.config.votersOutgoing.length > 0;
  }

  /** The highest index that a quorum has on disk. */
  committed(): LogIndex {
    return jointCommittedIndex(this.config, this) as LogIndex;
  }

  /** Whether a quorum was heard from since the last check. */
  quorumActive(): boolean {
    const active = new Map<NodeId, boolean>();
    for (const progress of this.progress) {
      if (!progress.isLearner) active.set(progress.id, progress.recentActive);
    }
    return jointVoteResult(this.config, active) === 'VoteWon';
  }

  resetVotes(): void {
    this.votes.clear();
  }

  /** The first answer of a node counts. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  tallyVotes(): VoteResult {
    return jointVoteResult(this.config, this.votes);
  }
}
