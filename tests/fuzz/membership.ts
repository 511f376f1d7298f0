/** Random members come and go: `--seeds N --seed S`. */
import { MembershipSwarm } from '../sim/membership-swarm.ts';
import { numberOption } from './options.ts';

/** `[--seeds 20] [--seed 1]` @returns the exit code */
export function run(args: readonly string[]): number {
  const seeds = numberOption(args, 'seeds', 20);
  const first = numberOption(args, 'seed', 1);
  let failed = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const swarm = new MembershipSwarm(seed);
    try {
      swarm.run();
      console.log(`seed ${seed}: ${JSON.stringify(swarm.reach)}`);
    } catch (error) {
      failed++;
      console.log(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  console.log(`${seeds - failed} passed, ${failed} failed`);
  if (failed > 0) console.log('replay one: npm run fuzz -- membership --seeds 1 --seed N');
  return failed === 0 ? 0 : 1;
}
