/** Runs planted bugs: each must be caught by its checker, and the same seeds be silent without it. */
import { runSimulation, stepsPerRun } from '../engine/raft/simulation/run.ts';
import { canaries } from './canaries.ts';
import { mutations } from './mutations.ts';
import { runStore } from './page-rig.ts';
import { defaultKinds } from './kinds.ts';
import { runSeed } from './run.ts';
import type { Property, Violation } from '../../src/sim/checkers/checker.ts';
import type { Defects } from '../../src/engine/defects.ts';
import type { RaftPlan } from '../engine/raft/simulation/run.ts';
import type { Canary } from './canaries.ts';
import type { Mutation } from './mutation.ts';
import type { RunPlan } from './run.ts';

interface Found {
  /** Null where something broke before a checker could speak. */
  readonly property: Property | null;
  readonly evidence: string;
  /** What other checkers had seen before. */
  readonly noted?: readonly Violation[];
}

export interface Caught {
  readonly seed: number;
  readonly by: Property | null;
  readonly evidence: string;
  /** The same seed without the bug found this; null, as it should be. */
  readonly silent: string | null;
}

function planOf(seed: number, mutation: Mutation, isPlanted: boolean): RunPlan {
  const base = { members: 3, virtualUs: 60_000_000, faults: defaultKinds, perSecond: 2, changes: false };
  if (!isPlanted) return { ...base, ...mutation.plan, seed, defects: {}, heeds: null };
  return { ...base, ...mutation.plan, seed, defects: { [mutation.defect]: true } };
}

function runOnce(mutation: Mutation, seed: number, isPlanted: boolean): Found | null {
  const defects: Partial<Defects> = isPlanted ? { [mutation.defect]: true } : {};
  if (mutation.rig === 'cluster') return runCluster(planOf(seed, mutation, isPlanted));
  if (mutation.rig === 'raft') return runRaft(seed, defects, mutation.raft);
  const evidence = runStore(mutation.rig, seed, defects);
  return evidence === null ? null : { property: 'C6', evidence };
}

/** A run without the bug heeds each checker, whichever of them is to see the bug. */
function runCluster(plan: RunPlan): Found | null {
  const { violation, judge } = runSeed(plan);
  return violation === null ? null : { ...violation, noted: judge.checkers.noted };
}

const raftWords: readonly (readonly [RegExp, Property])[] = [
  [/ Error: S\d+: /, 'C1'],
  [/ Error: stale read: /, 'C2'],
  [/ Error: liveness: /, 'C8'],
];

/**
 * Raft alone: S1 to S12 are C1's, stale reads C2's, standing still C8's. What else it throws is an accident, and
 * no checker's.
 */
function runRaft(seed: number, defects: Partial<Defects>, plan: RaftPlan = {}): Found | null {
  try {
    runSimulation(seed, plan.story === undefined ? stepsPerRun : 0, defects, plan);
    return null;
  } catch (error) {
    const evidence = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const property = raftWords.find(([words]) => words.test(evidence))?.[1] ?? null;
    return { property, evidence };
  }
}

/** Tries seeds until the right checker speaks; null where none did. */
export function hunt(mutation: Mutation, firstSeed = 1): Caught | null {
  let last: Caught | null = null;
  for (let seed = firstSeed; seed < firstSeed + mutation.seeds; seed++) {
    const found = runOnce(mutation, seed, true);
    if (found === null) continue;
    const isRight = found.property !== null && mutation.by.includes(found.property);
    const before = (found.noted ?? []).map(({ property, evidence }) => `; before ${property}: ${evidence}`);
    last = {
      seed,
      by: isRight ? found.property : null,
      evidence: `${found.property ?? 'an accident'}: ${found.evidence}${before.join('')}`,
      silent: null,
    };
    if (!isRight) continue;
    return { ...last, silent: runOnce(mutation, seed, false)?.evidence ?? null };
  }
  return last;
}

/** What it took, and a line for it. */
function tell(isCaught: boolean, name: string, begun: NodeJS.CpuUsage, said: string): void {
  const { user, system } = process.cpuUsage(begun);
  const seconds = ((user + system) / 1_000_000).toFixed(1);
  console.log(`${isCaught ? 'caught' : 'MISSED'} ${name} (${seconds} s of CPU): ${said}`);
}

function runMutation(mutation: Mutation): boolean {
  const begun = process.cpuUsage();
  const result = hunt(mutation);
  const isCaught = result !== null && result.by !== null && result.silent === null;
  const loud = result?.silent == null ? '' : `; without the bug ${result.silent}`;
  const said = result === null ? 'nothing' : `seed ${result.seed}, ${result.evidence.slice(0, 200)}`;
  tell(isCaught, `${mutation.id} ${mutation.what}`, begun, `${said}${loud}`);
  return isCaught;
}

function runCanary({ id, what, isCaught }: Canary): boolean {
  const begun = process.cpuUsage();
  const isFine = isCaught();
  tell(isFine, `${id} ${what}`, begun, 'the harness');
  return isFine;
}

/**
 * A line for each: number, name, CPU, seed and what the checker says.
 * @param ids of the catalogue; empty: all, and the canaries
 * @returns the exit code
 */
export function runMutations(ids: readonly string[]): number {
  const isChosen = ({ id, defect = '' }: { readonly id: string; readonly defect?: string }): boolean =>
    ids.length === 0 || ids.includes(id) || ids.includes(defect);
  const results = [
    ...mutations.filter(isChosen).map(runMutation),
    ...canaries.filter(isChosen).map(runCanary),
  ];
  const caught = results.filter(Boolean).length;
  console.log(`caught ${caught} of ${results.length}`);
  return caught === results.length && caught > 0 ? 0 : 1;
}
