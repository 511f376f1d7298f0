/** What a range of seeds came to, in one line. */
import type { RunResult } from './run.ts';

/** The counts of faults that happened, as the line words them. */
const counted = [
  'kills',
  'powerCuts',
  'restarts',
  'pauses',
  'cuts',
  'slowDisks',
  'linkFaults',
  'droppedByCut',
  'droppedByLoss',
  'lostByLink',
  'delayedByLink',
  'writesLost',
  'writesTorn',
  'syncsFailed',
  'crashes',
  'slowCpus',
  'outOfMemory',
  'stalls',
  'overtaken',
  'flapTurns',
  'diskFull',
  'bitsRotten',
] as const;

export class Totals {
  violations = 0;
  #seeds = 0;
  #virtualUs = 0;
  #wallMs = 0;
  #inputs = 0;
  #operations = 0;
  #undecided = 0;
  readonly #faults = new Map<string, number>();

  add({ violation, virtualUs, moments, reach, judge }: RunResult, wallMs: number): void {
    this.#seeds++;
    if (violation !== null) this.violations++;
    this.#virtualUs += virtualUs;
    this.#wallMs += wallMs;
    this.#inputs += moments;
    this.#operations += judge.linearizability.work.operations;
    this.#undecided += judge.linearizability.work.undecided;
    for (const kind of counted) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + reach[kind]);
  }

  line(first: number, last: number): string {
    const faults = [...this.#faults].filter(([, count]) => count > 0);
    const ratio = this.#virtualUs / 1000 / Math.max(1, this.#wallMs);
    const rate = Math.round(this.#inputs / Math.max(0.001, this.#wallMs / 1000));
    return (
      `seeds ${first}..${last} (${this.#seeds}), ${(this.#virtualUs / 3.6e9).toFixed(2)} virtual hours, ` +
      `${ratio.toFixed(0)} times the wall's, ${this.#inputs} inputs, ${rate} a second, ` +
      `${this.#operations} requests (${this.#undecided} searches undecided), ` +
      `faults: ${faults.map(([kind, count]) => `${kind} ${count}`).join(', ')}, ` +
      `${this.violations} violation${this.violations === 1 ? '' : 's'}`
    );
  }
}
