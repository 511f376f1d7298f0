/** A smaller run that fails, in a file: `npm run sim -- --plan FILE` does it again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunPlan } from './run.ts';

const folder = 'test-results';

/** @returns where it is */
export function savePlan(plan: RunPlan, dir = folder): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `seed-${plan.seed}-members-${plan.members}.plan.json`);
  writeFileSync(path, `${JSON.stringify(plan, null, 1)}\n`);
  return path;
}

/** @throws Error in words for what is no plan */
export function readPlan(path: string): RunPlan {
  const text = readFileSync(path, 'utf8');
  let value: Partial<RunPlan> | null;
  try {
    value = JSON.parse(text) as Partial<RunPlan> | null;
  } catch {
    throw new Error(`${path} is no plan: it is no JSON`);
  }
  const { seed, members, virtualUs, perSecond, faults, defects, schedule } = value ?? {};
  const hasNumbers = [seed, members, virtualUs, perSecond].every((each) => Number.isSafeInteger(each));
  if (!hasNumbers || !Array.isArray(faults) || typeof defects !== 'object' || !Array.isArray(schedule))
    throw new Error(`${path} is no plan that a failing seed has left`);
  return value as RunPlan;
}
