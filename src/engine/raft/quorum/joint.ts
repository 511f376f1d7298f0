/**
 * Decisions of two majorities at once, while a cluster moves from one to the other. Raft thesis section
 * 4.3.
 */
import type { NodeId } from '../types.ts';
import type { AckedIndexer, MajorityConfig, MajorityExplanation, VoteResult } from './majority.ts';
import {
  describeMajority,
  describeVoters,
  explainMajority,
  majorityCommittedIndex,
  majorityVoteResult,
} from './majority.ts';

/** Both halves must agree; an empty outgoing half leaves the decision to the incoming one. */
export interface JointConfig {
  readonly voters: MajorityConfig;
  readonly votersOutgoing: MajorityConfig;
}

/** All voters of either half, ascending. */
export function jointVoters(config: JointConfig): NodeId[] {
  if (config.votersOutgoing.length === 0) return config.voters.slice();
  return [...new Set([...config.voters, ...config.votersOutgoing])].sort((a, b) => a - b);
}

export function isJointVoter(config: JointConfig, id: NodeId): boolean {
  return config.voters.includes(id) || config.votersOutgoing.includes(id);
}

/** The highest index that both halves have committed. */
export function jointCommittedIndex(config: JointConfig, acked: AckedIndexer): number {
  const incoming = majorityCommittedIndex(config.voters, acked);
  if (config.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityCommittedIndex(config.votersOutgoing, acked));
}

/** Won when both halves are won, lost as soon as one is lost. */
export function jointVoteResult(config: JointConfig, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVoteResult(config.voters, votes);
  const outgoing = majorityVoteResult(config.votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === 'VoteLost' || outgoing === 'VoteLost' ? 'VoteLost' : 'VotePending';
}

/** Why a joint quorum commits what it commits: each half's arithmetic and the lower of the two. */
export interface JointExplanation {
  readonly incoming: MajorityExplanation;
  /** Null outside a joint configuration. */
  readonly outgoing: MajorityExplanation | null;
  readonly index: number;
}

export function explainJoint(config: JointConfig, acked: AckedIndexer): JointExplanation {
  const joint = config.votersOutgoing.length > 0;
  return {
    incoming: explainMajority(config.voters, acked),
    outgoing: joint ? explainMajority(config.votersOutgoing, acked) : null,
    index: jointCommittedIndex(config, acked),
  };
}

/** `(1 2 3)`, or `(1 2 3)&&(1 2)` while joint: the incoming half first. */
export function describeJointVoters(config: JointConfig): string {
  const incoming = describeVoters(config.voters);
  return config.votersOutgoing.length > 0
    ? `${incoming}&&${describeVoters(config.votersOutgoing)}`
    : incoming;
}

export function describeJoint(config: JointConfig, acked: AckedIndexer): string {
  return describeMajority(jointVoters(config), acked);
}
