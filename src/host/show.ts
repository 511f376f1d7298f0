/** The show: frames while it plays. It stops by itself when nobody attends it. */
import type { LabState } from './port.ts';
import type { WallClock } from './wall-clock.ts';
import { frameMs } from './wall-clock.ts';

/** Nobody touched the lab for so long: it need not go on draining a battery. */
const unattendedMs = 10 * 60_000;
/** A frame that came late counts for no more than this. */
const longestFrameMs = 100;

export class Show {
  readonly #clock: WallClock;
  readonly #frame: (elapsedMs: number) => Promise<void>;
  #wanted = false;
  #unattended = false;
  #attendedMs: number;
  #runs = 0;

  /** @param frame does a frame's work; the next frame comes after it */
  constructor(clock: WallClock, frame: (elapsedMs: number) => Promise<void>) {
    this.#clock = clock;
    this.#frame = frame;
    this.#attendedMs = clock.nowMs();
  }

  get playing(): boolean {
    return this.pausedBecause === null;
  }

  get pausedBecause(): LabState['pausedBecause'] {
    if (this.#wanted) return null;
    return this.#unattended ? 'unattended' : 'asked';
  }

  play(): void {
    this.attend();
    this.#wanted = true;
    this.#unattended = false;
    void this.#run(++this.#runs);
  }

  pause(): void {
    this.#wanted = false;
    this.#unattended = false;
  }

  /** Someone is there. */
  attend(): void {
    this.#attendedMs = this.#clock.nowMs();
  }

  async #run(run: number): Promise<void> {
    const goesOn = () => this.playing && run === this.#runs;
    while (goesOn()) {
      const from = this.#clock.nowMs();
      await new Promise<void>((resolve) => this.#clock.after(frameMs, resolve));
      if (!goesOn()) return;
      const now = this.#clock.nowMs();
      if (now - this.#attendedMs > unattendedMs) {
        this.#wanted = false;
        this.#unattended = true;
      }
      await this.#frame(Math.min(now - from, longestFrameMs));
    }
  }
}
