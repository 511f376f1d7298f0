/** A run that can be looked at again: frames of the whole of it, its newest events, and what was fetched. */
import type { StepUnit } from '../host/port.ts';
import { Frames, type Frame } from './frames.ts';
import { markKindOf, type RunMark } from './run-mark.ts';
import { StepRun, type Tell } from './step-run.ts';
import { counted, countedUnits, noUnits } from './step-units.ts';
import type { Told } from './told.ts';
import { foldView, type ViewState } from './view-state.ts';

export interface HistoryLimits {
  /** Frames lie so many events apart at least. */
  readonly frameEvents: number;
  /** Of the whole run at most so many frames are kept. */
  readonly frames: number;
  /** At least so many of the newest events are kept, and at most twice as many. */
  readonly events: number;
  /** At most so many events are fetched at once. */
  readonly fetchedEvents: number;
  /** Of what was fetched the newest so many parts are kept, and ten times as many frames. */
  readonly fetched: number;
  /** Of more than twice as many marks of commits every second goes; the other kinds are rare, and stay. */
  readonly commitMarks: number;
}

const usualLimits: HistoryLimits = {
  frameEvents: 512,
  frames: 400,
  events: 60_000,
  fetchedEvents: 8_000,
  fetched: 6,
  commitMarks: 10_000,
};

/** What must be fetched: the events of the inputs after a frame's, `toMoment` included. */
export interface Gap {
  readonly from: Frame;
  readonly toMoment: number;
  readonly limit: number;
}

/** A step that was looked for, or the one whose events must be there to look on. */
export type Found = { readonly step: number } | { readonly missing: number };

/** Where one step is looked at, its neighbours will be: what was told just before is fetched with it. */
const leadShare = 1 / 4;

/**
 * Positions count events, steps count inputs of the kernel: all that one input brought about is one step.
 * Step 0 is before the first event. The state at a step is a fold of a kept one before it and of the events
 * since, so it does not depend on the way that led there. The newest events are kept; those before can be
 * fetched, as long as there is somebody to fetch them (`canFetch`).
 */
export class History {
  /** Whether steps whose events are gone can be shown all the same. */
  canFetch = false;
  readonly #limits: HistoryLimits;
  readonly #tell: Tell;
  readonly #frames: Frames;
  /** The newest steps. */
  #tail: StepRun;
  /** What was fetched, the newest last; and the frames at the ends of more of that. */
  #fetched: StepRun[] = [];
  #passed: Frame[] = [];
  #now: ViewState;
  #marks: RunMark[] = [];
  #commitMarkCount = 0;
  #units = noUnits;

  constructor(start: ViewState, tell: Tell, limits: Partial<HistoryLimits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
    this.#tell = tell;
    this.#now = start;
    const first = {
      position: 0,
      step: 0,
      moment: 0,
      view: start,
      sentence: '',
      committed: 0,
      units: noUnits,
    };
    this.#frames = new Frames(first, this.#limits.frames);
    this.#tail = new StepRun(first, tell);
  }

  /** The views after all that was told. */
  get now(): ViewState {
    return this.#now;
  }

  /** How many steps there were. */
  get stepCount(): number {
    return this.#tail.endStep;
  }

  /** The first step that can be shown. */
  get firstStep(): number {
    return this.canFetch ? 0 : this.#tail.start.step;
  }

  /** Ascending by step. They outlive their events. Not a copy: it grows with the run. */
  get marks(): readonly RunMark[] {
    return this.#marks;
  }

  /** What is kept, for those who count bytes. */
  get size(): { readonly events: number; readonly frames: number; readonly marks: number } {
    const events = [this.#tail, ...this.#fetched].reduce((sum, run) => sum + run.events.length, 0);
    const frames = this.#frames.all.length + this.#passed.length;
    return { events, frames, marks: this.#marks.length };
  }

  /** Takes the next events of the run and answers the views after them. */
  append(events: readonly Told[]): ViewState {
    const { frameEvents } = this.#limits;
    let { endMoment } = this.#tail;
    let from = 0;
    let due = this.#frames.last.position + frameEvents - this.#tail.endPosition;
    for (let i = 0; i < events.length; i++) {
      const { moment } = (events[i] as Told).at;
      if (i >= due && moment !== endMoment) {
        this.#take(events.slice(from, i));
        this.#keep();
        [from, due] = [i, i + frameEvents];
      }
      endMoment = moment;
    }
    this.#take(from === 0 ? events : events.slice(from));
    if (this.#tail.events.length > 2 * this.#limits.events) this.#forget();
    return this.#now;
  }

  /** Whether a step can be shown at once. */
  has(step: number): boolean {
    return step === 0 || this.#runOf(step) !== null;
  }

  /** The views at the end of a step; where its events are gone, at the nearest kept one before. */
  atStep(step: number): ViewState {
    if (step >= this.stepCount) return this.#now;
    const run = this.#runOf(Math.max(step, this.firstStep));
    return run === null ? this.#frames.before(step + 1).view : run.viewAt(run.endOf(step));
  }

  /** What a step is marked for, else the newest sentence up to its end, or to the nearest one before. */
  sentenceAt(step: number): string {
    const marks = this.#marks.filter((mark) => mark.step === step);
    const rare = marks.find(({ kind }) => kind !== 'commit') ?? marks[0];
    if (rare !== undefined && rare.sentence !== '') return rare.sentence;
    return this.#runOf(step)?.sentenceAt(step) ?? this.#frames.before(step + 1).sentence;
  }

  /** The nearest step before or after this one in which such a unit came; else the first or the last. */
  stepFrom(step: number, unit: StepUnit, direction: -1 | 1): Found {
    let at = step + direction;
    while (at > this.firstStep && at < this.stepCount) {
      const run = this.#runOf(at);
      if (run === null) {
        const next = this.#pastEmpty(at, unit, direction);
        if (next === at) return { missing: at };
        at = next;
      } else if (run.holds(at, unit)) return { step: at };
      else at += direction;
    }
    return { step: Math.min(this.stepCount, Math.max(this.firstStep, at)) };
  }

  /** The nearest mark before or after a step that can be shown; null where there is none. */
  markFrom(step: number, direction: -1 | 1): RunMark | null {
    const isWanted = (mark: RunMark): boolean =>
      mark.step > this.firstStep && (direction > 0 ? mark.step > step : mark.step < step);
    return (direction > 0 ? this.#marks.find(isWanted) : this.#marks.findLast(isWanted)) ?? null;
  }

  /** The input that a step is made of; where its events are gone, one before. 0 before the first. */
  momentAt(step: number): number {
    return this.#runOf(step)?.momentAt(step) ?? this.#frames.before(step + 1).moment;
  }

  /** The last step up to an input, which may have told nothing itself. */
  stepUpTo(moment: number): Found {
    if (moment >= this.#tail.endMoment) return { step: this.stepCount };
    const runs = [this.#tail, ...this.#fetched];
    const run = runs.find(({ start, endMoment }) => moment >= start.moment && moment < endMoment);
    if (run !== undefined) return { step: run.stepUpTo(moment) };
    if (!this.canFetch) return { step: this.firstStep };
    const ends = [...this.#known()].filter((place) => place.moment <= moment);
    return { missing: Math.max(0, ...ends.map(({ step }) => step)) + 1 };
  }

  /** Events after input number `moment`, as far back as they are kept. */
  eventsSince(moment: number): readonly Told[] {
    return this.#tail.events.filter(({ at }) => at.moment > moment);
  }

  /** The kept events from a time on, up to the end of a step. */
  between(fromUs: number, step: number): readonly Told[] {
    const parts: (readonly Told[])[] = [];
    let to = Math.min(step, this.stepCount);
    for (let run = this.#runOf(to); run !== null; run = to > this.firstStep ? this.#runOf(to) : null) {
      parts.unshift(run.between(fromUs, to));
      if ((run.events[0]?.at.timeUs ?? 0) < fromUs) break;
      to = run.start.step;
    }
    return parts.flat();
  }

  /** What must be fetched next, so that a step can be shown; null: nothing. */
  gapBefore(step: number): Gap | null {
    if (!this.canFetch || this.has(step)) return null;
    const { fetchedEvents: limit } = this.#limits;
    const near = this.#nearestBefore(step);
    const lead = this.#frames.before(near.step);
    // what was begun at the lead and did not come to the step goes on from where it ended
    const hasLead = this.#fetched.some((run) => run.start.step === lead.step || run.endStep === near.step);
    const from = hasLead || near.position - lead.position > limit * leadShare ? near : lead;
    const whole = this.#frames.all.findLast(
      (frame) => frame.step >= step && frame.position - from.position <= limit,
    );
    const to = whole ?? this.#frames.from(step) ?? this.#tail.start;
    return { from, toMoment: Math.min(to.moment, this.#tail.start.moment), limit };
  }

  /**
   * Takes what was fetched: all events of the inputs after the gap's frame, up to `toMoment`.
   * @returns false where that is not what the run has told before
   */
  admit({ from }: Gap, events: readonly Told[], toMoment: number): boolean {
    const run = new StepRun(from, this.#tell);
    for (const told of events) run.add(told);
    const within = this.#frames.all.filter(({ moment }) => moment > from.moment && moment <= toMoment);
    const isSame = ({ moment, step, position }: Frame): boolean =>
      run.stepUpTo(moment) === step && run.endOf(step) === position;
    if (run.endStep === from.step || !within.every(isSame)) return false;
    this.#fetched = [...this.#fetched, run].slice(-this.#limits.fetched);
    return true;
  }

  /** The same run up to a step that can be shown: it goes its own way from there. */
  branchAt(step: number): History {
    const first = this.#frames.all[0] as Frame;
    const run = this.#runOf(step) ?? new StepRun(first, this.#tell);
    const end = run.frameAt(step);
    const branch = new History(first.view, this.#tell, this.#limits);
    branch.canFetch = this.canFetch;
    for (const frame of this.#frames.all) if (frame.step < step) branch.#frames.add(frame);
    branch.#frames.add(end);
    branch.#tail = run.upTo(step);
    branch.#now = end.view;
    branch.#units = end.units;
    branch.#marks = this.#marks.filter((mark) => mark.step <= step);
    branch.#commitMarkCount = branch.#marks.filter(({ kind }) => kind === 'commit').length;
    return branch;
  }

  /** Where a step's events are; null where they are gone. */
  #runOf(step: number): StepRun | null {
    const { start } = this.#tail;
    if (step > start.step || (step === start.step && step === this.firstStep)) return this.#tail;
    return this.#fetched.find((run) => step > run.start.step && step <= run.endStep) ?? null;
  }

  /** The ends of what is known. */
  *#known(): Iterable<{ readonly step: number; readonly moment: number }> {
    yield* this.#frames.all;
    yield* this.#passed;
    for (const { endStep, endMoment } of this.#fetched) yield { step: endStep, moment: endMoment };
  }

  /** The last known frame before a step; on the way through what was fetched, its ends become frames. */
  #nearestBefore(step: number): Frame {
    const frame = this.#frames.before(step);
    const isNear = (end: number): boolean => end < step && end > frame.step;
    for (const run of this.#fetched) {
      if (!isNear(run.endStep) || this.#passed.some((passed) => passed.step === run.endStep)) continue;
      this.#passed = [...this.#passed, run.frameAt(run.endStep)].slice(-10 * this.#limits.fetched);
    }
    return this.#passed
      .filter((passed) => isNear(passed.step))
      .reduce((nearest, passed) => (passed.step > nearest.step ? passed : nearest), frame);
  }

  /** The next step in a direction that may hold the unit, as far as the frames around a step tell. */
  #pastEmpty(step: number, unit: StepUnit, direction: -1 | 1): number {
    if (unit === 'input') return step;
    const place = countedUnits.indexOf(unit);
    const [before, after] = [this.#frames.before(step), this.#frames.from(step)];
    if (after === null || before.units[place] !== after.units[place]) return step;
    return direction > 0 ? after.step + 1 : before.step;
  }

  #take(events: readonly Told[]): void {
    this.#now = foldView(this.#now, events);
    for (const told of events) {
      const kind = markKindOf(told, this.#tail.committed);
      this.#units = counted(this.#units, this.#tail.add(told));
      if (kind !== null) this.#mark(kind, told);
    }
  }

  #mark(kind: RunMark['kind'], told: Told): void {
    const sentence = this.#tell(told, this.#now) ?? '';
    this.#marks.push({ kind, step: this.stepCount, timeUs: told.at.timeUs, sentence });
    if (kind === 'commit') this.#commitMarkCount += 1;
    if (this.#commitMarkCount > 2 * this.#limits.commitMarks) this.#thinCommitMarks();
  }

  #keep(): void {
    const { endPosition: position, endStep: step, endMoment: moment, committed } = this.#tail;
    if (position === this.#frames.last.position) return;
    this.#tail.keep(this.#now);
    const sentence = this.#tail.sentenceAt(step);
    this.#frames.add({ position, step, moment, view: this.#now, sentence, committed, units: this.#units });
  }

  /** Lets the oldest events go, in whole steps. */
  #forget(): void {
    const gone = this.#tail.stepAt(this.#tail.endPosition - this.#limits.events);
    if (gone > this.#tail.start.step) this.#tail = this.#tail.after(gone);
  }

  /** Every second one goes, the newest stays. */
  #thinCommitMarks(): void {
    let left = this.#commitMarkCount;
    this.#marks = this.#marks.filter(({ kind }) => kind !== 'commit' || --left % 2 === 0);
    this.#commitMarkCount = Math.ceil(this.#commitMarkCount / 2);
  }
}
