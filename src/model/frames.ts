/** Moments of a run at which all views are kept: from there on anything later can be told again. */
import { searchFirst } from '../base/sorted.ts';
import type { UnitCounts } from './step-units.ts';
import type { ViewState } from './view-state.ts';

/** The end of a step: what was told up to there, and the views after it. */
export interface Frame {
  /** How many events were told. */
  readonly position: number;
  readonly step: number;
  /** The input that the step is made of; 0 before the first. */
  readonly moment: number;
  readonly view: ViewState;
  /** The newest one up to there; empty where there was none. */
  readonly sentence: string;
  /** The highest index that any member had told as committed. */
  readonly committed: number;
  /** How many steps had held each unit. */
  readonly units: UnitCounts;
}

/**
 * The frames of a whole run. The first one stays; of more than `limit` the one goes whose absence is felt
 * least: near the newest they lie about three times as dense as near the beginning.
 */
export class Frames {
  readonly #limit: number;
  #frames: Frame[];

  constructor(first: Frame, limit: number) {
    this.#frames = [first];
    this.#limit = Math.max(2, limit);
  }

  /** Ascending. */
  get all(): readonly Frame[] {
    return this.#frames;
  }

  get last(): Frame {
    return this.#frames.at(-1) as Frame;
  }

  add(frame: Frame): void {
    const at = searchFirst(this.#frames.length, (i) => (this.#frames[i] as Frame).step >= frame.step);
    if (this.#frames[at]?.step === frame.step) return;
    this.#frames.splice(at, 0, frame);
    if (this.#frames.length > this.#limit) this.#thin();
  }

  /** The last frame before a step: its end is not the step's own. */
  before(step: number): Frame {
    const at = searchFirst(this.#frames.length, (i) => (this.#frames[i] as Frame).step >= step);
    return this.#frames[Math.max(0, at - 1)] as Frame;
  }

  /** The first frame at the end of a step or after it; null where there is none. */
  from(step: number): Frame | null {
    const at = searchFirst(this.#frames.length, (i) => (this.#frames[i] as Frame).step >= step);
    return this.#frames[at] ?? null;
  }

  /** The last frame before an input. */
  beforeMoment(moment: number): Frame {
    const at = searchFirst(this.#frames.length, (i) => (this.#frames[i] as Frame).moment >= moment);
    return this.#frames[Math.max(0, at - 1)] as Frame;
  }

  #thin(): void {
    const span = this.last.position;
    let [least, at] = [Number.POSITIVE_INFINITY, 1];
    for (let i = 1; i < this.#frames.length - 1; i++) {
      const gap = (this.#frames[i + 1] as Frame).position - (this.#frames[i - 1] as Frame).position;
      const felt = gap / (1.5 * span - (this.#frames[i] as Frame).position);
      if (felt < least) [least, at] = [felt, i];
    }
    this.#frames.splice(at, 1);
  }
}
