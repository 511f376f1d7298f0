/** How often pictures are drawn: at each frame while that is cheap, else so that others have time to work. */

/** A frame that took no longer than this kept a usual screen's pace, wall milliseconds. */
const smoothMs = 25;
/** From one dear drawing's start to the next goes so many times its cost: half the time is left to others. */
const restShare = 2;
/** It never goes longer than this: what moves must be seen to move. */
const longestRestMs = 150;
/** A lab that runs as fast as it can shows only where it has come to, so often. */
const runGapMs = 250;

/** Asked once a frame; what a drawing cost is the time until the frame after it. */
export class DrawPace {
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #frameAtMs = Number.NEGATIVE_INFINITY;
  #hasDrawn = false;
  #restMs = 0;

  /** False until the first frame: who has no screen draws each change at once. */
  get hasFrames(): boolean {
    return this.#frameAtMs > Number.NEGATIVE_INFINITY;
  }

  /**
   * Whether to draw in this frame; if so, it counts as drawn.
   * @param nowMs wall time of the frame
   * @param isSteady what changes is followed by the eye; false: it is a run at full speed
   */
  isDue(nowMs: number, isSteady: boolean): boolean {
    const costMs = nowMs - this.#frameAtMs;
    this.#frameAtMs = nowMs;
    if (this.#hasDrawn) this.#restMs = costMs <= smoothMs ? 0 : Math.min(longestRestMs, costMs * restShare);
    this.#hasDrawn = nowMs - this.#drawnAtMs >= (isSteady ? this.#restMs : Math.max(runGapMs, this.#restMs));
    if (this.#hasDrawn) this.#drawnAtMs = nowMs;
    return this.#hasDrawn;
  }
}
