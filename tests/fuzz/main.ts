/** `npm run fuzz -- <bolt|crash|links|membership|raft> [OPTIONS]`: random damage, power cuts, links and clusters, by seed. */
import { run as runBolt } from './bolt.ts';
import { run as runCrash } from './crash.ts';
import { run as runLinks } from './links.ts';
import { run as runMembership } from './membership.ts';
import { run as runRaft } from './raft.ts';

const areas: Readonly<Record<string, (args: readonly string[]) => number | Promise<number>>> = {
  bolt: runBolt,
  crash: runCrash,
  links: runLinks,
  membership: runMembership,
  raft: runRaft,
};

/** @returns the exit code: 0 when nothing failed */
export function main([area = '', ...args]: readonly string[]): number | Promise<number> {
  const run = areas[area];
  if (run === undefined) {
    console.error(
      `usage: npm run fuzz -- <${Object.keys(areas).join('|')}> [--seed N] [--mutants N | --commits N]`,
    );
    return 2;
  }
  return run(args);
}
