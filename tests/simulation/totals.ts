/** What a range of seeds came to, in one line. */
import { survivable } from './kinds.ts';
import { beyondIn, fateOf } from './verdict.ts';
import type { FaultReach } from '../../src/sim/reach.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';
import type { RunResult } from './run.ts';
import type { Fate } from './verdict.ts';

type Effects = readonly (keyof FaultReach)[];

const cuts: Effects = ['droppedByCut'];

/** What a fault of each kind does once it happens; one that none of it came of has proved nothing. */
const effects: Readonly<Partial<Record<FaultKind, Effects>>> = {
  kill: ['kills'],
  stop: ['stops'],
  powerCut: ['powerCuts'],
  blackout: ['powerCuts'],
  restart: ['restarts'],
  pause: ['inputsHeld'],
  cut: cuts,
  ring: cuts,
  bridge: cuts,
  isolate: cuts,
  partition: cuts,
  flap: ['flapTurns'],
  slowDisk: ['syncsSlowed'],
  badLink: ['delayedByLink'],
  loss: ['lostByLink'],
  jitter: ['jittered'],
  duplicate: ['duplicatedByLink'],
  corrupt: ['droppedCorrupt'],
  reorder: ['overtaken'],
  bandwidth: ['droppedByQueue'],
  filter: ['droppedByFilter'],
  message: ['messagesHeld', 'messagesDelayed', 'messagesCopied', 'droppedByCommand'],
  load: ['loadIssued'],
  crashPoint: ['crashes'],
  slowCpu: ['inputsSlowed'],
  clockRate: ['clockRates'],
  memoryLimit: ['outOfMemory'],
  diskTimes: ['diskSettings'],
  stall: ['stalls'],
  powerCutFates: ['writesKept', 'writesLost', 'writesTorn'],
  diskError: ['writesFailed', 'readsFailed', 'syncsFailed'],
  diskFull: ['diskFull'],
  rotLog: ['bitsRotten'],
  rotMeta: ['bitsRotten'],
  rotSnapshot: ['bitsRotten'],
  rotPages: ['bitsRotten'],
  wipe: ['wipes'],
  rollback: ['rollbacks'],
  lyingDisk: ['syncsLied'],
  misdirect: ['misdirected'],
  losePage: ['pagesLost'],
  misread: ['misread'],
  loseFiles: ['filesLost'],
  slowReads: ['readsSlowed'],
  operations: ['operationsQueued'],
  restartDelay: ['restartsDelayed'],
  failAllocation: ['allocationsFailed'],
  clockStep: ['clockSteps'],
  clockSwing: ['clockTurns'],
  swizzle: cuts,
  clog: ['clogged'],
  youngLoad: ['loadIssued'],
  stopMajority: ['stops'],
  addUnstartedVoter: ['membersAnnounced'],
};

export class Totals {
  violations = 0;
  #seeds = 0;
  #virtualUs = 0;
  #wallMs = 0;
  #inputs = 0;
  #operations = 0;
  #undecided = 0;
  /** Of each kind: how many began, and what came of the runs' faults of that kind. */
  readonly #begun = new Map<FaultKind, number>();
  readonly #came = new Map<FaultKind, number>();

  /** Runs with a fault that raft does not promise to survive, by what became of them. */
  readonly #fates = new Map<Fate, number>();
  readonly #beyond = new Map<FaultKind, number>();
  /** Members that were replaced for what was in their files, and the runs that had such. */
  readonly #replaced = { members: 0, runs: 0 };

  add(result: RunResult, wallMs: number): void {
    this.#count(result, wallMs);
    const { replaced, violation } = result;
    this.#replaced.members += replaced;
    if (replaced > 0) this.#replaced.runs++;
    const beyond = beyondIn(result);
    if (beyond.length === 0) {
      if (violation !== null) this.violations++;
      return;
    }
    const fate = fateOf(result);
    this.#fates.set(fate, (this.#fates.get(fate) ?? 0) + 1);
    for (const kind of beyond) this.#beyond.set(kind, (this.#beyond.get(kind) ?? 0) + 1);
  }

  #count({ virtualUs, moments, reach, judge, schedule }: RunResult, wallMs: number): void {
    this.#seeds++;
    this.#virtualUs += virtualUs;
    this.#wallMs += wallMs;
    this.#inputs += moments;
    this.#operations += judge.linearizability.work.operations;
    this.#undecided += judge.linearizability.work.undecided;
    const kinds = schedule.flatMap(({ kind, atUs }) =>
      kind === undefined || atUs > virtualUs ? [] : [kind],
    );
    for (const kind of kinds) this.#begun.set(kind, (this.#begun.get(kind) ?? 0) + 1);
    for (const kind of new Set(kinds)) {
      const came = (effects[kind] ?? []).reduce((sum, name) => sum + reach[name], 0);
      this.#came.set(kind, (this.#came.get(kind) ?? 0) + came);
    }
  }

  /** Kinds that began and did nothing. */
  get idle(): readonly FaultKind[] {
    return [...this.#begun.keys()].filter((kind) => this.#came.get(kind) === 0);
  }

  /** So many faults of each kind, and in brackets what came of the runs that had them. */
  line(first: number, last: number): string {
    const known = survivable.filter((kind) => this.#begun.has(kind));
    const others = [...this.#begun.keys()].filter((kind) => !known.includes(kind));
    const faults = [...known, ...others].map(
      (kind) => `${kind} ${this.#begun.get(kind)} (${this.#came.get(kind)})`,
    );
    const ratio = this.#virtualUs / 1000 / Math.max(1, this.#wallMs);
    const rate = Math.round(this.#inputs / Math.max(0.001, this.#wallMs / 1000));
    const { idle } = this;
    return (
      `seeds ${first}..${last} (${this.#seeds}), ${(this.#virtualUs / 3.6e9).toFixed(2)} virtual hours, ` +
      `${ratio.toFixed(0)} times the wall's, ${this.#inputs} inputs, ${rate} a second, ` +
      `${this.#operations} requests (${this.#undecided} searches undecided), ` +
      `faults: ${faults.join(', ') || 'none'}, ` +
      (idle.length > 0 ? `without effect: ${idle.join(', ')}, ` : '') +
      `${this.#beyondText()}${this.violations} violation${this.violations === 1 ? '' : 's'}`
    );
  }

  /** How many runs the promises do not cover, why, and what became of them. */
  #beyondText(): string {
    const { members, runs } = this.#replaced;
    const words = (counts: ReadonlyMap<string, number>): string =>
      [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
    const replaced = members > 0 ? `${members} members of ${runs} runs replaced for damaged files, ` : '';
    const count = [...this.#fates.values()].reduce((sum, each) => sum + each, 0);
    if (count === 0) return `${replaced}no run beyond the model, `;
    return `${replaced}${count} runs beyond the model (${words(this.#beyond)}): ${words(this.#fates)}, `;
  }
}
