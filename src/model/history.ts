/** A run that can be looked at again: keyframes of the views, the events since, and the steps they form. */
import { searchFirst } from '../base/sorted.ts';
import type { StepUnit } from '../host/port.ts';
import { markKindOf, type RunMark } from './run-mark.ts';
import type { Told } from './told.ts';
import { foldView, type ViewState } from './view-state.ts';

export interface HistoryLimits {
  /** A keyframe every so many events at first. */
  readonly keyframeEvents: number;
  /** More than these: every second one goes, and from then on they lie twice as far apart. */
  readonly keyframes: number;
  /** At least so many of the newest events are kept, and at most twice as many. */
  readonly events: number;
  /** At most so many marks of commits are kept; the other kinds are rare, and stay. */
  readonly commitMarks: number;
}

const usualLimits: HistoryLimits = {
  keyframeEvents: 512,
  keyframes: 96,
  events: 60_000,
  commitMarks: 10_000,
};

/** The views after the first `position` events of the run. */
interface Keyframe {
  readonly position: number;
  readonly view: ViewState;
}

/** Words for an event; null where it is too small to be told. */
export type Tell = (told: Told, view: ViewState) => string | null;

/**
 * Positions count events, steps count inputs of the kernel: all that one input brought about is one step.
 * Step 0 is before the first event. The state at a step is a fold of the nearest keyframe before it and of
 * the events since, so it does not depend on the way that led there.
 */
export class History {
  readonly #limits: HistoryLimits;
  readonly #tell: Tell;
  #keyframes: Keyframe[];
  #events: Told[] = [];
  /** The position of `#events[0]`. */
  #firstPosition = 0;
  #keyframeEvents: number;
  /** Where each kept step ends; the first belongs to step `#firstStep + 1`. */
  #stepEnds: number[] = [];
  #firstStep = 0;
  #now: ViewState;
  #marks: RunMark[] = [];
  #committed = 0;
  #commitMarkCount = 0;
  /** What was asked for last: going on from there is cheaper than from a keyframe. */
  #last: Keyframe;

  constructor(start: ViewState, tell: Tell, limits: Partial<HistoryLimits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
    this.#tell = tell;
    this.#keyframeEvents = this.#limits.keyframeEvents;
    this.#now = start;
    this.#last = { position: 0, view: start };
    this.#keyframes = [this.#last];
  }

  /** The views after all that was told. */
  get now(): ViewState {
    return this.#now;
  }

  /** How many steps there were. */
  get stepCount(): number {
    return this.#firstStep + this.#stepEnds.length;
  }

  /** The first step that can be shown; 0 while nothing has been let go. */
  get firstStep(): number {
    return this.#firstStep;
  }

  /** Ascending by step. They outlive their events. Not a copy: it grows with the run. */
  get marks(): readonly RunMark[] {
    return this.#marks;
  }

  /** Takes the next events of the run and answers the views after them. */
  append(events: readonly Told[]): ViewState {
    const { keyframeEvents } = this.#limits;
    for (let from = 0; from < events.length; from += keyframeEvents) {
      const isWhole = from === 0 && events.length <= keyframeEvents;
      this.#take(isWhole ? events : events.slice(from, from + keyframeEvents));
    }
    if (this.#events.length > 2 * this.#limits.events) this.#forget();
    return this.#now;
  }

  /** The views after so many events, between what is kept at the least and what there is. */
  at(position: number): ViewState {
    const end = this.#endPosition();
    const wanted = Math.min(end, Math.max(this.#firstPosition, position));
    if (wanted === end) return this.#now;
    let base = this.#keyframeBefore(wanted);
    if (this.#last.position <= wanted && this.#last.position > base.position) base = this.#last;
    const since = this.#events.slice(base.position - this.#firstPosition, wanted - this.#firstPosition);
    this.#last = { position: wanted, view: foldView(base.view, since) };
    return this.#last.view;
  }

  atStep(step: number): ViewState {
    return this.at(this.#endOf(step));
  }

  /** What a step is marked for, else the newest sentence up to its end; empty where none is kept. */
  sentenceAt(step: number): string {
    const marks = this.#marks.filter((mark) => mark.step === step);
    const rare = marks.find(({ kind }) => kind !== 'commit') ?? marks[0];
    if (rare !== undefined && rare.sentence !== '') return rare.sentence;
    const view = this.atStep(step);
    for (let at = this.#endOf(step) - this.#firstPosition - 1; at >= 0; at--) {
      const sentence = this.#tell(this.#events[at] as Told, view);
      if (sentence !== null) return sentence;
    }
    return '';
  }

  /** The nearest step before or after this one in which such a unit came; else the first or the last. */
  stepFrom(step: number, unit: StepUnit, direction: -1 | 1): number {
    let at = step + direction;
    while (at > this.#firstStep && at < this.stepCount && !this.#holds(at, unit)) at += direction;
    return Math.min(this.stepCount, Math.max(this.#firstStep, at));
  }

  /** The nearest mark before or after a step that can be shown; null where there is none. */
  markFrom(step: number, direction: -1 | 1): RunMark | null {
    const isWanted = (mark: RunMark): boolean =>
      mark.step > this.#firstStep && (direction > 0 ? mark.step > step : mark.step < step);
    return (direction > 0 ? this.#marks.find(isWanted) : this.#marks.findLast(isWanted)) ?? null;
  }

  /** The input that a step is made of; 0 where nothing was told before. */
  momentAt(step: number): number {
    return this.#events[this.#endOf(step) - this.#firstPosition - 1]?.at.moment ?? 0;
  }

  /** Events after input number `moment`, as far back as they are kept. */
  eventsSince(moment: number): readonly Told[] {
    return this.#events.filter(({ at }) => at.moment > moment);
  }

  /** The kept events from a time on, up to the end of a step. */
  between(fromUs: number, step: number): readonly Told[] {
    const from = searchFirst(this.#events.length, (i) => (this.#events[i] as Told).at.timeUs >= fromUs);
    return this.#events.slice(from, this.#endOf(step) - this.#firstPosition);
  }

  /** The step that input number `moment` is in, as far as it is kept. */
  stepOf(moment: number): number {
    const at = searchFirst(this.#events.length, (i) => (this.#events[i] as Told).at.moment >= moment);
    const position = this.#firstPosition + at;
    const step = searchFirst(this.#stepEnds.length, (i) => (this.#stepEnds[i] as number) > position);
    return Math.min(this.stepCount, this.#firstStep + step + 1);
  }

  /** True where such a unit ends with this step. */
  #holds(step: number, unit: StepUnit): boolean {
    if (unit === 'input') return true;
    const type = unit === 'message' ? 'sim.deliver' : 'raft.commit';
    const from = this.#endOf(step - 1) - this.#firstPosition;
    const to = this.#endOf(step) - this.#firstPosition;
    for (let at = from; at < to; at++) if (this.#events[at]?.event.type === type) return true;
    return false;
  }

  #endPosition(): number {
    return this.#firstPosition + this.#events.length;
  }

  #endOf(step: number): number {
    const at = Math.min(step, this.stepCount) - this.#firstStep;
    return at <= 0 ? this.#firstPosition : (this.#stepEnds[at - 1] as number);
  }

  #take(events: readonly Told[]): void {
    this.#now = foldView(this.#now, events);
    for (const told of events) {
      const isNew = told.at.moment !== this.#events.at(-1)?.at.moment;
      this.#events.push(told);
      if (isNew || this.#stepEnds.length === 0) this.#stepEnds.push(0);
      this.#stepEnds[this.#stepEnds.length - 1] = this.#endPosition();
      this.#mark(told);
    }
    const sinceKeyframe = this.#endPosition() - (this.#keyframes.at(-1) as Keyframe).position;
    if (sinceKeyframe >= this.#keyframeEvents) this.#keep();
  }

  #mark(told: Told): void {
    const kind = markKindOf(told, this.#committed);
    if (told.event.type === 'raft.commit') this.#committed = Math.max(this.#committed, told.event.index);
    if (kind === null) return;
    const sentence = this.#tell(told, this.#now) ?? '';
    this.#marks.push({ kind, step: this.stepCount, timeUs: told.at.timeUs, sentence });
    if (kind === 'commit') this.#commitMarkCount += 1;
    if (this.#commitMarkCount > 2 * this.#limits.commitMarks) this.#forgetCommitMarks();
  }

  #keep(): void {
    this.#keyframes.push({ position: this.#endPosition(), view: this.#now });
    if (this.#keyframes.length <= this.#limits.keyframes) return;
    this.#keyframes = this.#keyframes.filter((_, i) => i % 2 === 0);
    this.#keyframeEvents *= 2;
  }

  #keyframeBefore(position: number): Keyframe {
    return this.#keyframes.findLast((one) => one.position <= position) as Keyframe;
  }

  /** Lets the oldest events go, in whole steps. */
  #forget(): void {
    const least = this.#endPosition() - this.#limits.events;
    const gone = this.#stepEnds.findLastIndex((end) => end <= least);
    if (gone < 0) return;
    const position = this.#stepEnds[gone] as number;
    const view = this.at(position);
    this.#events = this.#events.slice(position - this.#firstPosition);
    this.#stepEnds = this.#stepEnds.slice(gone + 1);
    this.#firstStep += gone + 1;
    this.#firstPosition = position;
    const later = this.#keyframes.filter((one) => one.position > position);
    this.#keyframes = [{ position, view }, ...later];
    this.#last = this.#keyframes[0] as Keyframe;
  }

  #forgetCommitMarks(): void {
    let surplus = this.#commitMarkCount - this.#limits.commitMarks;
    this.#marks = this.#marks.filter(({ kind }) => kind !== 'commit' || surplus-- <= 0);
    this.#commitMarkCount = this.#limits.commitMarks;
  }
}
