/** `npm run sim`: seeds under faults and all checkers, or planted bugs that they must find. */
import { runAgain } from './again.ts';
import { runMutations } from './mutation-run.ts';
import { faultsText, readOptions } from './options.ts';
import { runSeed } from './run.ts';
import { readPlan, savePlan } from './saved-plan.ts';
import { shrink } from './shrink.ts';
import { Totals } from './totals.ts';
import { beyondIn, fateOf } from './verdict.ts';
import type { Options } from './options.ts';
import type { RunPlan, RunResult } from './run.ts';

/** @returns the exit code: 0 without a violation, and with `--mutations` when each was caught */
export function main(args: readonly string[]): number | Promise<number> {
  const [name, path] = args;
  if (name === '--run' && path !== undefined) return runAgain(path);
  if (name === '--plan' && path !== undefined) return runSaved(path);
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  return options.mutations === null ? runSeeds(options) : runMutations(options.mutations);
}

function planOf(seed: number, options: Options): RunPlan {
  const { members, virtualUs, faults, perSecond } = options;
  const defects = Object.fromEntries(options.defects.map((name) => [name, true]));
  return { seed, members, virtualUs, faults, perSecond, defects };
}

function runSeeds(options: Options): number {
  const totals = new Totals();
  for (let seed = options.firstSeed; seed <= options.lastSeed; seed++) {
    const plan = planOf(seed, options);
    const begun = performance.now();
    const result = runSeed(plan);
    totals.add(result, performance.now() - begun);
    if (result.violation !== null) tell(plan, result, options);
  }
  console.log(totals.line(options.firstSeed, options.lastSeed));
  return totals.violations === 0 ? 0 : 1;
}

/** What a failing seed has left behind. */
function runSaved(path: string): number {
  let plan: RunPlan;
  try {
    plan = readPlan(path);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const result = runSeed(plan);
  const { violation, virtualUs, chainHash } = result;
  if (violation === null) {
    console.log(`no violation in ${seconds(virtualUs)} s, chain hash ${chainHash}`);
    return 0;
  }
  const { property, moment, evidence, sentence } = violation;
  console.log(`${property} at moment ${moment}, ${seconds(virtualUs)} s: ${evidence}`);
  console.log(`  ${sentence}`);
  const beyond = beyondIn(result);
  if (beyond.length > 0) console.log(`  beyond the model (${beyond.join(', ')}), ${fateOf(result)}`);
  return beyond.length > 0 ? 0 : 1;
}

function tell(plan: RunPlan, result: RunResult, options: Options): void {
  const { violation, virtualUs } = result;
  if (violation === null) return;
  const { property, sentence, evidence, moment } = violation;
  const beyond = beyondIn(result);
  if (beyond.length > 0) {
    const why = `beyond the model (${beyond.join(', ')})`;
    console.log(`seed ${plan.seed}: ${why}, ${fateOf(result)}: ${property} at moment ${moment}: ${evidence}`);
    return;
  }
  console.log(`seed ${plan.seed}: ${property} at moment ${moment}, ${seconds(virtualUs)} s: ${evidence}`);
  console.log(`  ${sentence}`);
  console.log(`  again: ${command(plan, options)}`);
  if (!options.shrinks) return;
  console.log('  looking for a smaller run that fails in the same way ...');
  const small = shrink(plan, result);
  const { schedule } = small.result;
  const what = schedule.map(({ atUs, action }) => `    ${seconds(atUs)} s ${JSON.stringify(action)}`);
  console.log(
    `  smaller, after ${small.tried} runs: ${small.plan.members} members, ` +
      `${seconds(small.result.virtualUs)} s, ${schedule.length} faults of ${result.schedule.length}: ` +
      `${small.result.violation?.evidence}`,
  );
  if (what.length > 0) console.log(what.join('\n'));
  console.log(`  the smaller one again: npm run sim -- --plan ${savePlan(small.plan)}`);
}

const seconds = (us: number): string => (us / 1_000_000).toFixed(3);

function command({ seed, members, virtualUs }: RunPlan, { faults, perSecond, defects }: Options): string {
  const parts = [`--seed ${seed}`, `--members ${members}`, `--minutes ${virtualUs / 60_000_000}`];
  if (defects.length > 0) parts.push(`--defect ${defects.join(',')}`);
  return `npm run sim -- ${parts.join(' ')} --rate ${perSecond} --faults ${faultsText(faults)}`;
}
