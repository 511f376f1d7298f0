/** The wall clock, as the host's only source of real time; tests wind one of their own. */

export interface WallClock {
  /** Milliseconds from any fixed point, never going back. */
  nowMs(): number;
  /** Calls once, so many milliseconds from now, unless the returned function is called before. */
  after(delayMs: number, call: () => void): () => void;
}

export const wallClock: WallClock = {
  nowMs: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A frame of the show. Workers' timers keep this pace in hidden tabs too. */
export const frameMs = 16;
