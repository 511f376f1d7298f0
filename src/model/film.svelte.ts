/** The newest commit, frame by frame: it plays by itself when it comes, if there is time for it. */
import { framesOf, type Frame } from './commit-film.ts';
import type { CommitFilm } from './file-view.ts';
import { Stepper } from './stepper.svelte.ts';

/** A frame stands so long, and a long commit altogether not much longer, in wall milliseconds. */
const frameMs = 620;
const filmMs = 9_000;
/** Commits that follow faster than this are shown as they ended. */
const leastGapMs = 1_500;

export class FilmShow extends Stepper {
  #film = $state.raw<CommitFilm | null>(null);
  #member = 0;
  #nowMs = 0;
  #cameAtMs = Number.NEGATIVE_INFINITY;

  readonly frames: readonly Frame[] = $derived(this.#film === null ? [] : framesOf(this.#film));
  readonly lastStep: number = $derived(Math.max(0, this.frames.length - 1));
  readonly partSteps: readonly number[] = [];

  protected get stepMs(): number {
    return Math.min(frameMs, filmMs / Math.max(1, this.lastStep));
  }

  /** The frame that is shown; null without a commit. */
  readonly now: Frame | null = $derived(this.frames[this.step] ?? null);

  /** Takes the newest commit of a member's file. @param moves false: it is shown as it ended */
  follow(member: number, film: CommitFilm | null, moves: boolean): void {
    const known = this.#film;
    if (film === known && member === this.#member) return;
    const isSame = member === this.#member && film !== null && film.txid === known?.txid;
    const isNext = member === this.#member && film !== null && film.txid > (known?.txid ?? film.txid);
    const wasAtEnd = this.step === this.lastStep && !this.playing;
    this.#member = member;
    this.#film = film;
    if (isSame) {
      if (wasAtEnd) this.seek(this.lastStep);
      return;
    }
    const isSlow = this.#nowMs - this.#cameAtMs > leastGapMs;
    this.#cameAtMs = this.#nowMs;
    if (isNext && moves && isSlow) this.playFromStart();
    else this.seek(this.lastStep);
  }

  override frame(nowMs: number): void {
    this.#nowMs = nowMs;
    super.frame(nowMs);
  }
}
