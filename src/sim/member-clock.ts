/** A member's own clock, which may run faster or slower than the world's. */
import type { SwingShape } from './fault-types.ts';

const usualRate = 1000;

/** How a clock's rate changes by itself; `number`: which of all such times. */
export interface Swing {
  readonly perMille: number;
  readonly periodUs: number;
  readonly shape: SwingShape;
  readonly number: number;
}

/** What it is off by stays when its rate is as usual again: it never goes back. */
export class MemberClock {
  private rate = usualRate;
  private setAtUs = 0;
  private shownUs = 0;
  swing: Swing | null = null;
  /** How many swings it has had, and which of its turns the present one has come to. */
  swingCount = 0;
  turnCount = 0;

  get perMille(): number {
    return this.rate;
  }

  /** What the clock shows at that time of the world, which is not before the last change of the rate. */
  at(worldUs: number): number {
    return this.shownUs + Math.floor(((worldUs - this.setAtUs) * this.rate) / usualRate);
  }

  setRate(worldUs: number, perMille: number): void {
    this.shownUs = this.at(worldUs);
    this.setAtUs = worldUs;
    this.rate = perMille;
  }

  /** What it shows is so much later at once. */
  step(worldUs: number, aheadUs: number): void {
    this.shownUs = this.at(worldUs) + aheadUs;
    this.setAtUs = worldUs;
  }

  /** How long the world waits while the clock moves on by so much, at least. */
  worldTime(clockUs: number): number {
    return Math.ceil((clockUs * usualRate) / this.rate);
  }
}
