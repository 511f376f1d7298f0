/** What a node tells of itself. */
import type { JointExplanation } from './quorum/joint.ts';
import { explainJoint } from './quorum/joint.ts';
import type { Raft } from './raft.ts';
import type { Progress } from './tracker/progress.ts';
import type { ConfState, HardState, LogIndex, NodeId, SoftState } from './types.ts';

export interface BasicStatus extends HardState, SoftState {
  readonly id: NodeId;
  readonly applied: LogIndex;
  readonly leadTransferee: NodeId;
  readonly lastIndex: LogIndex;
  readonly firstIndex: LogIndex;
  readonly electionElapsed: number;
  readonly heartbeatElapsed: number;
  readonly randomizedElectionTimeout: number;
}

export interface Status extends BasicStatus {
  readonly config: ConfState;
  /** Copies, ascending by id; on a leader only, else empty. */
  readonly progress: readonly Progress[];
  /** Why the commit index is what it is, in the quorum's arithmetic; null but on a leader. */
  readonly commitExplanation: JointExplanation | null;
}

export function basicStatus(raft: Raft): BasicStatus {
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    commit: raft.log.committed,
    lead: raft.lead,
    state: raft.state,
    applied: raft.log.applied,
    leadTransferee: raft.leadTransferee,
    lastIndex: raft.log.lastIndex(),
    firstIndex: raft.log.firstIndex(),
    electionElapsed: raft.electionElapsed,
    heartbeatElapsed: raft.heartbeatElapsed,
    randomizedElectionTimeout: raft.randomizedElectionTimeout,
  };
}

export function status(raft: Raft): Status {
  const leads = raft.state === 'StateLeader';
  return {
    ...basicStatus(raft),
    config: raft.tracker.config,
    progress: leads ? raft.tracker.progress.map((each) => each.copy(each.inflights.clone())) : [],
    commitExplanation: leads ? explainJoint(raft.tracker.config, raft.tracker) : null,
  };
}
