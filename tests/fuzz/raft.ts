/** Random Raft clusters under S1 to S12 after every step: `--steps N --seed S [--defect NAME]`. */
import { noDefects } from '../../src/engine/defects.ts';
import { runSimulation, stepsPerRun } from '../engine/raft/simulation/run.ts';

const stepsTold = 100_000;

/**
 * Runs N steps, in runs of one seed each from S on, and prints what they did. A planted defect must be found:
 * then the first violation is the success.
 * @returns the exit code
 */
export function run(options: readonly string[]): number {
  const option = (name: string, otherwise: string): string => {
    const at = options.indexOf(`--${name}`);
    return at < 0 ? otherwise : (options[at + 1] ?? otherwise);
  };
  const steps = Number(option('steps', '1000000'));
  const firstSeed = Number(option('seed', '1'));
  const defect = option('defect', '');
  if (!Number.isSafeInteger(steps) || steps < 1 || !Number.isSafeInteger(firstSeed) || firstSeed < 0) {
    console.error('--steps takes a whole number from 1, --seed one from 0');
    return 2;
  }
  if (defect !== '' && !(defect in noDefects)) {
    console.error(`--defect takes one of ${Object.keys(noDefects).join(', ')}`);
    return 2;
  }
  const total = { seeds: 0, steps: 0, commits: 0, elections: 0, reads: 0 };
  for (let done = 0, seed = firstSeed; done < steps; seed++) {
    const count = Math.min(stepsPerRun, steps - done);
    try {
      const { commits, elections, reads } = runSimulation(
        seed,
        count,
        defect === '' ? {} : { [defect]: true },
      );
      total.commits += commits;
      total.elections += elections;
      total.reads += reads;
    } catch (error) {
      console.log(error instanceof Error ? error.message : String(error));
      return defect === '' ? 1 : 0;
    }
    done += count;
    total.seeds++;
    total.steps = done;
    if (done % stepsTold === 0 || done === steps) console.log(JSON.stringify(total));
  }
  return defect === '' ? 0 : 1;
}
