/** What a run proves: where a fault was beyond what raft promises to survive, only what became of the data. */
import { isBeyondRaft } from '../../src/sim/swarm-faults.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';
import type { RunResult } from './run.ts';

/** `held`: nothing was lost all the same. `halted`: it did not go on. `broken`: a promise of another kind is. */
export type Fate = 'held' | 'halted' | 'broken';

/** The kinds of a run's faults, up to its end, that are beyond the model; one rotten meta page is so now and then. */
export function beyondIn({ schedule, virtualUs, overwritten }: RunResult): readonly FaultKind[] {
  const begun = schedule.flatMap(({ kind, atUs }) =>
    kind !== undefined && atUs <= virtualUs && isBeyondRaft(kind) ? [kind] : [],
  );
  return [...new Set([...begun, ...(overwritten > 0 ? (['rotMeta'] as const) : [])])];
}

export function fateOf({ violation }: RunResult): Fate {
  if (violation === null) return 'held';
  return ['C8', 'C9'].includes(violation.property) ? 'halted' : 'broken';
}
