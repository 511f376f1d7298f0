/**
 * The side that asks: hears the root's lab, starts whoever does its run again when that is first needed,
 * tells it the news, and outlives its death.
 */
import type { Intervention } from '../sim/types.ts';
import { asError, Lifeline } from './crash.ts';
import { unpack } from './past-events.ts';
import type { Genesis, LabBatch, LabPort, Place, Result } from './port.ts';
import type { TimelineInfo, TimeMemory, TimePort, Window } from './time-port.ts';
import type { BranchWish, TimeCalls } from './time-protocol.ts';
import { wallClock } from './wall-clock.ts';

/**
 * A run that has come so far is followed without being asked, so that its past is there at once: a worker
 * that begins with the question does everything for the first time, ten times as slowly as later.
 */
const followedFrom = 500;
/** What happens is told on so often; before a call, at once. */
const newsMs = 100;
/** A worker that does not say a word for so long is dead. */
const silenceMs = 10_000;

/** Who does the run again, while it lives. */
export interface StartedTime {
  readonly calls: TimeCalls;
  branch(wish: BranchWish): Promise<Result<{ timeline: TimelineInfo; port: LabPort }>>;
  readonly line: Lifeline;
  end(): void;
}

const closed = { ok: false, code: 'closed', message: 'The past of this run was closed.' } as const;

export interface TimeStart {
  readonly root: LabPort;
  /** For as long as nobody follows the run: what its memory will be limited to. */
  readonly limitBytes: number;
  readonly start: (genesis: Genesis) => Promise<StartedTime>;
}

export class TimeConnection implements TimePort {
  readonly #parts: TimeStart;
  readonly #unsubscribe: () => void;
  /** By their numbers; those before the first batch that was heard come with the run file. */
  #interventions: Intervention[] = [];
  #newest: Place | null = null;
  #places: Place[] = [];
  #toldCount = 0;
  #starting: Promise<Result<{ time: StartedTime }>> | null = null;
  #started: StartedTime | null = null;
  #problem: string | null = null;
  #isTelling = false;
  #isClosed = false;
  #waitingCount = 0;
  #watched: StartedTime | null = null;

  constructor(parts: TimeStart) {
    this.#parts = parts;
    this.#unsubscribe = parts.root.subscribe((batch) => this.#hear(batch));
  }

  seek(...args: Parameters<TimePort['seek']>): ReturnType<TimePort['seek']> {
    return this.#ask((calls) => calls.seek(...args));
  }

  async window(...args: Parameters<TimePort['window']>): Promise<Result<Window>> {
    const window = await this.#ask((calls) => calls.window(...args));
    return window.ok ? { ok: true, events: unpack(window.chunk), toMoment: window.toMoment } : window;
  }

  inspect(...args: Parameters<TimePort['inspect']>): ReturnType<TimePort['inspect']> {
    return this.#ask((calls) => calls.inspect(...args));
  }

  rename(...args: Parameters<TimePort['rename']>): ReturnType<TimePort['rename']> {
    return this.#ask((calls) => calls.rename(...args));
  }

  async branch(...args: Parameters<TimePort['branch']>): ReturnType<TimePort['branch']> {
    const [parent, moment, name] = args;
    const checks = !this.#isClosed && (await this.#parts.root.checks()) !== null;
    return this.#askTime((time) => time.branch({ parent, moment, name, checks }));
  }

  end(...args: Parameters<TimePort['end']>): ReturnType<TimePort['end']> {
    return this.#ask((calls) => calls.end(...args));
  }

  compare(...args: Parameters<TimePort['compare']>): ReturnType<TimePort['compare']> {
    return this.#ask((calls) => calls.compare(...args));
  }

  /** While nobody follows the run there is the root alone: this starts nothing. */
  async timelines(): Promise<readonly TimelineInfo[]> {
    const told = await this.#askStarted(async (calls) => ({ ok: true, list: await calls.timelines() }));
    return told?.ok === true ? told.list : [this.#rootInfo()];
  }

  /** Starts nothing either. */
  async memory(): Promise<TimeMemory> {
    const told = await this.#askStarted(async (calls) => ({ ok: true, memory: await calls.memory() }));
    if (told?.ok === true) return told.memory;
    const { limitBytes: limit } = this.#parts;
    return { bytes: 0, limit, keyframes: 0, moment: 0, problem: this.#problem };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#started?.line.die(closed.message);
    this.#started?.end();
    this.#started = null;
  }

  #hear({ place, interventions, interventionsBefore }: LabBatch): void {
    interventions.forEach((each, i) => {
      this.#interventions[interventionsBefore + i] = each;
    });
    if (place === null || place.moment <= (this.#newest?.moment ?? -1)) return;
    this.#newest = place;
    if (this.#started !== null) {
      this.#places.push(place);
      this.#tellSoon();
    } else if (place.moment >= followedFrom && this.#problem === null) void this.#ready();
  }

  #rootInfo(): TimelineInfo {
    const place = this.#newest ?? { moment: 0, timeUs: 0, chainHash: '' };
    return { id: 0, parent: null, name: '', fromMoment: 0, fromUs: 0, ...place };
  }

  /** Whoever follows the run, started where nobody does. */
  #ready(): Promise<Result<{ time: StartedTime }>> {
    if (this.#isClosed) return Promise.resolve(closed);
    if (this.#started !== null) return Promise.resolve({ ok: true, time: this.#started });
    this.#starting ??= this.#begin().finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  async #begin(): Promise<Result<{ time: StartedTime }>> {
    const { root, start } = this.#parts;
    try {
      const begun = await root.genesis();
      if (!begun.ok) return begun;
      if (begun.place !== null && begun.place.moment > (this.#newest?.moment ?? -1))
        this.#newest = begun.place;
      // it has all actions so far; those of batches on the way are told with their numbers
      const { interventions } = await root.runFile();
      for (const [i, each] of interventions.entries()) this.#interventions[i] ??= each;
      const time = await start(begun.genesis);
      if (this.#isClosed) {
        time.end();
        return closed;
      }
      this.#started = time;
      this.#problem = null;
      this.#toldCount = 0;
      this.#places = this.#newest === null ? [] : [this.#newest];
      this.#tell();
      return { ok: true, time };
    } catch (error) {
      this.#problem = asError(error).message;
      return { ok: false, code: 'internal', message: this.#problem };
    }
  }

  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    wallClock.after(newsMs, () => {
      this.#isTelling = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#started === null || this.#places.length === 0) return;
    const interventions = this.#interventions.slice(this.#toldCount);
    this.#toldCount += interventions.length;
    const news = { interventions, places: this.#places.splice(0) };
    this.#started.calls.follow(news).catch(() => {});
  }

  #ask<Value extends object>(call: (calls: TimeCalls) => Promise<Result<Value>>): Promise<Result<Value>> {
    return this.#askTime((time) => call(time.calls));
  }

  /** A call that settles whatever happens to whom it asks. */
  async #askTime<Value extends object>(
    call: (time: StartedTime) => Promise<Result<Value>>,
  ): Promise<Result<Value>> {
    // the newest batch may still be on its way
    if (!this.#isClosed) await this.#parts.root.state();
    const ready = await this.#ready();
    return ready.ok ? this.#call(ready.time, call) : ready;
  }

  #askStarted<Value extends object>(
    call: (calls: TimeCalls) => Promise<Result<Value>>,
  ): Promise<Result<Value> | null> {
    const time = this.#started;
    return time === null ? Promise.resolve(null) : this.#call(time, () => call(time.calls));
  }

  async #call<Value extends object>(
    time: StartedTime,
    call: (time: StartedTime) => Promise<Result<Value>>,
  ): Promise<Result<Value>> {
    this.#tell();
    this.#waitingCount++;
    this.#watch(time);
    try {
      return await time.line.race(call(time));
    } catch (error) {
      const { message } = asError(error);
      if (this.#isClosed) return closed;
      this.#lose(time, message);
      return { ok: false, code: 'internal', message };
    } finally {
      this.#waitingCount--;
    }
  }

  /** The next call starts another one. */
  #lose(time: StartedTime, message: string): void {
    if (this.#started !== time) return;
    this.#problem = message;
    this.#started = null;
    time.line.die(message);
    time.end();
  }

  /** Nobody tells of a worker that has ended itself: while calls wait, it is asked for a sign of life. */
  #watch(time: StartedTime): void {
    if (this.#watched === time) return;
    this.#watched = time;
    let hasAnswered = false;
    time.calls.memory().then(
      () => {
        hasAnswered = true;
      },
      () => {},
    );
    wallClock.after(silenceMs, () => {
      if (this.#watched === time) this.#watched = null;
      if (this.#started !== time) return;
      if (!hasAnswered) this.#lose(time, 'The time worker does not answer.');
      else if (this.#waitingCount > 0) this.#watch(time);
    });
  }
}
