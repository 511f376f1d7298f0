/** Which moment of the run the pictures show: now, or a step of the past. */
import type { StepUnit } from '../host/port.ts';
import { nameIn } from './cluster-view.ts';
import { History } from './history.ts';
import type { RunMark } from './run-mark.ts';
import { sentenceOf } from './sentence.ts';
import type { Told } from './told.ts';
import { emptyView, type ViewState } from './view-state.ts';

/** The run as a scrubber shows it. */
export interface Trail {
  /** The first step that can be shown; more than 0 where the beginning is no longer kept. */
  readonly firstStep: number;
  readonly stepCount: number;
  readonly marks: readonly RunMark[];
}

/** A scrubber of a run that plays is drawn at most so often: marks move a little with each step. */
const trailGapMs = 200;
/** Pictures that are read follow a run that plays so often. */
const calmGapMs = 100;

const tell = (told: Told, { cluster }: ViewState): string | null =>
  sentenceOf(told, (member) => nameIn(cluster, member), cluster.arrived)?.text ?? null;

export class Playback {
  /** What the pictures show: the state at the cursor. */
  shown = $state.raw<ViewState>(emptyView(3));
  /** What is read rather than watched: while the cluster plays it may be a moment behind `shown`. */
  calm = $state.raw<ViewState>(this.shown);
  /** A step of the past; null: now. */
  cursor = $state.raw<number | null>(null);
  trail = $state.raw<Trail>({ firstStep: 0, stepCount: 0, marks: [] });
  /** In the past: the newest sentence up to the cursor. */
  sentence = $state.raw('');
  /** In the past: the number of the input that the cursor stands behind. */
  moment = $state.raw(0);

  readonly isPast = $derived(this.cursor !== null);
  /** Where the scrubber stands. */
  readonly step = $derived(this.cursor ?? this.trail.stepCount);

  #history = new History(emptyView(3), tell);
  #isStale = false;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #calmAtMs = Number.NEGATIVE_INFINITY;

  reset(memberCount: number): void {
    this.#history = new History(emptyView(memberCount), tell);
    this.cursor = null;
    this.shown = this.#history.now;
    this.settle();
    this.#draw();
  }

  /** Takes the next events; the picture moves only while it shows the present. */
  append(events: readonly Told[]): void {
    if (events.length === 0) return;
    const now = this.#history.append(events);
    if (this.cursor === null) this.shown = now;
    else if (this.cursor < this.#history.firstStep) this.goTo(this.#history.firstStep);
    this.#isStale = true;
  }

  /** Lets every picture show the same: whenever the cluster stands. */
  settle(): void {
    this.calm = this.shown;
  }

  /** One frame of the screen: draws anew what has changed and was not drawn a moment ago. */
  frame(nowMs: number): void {
    if (this.calm !== this.shown && nowMs - this.#calmAtMs >= calmGapMs) {
      this.#calmAtMs = nowMs;
      this.settle();
    }
    if (!this.#isStale || nowMs - this.#drawnAtMs < trailGapMs) return;
    this.#drawnAtMs = nowMs;
    this.#draw();
  }

  /** Shows the state after so many steps, held between the first kept one and now. */
  goTo(step: number): void {
    const { stepCount, firstStep } = this.#history;
    if (step >= stepCount) return this.toNow();
    const wanted = Math.max(firstStep, step);
    if (this.#isStale) this.#draw();
    this.cursor = wanted;
    this.shown = this.#history.atStep(wanted);
    this.settle();
    this.sentence = this.#history.sentenceAt(wanted);
    this.moment = this.#history.momentAt(wanted);
  }

  toNow(): void {
    this.cursor = null;
    this.shown = this.#history.now;
    this.settle();
    this.#draw();
  }

  /** Goes by one unit, as far as the run is kept. */
  move(unit: StepUnit, direction: -1 | 1): void {
    this.goTo(this.#history.stepFrom(this.#at(), unit, direction));
  }

  /** Goes to the nearest mark; where there is none, to the end that lies in this direction. */
  moveToMark(direction: -1 | 1): void {
    const mark = this.#history.markFrom(this.#at(), direction);
    const end = direction > 0 ? this.#history.stepCount : this.#history.firstStep;
    this.goTo(mark?.step ?? end);
  }

  eventsSince(moment: number): readonly Told[] {
    return this.#history.eventsSince(moment);
  }

  /** The kept events from a time on, up to what is shown. */
  between(fromUs: number): readonly Told[] {
    return this.#history.between(fromUs, this.#at());
  }

  /** Goes to just after an input of the past. */
  goToMoment(moment: number): void {
    this.goTo(this.#history.stepOf(moment));
  }

  #at(): number {
    return this.cursor ?? this.#history.stepCount;
  }

  #draw(): void {
    const { firstStep, stepCount, marks } = this.#history;
    this.trail = { firstStep, stepCount, marks: [...marks] };
    this.#isStale = false;
  }
}
