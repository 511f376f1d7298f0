/** The freelist race on the page: which preset, which step, and whether it plays. */
import type { FreelistPort, Race, RacePreset } from '../host/freelist-port.ts';
import { timelineOf, viewRace, type RaceView, type Timeline } from './freelist-view.ts';

/** One step so long, in wall milliseconds, at speed 1. */
const stepMs = 520;
export const raceSpeeds: readonly number[] = [1, 3, 10];

export class FreelistShow {
  preset = $state<RacePreset>('article');
  playing = $state(false);
  speed = $state(1);
  /** What went wrong; empty: nothing did. */
  problem = $state('');
  #opened = $state.raw<{ readonly race: Race; readonly timeline: Timeline } | null>(null);
  #step = $state(0);
  readonly lastStep: number = $derived((this.#opened?.timeline.moments.length ?? 1) - 1);
  /** The first step of each operation. */
  readonly operationSteps: readonly number[] = $derived(
    (this.#opened?.timeline.moments ?? []).flatMap(({ operation }, step, all) =>
      step === 0 || all[step - 1]?.operation !== operation ? [step] : [],
    ),
  );
  readonly view: RaceView | null = $derived(
    this.#opened && viewRace(this.#opened.race, this.#opened.timeline, this.#step),
  );

  readonly #port: FreelistPort;
  readonly #seed: number;
  #dueMs = 0;
  #opening = 0;

  /** @param seed 32 bits, unsigned */
  constructor(port: FreelistPort, seed: number) {
    this.#port = port;
    this.#seed = seed;
  }

  get step(): number {
    return this.#step;
  }

  /** Runs a preset; a later call wins over one under way. */
  async open(preset: RacePreset, autoplay: boolean): Promise<void> {
    const opening = ++this.#opening;
    this.preset = preset;
    this.playing = false;
    const opened = await this.#port.openRace(preset, this.#seed);
    if (opening !== this.#opening) return;
    this.problem = opened.ok ? '' : opened.message;
    this.#opened = opened.ok ? { race: opened.race, timeline: timelineOf(opened.race) } : null;
    this.#step = 0;
    if (autoplay && opened.ok) this.togglePlay();
  }

  /** Goes to a step, kept within the race; playing ends. */
  seek = (step: number): void => {
    this.playing = false;
    this.#step = this.#within(step);
  };

  next = (): void => this.seek(this.#step + 1);
  back = (): void => this.seek(this.#step - 1);

  togglePlay = (): void => {
    if (!this.playing && this.#step === this.lastStep) this.#step = 0;
    this.playing = !this.playing;
    this.#dueMs = 0;
  };

  /** Called once a frame of the screen: takes the next step when its time has come. */
  frame(nowMs: number): void {
    if (!this.playing) return;
    if (this.#dueMs === 0) this.#dueMs = nowMs + stepMs / this.speed;
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + stepMs / this.speed;
    this.#step = this.#within(this.#step + 1);
    if (this.#step === this.lastStep) this.playing = false;
  }

  #within(step: number): number {
    return Math.min(this.lastStep, Math.max(0, Math.round(step)));
  }
}
