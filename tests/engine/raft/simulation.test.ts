/** Random clusters under checks S1 to S12. Any number of steps, from any seed: `npm run fuzz -- raft`. */
import { expect, test } from 'vitest';
import type { Defects } from '../../../src/engine/defects.ts';
import { runSimulation, stepsPerRun } from './simulation/run.ts';

const steps = 100_000;

test(`no safety rule breaks in ${steps} random steps, and the healed clusters go on`, { timeout: 0 }, () => {
  let commits = 0;
  let elections = 0;
  let reads = 0;
  const runs = steps / stepsPerRun;
  for (let seed = 1; seed <= runs; seed++) {
    const report = runSimulation(seed, stepsPerRun);
    commits += report.commits;
    elections += report.elections;
    reads += report.reads;
  }
  // The checks would hold in a cluster that does nothing: so it must have done something.
  expect(commits).toBeGreaterThan(5 * runs);
  expect(elections).toBeGreaterThan(runs);
  expect(reads).toBeGreaterThan(runs);
});

const caught: readonly (readonly [keyof Defects, RegExp])[] = [
  ['commitOlderTerms', /S11|S5|S4/],
  ['readBeforeCommitInTerm', /stale read/],
  ['nextBelowMatch', /S9/],
];
for (const [defect, rule] of caught) {
  test(`the checks find the planted defect ${defect}`, { timeout: 60000 }, () => {
    const seeds = Array.from({ length: 80 }, (_, i) => i + 1);
    const found = seeds.find((seed) => violation(seed, { [defect]: true }) !== null);
    expect(found).toBeDefined();
    expect(violation(found ?? 0, { [defect]: true })).toMatch(rule);
    expect(violation(found ?? 0, {})).toBeNull();
  });
}

function violation(seed: number, defects: Partial<Defects>): string | null {
  try {
    runSimulation(seed, stepsPerRun, defects);
    return null;
  } catch (error) {
    return String(error);
  }
}
