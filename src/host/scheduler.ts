/**
 * The asynchronous loop: takes the cluster's plans, lets the members' processes and the real store do their
 * part, and merges. It decides when a plan runs, never what is in it: the run is the same at any speed, in
 * any layout.
 */
import { isClientAction } from '../sim/actions.ts';
import type { Cluster } from '../sim/cluster.ts';
import type { FinishedAction } from '../sim/world.ts';
import type { Action, Plan, StoreGate } from '../sim/types.ts';
import { asError } from './crash.ts';
import type { DiskHost, StoreFailure } from './disk-host.ts';
import type { MemberHost } from './member-host.ts';
import type { Pace } from './pace.ts';
import type { ActResult, LabState, Result } from './port.ts';
import type { WallClock } from './wall-clock.ts';

/** After so long without a pause for others, the loop lets messages in. */
const sliceMs = 8;
/** A frame of the show does no more work than this; what is left over comes later. */
const frameBudgetMs = 12;
/** An action does not wait until an idle stretch of this length is over. */
const skippableUs = 200_000;
/** A step that finds nothing in so much virtual time gives up. */
const stepLimitUs = 60_000_000;

export type Stopped = NonNullable<LabState['stopped']>;

export interface SchedulerParts {
  readonly cluster: Cluster;
  readonly members: MemberHost;
  readonly disk: DiskHost;
  readonly pace: Pace;
  readonly clock: WallClock;
  /**
   * Called between plans, at least once a frame while anything happens: all events so far belong to whole
   * plans.
   */
  readonly progressed: () => void;
  readonly storeFailed: (failure: StoreFailure) => void;
  /** A plan was merged. @returns why the run ends there; null: it does not */
  readonly merged: (plan: Plan) => Stopped | null;
}

interface Waiting {
  readonly action: Action;
  readonly settle: (result: Result<ActResult>) => void;
}

export class Scheduler {
  readonly #parts: SchedulerParts;
  /** Each job starts when the one before has ended, so that plans of two jobs never mix. */
  #last: Promise<void> = Promise.resolve();
  #stopped: Stopped | null = null;
  readonly #waiting = new Map<number, Waiting>();
  /** Actions that wait for the show's next plan: so the cluster's time is the shown one when they begin. */
  #held: (() => void)[] = [];
  /** A member whose process ended: what put its store right is to be there before it starts again. */
  #ended: StoreGate[] = [];

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  get stopped(): Stopped | null {
    return this.#stopped;
  }

  /** The virtual time that the show has come to: at or after the last input, before the next. */
  get shownUs(): number {
    const { cluster, pace } = this.#parts;
    return Math.max(cluster.nowUs, Math.min(pace.frontierUs, cluster.nextTimeUs ?? cluster.nowUs));
  }

  /**
   * Does an action; client commands settle with the client's answer.
   * @param showing whether the show plays: then the action waits for its next plan, else it begins at once
   */
  act(action: Action, showing: boolean): Promise<Result<ActResult>> {
    return new Promise((settle) => {
      if (this.#stopped !== null)
        return settle({ ok: false, code: 'stopped', message: this.#stopped.message });
      const begin = () => this.#begin({ action, settle });
      if (showing) this.#held.push(begin);
      else void this.#job(() => this.#actNow(begin));
    });
  }

  /** Runs so much virtual time from what is shown, as fast as may be. */
  run(virtualUs: number): Promise<void> {
    return this.#job(async () => {
      const endUs = this.shownUs + virtualUs;
      await this.#drive(() => this.#isDue(endUs));
      if (this.#stopped === null) this.#parts.pace.moveTo(endUs);
    });
  }

  /** Runs as fast as may be until the condition holds between two plans, or the virtual time is up. */
  runUntil(condition: () => boolean, limitUs: number): Promise<void> {
    return this.#job(async () => {
      const { cluster, pace } = this.#parts;
      const endUs = cluster.nowUs + limitUs;
      await this.#drive(() => this.#isDue(endUs) && !condition());
      pace.moveTo(cluster.nowUs);
    });
  }

  /**
   * Runs until a count has grown by so much. False where that did not happen within a minute of virtual time.
   */
  async step(measure: () => number, count: number): Promise<boolean> {
    const goal = measure() + count;
    await this.runUntil(() => measure() >= goal, stepLimitUs);
    return measure() >= goal;
  }

  /** One frame of the show. */
  frame(elapsedMs: number): Promise<void> {
    return this.#job(async () => {
      const { cluster, pace, clock } = this.#parts;
      if (cluster.nextTimeUs === null) pace.moveTo(cluster.nowUs);
      else pace.advance(elapsedMs);
      if (this.#held.length > 0) this.#hurry();
      const lateMs = clock.nowMs() + frameBudgetMs;
      await this.#drive(() => this.#isDue(pace.frontierUs) && clock.nowMs() <= lateMs);
      if (this.#isDue(pace.frontierUs)) pace.moveTo(cluster.nowUs);
    });
  }

  /** The show pauses: actions that waited for its next plan begin now. */
  beginHeld(): Promise<void> {
    return this.#job(async () => {
      if (this.#held.length === 0) return;
      await this.#actNow(() => {
        for (const begin of this.#held.splice(0)) begin();
      });
    });
  }

  /** Runs something between plans. */
  async between<Value>(work: () => Promise<Value>): Promise<Value> {
    let value: { readonly done: Value } | { readonly error: unknown } | undefined;
    await this.#job(async () => {
      value = await work().then(
        (done) => ({ done }),
        (error: unknown) => ({ error }),
      );
    });
    if (value !== undefined && 'done' in value) return value.done;
    throw asError(value?.error);
  }

  /** The run does not go on; whoever waits for an action is told. */
  stop(stopped: Stopped): void {
    this.#stopped ??= stopped;
    for (const begin of this.#held.splice(0)) begin();
    for (const { settle } of this.#waiting.values()) {
      settle({ ok: false, code: 'stopped', message: this.#stopped.message });
    }
    this.#waiting.clear();
  }

  /** After a violation: the run goes on all the same. */
  goOn(): void {
    if (this.#stopped?.kind === 'violation') this.#stopped = null;
  }

  #job(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#stopInternal(error);
      }
      this.#parts.progressed();
    });
    return this.#last;
  }

  #stopInternal(error: unknown): void {
    const { name, message } = asError(error);
    this.stop({ kind: 'internal', message: `${name}: ${message}`, moment: this.#parts.cluster.moment });
  }

  #isDue(endUs: number): boolean {
    const next = this.#parts.cluster.nextTimeUs;
    return next !== null && next <= endUs;
  }

  #begin(waiting: Waiting): void {
    if (this.#stopped !== null) {
      waiting.settle({ ok: false, code: 'stopped', message: this.#stopped.message });
      return;
    }
    this.#waiting.set(this.#parts.cluster.act(waiting.action), waiting);
  }

  async #actNow(begin: () => void): Promise<void> {
    const { cluster, pace } = this.#parts;
    begin();
    await this.#drive(() => this.#isDue(cluster.nowUs));
    pace.moveTo(cluster.nowUs);
  }

  /**
   * Someone acts: an idle stretch before the next plan is skipped; a long one is not, the action begins at
   * once.
   */
  #hurry(): void {
    const { cluster, pace } = this.#parts;
    const next = cluster.nextTimeUs;
    if (next === null || next - pace.frontierUs > skippableUs) {
      for (const begin of this.#held.splice(0)) begin();
      pace.moveTo(cluster.nowUs);
    } else if (pace.isIdle) pace.moveTo(Math.max(next, pace.frontierUs));
  }

  async #drive(more: () => boolean): Promise<void> {
    const { clock, progressed } = this.#parts;
    let since = clock.nowMs();
    while (this.#stopped === null && more()) {
      if (!(await this.#turn())) return;
      if (clock.nowMs() - since < sliceMs) continue;
      progressed();
      await new Promise<void>((resolve) => clock.hop(resolve));
      since = clock.nowMs();
    }
  }

  /** One plan from its gates to its merge; false where nothing is left to happen. */
  async #turn(): Promise<boolean> {
    const { cluster, disk, members } = this.#parts;
    // Waiting before the plan lets a failure still be told as the failure of a sync under way.
    const stored = disk.wait([...cluster.dueGates, ...this.#ended.splice(0)]);
    if (stored !== null) await stored;
    this.#tellFailures();
    const plan = cluster.plan();
    if (plan === null) return false;
    // What a plan makes itself puts the store right after a failure or a power cut.
    disk.submit(cluster.takeStoreCommits(), true);
    const gates = disk.wait(plan.gates);
    if (gates !== null) await gates;
    const results = members.perform(plan);
    cluster.merge(plan, results instanceof Promise ? await results : results);
    this.#merged(plan);
    return true;
  }

  #tellFailures(): void {
    const { disk, storeFailed } = this.#parts;
    for (const failure of disk.takeFailures()) {
      storeFailed(failure);
      const { member, code } = failure;
      this.#begin({ action: { type: 'storeFailed', member, code }, settle: () => {} });
    }
  }

  #merged(plan: Plan): void {
    const { cluster, disk, merged } = this.#parts;
    const { lifecycle } = plan;
    disk.submit(cluster.takeStoreCommits(), false);
    if (lifecycle?.kind === 'stop') this.#ended.push({ member: lifecycle.member, commit: Infinity });
    for (const finished of cluster.takeOutcomes()) this.#finish(finished);
    const stopped = merged(plan);
    if (stopped !== null) return this.stop(stopped);
    for (const begin of this.#held.splice(0)) begin();
  }

  #finish({ id, moment, timeUs, outcome }: FinishedAction): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    const { action, settle } = waiting;
    if (isClientAction(action) || outcome === null || outcome.ok)
      return settle({ ok: true, moment, timeUs, outcome });
    settle({ ok: false, code: 'refused', message: outcome.message });
  }
}
