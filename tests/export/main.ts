/** `npm run export -- --raft-trace F [--seed N] [--scenario S]`: writes what a run leaves for other programs. */
import { writeFileSync } from 'node:fs';
import { raftTrace, scenarioNames } from './raft-trace.ts';

const usage = `usage: npm run export -- --raft-trace FILE [--seed N] [--scenario ${scenarioNames.join('|')}]`;

/** @returns the exit code: 0 when the file is written, 2 when the request makes no sense */
export function main(args: readonly string[]): number {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? undefined : (args[at + 1] ?? '');
  };
  const file = option('raft-trace') ?? '';
  const seed = Number(option('seed') ?? '1');
  const scenario = scenarioNames.find((name) => name === (option('scenario') ?? 'failover'));
  if (file === '' || scenario === undefined || !Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    console.error(usage);
    return 2;
  }
  const lines = raftTrace(scenario, seed);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  console.log(`${lines.length} events of ${scenario}, seed ${seed}: ${file}`);
  return 0;
}
