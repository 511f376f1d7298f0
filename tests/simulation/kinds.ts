/** Which kinds of faults a run draws from. */
import { faultKinds, isBeyondRaft } from '../../src/sim/swarm-faults.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';

/** What raft promises to survive, if need be with an operator's help: all that a simulation draws from. */
export const survivable: readonly FaultKind[] = faultKinds.filter((kind) => !isBeyondRaft(kind));

/** What raft does not promise to survive: such a run shows what is lost, and proves nothing. */
export const beyond: readonly FaultKind[] = faultKinds.filter(isBeyondRaft);

/**
 * Damage, which ends members and needs an operator; clocks, under which leases are not asked for; what makes many
 * more requests or messages, and what is rare elsewhere; what came later than the seeds that find planted bugs.
 */
const special: readonly FaultKind[] = [
  ...(['rotLog', 'rotMeta', 'rotSnapshot', 'clockRate', 'load', 'stop'] as const),
  ...(['duplicate', 'corrupt', 'message', 'ring', 'bridge'] as const),
  ...(['slowReads', 'operations', 'restartDelay', 'failAllocation', 'clockStep', 'clockSwing'] as const),
  ...(['swizzle', 'clog', 'youngLoad', 'stopMajority', 'addUnstartedVoter'] as const),
];

/** The plain ones, after which a cluster is as it was: planted bugs are looked for among them. */
export const defaultKinds: readonly FaultKind[] = survivable.filter((kind) => !special.includes(kind));
