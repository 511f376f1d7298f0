/** Putting a configuration in force. */
import { fail } from '../../base/assert.ts';
import type { Reconfiguration } from './confchange/confchange.ts';
import { Changer } from './confchange/confchange.ts';
import { RaftError } from './errors.ts';
import { isJointVoter } from './quorum/joint.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend, maybeSendAppend } from './replicate.ts';
import { emitApplyConfChange, traceApplyConfChange } from './state-trace.ts';
import type { ConfChangeV2, ConfState } from './types.ts';
import { none } from './types.ts';

/**
 * Applies a committed change. One that cannot be applied stops the node: all others would stop at it too.
 * @source etcd-io/raft raft.go applyConfChange
 */
export function applyConfChange(raft: Raft, change: ConfChangeV2): ConfState {
  let next: Reconfiguration;
  try {
    next = new Changer(raft.tracker, raft.log.lastIndex()).apply(change);
  } catch (error) {
    if (error instanceof RaftError) return fail(`${raft.id} cannot apply a conf change: ${error.code}`);
    throw error;
  }
  return switchToConfig(raft, next);
}

/**
 * Brings a configuration into force, and acts on it: a leader that is out may step down, other quorums
 * may commit more, new members are probed at once.
 * @source etcd-io/raft raft.go switchToConfig; Raft thesis sections 4.2.2, 4.3
 */
export function switchToConfig(raft: Raft, { config, progress }: Reconfiguration): ConfState {
  traceApplyConfChange(raft, config);
  const { tracker } = raft;
  tracker.config = config;
  tracker.progress = progress;
  const self = tracker.get(raft.id);
  raft.isLearner = self !== null && self.isLearner;
  emitApplyConfChange(raft);
  if (raft.state !== 'StateLeader') return config;
  if (self === null || self.isLearner) {
    if (raft.settings.stepDownOnRemoval) raft.becomeFollower(raft.term, none);
    return config;
  }
  if (config.voters.length === 0) return config;
  if (raft.maybeCommit()) {
    broadcastAppend(raft);
  } else {
    for (const peer of tracker.progress) if (peer.id !== raft.id) maybeSendAppend(raft, peer, false);
  }
  if (raft.leadTransferee !== none && !isJointVoter(config, raft.leadTransferee))
    raft.setLeadTransferee(none);
  return config;
}
