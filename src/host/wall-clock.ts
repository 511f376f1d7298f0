/** The wall clock, as the host's only source of real time; tests wind one of their own. */

export interface WallClock {
  /** Milliseconds from any fixed point, never going back. */
  nowMs(): number;
  /** Calls once, so many milliseconds from now, unless the returned function is called before. */
  after(delayMs: number, call: () => void): () => void;
  /** Calls once, behind the messages that wait already: a timer of no time takes 4 ms where timers nest. */
  hop(call: () => void): void;
}

export const wallClock: WallClock = {
  nowMs: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
  hop(call) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      call();
    };
    port2.postMessage(null);
  },
};

/** A frame of the show. Workers' timers keep this pace in hidden tabs too. */
export const frameMs = 16;

/** After so long without a pause for others, work lets them in. */
const breathMs = 8;

/** Long work that pauses now and then. */
export class Breath {
  #since = wallClock.nowMs();

  get isDue(): boolean {
    return wallClock.nowMs() - this.#since > breathMs;
  }

  async take(): Promise<void> {
    await new Promise<void>((resolve) => wallClock.hop(resolve));
    this.#since = wallClock.nowMs();
  }
}
