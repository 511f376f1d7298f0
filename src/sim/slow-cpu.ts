/** A member's processor: how long an input keeps it busy, and what waits meanwhile. */

/** What an input costs on a usual host, where it counts for nothing: microseconds, and for each KiB of it. */
const inputUs = 50;
const kibUs = 10;

/**
 * A processor `factor` times slower than usual takes `factor - 1` times an input's cost longer. While it is
 * busy, inputs wait in their order; one is let go each time it is free.
 */
export class Cpu<Event> {
  factor = 1;
  private busyUntilUs = 0;
  private released: { readonly event: Event; readonly atUs: number } | null = null;
  /** Whether an event is scheduled that lets the next one go. */
  isWaking = false;

  get freeAtUs(): number {
    return this.busyUntilUs;
  }

  /** Whether an input has to wait. `waitingCount`: how many do already. */
  isBusy(nowUs: number, event: Event, waitingCount: number): boolean {
    if (this.released?.event === event) return false;
    return nowUs < this.busyUntilUs || waitingCount > 0 || this.released?.atUs === nowUs;
  }

  /** The event comes due at once, before all others. */
  release(nowUs: number, event: Event): void {
    this.released = { event, atUs: nowUs };
  }

  /** The process was given an input of so many bytes. */
  charge(nowUs: number, byteCount: number): void {
    this.released = null;
    if (this.factor === 1) return;
    this.busyUntilUs = nowUs + (this.factor - 1) * (inputUs + Math.floor((byteCount * kibUs) / 1024));
  }

  /** The process has ended. */
  reset(): void {
    this.busyUntilUs = 0;
    this.released = null;
    this.isWaking = false;
  }
}
