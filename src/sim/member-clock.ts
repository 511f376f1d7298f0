/** A member's own clock, which may run faster or slower than the world's. */

const usualRate = 1000;

/** What it is off by stays when its rate is as usual again: it never goes back. */
export class MemberClock {
  private rate = usualRate;
  private setAtUs = 0;
  private shownUs = 0;

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

  /** How long the world waits while the clock moves on by so much, at least. */
  worldTime(clockUs: number): number {
    return Math.ceil((clockUs * usualRate) / this.rate);
  }
}
