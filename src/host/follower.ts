/**
 * Follows a run that goes on elsewhere, by doing its inputs again: in slices, resting in between, so that
 * neither the run nor whoever asks here waits for it. Wherever the run's chain hash is known, this one's must
 * be equal.
 */
import { Member } from '../engine/server/member.ts';
import { Cluster } from '../sim/cluster.ts';
import type { RunningWorld } from '../sim/keyframes.ts';
import { Seek, unheard } from '../sim/keyframes.ts';
import { Members } from '../sim/run.ts';
import type { Intervention } from '../sim/types.ts';
import { asError } from './crash.ts';
import type { Genesis, Place } from './port.ts';
import type { Timeline } from './timeline.ts';
import type { WallClock } from './wall-clock.ts';

/** What became known of the run. */
export interface News {
  /** The actions since the last news. */
  readonly interventions: readonly Intervention[];
  /** Places that it has passed, ascending. */
  readonly places: readonly Place[];
}

/** So much work at a time. */
const sliceMs = 8;
/** While nobody waits, half of the time is left to others. */
const restMs = 8;
/** A run that is far ahead and plays fast needs the machine itself: it is followed more slowly. */
const [farInputs, longRestMs] = [5000, 60] as const;
/** More places than these wait to be proven: every second one is let go. */
const mostPlaces = 4096;

interface Waiting {
  readonly moment: number;
  readonly resolve: () => void;
}

/** The world that a run began with. */
export function beginAgain(genesis: Genesis): RunningWorld {
  const { planted, ...facts } = genesis;
  const cluster = new Cluster({
    ...facts,
    trace: unheard,
    defects: Object.fromEntries(planted.map((name) => [name, true])),
  });
  return { cluster, members: new Members(Member.boot) };
}

export class Follower {
  readonly #world: RunningWorld;
  readonly #timeline: Timeline;
  readonly #clock: WallClock;
  readonly #interventions: Intervention[] = [];
  #places: Place[] = [];
  #proven = -1;
  #waiting: Waiting[] = [];
  #problem: string | null = null;
  #isRunning = false;
  #isClosed = false;
  #isFresh = false;
  #wake: () => void = () => {};

  /** @param timeline keeps what was passed */
  constructor(genesis: Genesis, timeline: Timeline, clock: WallClock) {
    this.#world = beginAgain(genesis);
    this.#timeline = timeline;
    this.#clock = clock;
    timeline.interventions = this.#interventions;
    timeline.record(this.#world);
  }

  /** How far it has come. */
  get moment(): number {
    return this.#world.cluster.moment;
  }

  /** What is wrong, in a sentence: it goes no further then. */
  get problem(): string | null {
    return this.#problem;
  }

  follow({ interventions, places }: News): void {
    this.#interventions.push(...interventions);
    for (const place of places) {
      if (place.moment <= this.#timeline.place.moment && this.#places.length > 0) continue;
      this.#places.push(place);
      this.#timeline.place = place;
    }
    if (this.#places.length > mostPlaces) this.#places = everySecond(this.#places);
    this.#isFresh = true;
    void this.#run();
  }

  /** Resolves once that moment was passed and proven, or where that will not be. */
  reach(moment: number): Promise<void> {
    if (this.#proven >= moment || this.#problem !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ moment, resolve });
      this.#wake();
      void this.#run();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#settle();
    this.#wake();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#isClosed && this.#problem === null && this.#places.length > 0) {
      this.#slice();
      this.#settle();
      if (this.#places.length > 0) await this.#rest();
    }
    this.#isRunning = false;
  }

  #slice(): void {
    const untilMs = this.#clock.nowMs() + sliceMs;
    try {
      while (this.#places.length > 0 && this.#clock.nowMs() < untilMs) this.#step(this.#places[0]);
    } catch (error) {
      const { name, message } = asError(error);
      this.#problem = `The run cannot be done again from moment ${this.moment} on: ${name}: ${message}`;
    }
  }

  /** One plan, or the proof of a place. */
  #step(place: Place): void {
    const { cluster } = this.#world;
    if (cluster.moment < place.moment) {
      new Seek(this.#world, place.moment, this.#interventions).run(1);
      this.#timeline.record(this.#world);
      return;
    }
    this.#places.shift();
    if (cluster.moment === place.moment && cluster.chainHash === place.chainHash) {
      this.#proven = place.moment;
      return;
    }
    const seen = `${cluster.chainHash} at moment ${cluster.moment}`;
    const due = `${place.chainHash} at moment ${place.moment}`;
    this.#problem = `The run done again is another one: its chain hash is ${seen}, the run's was ${due}.`;
  }

  #settle(): void {
    const isOver = this.#isClosed || this.#problem !== null;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ moment }) => !isOver && moment > this.#proven);
    for (const { moment, resolve } of waiting) if (isOver || moment <= this.#proven) resolve();
  }

  #rest(): Promise<void> {
    const behind = this.#timeline.place.moment - this.moment;
    const isOutrun = this.#isFresh && behind > farInputs;
    this.#isFresh = false;
    return new Promise((resolve) => {
      if (this.#waiting.length > 0) return this.#clock.hop(resolve);
      const cancel = this.#clock.after(isOutrun ? longRestMs : restMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** The last one stays. */
const everySecond = (places: readonly Place[]): Place[] =>
  places.filter((_, i) => (places.length - 1 - i) % 2 === 0);
