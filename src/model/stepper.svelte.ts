/** Something to look at step by step: where it stands, and whether it goes on by itself. */

export const stepSpeeds: readonly number[] = [1, 3, 10];

export abstract class Stepper {
  playing = $state(false);
  speed = $state(1);
  #step = $state(0);
  #dueMs = 0;

  /** The number of the last step; the first is 0. */
  abstract readonly lastStep: number;
  /** The first step of each part. */
  abstract readonly partSteps: readonly number[];
  /** How long a step stands while it plays at speed 1, in wall milliseconds. */
  protected abstract readonly stepMs: number;

  get step(): number {
    return Math.min(this.#step, this.lastStep);
  }

  /** Goes to a step, kept within the first and the last; playing ends. */
  seek = (step: number): void => {
    this.playing = false;
    this.#go(step);
  };

  next = (): void => this.seek(this.step + 1);
  back = (): void => this.seek(this.step - 1);

  togglePlay = (): void => {
    if (this.playing) this.playing = false;
    else if (this.step === this.lastStep) this.playFromStart();
    else this.#play();
  };

  playFromStart(): void {
    this.#step = 0;
    this.#play();
  }

  /** Called once a frame of the screen: takes the next step when its time has come. */
  frame(nowMs: number): void {
    if (!this.playing) return;
    if (this.#dueMs === 0) this.#dueMs = nowMs + this.stepMs / this.speed;
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.stepMs / this.speed;
    this.#go(this.step + 1);
    if (this.step === this.lastStep) this.playing = false;
  }

  #play(): void {
    this.playing = true;
    this.#dueMs = 0;
  }

  #go(step: number): void {
    this.#step = Math.min(this.lastStep, Math.max(0, Math.round(step)));
  }
}
