/** `npm run export -- --raft-trace|--snapshot|--db F`: writes what a run leaves for other programs. */
import { writeFileSync } from 'node:fs';
import { raftTrace, scenarioNames } from './raft-trace.ts';
import { exportScenario, snapshotScenarios } from './snapshot.ts';

const usage = `usage: npm run export -- --raft-trace FILE [--seed N] [--scenario ${scenarioNames.join('|')}]
       npm run export -- [--snapshot FILE] [--db FILE] [--expect FILE] [--seed N]
                         [--scenario ${snapshotScenarios.join('|')}]`;

type Option = (name: string) => string | undefined;

/** @returns the exit code: 0 when the files are written, 2 when the request makes no sense */
export function main(args: readonly string[]): number {
  const option: Option = (name) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? undefined : (args[at + 1] ?? '');
  };
  const seed = Number(option('seed') ?? '1');
  const isSeed = Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff;
  const files = ['raft-trace', 'snapshot', 'db', 'expect'].map(option);
  const isNamed = files.some((file) => file !== undefined) && files.every((file) => file !== '');
  const write = option('raft-trace') === undefined ? writeStore : writeTrace;
  if (isSeed && isNamed && write(option, seed)) return 0;
  console.error(usage);
  return 2;
}

/** @returns false where the scenario is unknown */
function writeTrace(option: Option, seed: number): boolean {
  const file = option('raft-trace') ?? '';
  const scenario = scenarioNames.find((name) => name === (option('scenario') ?? 'failover'));
  if (scenario === undefined) return false;
  const lines = raftTrace(scenario, seed);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  console.log(`${lines.length} events of ${scenario}, seed ${seed}: ${file}`);
  return true;
}

/** @returns false where the scenario is unknown */
function writeStore(option: Option, seed: number): boolean {
  const scenario = snapshotScenarios.find((name) => name === (option('scenario') ?? 'mixed'));
  if (scenario === undefined) return false;
  const { snapshot, database, expected } = exportScenario(scenario, seed);
  const outputs: [string, Uint8Array | string][] = [
    ['snapshot', snapshot],
    ['db', database],
    ['expect', JSON.stringify(expected)],
  ];
  for (const [name, content] of outputs) {
    const file = option(name);
    if (file === undefined) continue;
    writeFileSync(file, content);
    console.log(`${name} of ${scenario}, seed ${seed}: ${file}, ${content.length} bytes`);
  }
  const { revision, hashkv, kvs } = expected;
  console.log(`revision ${revision}, ${Object.keys(kvs).length} keys, HashKV ${hashkv}`);
  return true;
}
