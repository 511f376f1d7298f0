/** From a stored ConfState back to a configuration with progress, by replaying changes that lead to it. */
import type { ConfChangeSingle, ConfChangeType, ConfState, LogIndex, NodeId } from '../types.ts';
import type { ConfigBase, Reconfiguration } from './confchange.ts';
import { Changer } from './confchange.ts';

function changesOf(type: ConfChangeType, ids: readonly NodeId[]): ConfChangeSingle[] {
  return ids.map((nodeId) => ({ type, nodeId }));
}

/**
 * Restores a configuration, joint ones too. Example: for voters (1 2 3), outgoing (1 2 4 6), learners (5) and
 * learnersNext (4) the outgoing voters are added one by one; then a joint configuration is entered by
 * removing all of them, adding 1, 2 and 3, and making 5 and 4 learners (4 has to wait, being a voter of
 * the outgoing half).
 * @param base an empty configuration
 * @source etcd-io/raft confchange/restore.go Restore; Raft thesis section 4.3
 */
export function restore(base: ConfigBase, lastIndex: LogIndex, state: ConfState): Reconfiguration {
  const incoming = [
    ...changesOf('ConfChangeAddNode', state.voters),
    ...changesOf('ConfChangeAddLearnerNode', state.learners),
    ...changesOf('ConfChangeAddLearnerNode', state.learnersNext),
  ];
  const joint = state.votersOutgoing.length > 0;
  const oneByOne = joint ? changesOf('ConfChangeAddNode', state.votersOutgoing) : incoming;
  let current: Reconfiguration = base;
  const changer = (): Changer =>
    new Changer(
      { ...current, maxInflight: base.maxInflight, maxInflightBytes: base.maxInflightBytes },
      lastIndex,
    );
  for (const change of oneByOne) current = changer().simple([change]);
  if (!joint) return current;
  const removals = changesOf('ConfChangeRemoveNode', state.votersOutgoing);
  return changer().enterJoint(state.autoLeave, [...removals, ...incoming]);
}

/** Whether two states describe one configuration; the order of ids does not matter. */
export function sameConfState(a: ConfState, b: ConfState): boolean {
  const same = (left: readonly NodeId[], right: readonly NodeId[]): boolean => {
    const other = right.slice().sort((x, y) => x - y);
    return (
      left.length === other.length &&
      left
        .slice()
        .sort((x, y) => x - y)
        .every((id, i) => id === other[i])
    );
  };
  return (
    a.autoLeave === b.autoLeave &&
    same(a.voters, b.voters) &&
    same(a.votersOutgoing, b.votersOutgoing) &&
    same(a.learners, b.learners) &&
    same(a.learnersNext, b.learnersNext)
  );
}
