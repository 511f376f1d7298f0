/** A wall clock that a test winds. */
import type { WallClock } from '../../src/host/wall-clock.ts';

interface Alarm {
  readonly atMs: number;
  readonly call: () => void;
}

export class ManualClock implements WallClock {
  #now = 0;
  #alarms: Alarm[] = [];

  nowMs(): number {
    return this.#now;
  }

  after(delayMs: number, call: () => void): () => void {
    const alarm = { atMs: this.#now + delayMs, call };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  hop(call: () => void): void {
    this.after(0, call);
  }

  /** The machine sleeps: time goes by and no alarm rings. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  /** Lets so much time go by; each alarm rings at its time, and what follows from it happens before the next. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#alarms.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((alarm) => alarm !== next);
      this.#now = Math.max(this.#now, next.atMs);
      next.call();
      await settled();
    }
    this.#now = end;
  }
}

/** All that is already on its way, promises and messages alike, has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
