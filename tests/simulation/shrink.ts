/** A failing run made smaller: fewer members, less time, fewer faults, and still failing in the same way. */
import { runSeed } from './run.ts';
import { beyondIn } from './verdict.ts';
import type { RunPlan, RunResult } from './run.ts';

export interface Shrunk {
  readonly plan: RunPlan;
  readonly result: RunResult;
  readonly tried: number;
}

/** Runs a plan; null unless it fails in the same property, by what the model promises. */
function fails(plan: RunPlan, property: string): RunResult | null {
  const result = runSeed(plan);
  return result.violation?.property === property && beyondIn(result).length === 0 ? result : null;
}

/** Smaller plans, the greatest leaps first. */
function* smaller(plan: RunPlan, result: RunResult): Generator<RunPlan> {
  const { schedule, virtualUs } = result;
  const halfUs = Math.floor(plan.virtualUs / 2);
  if (plan.members > 3)
    yield { ...plan, members: 3, schedule: schedule.filter(({ action }) => isWithin(action, 3)) };
  if (virtualUs < plan.virtualUs) yield { ...plan, virtualUs, schedule };
  yield { ...plan, virtualUs: halfUs, schedule: schedule.filter(({ atUs }) => atUs < halfUs) };
  const types = [...new Set(schedule.map(({ action }) => action.type))];
  for (const type of types)
    yield { ...plan, schedule: schedule.filter(({ action }) => action.type !== type) };
  for (let part = Math.ceil(schedule.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let from = 0; from < schedule.length; from += part) {
      yield { ...plan, schedule: [...schedule.slice(0, from), ...schedule.slice(from + part)] };
    }
  }
}

function isWithin(action: object, members: number): boolean {
  const named = action as { readonly member?: number; readonly from?: number; readonly to?: number };
  return [named.member, named.from, named.to].every((member) => member === undefined || member <= members);
}

/** Takes the first smaller plan that still fails, and goes on from there, for so many tries. */
export function shrink(plan: RunPlan, result: RunResult, maxTries = 60): Shrunk {
  const property = result.violation?.property ?? '';
  // a schedule of its own would draw no operator
  let best: Shrunk = { plan: { ...plan, changes: result.changes !== null }, result, tried: 0 };
  let tried = 0;
  for (let isBetter = true; isBetter && tried < maxTries;) {
    isBetter = false;
    for (const candidate of smaller(best.plan, best.result)) {
      if (tried++ >= maxTries) break;
      const failed = fails(candidate, property);
      if (failed === null) continue;
      best = { plan: candidate, result: failed, tried };
      isBetter = true;
      break;
    }
  }
  return { ...best, tried };
}
