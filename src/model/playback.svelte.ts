/** Which moment of the run the pictures show: now, or a step of the past. */
import { m } from '../paraglide/messages.js';
import type { Result, StepUnit } from '../host/port.ts';
import { nameIn } from './cluster-view.ts';
import { History, type Found, type Gap, type HistoryLimits } from './history.ts';
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

/** Brings the events of the inputs after `fromMoment`, whole ones, as many as the limit allows. */
export type Fetch = (
  fromMoment: number,
  toMoment: number,
  limit: number,
) => Promise<Result<{ readonly events: readonly Told[]; readonly toMoment: number }>>;

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
  /** What was asked for is fetched: until it is there, a state nearby is shown. */
  isFetching = $state.raw(false);
  /** Why the far past can no longer be shown; empty: it can, or nobody ever could. */
  problem = $state.raw('');

  readonly isPast = $derived(this.cursor !== null);
  /** Where the scrubber stands. */
  readonly step = $derived(this.cursor ?? this.trail.stepCount);

  #history: History;
  #fetch: Fetch | null = null;
  readonly #limits: Partial<HistoryLimits>;
  #isStale = false;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #calmAtMs = Number.NEGATIVE_INFINITY;
  /** Counts what was wished for: a later wish makes an earlier one void. */
  #wish = 0;
  #arrival: Promise<void> = Promise.resolve();
  #filling: Promise<void> = Promise.resolve();

  constructor(limits: Partial<HistoryLimits> = {}) {
    this.#limits = limits;
    this.#history = new History(emptyView(3), tell, limits);
  }

  reset(memberCount: number): void {
    this.#history = new History(emptyView(memberCount), tell, this.#limits);
    this.#history.canFetch = this.#fetch !== null;
    this.problem = '';
    this.toNow();
  }

  /** From now on steps whose events are gone are brought by `fetch`; null: by nobody. */
  fetchBy(fetch: Fetch | null): void {
    this.#fetch = fetch;
    this.#history.canFetch = fetch !== null;
    if (this.cursor !== null && this.cursor < this.#history.firstStep) this.#show(this.cursor);
    this.#draw();
  }

  /** Takes the next events; the picture moves only while it shows the present. */
  append(events: readonly Told[]): void {
    if (events.length === 0) return;
    const now = this.#history.append(events);
    if (this.cursor === null) this.shown = now;
    else if (this.cursor < this.#history.firstStep) void this.goTo(this.#history.firstStep);
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

  /**
   * Shows the state after so many steps, held between the first that can be shown and now: at once where its
   * events are kept, else one nearby at once and the state itself once it is fetched.
   */
  goTo(step: number): Promise<void> {
    if (step >= this.#history.stepCount) this.toNow();
    else this.#arrival = this.#go(step, ++this.#wish);
    return this.#arrival;
  }

  toNow(): void {
    this.#wish += 1;
    this.#arrival = Promise.resolve();
    this.isFetching = false;
    this.cursor = null;
    this.shown = this.#history.now;
    this.settle();
    this.#draw();
  }

  /** Goes by one unit, as far as the run went. While something is fetched, nothing else is looked for. */
  move(unit: StepUnit, direction: -1 | 1): Promise<void> {
    if (this.isFetching) return this.#arrival;
    let from = this.#at();
    return this.#goWhere(() => {
      const found = this.#history.stepFrom(from, unit, direction);
      if ('missing' in found) from = found.missing - direction;
      return found;
    });
  }

  /** Goes to the nearest mark; where there is none, to the end that lies in this direction. */
  moveToMark(direction: -1 | 1): Promise<void> {
    const mark = this.#history.markFrom(this.#at(), direction);
    const end = direction > 0 ? this.#history.stepCount : this.#history.firstStep;
    return this.goTo(mark?.step ?? end);
  }

  /** Goes to just after an input of the past. */
  goToMoment(moment: number): Promise<void> {
    return this.#goWhere(() => this.#history.stepUpTo(moment));
  }

  /** Settles once what was wished for is shown. */
  arrived(): Promise<void> {
    return this.#arrival;
  }

  eventsSince(moment: number): readonly Told[] {
    return this.#history.eventsSince(moment);
  }

  /** The kept events from a time on, up to what is shown. */
  between(fromUs: number): readonly Told[] {
    return this.#history.between(fromUs, this.#at());
  }

  /** What is kept of the run. */
  get size(): History['size'] {
    return this.#history.size;
  }

  /**
   * The same run up to an input, to go on another way.
   * @returns null where its events cannot be had
   */
  async branchAt(moment: number): Promise<Playback | null> {
    const found = await this.#find(() => this.#history.stepUpTo(moment), this.#wish);
    await this.#reach(found, this.#wish);
    if (!this.#history.has(found)) return null;
    const branch = new Playback(this.#limits);
    branch.#history = this.#history.branchAt(found);
    branch.toNow();
    return branch;
  }

  async #go(step: number, wish: number): Promise<void> {
    if (this.#isStale) this.#draw();
    this.#show(step);
    this.isFetching = false;
    if (this.#history.gapBefore(step) === null) return;
    await this.#reach(step, wish);
    if (wish === this.#wish) this.#show(step);
  }

  #goWhere(where: () => Found): Promise<void> {
    const found = where();
    if ('step' in found) return this.goTo(found.step);
    const wish = ++this.#wish;
    this.#arrival = this.#find(where, wish).then((step) => {
      if (wish === this.#wish) return this.goTo(step);
    });
    return this.#arrival;
  }

  /** Looks on and on, fetching what lies between; where that cannot be had, the search ends before. */
  async #find(where: () => Found, wish: number): Promise<number> {
    for (;;) {
      const found = where();
      if ('step' in found) return found.step;
      await this.#reach(found.missing, wish);
      if (wish !== this.#wish) return found.missing;
    }
  }

  /** Fetches until a step can be shown, another wish comes, or it cannot be had. */
  async #reach(step: number, wish: number): Promise<void> {
    this.isFetching = true;
    while (this.#history.gapBefore(step) !== null) {
      // One at a time: of many wishes, as a scrubber has them, only the last one is fetched for.
      await this.#filling;
      if (wish !== this.#wish) return;
      const gap = this.#history.gapBefore(step);
      if (gap !== null) await (this.#filling = this.#fill(gap));
      if (wish !== this.#wish) return;
    }
    this.isFetching = false;
  }

  async #fill(gap: Gap): Promise<void> {
    const history = this.#history;
    const got = await this.#fetch?.(gap.from.moment, gap.toMoment, gap.limit);
    if (this.#history !== history || got === undefined) return;
    if (!got.ok) this.#lose(got.message);
    else if (!history.admit(gap, got.events, got.toMoment)) this.#lose(m.past_differs());
  }

  /** What is far from now is gone for good, and why. */
  #lose(why: string): void {
    this.problem = why;
    this.fetchBy(null);
  }

  #show(step: number): void {
    const held = Math.max(this.#history.firstStep, step);
    this.cursor = held;
    this.shown = this.#history.atStep(held);
    this.settle();
    this.sentence = this.#history.has(held) ? this.#history.sentenceAt(held) : m.step_fetching();
    this.moment = this.#history.momentAt(held);
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
