/** Virtual time between batches: it runs on at the last known speed, but hardly past what has been told. */

/** How far the shown time may run past the last batch: two frames at 60 a second, wall milliseconds. */
const aheadMs = 34;

/** Feed it each batch's time with `set`; read it once a frame with `at`. It never goes back within a run. */
export class SteadyClock {
  #toldUs = 0;
  #speed = 0;
  #toldAtMs: number | null = null;
  #shownUs = 0;

  reset(): void {
    this.#toldUs = 0;
    this.#speed = 0;
    this.#toldAtMs = null;
    this.#shownUs = 0;
  }

  /** @param speed virtual microseconds a second of wall time; 0 while paused */
  set(timeUs: number, speed: number): void {
    if (timeUs === this.#toldUs && speed === this.#speed) return;
    this.#toldUs = timeUs;
    this.#speed = speed;
    this.#toldAtMs = null;
  }

  /** The time to show at `nowMs`. Paused: exactly what was told. */
  at(nowMs: number): number {
    this.#toldAtMs ??= nowMs;
    if (this.#speed === 0) {
      this.#shownUs = this.#toldUs;
      return this.#shownUs;
    }
    const sinceMs = Math.min(aheadMs, nowMs - this.#toldAtMs);
    this.#shownUs = Math.max(this.#shownUs, this.#toldUs + Math.floor((sinceMs * this.#speed) / 1000));
    return this.#shownUs;
  }
}
