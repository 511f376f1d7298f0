/** The kinds of faults that a cluster survives whatever they meet: what is drawn from unless told otherwise. */
import { faultKinds } from '../../src/sim/swarm-faults.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';

/**
 * What raft does not promise to survive, what needs an operator, and what no history is kept of. Duplicates: a
 * proposal that a follower hands on has nothing that tells it from its copy, and TCP makes none.
 */
const others: readonly string[] = [
  ...['rotLog', 'rotMeta', 'rotPages', 'misdirect', 'misdirected', 'lying', 'lyingDisk', 'rollback', 'wipe'],
  ...['duplicate', 'clock', 'clockRate', 'load'],
];

export const defaultKinds: readonly FaultKind[] = faultKinds.filter((kind) => !others.includes(kind));
