/** Parity with real bbolt over a folder of conformance data: traces, freelist scripts, databases. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cliCases } from './bolt/cli.ts';
import { databaseCases } from './bolt/databases.ts';
import { freelistCases } from './bolt/freelists.ts';
import { traceCases } from './bolt/traces.ts';
import type { TraceCase } from './bolt/traces.ts';

export interface ParityResult {
  readonly passed: number;
  readonly failed: number;
  /** A line for each difference; empty where there is none. */
  readonly report: string;
}

/** All comparisons that a folder laid out as db/, trace/, freelist/, cli/ allows. */
export function boltCases(dir: string): TraceCase[] {
  const parts: [string, (folder: string) => TraceCase[]][] = [
    ['trace', traceCases],
    ['freelist', freelistCases],
  ];
  const cases = parts.flatMap(([name, list]) => (existsSync(join(dir, name)) ? list(join(dir, name)) : []));
  return [...databaseCases(dir), ...cliCases(dir), ...cases];
}

/** Runs all comparisons of a folder. */
export function runBoltParity(dir: string): ParityResult {
  const report: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const { name, run } of boltCases(dir)) {
    let found: string[];
    try {
      found = run();
    } catch (error) {
      found = [`failed: ${String(error instanceof Error ? error.stack : error)}`];
    }
    if (found.length === 0) passed++;
    else failed++;
    for (const line of found) report.push(`${name}: ${line}`);
  }
  return { passed, failed, report: report.join('\n') };
}
