/** What the checkers have told last: asked for while the run goes on, twice a second at most. */
import type { ChecksReport } from '../host/checks.ts';

const gapMs = 500;

/** Not asked yet; nobody checks; or their report. */
export type Board = 'waiting' | 'off' | ChecksReport;

export class CheckBoard {
  shown = $state.raw<Board>('waiting');
  readonly #ask: () => Promise<ChecksReport | null>;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #moment = -1;
  #isAsking = false;

  constructor(ask: () => Promise<ChecksReport | null>) {
    this.#ask = ask;
  }

  /** One frame of the screen; `moment` is the run's newest. */
  frame(nowMs: number, moment: number, isOpen: boolean): void {
    if (!isOpen || this.#isAsking || moment === this.#moment || nowMs - this.#askedAtMs < gapMs) return;
    this.#isAsking = true;
    this.#askedAtMs = nowMs;
    this.#moment = moment;
    void this.#ask().then((report) => {
      this.shown = report ?? 'off';
      this.#isAsking = false;
    });
  }
}
