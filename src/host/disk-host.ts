/**
 * Brings the disks' commits to the store, one transaction at a time: what comes while one is under way forms
 * the next, with the inputs that led to it. A barrier (not urgent) waits for its member's next urgent commit
 * and rides with it.
 */
import { assert } from '../base/assert.ts';
import type { DiskErrorCode } from '../engine/server/types.ts';
import { isClientAction } from '../sim/actions.ts';
import type { Intervention, StoreCommit, StoreGate } from '../sim/types.ts';
import type { PageStore } from './page-store.ts';
import { StoreError } from './page-store.ts';
import type { InputsPart } from './stored-inputs.ts';
import type { WallClock } from './wall-clock.ts';

/** A store that takes longer for one transaction hangs: the user is told. */
const hangMs = 5000;

export interface StoreFailure {
  readonly member: number;
  readonly code: DiskErrorCode;
  readonly message: string;
}

/** The run that the commits come from: its inputs are stored with them. */
export interface StoredRun {
  readonly interventions: readonly Intervention[];
  /** The last moment between two plans. */
  readonly whole: { readonly moment: number; readonly chainHash: string };
}

interface Entry {
  readonly commit: StoreCommit;
  readonly urgent: boolean;
  /** Stays when the store fails: the world builds on it, or it puts the store right. */
  readonly kept: boolean;
}

interface MemberQueue {
  /** Handed to the store and not yet answered. */
  writing: Entry[];
  waiting: Entry[];
  failure: StoreFailure | null;
}

export class DiskHost {
  #store: PageStore;
  readonly #clock: WallClock;
  readonly #hangs: (message: string | null) => void;
  readonly #run: StoredRun | null;
  /** So many of the run's interventions are stored. */
  #storedInterventions = 0;
  /** So many have been looked at, and whether one of them is to be stored without waiting for commits. */
  #seenInterventions = 0;
  #owesInputs = false;
  readonly #queues = new Map<number, MemberQueue>();
  #storedCommits = 0;
  #storedUs = 0;
  #writing: Promise<void> | null = null;
  #flushing = false;
  #wake: (() => void)[] = [];

  /**
   * @param hangs called with a sentence when the store hangs, and with null when it has answered after all
   * @param run null: what is stored cannot be done again
   */
  constructor(
    store: PageStore,
    clock: WallClock,
    hangs: (message: string | null) => void,
    run: StoredRun | null = null,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#hangs = hangs;
    this.#run = run;
  }

  /**
   * Goes on with another store, which holds all of the run so far. Call it when nothing is to be done any
   * more in the one before.
   * @param done what it holds: commits, and the virtual time of the last
   */
  moveTo(store: PageStore, done: { readonly commits: number; readonly lastUs: number }): void {
    const isIdle = [...this.#queues.values()].every(({ waiting }) => waiting.length === 0);
    assert(this.#writing === null && isIdle, 'disks: moved to another store with commits under way');
    this.#store = store;
    this.#storedInterventions = this.#run?.interventions.length ?? 0;
    this.#seenInterventions = this.#storedInterventions;
    this.#owesInputs = false;
    this.#storedCommits = done.commits;
    this.#storedUs = done.lastUs;
  }

  /** Commits made durable so far. */
  get storedCommits(): number {
    return this.#storedCommits;
  }

  /** Virtual time of the newest of them, microseconds; 0 before any. */
  get storedUs(): number {
    return this.#storedUs;
  }

  /**
   * Takes commits in order; a member's whose store failed are refused until the failure is taken.
   * @param kept whether they are never refused: they put the store right, at once or with the next commit
   */
  submit(commits: readonly StoreCommit[], kept: boolean): void {
    for (const commit of commits) {
      const queue = this.#queue(commit.member);
      const { urgent } = commit;
      const entry = { commit, urgent, kept: kept || !urgent };
      if (queue.failure === null || entry.kept) queue.waiting.push(entry);
    }
    this.#seeInputs();
    if (commits.length > 0 || this.#owesInputs) this.#pump();
  }

  /**
   * True where nothing urgent up to the gate's commit is still to be done, or the store has failed its
   * member.
   */
  isOpen(gate: StoreGate): boolean {
    const queue = this.#queue(gate.member);
    const closes = ({ commit, urgent }: Entry) => urgent && commit.commit <= gate.commit;
    return !queue.writing.some(closes) && !queue.waiting.some(closes);
  }

  /** Resolves when all gates are open; null where they are. */
  wait(gates: readonly StoreGate[]): Promise<void> | null {
    if (gates.every((gate) => this.isOpen(gate))) return null;
    return this.#until(() => gates.every((gate) => this.isOpen(gate)));
  }

  /** A member's store has failed, and nobody has taken the failure yet. */
  get hasFailed(): boolean {
    return [...this.#queues.values()].some(({ failure }) => failure !== null);
  }

  /** What failed since the last call. The member's next commits are taken again. */
  takeFailures(): StoreFailure[] {
    const failures: StoreFailure[] = [];
    for (const queue of this.#queues.values()) {
      if (queue.failure === null) continue;
      failures.push(queue.failure);
      queue.failure = null;
    }
    return failures;
  }

  /** Resolves when all that was submitted is durable or refused, barriers included. */
  async flush(): Promise<void> {
    this.#flushing = true;
    this.#pump();
    const isDone = (queue: MemberQueue) => queue.waiting.length === 0 || queue.failure !== null;
    await this.#until(() => this.#writing === null && [...this.#queues.values()].every(isDone));
    this.#flushing = false;
  }

  #queue(member: number): MemberQueue {
    let queue = this.#queues.get(member);
    if (queue === undefined) {
      queue = { writing: [], waiting: [], failure: null };
      this.#queues.set(member, queue);
    }
    return queue;
  }

  #pump(): void {
    if (this.#writing !== null) return;
    const group: StoreCommit[] = [];
    for (const queue of this.#queues.values()) {
      if (queue.failure !== null) continue;
      const last = queue.waiting.findLastIndex(({ urgent }) => urgent);
      queue.writing = queue.waiting.splice(0, this.#flushing ? queue.waiting.length : last + 1);
      group.push(...queue.writing.map(({ commit }) => commit));
    }
    if (group.length === 0 && !this.#owesInputs) return;
    this.#owesInputs = false;
    this.#writing = this.#write(group);
  }

  async #write(group: readonly StoreCommit[]): Promise<void> {
    let hung = false;
    const cancel = this.#clock.after(hangMs, () => {
      hung = true;
      this.#hangs(
        `The browser's storage has not answered for ${hangMs / 1000} seconds; the lab waits for it.`,
      );
    });
    const inputs = this.#inputsPart();
    try {
      await this.#store.write(group, inputs);
      this.#storedInterventions += inputs?.interventions.length ?? 0;
      this.#storedCommits += group.length;
      for (const { timeUs } of group) this.#storedUs = Math.max(this.#storedUs, timeUs);
    } catch (error) {
      this.#fail(group, error);
    }
    cancel();
    if (hung) this.#hangs(null);
    for (const queue of this.#queues.values()) queue.writing = [];
    this.#writing = null;
    this.#pump();
    const wake = this.#wake;
    this.#wake = [];
    for (const call of wake) call();
  }

  /**
   * A fault may lead to no commit for long, and is stored at once; what clients ask for is of no consequence
   * until it does.
   */
  #seeInputs(): void {
    const { interventions } = this.#run ?? { interventions: [] };
    for (; this.#seenInterventions < interventions.length; this.#seenInterventions++)
      if (!isClientAction(interventions[this.#seenInterventions].action)) this.#owesInputs = true;
  }

  /** What led to the commits that are now written. Those that failed leave theirs to the next. */
  #inputsPart(): InputsPart | null {
    if (this.#run === null) return null;
    const { interventions, whole } = this.#run;
    return { interventions: interventions.slice(this.#storedInterventions), ...whole };
  }

  /**
   * Refuses the members' commits but for those kept, which ride with the next one. Barriers are among them:
   * the world holds them for durable already, and what it sends to put the store right builds on them.
   */
  #fail(group: readonly StoreCommit[], error: unknown): void {
    const code = error instanceof StoreError && error.code === 'ENOSPC' ? 'ENOSPC' : 'EIO';
    const message = error instanceof Error ? error.message : String(error);
    for (const member of new Set(group.map((commit) => commit.member))) {
      const queue = this.#queue(member);
      queue.failure = { member, code, message };
      const kept = [...queue.writing, ...queue.waiting].filter((entry) => entry.kept);
      queue.waiting = kept.map((entry) => ({ ...entry, urgent: false }));
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}
