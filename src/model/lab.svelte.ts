/** The lab as the page holds it: commands go out through a LabPort, batches come in and become views. */
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
import { emptyCluster, foldCluster, leaderOf, type ClusterView } from './cluster-view.ts';
import { foldPast, hintFor, noPast, type Past } from './guide.ts';
import { emptyJourney, foldJourney, type Journey } from './journey.ts';
import { emptyLogs, foldLogs, type LogView } from './log-view.ts';
import { emptyPageMaps, foldPageMaps, type PageMaps } from './page-map.ts';
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

/** How many events are kept for `events(since)`. */
const keptEvents = 20_000;
/** At most one spoken sentence in this time: a screen reader needs to finish. */
const speechGapMs = 1_800;

/** The only writer of view state: each view is a fold of the events since the run's start. */
export class Lab {
  phase = $state.raw<Phase>({ kind: 'starting' });
  state = $state.raw<LabState | null>(null);
  cluster = $state.raw<ClusterView>(emptyCluster(3));
  logs = $state.raw<LogView>(emptyLogs(3));
  pages = $state.raw<PageMaps>(emptyPageMaps(3));
  journey = $state.raw<Journey>(emptyJourney(3));
  past = $state.raw<Past>(noPast);
  /** The virtual time that pictures show: the last batch's, moved on a little between batches. */
  shownUs = $state(0);
  /** The newest event's sentence. */
  sentence = $state.raw('');
  /** The sentence for the live region: newest of the important ones, rate-limited. */
  spoken = $state.raw('');
  speedFactor = $state(1);

  readonly leader = $derived(leaderOf(this.cluster));
  readonly hint = $derived(hintFor(this.cluster, this.journey, this.past));
  readonly playing = $derived(this.state?.playing ?? false);

  /** Settles with the first state of an open lab; fails where the lab cannot be opened. */
  readonly ready: Promise<LabState>;

  readonly #port: LabPort;
  readonly #settleReady: Settle;
  readonly #clock = new SteadyClock();
  readonly #listeners = new Set<(batch: LabBatch) => void>();
  #events: Told[] = [];
  #unspoken: string | null = null;
  #spokenAtMs = Number.NEGATIVE_INFINITY;

  constructor(port: LabPort) {
    this.#port = port;
    let settle!: Settle;
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#settleReady = settle;
    port.subscribe((batch) => this.#receive(batch));
  }

  /** Opens the lab; `phase` tells how it went. */
  async open(options: LabOptions): Promise<void> {
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
    this.phase = { kind: 'open' };
    this.#settleReady.resolve(opened.state);
  }

  act(command: unknown): Promise<Result<ActResult>> {
    return this.#port.act(command);
  }

  async play(): Promise<void> {
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

  /** Pauses if need be, then runs until the next `count` inputs, messages or commits. */
  async step(unit: StepUnit, count: number): Promise<Result<{ moment: number }>> {
    if (this.playing) await this.pause();
    return this.#port.step(unit, count);
  }

  run(virtualUs: number): Promise<Result<{ moment: number }>> {
    return this.#port.run(virtualUs);
  }

  inspect(query: Query): Promise<Result<{ answer: Answer }>> {
    return this.#port.inspect(query);
  }

  runFile(): Promise<RunFile> {
    return this.#port.runFile();
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
    return this.#events.filter(({ at }) => at.moment > moment);
  }

  /** Calls back with each batch after its views are drawn; the answer ends it. */
  listen(receive: (batch: LabBatch) => void): () => void {
    this.#listeners.add(receive);
    return () => this.#listeners.delete(receive);
  }

  /** One frame of the screen, at `nowMs` of wall time: moves the shown time, lets a waiting sentence out. */
  frame(nowMs: number): void {
    this.shownUs = this.#clock.at(nowMs);
    if (this.#unspoken === null || nowMs - this.#spokenAtMs < speechGapMs) return;
    this.spoken = this.#unspoken;
    this.#unspoken = null;
    this.#spokenAtMs = nowMs;
  }

  readonly nameOf = (member: number): string => this.cluster.members[member - 1]?.name ?? `m${member}`;

  #reset(memberCount: number): void {
    this.cluster = emptyCluster(memberCount);
    this.logs = emptyLogs(memberCount);
    this.pages = emptyPageMaps(memberCount);
    this.journey = emptyJourney(memberCount);
    this.past = noPast;
    this.#events = [];
    this.#clock.reset();
  }

  #receive(batch: LabBatch): void {
    const { events } = batch;
    const { members } = batch.state;
    // A stored lab has as many members as when it was made.
    if (members > 0 && members !== this.cluster.members.length) this.#reset(members);
    this.cluster = foldCluster(this.cluster, events);
    this.logs = foldLogs(this.logs, events);
    this.pages = foldPageMaps(this.pages, events);
    this.journey = foldJourney(this.journey, events);
    this.past = foldPast(this.past, events);
    this.#tell(events);
    this.#keep(events);
    this.#show(batch.state);
    for (const receive of this.#listeners) receive(batch);
  }

  #show(state: LabState): void {
    this.state = state;
    this.#clock.set(state.timeUs, state.playing ? state.speed : 0);
  }

  /** The newest sentence, and the newest spoken one: looked for from the end, since a batch may be long. */
  #tell(events: readonly Told[]): void {
    let isNewest = true;
    for (let i = events.length - 1; i >= 0; i--) {
      const sentence = sentenceOf(events[i] as Told, this.nameOf);
      if (sentence === null) continue;
      if (isNewest) this.sentence = sentence.text;
      isNewest = false;
      if (!sentence.spoken) continue;
      this.#unspoken = sentence.text;
      return;
    }
  }

  #keep(events: readonly Told[]): void {
    for (const told of events) this.#events.push(told);
    if (this.#events.length > 2 * keptEvents) this.#events = this.#events.slice(-keptEvents);
  }
}
