/** `npm run fuzz -- bolt`: mutants of database files, each read, refused with words, or changed without a fault. */
import { performance } from 'node:perf_hooks';
import { mutant, mutations } from './bolt-mutants.ts';
import { treat } from './bolt-treatment.ts';
import { numberOption } from './options.ts';

const slowMs = 1000;
/** What reading one file may take besides twice its size. */
const spareBytes = 16777216;

export interface FuzzResult {
  readonly mutants: number;
  readonly failures: readonly string[];
  /** Mutants in which something was found, and those that opened as a database. */
  readonly damaged: number;
  readonly opened: number;
  /** How often each mutation was made. */
  readonly made: ReadonlyMap<string, number>;
  readonly slowest: { readonly seed: number; readonly milliseconds: number };
  readonly mostReads: { readonly seed: number; readonly reads: number };
}

const memory = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/** Treats the mutants of some seeds in a row. */
export function fuzzBolt(firstSeed: number, count: number, onProgress?: (done: number) => void): FuzzResult {
  const made = new Map<string, number>(Object.keys(mutations).map((name) => [name, 0]));
  const failures: string[] = [];
  let [damaged, opened] = [0, 0];
  let slowest = { seed: firstSeed, milliseconds: 0 };
  let mostReads = { seed: firstSeed, reads: 0 };
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { bytes, sound, mutations: done } = mutant(seed);
    for (const name of done) made.set(name, (made.get(name) ?? 0) + 1);
    const before = memory();
    const start = performance.now();
    try {
      const { report, reads, isOpened } = treat(
        bytes,
        seed % 4 === 0 ? !sound.noFreelistSync : sound.noFreelistSync,
      );
      if (report.findings.length > 0) damaged++;
      if (isOpened) opened++;
      if (reads > mostReads.reads) mostReads = { seed, reads };
    } catch (error) {
      failures.push(
        `mutant ${seed} (${done.join(', ')}): ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
    const milliseconds = performance.now() - start;
    if (milliseconds > slowest.milliseconds) slowest = { seed, milliseconds };
    // all that the treatment made, let go or not: the reader's part is smaller
    const grown = memory() - before - 2 * bytes.length;
    if (grown > 4 * spareBytes) failures.push(`mutant ${seed}: memory grew by ${grown} bytes`);
    if ((seed - firstSeed + 1) % 10000 === 0) onProgress?.(seed - firstSeed + 1);
  }
  return { mutants: count, failures, damaged, opened, made, slowest, mostReads };
}

/** `[--mutants 100000] [--seed 0]` @returns the exit code */
export function run(args: readonly string[]): number {
  const count = numberOption(args, 'mutants', 100000);
  const seed = numberOption(args, 'seed', 0);
  console.log(`bolt: mutants of seeds ${seed} to ${seed + count - 1}`);
  const start = performance.now();
  const result = fuzzBolt(seed, count, (done) => console.log(`${done} done`));
  const { failures, slowest, mostReads } = result;
  for (const failure of failures.slice(0, 20)) console.log(failure);
  console.log([...result.made].map(([name, times]) => `${name} ${times}`).join(', '));
  const seconds = Math.round((performance.now() - start) / 1000);
  const largest = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${result.damaged} with findings, ${result.opened} opened; ${seconds} s, process at most ${largest} MiB`,
  );
  console.log(
    `slowest: seed ${slowest.seed}, ${Math.round(slowest.milliseconds)} ms; ` +
      `most reads: seed ${mostReads.seed}, ${mostReads.reads}`,
  );
  const slow = slowest.milliseconds > slowMs ? 1 : 0;
  if (slow > 0) console.log(`seed ${slowest.seed} took more than ${slowMs} ms`);
  console.log(`${count - failures.length} passed, ${failures.length + slow} failed`);
  if (failures.length > 0) console.log('replay one: npm run fuzz -- bolt --mutants 1 --seed N');
  return failures.length + slow === 0 ? 0 : 1;
}
