/** What a planted bug is: its switch, the checker that must find it, and the kind of run in which it shows. */
import type { Property } from '../../src/sim/checkers/checker.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';
import type { Defects } from '../../src/engine/defects.ts';
import type { StoreRig } from './page-rig.ts';
import type { RaftPlan } from '../engine/raft/simulation/run.ts';
import type { RunPlan } from './run.ts';
import type { RequestKind } from './workload.ts';

/**
 * `cluster`: whole members in the simulated world. `raft`: raft alone, under S1 to S12 after every step, which
 * are C1's and, after healing, C8's. Else a store alone.
 */
export type Rig = 'cluster' | 'raft' | StoreRig;

export interface Mutation {
  /** Its number in the catalogue; the museum's have names. */
  readonly id: string;
  readonly what: string;
  readonly defect: keyof Defects;
  readonly by: readonly Property[];
  readonly rig: Rig;
  readonly plan: Partial<RunPlan>;
  /** Of raft alone: what happens more often than usual, or before all else. */
  readonly raft?: RaftPlan;
  /** At most so many seeds are tried. */
  readonly seeds: number;
}

export const second = 1_000_000;

export const kinds = (...faults: readonly FaultKind[]): Partial<RunPlan> => ({ faults });
export const asking = (...requests: readonly RequestKind[]): Partial<RunPlan> => ({ requests });

export function cluster(
  id: string,
  what: string,
  defect: keyof Defects,
  by: readonly Property[],
  plan: Partial<RunPlan> = {},
  seeds = 60,
): Mutation {
  return { id, what, defect, by, rig: 'cluster', plan, seeds };
}

export function alone(
  id: string,
  what: string,
  defect: keyof Defects,
  by: Property,
  rig: Rig = 'pages',
  seeds = 60,
): Mutation {
  return { id, what, defect, by: [by], rig, plan: {}, seeds };
}

/** Members that come and go. */
export const restarts = kinds('kill', 'powerCut', 'restart', 'isolate');

/** Raft alone: what it finds is C1's, but for stale reads, which are C2's, and standing still, which is C8's. */
export function raft(
  id: string,
  what: string,
  defect: keyof Defects,
  by: Property,
  plan: RaftPlan = {},
  seeds = 200,
): Mutation {
  return { id, what, defect, by: [by], rig: 'raft', plan: {}, raft: plan, seeds };
}
