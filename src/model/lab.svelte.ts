/** The lab as the page holds it: commands go out through a LabPort, batches come in and become views. */
import { m } from '../paraglide/messages.js';
import type {
  ActResult,
  LabBatch,
  LabOptions,
  LabPort,
  LabState,
  Query,
  Answer,
  Result,
  RunFile,
  StepUnit,
} from '../host/port.ts';
import type { ChecksReport } from '../host/checks.ts';
import { leaderOf, nameIn } from './cluster-view.ts';
import { DrawPace } from './draw-pace.ts';
import { hintFor } from './guide.ts';
import { Playback } from './playback.svelte.ts';
import { sentenceOf } from './sentence.ts';
import { SteadyClock } from './steady-clock.ts';
import type { Told } from './told.ts';

export type Phase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'open' }
  /** The lab did not open, or it was closed: what to tell. */
  | { readonly kind: 'closed'; readonly code: string; readonly message: string };

interface Settle {
  resolve(state: LabState): void;
  reject(error: Error): void;
}

/** At most one spoken sentence in this time: a screen reader needs to finish. */
const speechGapMs = 1_800;
/** More events than these since the last drawing, of a lab that does not play, are a run at full speed. */
const fewEvents = 64;

const inPast = {
  ok: false,
  code: 'in the past',
  message: 'The lab shows the past: return to now first.',
} as const;

/**
 * The only writer of view state: each view is a fold of the events since the run's start, up to the moment
 * that is shown. Nothing can be done to the past: while it is shown, the cluster stands still.
 */
export class Lab {
  phase = $state.raw<Phase>({ kind: 'starting' });
  /** As it is drawn: behind `newest` by a frame or a few. */
  state = $state.raw<LabState | null>(null);
  /** The time between batches, of a cluster that plays. */
  #liveUs = $state(0);
  #newest = $state.raw('');
  /** The sentence for the live region: newest of the important ones, rate-limited. */
  spoken = $state.raw('');
  speedFactor = $state(1);

  readonly playback = new Playback();
  /** What moves; the pictures below are read, and follow ten times a second while the cluster plays. */
  readonly cluster = $derived(this.playback.shown.cluster);
  readonly logs = $derived(this.playback.calm.logs);
  readonly raft = $derived(this.playback.calm.raft);
  readonly pages = $derived(this.playback.calm.pages);
  readonly files = $derived(this.playback.calm.files);
  readonly journey = $derived(this.playback.calm.journey);
  readonly leases = $derived(this.playback.calm.leases);
  readonly keys = $derived(this.playback.calm.keys);
  readonly isPast = $derived(this.playback.isPast);
  /** The time that pictures show: the past's, or the last batch's, moved on a little between batches. */
  readonly shownUs = $derived(this.isPast ? this.cluster.timeUs : this.#liveUs);
  readonly shownMoment = $derived(this.isPast ? this.playback.moment : (this.state?.moment ?? 0));
  /** The newest event's sentence, of those that are shown. */
  readonly sentence = $derived(this.isPast ? this.playback.sentence : this.#newest);
  readonly leader = $derived(leaderOf(this.cluster));
  readonly hint = $derived(hintFor(this.cluster, this.playback.shown.journey, this.playback.shown.past));
  readonly playing = $derived(this.state?.playing ?? false);

  /** Settles with the first state of an open lab; fails where the lab cannot be opened. */
  readonly ready: Promise<LabState>;

  #port: LabPort;
  /** Stops hearing from the port. */
  #leave: () => void;
  readonly #settleReady: Settle;
  readonly #clock = new SteadyClock();
  readonly #pace = new DrawPace();
  /** What was told since the last drawing. */
  #waiting: Told[] = [];
  #isStale = false;
  /** How many members the lab began with. */
  #firstCount = 0;
  #told: LabState | null = null;
  readonly #listeners = new Set<(batch: LabBatch) => void>();
  #isStopping = false;
  #toldMoment = -1;
  #unspoken: string | null = null;
  #spokenAtMs = Number.NEGATIVE_INFINITY;

  constructor(port: LabPort) {
    this.#port = port;
    let settle!: Settle;
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#settleReady = settle;
    this.#leave = port.subscribe((batch) => this.#receive(batch));
  }

  /**
   * Opens the lab; `phase` tells how it went.
   * @param begin what is done to it before it counts as open
   */
  async open(options: LabOptions, begin?: () => Promise<void>): Promise<void> {
    this.phase = { kind: 'starting' };
    this.#reset(options.members);
    const opened = await this.#port.open(options);
    if (!opened.ok) {
      this.phase = { kind: 'closed', code: opened.code, message: opened.message };
      // Another tab has the lab: a visitor may still take it over.
      if (opened.code !== 'locked') this.#settleReady.reject(new Error(`${opened.code}: ${opened.message}`));
      return;
    }
    this.#show(opened.state);
    if (begin !== undefined) {
      await this.#toldUpTo(opened.state.moment);
      await begin();
    }
    this.phase = { kind: 'open' };
    this.#settleReady.resolve(opened.state);
  }

  /**
   * Shows another lab in place of this one, which is closed. Listeners stay.
   * @param port of a lab that is open, and that nobody hears yet
   */
  async moveTo(port: LabPort, state: LabState): Promise<void> {
    const before = this.#port;
    this.#leave();
    this.#reset(state.members);
    this.#port = port;
    this.#leave = port.subscribe((batch) => this.#receive(batch));
    this.#show(state);
    await this.#toldUpTo(state.moment);
    this.phase = { kind: 'open' };
    this.#settleReady.resolve(state);
    await before.close();
  }

  act(command: unknown): Promise<Result<ActResult>> {
    return this.isPast ? Promise.resolve(inPast) : this.#port.act(command);
  }

  /** The state that was told last, drawn or not; null before any. */
  get newest(): LabState | null {
    return this.#told;
  }

  /** From the past, it plays on from now. */
  async play(): Promise<void> {
    this.#toNow();
    await this.#port.play();
    this.#show(await this.#port.state());
  }

  async pause(): Promise<void> {
    await this.#port.pause();
    this.#show(await this.#port.state());
  }

  /** Multiplies the adaptive pace; held between an eighth and eight times. */
  async setSpeed(factor: number): Promise<void> {
    this.speedFactor = Math.min(8, Math.max(1 / 8, factor));
    await this.#port.setSpeed(this.speedFactor);
  }

  /** Shows the run after so many steps; at the last one, the present. */
  goTo(step: number): Promise<void> {
    return this.#travel(() => this.playback.goTo(step));
  }

  /** Shows the run just after an input, as far as it is kept. */
  goToMoment(moment: number): Promise<void> {
    return this.#travel(() => this.playback.goToMoment(moment));
  }

  /** To the unit before or after the one that is shown, as far as the run went. */
  move(unit: StepUnit, direction: -1 | 1): Promise<void> {
    return this.#travel(() => this.playback.move(unit, direction));
  }

  /** To the election, commit, fault or expiry before or after what is shown. */
  moveToMark(direction: -1 | 1): Promise<void> {
    return this.#travel(() => this.playback.moveToMark(direction));
  }

  /** Pauses if need be, then runs until the next `count` inputs, messages or commits. */
  async step(unit: StepUnit, count: number): Promise<Result<{ moment: number }>> {
    this.#toNow();
    if (this.#told?.playing === true) await this.pause();
    return this.#drawn(await this.#port.step(unit, count));
  }

  /** Runs so much virtual time as fast as may be; by its answer the pictures have come so far. */
  async run(virtualUs: number): Promise<Result<{ moment: number }>> {
    this.#toNow();
    return this.#drawn(await this.#port.run(virtualUs));
  }

  async #drawn(ran: Result<{ moment: number }>): Promise<Result<{ moment: number }>> {
    if (ran.ok) await this.#toldUpTo(ran.moment);
    else this.#draw();
    return ran;
  }

  /** Asks a member what it holds now: there is no such answer while the past is shown. */
  inspect(query: Query): Promise<Result<{ answer: Answer }>> {
    return this.isPast ? Promise.resolve(inPast) : this.#port.inspect(query);
  }

  runFile(): Promise<RunFile> {
    return this.#port.runFile();
  }

  /** What the checkers have looked at; null where nobody checks. */
  checks(): Promise<ChecksReport | null> {
    return this.#port.checks();
  }

  /** After a violation: the run goes on, unchecked. */
  async goOn(): Promise<void> {
    this.#toNow();
    await this.#port.goOn();
    this.#show(await this.#port.state());
  }

  compareStore(): Promise<readonly string[]> {
    return this.#port.compareStore();
  }

  async deleteStored(): Promise<Result<object>> {
    const deleted = await this.#port.deleteStored();
    if (deleted.ok) this.phase = { kind: 'closed', code: 'deleted', message: '' };
    return deleted;
  }

  /** Events after input number `moment`, as far back as they are kept. */
  eventsSince(moment: number): readonly Told[] {
    this.#draw();
    return this.playback.eventsSince(moment);
  }

  /** Calls back with each batch as it comes, drawn or not; the answer ends it. */
  listen(receive: (batch: LabBatch) => void): () => void {
    this.#listeners.add(receive);
    return () => this.#listeners.delete(receive);
  }

  /** One frame of the screen, at `nowMs` of wall time: draws what was told, lets a waiting sentence out. */
  frame(nowMs: number): void {
    const isSteady = this.#told?.playing === true || this.#waiting.length < fewEvents;
    if (!this.#pace.isDue(nowMs, isSteady)) return;
    this.#liveUs = this.#clock.at(nowMs);
    this.#draw();
    this.playback.frame(nowMs);
    if (this.#unspoken === null || nowMs - this.#spokenAtMs < speechGapMs) return;
    this.spoken = this.#unspoken;
    this.#unspoken = null;
    this.#spokenAtMs = nowMs;
  }

  readonly nameOf = (member: number): string => nameIn(this.cluster, member);

  #reset(memberCount: number): void {
    this.playback.reset(memberCount);
    this.#firstCount = memberCount;
    this.#waiting = [];
    this.#told = null;
    this.#toldMoment = -1;
    this.#clock.reset();
  }

  /** Settles once the pictures have come so far: answers and events take different ways. */
  #toldUpTo(moment: number): Promise<void> {
    this.#draw();
    if (this.#toldMoment >= moment) return Promise.resolve();
    return new Promise((resolve) => {
      const end = this.listen(() => {
        if (this.#toldMoment < moment) return;
        end();
        this.#draw();
        resolve();
      });
    });
  }

  /** Moves the cursor; a cluster that plays stands still from now on. */
  async #travel(move: () => Promise<void>): Promise<void> {
    this.#draw();
    const moved = move();
    const stood = this.#standStill();
    await moved;
    if (this.isPast) {
      const { step, trail, sentence } = this.playback;
      this.#unspoken = m.step_of({ step, count: trail.stepCount, what: sentence });
    }
    await stood;
  }

  /** A cluster that plays while the past is shown stops; a batch from before the pause may tell otherwise. */
  async #standStill(): Promise<void> {
    if (!this.isPast || this.#told?.playing !== true || this.#isStopping) return;
    this.#isStopping = true;
    await this.pause().finally(() => (this.#isStopping = false));
  }

  #toNow(): void {
    this.#draw();
    this.playback.toNow();
  }

  #receive(batch: LabBatch): void {
    const { events, state } = batch;
    // A stored lab has as many members as when it was made.
    if (state.members > 0 && state.members !== this.#firstCount) this.#reset(state.members);
    for (const told of events) this.#waiting.push(told);
    this.#toldMoment = state.moment;
    this.#hear(state);
    if (!this.#pace.hasFrames) this.#draw();
    void this.#standStill();
    for (const receive of this.#listeners) receive(batch);
  }

  #hear(state: LabState): void {
    this.#isStale = true;
    // Answers and batches take different ways: a batch from before an answer does not undo it.
    if (this.#told !== null && state.moment < this.#told.moment) return;
    this.#told = state;
    this.#clock.set(state.timeUs, state.playing ? state.speed : 0);
  }

  #show(state: LabState): void {
    this.#hear(state);
    this.#draw();
  }

  /** Brings the views up to what was told; at rest all of them. */
  #draw(): void {
    if (!this.#isStale || this.#told === null) return;
    const [state, events] = [this.#told, this.#waiting];
    this.#isStale = false;
    this.#waiting = [];
    this.playback.append(events);
    if (!state.playing || !this.#pace.hasFrames) this.playback.settle();
    this.#tell(events, state.playing);
    this.state = state;
  }

  /** The newest sentence, and the newest spoken one: looked for from the end, since a batch may be long. */
  #tell(events: readonly Told[], playing: boolean): void {
    const arrived = playing ? null : this.cluster.arrived;
    let isNewest = true;
    for (let i = events.length - 1; i >= 0; i--) {
      const sentence = sentenceOf(events[i] as Told, this.nameOf, arrived);
      if (sentence === null) continue;
      if (isNewest) this.#newest = sentence.text;
      isNewest = false;
      if (!sentence.spoken) continue;
      this.#unspoken = sentence.text;
      return;
    }
  }
}
