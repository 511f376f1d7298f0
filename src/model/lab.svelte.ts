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
import { timelineNameOf } from './timeline-name.ts';
import { Timelines, type ConnectTime } from './timelines.svelte.ts';
import type { Told } from './told.ts';
import { Track } from './track.ts';

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

/**
 * The only writer of view state: each view is a fold of the events since the run's start, up to the moment
 * that is shown. While the past is shown, the cluster stands still; what is done there is done in a timeline
 * of its own, which is then shown.
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

  /** The run that is shown. */
  #track: Track;
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

  readonly timelines: Timelines;
  readonly #connectTime: ConnectTime | null;
  readonly #settleReady: Settle;
  readonly #clock = new SteadyClock();
  readonly #pace = new DrawPace();
  readonly #listeners = new Set<(batch: LabBatch) => void>();
  #isStopping = false;
  #unspoken: string | null = null;
  #spokenAtMs = Number.NEGATIVE_INFINITY;

  /** @param connectTime how the past is reached beyond what is kept, and gone on from; null: it is not */
  constructor(port: LabPort, connectTime: ConnectTime | null = null) {
    let settle!: Settle;
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#settleReady = settle;
    this.#connectTime = connectTime;
    this.timelines = new Timelines(this);
    this.#track = $state.raw(new Track(port, new Playback()));
    this.#begin(this.#track, 3);
  }

  /** Which moment of the run is shown, and the pictures of it. */
  get playback(): Playback {
    return this.#track.playback;
  }

  /** What is shown: for its timelines. */
  get track(): Track {
    return this.#track;
  }

  /** What answers of members are of: the timeline that is shown, and its moment where that is past. */
  get place(): string {
    return `${this.timelines.shown} ${this.isPast ? this.shownMoment : 'now'}`;
  }

  get moment(): number {
    return this.shownMoment;
  }

  /**
   * Opens the lab; `phase` tells how it went.
   * @param begin what is done to it before it counts as open
   */
  async open(options: LabOptions, begin?: () => Promise<void>): Promise<void> {
    this.phase = { kind: 'starting' };
    this.#reset(options.members);
    const opened = await this.#track.port.open(options);
    if (!opened.ok) {
      this.phase = { kind: 'closed', code: opened.code, message: opened.message };
      // Another tab has the lab: a visitor may still take it over.
      if (opened.code !== 'locked') this.#settleReady.reject(new Error(`${opened.code}: ${opened.message}`));
      return;
    }
    this.#show(opened.state);
    if (begin !== undefined) {
      await this.#drawnUpTo(opened.state.moment);
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
    const before = this.timelines.root;
    before.leave();
    this.#begin(new Track(port, new Playback()), state.members);
    this.#show(state);
    await this.#drawnUpTo(state.moment);
    this.phase = { kind: 'open' };
    this.#settleReady.resolve(state);
    await before.port.close();
  }

  /**
   * In the past, in a timeline that is opened there and shown; where the lab refuses the command, that one is
   * given up again.
   */
  act(command: unknown): Promise<Result<ActResult>> {
    if (!this.isPast) return this.#track.port.act(command);
    const { messages } = this.cluster;
    return this.timelines.actInBranch(command, () => timelineNameOf(command, messages, this.nameOf));
  }

  /** Shows another timeline, at its newest moment; the one that was shown stands still. */
  async enter(track: Track): Promise<void> {
    if (this.#track.told?.playing === true) await this.pause();
    const isNew = track.told === null;
    await track.port.setSpeed(this.speedFactor);
    const state = await track.port.state();
    this.#track.sentence = this.#newest;
    if (isNew) track.firstCount = state.members;
    this.#track = track;
    this.#clock.reset();
    this.#newest = track.sentence;
    this.#unspoken = null;
    if (isNew) track.listen((from, batch) => this.#receive(from, batch));
    this.#toNow();
    this.#show(state);
  }

  /** The state that was told last, drawn or not; null before any. */
  get newest(): LabState | null {
    return this.#track.told;
  }

  /** From the past, it plays on from now. */
  async play(): Promise<void> {
    await this.timelines.settled();
    this.#toNow();
    await this.#tell((port) => port.play());
  }

  pause(): Promise<void> {
    return this.#tell((port) => port.pause());
  }

  refresh(): Promise<void> {
    return this.#tell(() => Promise.resolve());
  }

  /** Multiplies the adaptive pace; held between an eighth and eight times. */
  async setSpeed(factor: number): Promise<void> {
    this.speedFactor = Math.min(8, Math.max(1 / 8, factor));
    await this.#track.port.setSpeed(this.speedFactor);
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
    const settled = await this.timelines.settled();
    if (!settled.ok) return settled;
    this.#toNow();
    if (this.#track.told?.playing === true) await this.pause();
    return this.#drawn(this.#track.port.step(unit, count));
  }

  /** Runs so much virtual time as fast as may be; by its answer the pictures have come so far. */
  async run(virtualUs: number): Promise<Result<{ moment: number }>> {
    const settled = await this.timelines.settled();
    if (!settled.ok) return settled;
    this.#toNow();
    return this.#drawn(this.#track.port.run(virtualUs));
  }

  async #drawn(run: Promise<Result<{ moment: number }>>): Promise<Result<{ moment: number }>> {
    const track = this.#track;
    const ran = await run;
    if (ran.ok) await track.toldUpTo(ran.moment);
    this.#draw();
    return ran;
  }

  async #drawnUpTo(moment: number): Promise<void> {
    await this.#track.toldUpTo(moment);
    this.#draw();
  }

  /** Asks a member what it holds at the moment that is shown. */
  inspect(query: Query): Promise<Result<{ answer: Answer }>> {
    if (this.isPast) return this.timelines.inspect(this.shownMoment, query);
    return this.#track.port.inspect(query);
  }

  runFile(): Promise<RunFile> {
    return this.#track.port.runFile();
  }

  /** What the checkers have looked at; null where nobody checks. */
  checks(): Promise<ChecksReport | null> {
    return this.#track.port.checks();
  }

  /** After a violation: the run goes on, unchecked. */
  async goOn(): Promise<void> {
    this.#toNow();
    await this.#tell((port) => port.goOn());
  }

  /** Terminates the worker of the lab that the page began with; false where it has none. */
  endWorker(): boolean {
    const { port } = this.timelines.root;
    port.endWorker?.();
    return port.endWorker !== undefined;
  }

  compareStore(): Promise<readonly string[]> {
    return this.#track.port.compareStore();
  }

  /** Whichever timeline is shown. */
  async deleteStored(): Promise<Result<object>> {
    const deleted = await this.timelines.storedTrack.port.deleteStored();
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
    const isSteady = this.#track.told?.playing === true || this.#track.waiting.length < fewEvents;
    if (!this.#pace.isDue(nowMs, isSteady)) return;
    this.#liveUs = this.#clock.at(nowMs);
    this.#draw();
    this.playback.frame(nowMs);
    if (this.#unspoken === null || nowMs - this.#spokenAtMs < speechGapMs) return;
    this.spoken = this.#unspoken;
    this.#unspoken = null;
    this.#spokenAtMs = nowMs;
  }

  /** Tells the lab that is shown to do something, and shows what state it is in then. */
  async #tell(wish: (port: LabPort) => Promise<void>): Promise<void> {
    const track = this.#track;
    await wish(track.port);
    const state = await track.port.state();
    if (track === this.#track) this.#show(state);
    else track.hear(state);
  }

  readonly nameOf = (member: number): string => nameIn(this.cluster, member);

  /** Begins with a lab of its own, whose history is the first. */
  #begin(track: Track, memberCount: number): void {
    this.#track = track;
    this.#reset(memberCount);
    track.listen((from, batch) => this.#receive(from, batch));
    void this.timelines.begin(track, this.#connectTime?.(track.port) ?? null);
  }

  #reset(memberCount: number): void {
    this.#track.reset(memberCount);
    this.#clock.reset();
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
    if (!this.isPast || this.#track.told?.playing !== true || this.#isStopping) return;
    this.#isStopping = true;
    await this.pause().finally(() => (this.#isStopping = false));
  }

  #toNow(): void {
    this.#draw();
    this.playback.toNow();
  }

  #receive(track: Track, batch: LabBatch): void {
    track.take(batch);
    // of a timeline that is not shown, pictures are drawn once it is
    if (track !== this.#track) return;
    this.#hear(batch.state);
    if (!this.#pace.hasFrames) this.#draw();
    void this.#standStill();
    for (const receive of this.#listeners) receive(batch);
  }

  #hear(state: LabState): void {
    this.#track.hear(state);
    const { timeUs, playing, speed } = this.#track.told ?? state;
    this.#clock.set(timeUs, playing ? speed : 0);
  }

  #show(state: LabState): void {
    this.#hear(state);
    this.#draw();
  }

  /** Brings the views up to what was told; at rest all of them. */
  #draw(): void {
    const { told: state, waiting: events, isStale, playback } = this.#track;
    if (!isStale || state === null) return;
    this.#track.isStale = false;
    this.#track.waiting = [];
    playback.append(events);
    if (!state.playing || !this.#pace.hasFrames) playback.settle();
    this.#say(events, state.playing);
    this.state = state;
    this.timelines.note(this.#track, state);
  }

  /** The newest sentence, and the newest spoken one: looked for from the end, since a batch may be long. */
  #say(events: readonly Told[], playing: boolean): void {
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
