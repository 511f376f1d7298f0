/** Steps of a run that lie side by side, with their events: the views at each are a fold from a kept one. */
import { searchFirst } from '../base/sorted.ts';
import type { StepUnit } from '../host/port.ts';
import type { Frame } from './frames.ts';
import { bitOf, counted, unitsOf } from './step-units.ts';
import type { Told } from './told.ts';
import { foldView, type ViewState } from './view-state.ts';

/** Words for an event, given the views at the step that is shown; null where it is too small to be told. */
export type Tell = (told: Told, view: ViewState) => string | null;

interface Kept {
  readonly position: number;
  readonly view: ViewState;
}

/** Views are kept every so many events, so that a fold is short. */
const keptEvents = 512;

/**
 * The steps after a frame, up to the last one that was added. Positions count the run's events; each step is
 * all that one input brought about.
 */
export class StepRun {
  /** Before the first step. */
  readonly start: Frame;
  readonly #tell: Tell;
  #events: Told[] = [];
  /** Where each step ends. */
  #ends: number[] = [];
  /** The units that each step holds. */
  #units: number[] = [];
  #committed: number;
  /** Ascending. */
  #kept: Kept[];
  /** What was asked for last: going on from there is cheaper than from what is kept. */
  #last: Kept;

  constructor(start: Frame, tell: Tell) {
    this.start = start;
    this.#tell = tell;
    this.#committed = start.committed;
    this.#last = { position: start.position, view: start.view };
    this.#kept = [this.#last];
  }

  /** How many steps the run had at the last of these. */
  get endStep(): number {
    return this.start.step + this.#ends.length;
  }

  get endPosition(): number {
    return this.start.position + this.#events.length;
  }

  /** The last input that told something. */
  get endMoment(): number {
    return this.#events.at(-1)?.at.moment ?? this.start.moment;
  }

  get events(): readonly Told[] {
    return this.#events;
  }

  /** The highest index that any member has told as committed. */
  get committed(): number {
    return this.#committed;
  }

  /**
   * Takes the next event, which may belong to the last step.
   * @returns the bits of the units that the step holds since then
   */
  add(told: Told): number {
    if (this.#ends.length === 0 || told.at.moment !== this.endMoment) {
      this.#ends.push(0);
      this.#units.push(0);
    }
    this.#events.push(told);
    const last = this.#ends.length - 1;
    const before = this.#units[last] as number;
    const units = before | unitsOf(told, this.#committed);
    this.#ends[last] = this.endPosition;
    this.#units[last] = units;
    if (told.event.type === 'raft.commit') this.#committed = Math.max(this.#committed, told.event.index);
    return units & ~before;
  }

  /** Keeps the views at the end. */
  keep(view: ViewState): void {
    const { position } = this.#kept.at(-1) as Kept;
    if (this.endPosition > position) this.#kept.push({ position: this.endPosition, view });
  }

  /** The views after so many of the run's events: some of these. */
  viewAt(position: number): ViewState {
    let base = this.#kept.findLast((kept) => kept.position <= position) as Kept;
    if (this.#last.position <= position && this.#last.position > base.position) base = this.#last;
    while (position - base.position > keptEvents) base = this.#on(base, base.position + keptEvents, true);
    this.#last = this.#on(base, position, false);
    return this.#last.view;
  }

  /** @param step from the one that `start` ends to the last */
  frameAt(step: number): Frame {
    const end = this.endOf(step);
    let { committed, units } = this.start;
    for (const { event } of this.#events.slice(0, end - this.start.position))
      if (event.type === 'raft.commit') committed = Math.max(committed, event.index);
    for (const bits of this.#units.slice(0, step - this.start.step)) units = counted(units, bits);
    const [moment, view, sentence] = [this.momentAt(step), this.viewAt(end), this.sentenceAt(step)];
    return { position: end, step, moment, view, sentence, committed, units };
  }

  endOf(step: number): number {
    const at = Math.min(step, this.endStep) - this.start.step;
    return at <= 0 ? this.start.position : (this.#ends[at - 1] as number);
  }

  /** The input that a step is made of. */
  momentAt(step: number): number {
    return this.#events[this.endOf(step) - this.start.position - 1]?.at.moment ?? this.start.moment;
  }

  /** The last step whose input is not after `moment`. */
  stepUpTo(moment: number): number {
    const count = searchFirst(this.#events.length, (i) => (this.#events[i] as Told).at.moment > moment);
    return this.stepAt(this.start.position + count);
  }

  /** The last step that has ended by a position. */
  stepAt(position: number): number {
    return this.start.step + searchFirst(this.#ends.length, (i) => (this.#ends[i] as number) > position);
  }

  holds(step: number, unit: StepUnit): boolean {
    return unit === 'input' || ((this.#units[step - this.start.step - 1] ?? 0) & bitOf(unit)) !== 0;
  }

  /** The events from a time on, up to the end of a step. */
  between(fromUs: number, step: number): readonly Told[] {
    const from = searchFirst(this.#events.length, (i) => (this.#events[i] as Told).at.timeUs >= fromUs);
    return this.#events.slice(from, this.endOf(step) - this.start.position);
  }

  /** The newest sentence up to the end of a step, be it of before the first. */
  sentenceAt(step: number): string {
    const end = this.endOf(step);
    const view = this.viewAt(end);
    for (let at = end - this.start.position - 1; at >= 0; at--) {
      const sentence = this.#tell(this.#events[at] as Told, view);
      if (sentence !== null) return sentence;
    }
    return this.start.sentence;
  }

  /** The same steps up to one of them, for a run that goes its own way from there. */
  upTo(step: number): StepRun {
    return this.#part(this.start, this.frameAt(step));
  }

  /** The same steps from after one of them on. */
  after(step: number): StepRun {
    return this.#part(this.frameAt(step), { position: this.endPosition, committed: this.#committed });
  }

  #part(from: Frame, to: Pick<Frame, 'position' | 'committed'>): StepRun {
    const part = new StepRun(from, this.#tell);
    const [first, last] = [from.position - this.start.position, to.position - this.start.position];
    const isIn = (position: number): boolean => position > from.position && position <= to.position;
    part.#events = this.#events.slice(first, last);
    const steps = searchFirst(this.#ends.length, (i) => (this.#ends[i] as number) > from.position);
    part.#ends = this.#ends.slice(steps).filter(isIn);
    part.#units = this.#units.slice(steps, steps + part.#ends.length);
    part.#kept.push(...this.#kept.filter(({ position }) => isIn(position)));
    part.#committed = to.committed;
    return part;
  }

  #on(base: Kept, position: number, isKept: boolean): Kept {
    if (base.position === position) return base;
    const { position: first } = this.start;
    const view = foldView(base.view, this.#events.slice(base.position - first, position - first));
    const next = { position, view };
    if (!isKept) return next;
    const at = searchFirst(this.#kept.length, (i) => (this.#kept[i] as Kept).position >= position);
    if (this.#kept[at]?.position !== position) this.#kept.splice(at, 0, next);
    return next;
  }
}
