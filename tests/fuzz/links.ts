/** `npm run fuzz -- links`: runs from outside, damaged; each is read or refused with words, and soon. */
import { readLink } from '../../src/host/run-link.ts';
import { readRunText } from '../../src/host/run-schema.ts';
import { linkMutant, type RunMutant } from './link-mutants.ts';
import { numberOption } from './options.ts';

/** Longer than this, a page would stand still. */
const slowMs = 50;

export interface LinkFuzz {
  readonly failures: readonly string[];
  readonly read: number;
  readonly refused: number;
  readonly slowest: { readonly seed: number; readonly milliseconds: number };
}

/** Milliseconds of work so far, whatever else the machine did meanwhile. */
const workMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const readMutant = ({ kind, text }: RunMutant): ReturnType<typeof readRunText> =>
  kind === 'link' ? readLink(text) : readRunText(text);

/** What is wrong with how a mutant was taken; null: nothing. */
async function treat(mutant: RunMutant): Promise<{ problem: string | null; isRead: boolean }> {
  try {
    const result = await readMutant(mutant);
    if (result.ok) return { problem: null, isRead: true };
    const { code, message } = result;
    const isRefusal = code === 'bad run' && message.length > 10 && message.length < 1000;
    return { problem: isRefusal ? null : `is refused with ${code}: ${message.slice(0, 200)}`, isRead: false };
  } catch (error) {
    return {
      problem: `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      isRead: false,
    };
  }
}

/** The longest that the thread stood still while a mutant was read. */
class Stillness {
  #last = workMs();
  longestMs = 0;
  #timer: NodeJS.Immediate | null = null;

  begin(): void {
    this.#last = workMs();
    this.longestMs = 0;
    const turn = (): void => {
      this.#look();
      this.#timer = setImmediate(turn);
    };
    this.#timer = setImmediate(turn);
  }

  end(): number {
    this.#look();
    if (this.#timer !== null) clearImmediate(this.#timer);
    return this.longestMs;
  }

  #look(): void {
    const now = workMs();
    this.longestMs = Math.max(this.longestMs, now - this.#last);
    this.#last = now;
  }
}

/** Reads the mutants of some seeds in a row. What seems slow is looked at again: the collector has its turns. */
export async function fuzzLinks(
  firstSeed: number,
  count: number,
  onProgress?: (done: number) => void,
): Promise<LinkFuzz> {
  const failures: string[] = [];
  let [read, refused] = [0, 0];
  let slowest = { seed: firstSeed, milliseconds: 0 };
  const stillness = new Stillness();
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const mutant = linkMutant(seed);
    let milliseconds = Infinity;
    for (let tries = 0; tries < 5 && milliseconds > slowMs; tries++) {
      stillness.begin();
      const { problem, isRead } = await treat(mutant);
      milliseconds = Math.min(milliseconds, stillness.end());
      if (problem !== null) failures.push(`mutant ${seed} (${mutant.mutations.join(', ')}): ${problem}`);
      if (tries > 0) continue;
      if (isRead) read++;
      else refused++;
    }
    if (milliseconds > slowest.milliseconds) slowest = { seed, milliseconds };
    if (milliseconds > slowMs)
      failures.push(`mutant ${seed} (${mutant.mutations.join(', ')}) takes ${milliseconds.toFixed(0)} ms`);
    if ((seed - firstSeed + 1) % 10_000 === 0) onProgress?.(seed - firstSeed + 1);
  }
  return { failures, read, refused, slowest };
}

export async function run(args: readonly string[]): Promise<number> {
  const first = numberOption(args, 'seed', 0);
  const count = numberOption(args, 'mutants', 10_000);
  const progress = (done: number): void => console.log(`${done} mutants`);
  const { failures, read, refused, slowest } = await fuzzLinks(first, count, progress);
  for (const failure of failures.slice(0, 20)) console.log(failure);
  console.log(
    `${count} damaged links and files from seed ${first}: ${read} read, ${refused} refused, ` +
      `${failures.length} failures; the longest stillness ${slowest.milliseconds.toFixed(1)} ms (seed ${slowest.seed})`,
  );
  return failures.length === 0 ? 0 : 1;
}
