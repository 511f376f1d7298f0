/** Moves from one configuration to the next: simple changes, and into and out of joint ones. */
import { fail } from '../../../base/assert.ts';
import { RaftError } from '../errors.ts';
import { Inflights } from '../tracker/inflights.ts';
import { Progress } from '../tracker/progress.ts';
import type { ConfChangeSingle, ConfChangeV2, ConfState, LogIndex, NodeId } from '../types.ts';
import { logIndex, none } from '../types.ts';

/** What a change starts from. `ProgressTracker` is one. */
export interface ConfigBase {
  readonly config: ConfState;
  readonly progress: readonly Progress[];
  readonly maxInflight: number;
  readonly maxInflightBytes: number;
}

/** A configuration with the progress of all its members; nothing of it is in force yet. */
export interface Reconfiguration {
  readonly config: ConfState;
  readonly progress: readonly Progress[];
}

/** A configuration while it is changed. `voters` is the incoming half, `outgoing` empty unless joint. */
interface Draft {
  readonly voters: Set<NodeId>;
  readonly outgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  readonly progress: Map<NodeId, Progress>;
}

const ascending = (a: NodeId, b: NodeId): number => a - b;
const sorted = (ids: ReadonlySet<NodeId>): NodeId[] => [...ids].sort(ascending);

/** How a change is carried out: by one step, through a joint configuration, or as the way out of one. */
export type ChangeKind = 'simple' | 'enterJoint' | 'enterJointAutoLeave' | 'leaveJoint';

/** @source etcd-io/raft raftpb/confchange.go EnterJoint, LeaveJoint */
export function changeKind(change: ConfChangeV2): ChangeKind {
  if (change.transition === 'ConfChangeTransitionJointExplicit') return 'enterJoint';
  if (change.transition === 'ConfChangeTransitionJointImplicit') return 'enterJointAutoLeave';
  if (change.changes.length === 0) return 'leaveJoint';
  return change.changes.length > 1 ? 'enterJointAutoLeave' : 'simple';
}

/**
 * Computes configurations; changes nothing that is in force. Its answers share no mutable state with the
 * base but the inflight windows.
 * @source etcd-io/raft confchange/confchange.go Changer; Raft thesis section 4.3
 */
export class Changer {
  private readonly base: ConfigBase;
  private readonly lastIndex: LogIndex;

  /** @param lastIndex the end of the log: where new members are probed first */
  constructor(base: ConfigBase, lastIndex: LogIndex) {
    this.base = base;
    this.lastIndex = lastIndex;
  }

  /** Carries out a change in the way it asks for. @throws RaftError as the three ways do */
  apply(change: ConfChangeV2): Reconfiguration {
    const kind = changeKind(change);
    if (kind === 'leaveJoint') return this.leaveJoint();
    if (kind === 'simple') return this.simple(change.changes);
    return this.enterJoint(kind === 'enterJointAutoLeave', change.changes);
  }

  /**
   * From (1 2 3) to (1 2 3)&&(1 2 3), and then the changes to the incoming half.
   * @throws RaftError 'config is already joint' | "can't make a zero-voter config joint" | 'removed all
   * voters'
   */
  enterJoint(autoLeave: boolean, changes: readonly ConfChangeSingle[]): Reconfiguration {
    const draft = this.draft();
    if (draft.outgoing.size > 0) throw new RaftError('config is already joint');
    if (draft.voters.size === 0) throw new RaftError("can't make a zero-voter config joint");
    for (const id of draft.voters) draft.outgoing.add(id);
    this.applyAll(draft, changes);
    return checked(draft, autoLeave);
  }

  /**
   * From (1 2)&&(1 2 3) to (1 2): the outgoing half is gone, learners that waited for it become learners.
   * @throws RaftError "can't leave a non-joint config"
   */
  leaveJoint(): Reconfiguration {
    const draft = this.draft();
    if (draft.outgoing.size === 0) throw new RaftError("can't leave a non-joint config");
    for (const id of draft.learnersNext) {
      draft.learners.add(id);
      progressOf(draft, id).isLearner = true;
    }
    draft.learnersNext.clear();
    for (const id of draft.outgoing) {
      if (!draft.voters.has(id) && !draft.learners.has(id)) draft.progress.delete(id);
    }
    draft.outgoing.clear();
    return checked(draft, false);
  }

  /**
   * Changes that add or remove one voter at most, so that old and new majorities overlap.
   * @throws RaftError "can't apply simple config change in joint config" | 'removed all voters' |
   *   'more than one voter changed without entering joint config'
   */
  simple(changes: readonly ConfChangeSingle[]): Reconfiguration {
    const draft = this.draft();
    if (draft.outgoing.size > 0) throw new RaftError("can't apply simple config change in joint config");
    this.applyAll(draft, changes);
    if (countDifferent(new Set(this.base.config.voters), draft.voters) > 1) {
      throw new RaftError('more than one voter changed without entering joint config');
    }
    return checked(draft, false);
  }

  private draft(): Draft {
    const { config, progress } = this.base;
    const draft: Draft = {
      voters: new Set(config.voters),
      outgoing: new Set(config.votersOutgoing),
      learners: new Set(config.learners),
      learnersNext: new Set(config.learnersNext),
      progress: new Map(progress.map((each) => [each.id, each.copy()])),
    };
    checkInvariants(draft, false);
    return draft;
  }

  /** Changes go to the incoming half. Node 0 is a change that the application has cancelled. */
  private applyAll(draft: Draft, changes: readonly ConfChangeSingle[]): void {
    for (const { type, nodeId } of changes) {
      if (nodeId === none) continue;
      if (type === 'ConfChangeAddNode') this.makeVoter(draft, nodeId);
      else if (type === 'ConfChangeAddLearnerNode') this.makeLearner(draft, nodeId);
      else if (type === 'ConfChangeRemoveNode') remove(draft, nodeId);
    }
    if (draft.voters.size === 0) throw new RaftError('removed all voters');
  }

  private makeVoter(draft: Draft, id: NodeId): void {
    const progress = draft.progress.get(id);
    if (progress === undefined) {
      this.addProgress(draft, id, false);
    } else {
      progress.isLearner = false;
      draft.learners.delete(id);
      draft.learnersNext.delete(id);
    }
    draft.voters.add(id);
  }

  /** A voter of the outgoing half can be no learner before that half is left: it waits in learnersNext. */
  private makeLearner(draft: Draft, id: NodeId): void {
    const progress = draft.progress.get(id);
    if (progress === undefined) {
      this.addProgress(draft, id, true);
      draft.learners.add(id);
      return;
    }
    if (progress.isLearner) return;
    remove(draft, id);
    draft.progress.set(id, progress);
    if (draft.outgoing.has(id)) {
      draft.learnersNext.add(id);
    } else {
      progress.isLearner = true;
      draft.learners.add(id);
    }
  }

  private addProgress(draft: Draft, id: NodeId, isLearner: boolean): void {
    const inflights = new Inflights(this.base.maxInflight, this.base.maxInflightBytes);
    const next = logIndex(Math.max(this.lastIndex, 1));
    const progress = new Progress(id, logIndex(0), next, inflights, isLearner);
    // Else a check of the quorum could depose the leader before the newcomer had a chance to speak.
    progress.recentActive = true;
    draft.progress.set(id, progress);
  }
}

/** Out of the incoming half and the learners; a voter of the outgoing half keeps its progress. */
function remove(draft: Draft, id: NodeId): void {
  if (!draft.progress.has(id)) return;
  draft.voters.delete(id);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  if (!draft.outgoing.has(id)) draft.progress.delete(id);
}

function progressOf(draft: Draft, id: NodeId): Progress {
  return draft.progress.get(id) ?? fail(`no progress for ${id}`);
}

/** How many ids are in one of the sets only. */
function countDifferent(a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>): number {
  let count = 0;
  for (const id of a) if (!b.has(id)) count++;
  for (const id of b) if (!a.has(id)) count++;
  return count;
}

function checked(draft: Draft, autoLeave: boolean): Reconfiguration {
  checkInvariants(draft, autoLeave);
  return {
    config: {
      voters: sorted(draft.voters),
      votersOutgoing: sorted(draft.outgoing),
      learners: sorted(draft.learners),
      learnersNext: sorted(draft.learnersNext),
      autoLeave,
    },
    progress: sorted(new Set(draft.progress.keys())).map((id) => progressOf(draft, id)),
  };
}

function checkInvariants(draft: Draft, autoLeave: boolean): void {
  for (const ids of [draft.voters, draft.outgoing, draft.learners, draft.learnersNext]) {
    for (const id of ids) progressOf(draft, id);
  }
  for (const id of draft.learnersNext) {
    if (!draft.outgoing.has(id)) fail(`${id} is in LearnersNext, but not Voters[1]`);
    if (progressOf(draft, id).isLearner) fail(`${id} is in LearnersNext, but is already marked as learner`);
  }
  for (const id of draft.learners) {
    if (draft.outgoing.has(id)) fail(`${id} is in Learners and Voters[1]`);
    if (draft.voters.has(id)) fail(`${id} is in Learners and Voters[0]`);
    if (!progressOf(draft, id).isLearner) fail(`${id} is in Learners, but is not marked as learner`);
  }
  if (draft.outgoing.size > 0) return;
  if (draft.learnersNext.size > 0) fail('learnersNext must be empty when not joint');
  if (autoLeave) fail('autoLeave must be false when not joint');
}
