/** The timelines of a run: which one the pictures show, and how another one is opened. */
import { m } from '../paraglide/messages.js';
import type { ActResult, Answer, LabPort, Place, Query, Result } from '../host/port.ts';
import type { Difference, Sought, TimelineId, TimelineInfo, TimePort } from '../host/time-port.ts';
import type { Told } from './told.ts';
import { Track } from './track.ts';

/** What timelines need of the lab that shows them. */
export interface TimelineStage {
  readonly track: Track;
  /** The input behind which the pictures stand. */
  readonly moment: number;
  /** Shows another track at its newest moment; the one that was shown stands still from then on. */
  enter(track: Track): Promise<void>;
  goToMoment(moment: number): Promise<void>;
  /** Shows the state that its lab is in now. */
  refresh(): Promise<void>;
}

/** How the past of a lab's run is reached. */
export type ConnectTime = (root: LabPort) => TimePort;

/** The host's way to hand a store over from one lab to another: see host/make-stored.ts. */
export type HandOver = (from: LabPort, to: LabPort) => Promise<Result<object>>;

/** Where two timelines part, and what is told of each from there on. */
export interface Parting extends Pick<Difference, 'moment' | 'timeUs'> {
  readonly a: readonly Told[];
  readonly b: readonly Told[];
}

/** Null: they are equal as far as both go. */
export type Compared = Result<{ parting: Parting | null }>;

/** How far it is looked on from where two part. */
const [fewInputs, fewEvents] = [100, 400] as const;

const place = { moment: 0, timeUs: 0, chainHash: '' };
const rootInfo: TimelineInfo = { id: 0, parent: null, name: '', fromMoment: 0, fromUs: 0, ...place };

const standsAlone = {
  ok: false,
  code: 'no timelines',
  message: 'Nobody here does this run again: its past can be looked at, and not gone on from.',
} as const;

export class Timelines {
  /** Which one the pictures show, and the commands go to. */
  shown = $state.raw<TimelineId>(0);
  /** What is being done, as a sentence; empty: nothing. */
  busy = $state.raw('');
  /** Why the last wish was not granted; empty: it was. */
  problem = $state.raw('');

  #infos = $state.raw<readonly TimelineInfo[]>([rootInfo]);
  readonly #stage: TimelineStage;
  #time: TimePort | null = null;
  #tracks = new Map<TimelineId, Track>();
  /** While a branch is being opened, whoever acts waits for it. */
  #opening: Promise<Result<object>> | null = null;
  /** One wish after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** How many commands each branch has been given in the past, and how many of them were refused. */
  #deeds = new Map<TimelineId, { readonly given: number; readonly refused: number }>();

  constructor(stage: TimelineStage) {
    this.#stage = stage;
  }

  /** The root first; alone while there are no branches. How far each has come is as it was drawn last. */
  get list(): readonly TimelineInfo[] {
    return this.#infos;
  }

  /** The lab that was opened. */
  get root(): Track {
    return this.#tracks.get(0) as Track;
  }

  /** Whose data are stored; null: nothing is. */
  get storedId(): TimelineId | null {
    const stored = this.#infos.find(({ id }) => this.#isStored(id));
    return stored?.id ?? null;
  }

  get storedTrack(): Track {
    return this.#tracks.get(this.storedId ?? 0) as Track;
  }

  /** Begins anew with a lab that stands alone. */
  async begin(root: Track, time: TimePort | null): Promise<void> {
    const before = this.#time;
    for (const [id, track] of this.#tracks) if (id !== 0) track.leave();
    this.#time = time;
    this.#tracks = new Map([[0, root]]);
    this.#deeds.clear();
    this.#infos = [rootInfo];
    this.shown = 0;
    this.problem = '';
    this.#fetchFor(0, root);
    await before?.close();
  }

  /** What was drawn of one: its lane grows. */
  note(track: Track, { moment, timeUs, chainHash }: Place): void {
    // alone it has no lane
    if (this.#infos.length === 1) return;
    for (const [id, one] of this.#tracks) if (one === track) this.#change(id, { moment, timeUs, chainHash });
  }

  /** Settles once no branch is being opened; with why the last one was not. */
  async settled(): Promise<Result<object>> {
    return this.#opening === null ? { ok: true } : this.#opening;
  }

  /**
   * Does a command where the pictures stand, in a branch that is opened there and shown; where the lab
   * refuses the command, the branch is given up again.
   * @param name what the branch is called, which is found out only where one is opened
   */
  async actInBranch(command: unknown, name: () => string): Promise<Result<ActResult>> {
    const { shown: parent } = this;
    const { moment } = this.#stage;
    const opened = await this.branch(name);
    if (!opened.ok) return opened;
    const { shown: id } = this;
    this.#count(id, { given: 1, refused: 0 });
    const done = await this.#stage.track.port.act(command);
    if (done.ok) return done;
    this.#count(id, { given: 0, refused: 1 });
    if (this.#isUntouched(id)) {
      await this.end(id);
      if (this.shown === parent) await this.#stage.goToMoment(moment);
    }
    return done;
  }

  /** Opens a branch where the pictures stand, and shows it; answers why there is none. */
  async branch(name: () => string): Promise<Result<object>> {
    this.#opening ??= this.#during(m.tl_opening(), () => this.#open(name())).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** As LabPort.inspect, at a moment of the one that is shown. */
  async inspect(moment: number, query: Query): Promise<Result<{ answer: Answer }>> {
    return (await this.#time?.inspect(this.shown, moment, query)) ?? standsAlone;
  }

  /** Does a timeline again up to a moment, and answers its chain hash there. */
  async seek(id: TimelineId, moment: number): Promise<Result<Sought>> {
    return (await this.#time?.seek(id, moment)) ?? standsAlone;
  }

  /** Goes to a timeline, at its newest moment. */
  async show(id: TimelineId): Promise<void> {
    await this.#during('', async () => {
      const track = this.#tracks.get(id);
      if (track !== undefined && id !== this.shown) await this.#enter(id, track);
      return { ok: true };
    });
  }

  rename(id: TimelineId, name: string): Promise<Result<object>> {
    return this.#during('', async () => {
      const renamed = (await this.#time?.rename(id, name)) ?? standsAlone;
      if (renamed.ok) this.#change(id, { name: name.trim() });
      return renamed;
    });
  }

  /** Lets a branch go; where it is shown, what it parted from is shown instead, where it did. */
  end(id: TimelineId): Promise<Result<object>> {
    return this.#during('', async () => {
      const info = this.#infos.find((one) => one.id === id);
      if (this.#isStored(id)) return { ok: false, code: 'stored', message: m.tl_end_why_stored() };
      const ended = (await this.#time?.end(id)) ?? standsAlone;
      if (!ended.ok || info === undefined || info.parent === null) return ended;
      const [parent, gone] = [this.#tracks.get(info.parent), this.#tracks.get(id)];
      if (id === this.shown && parent !== undefined) {
        await this.#enter(info.parent, parent);
        await this.#stage.goToMoment(info.fromMoment);
      }
      gone?.leave();
      this.#tracks.delete(id);
      this.#deeds.delete(id);
      this.#infos = this.#infos.filter((one) => one.id !== id);
      return ended;
    });
  }

  /** Stores this one in place of the one that is; where it is refused, all stays as it is. */
  makeStored(id: TimelineId, handOver: HandOver): Promise<Result<object>> {
    return this.#during(m.tl_storing(), async () => {
      const to = this.#tracks.get(id);
      if (this.storedId === null || to === undefined)
        return { ok: false, code: 'not stored', message: m.tl_store_why_memory() };
      const from = this.storedTrack;
      const stored = await handOver(from.port, to.port);
      for (const track of [from, to]) track.hear(await track.port.state());
      await this.#stage.refresh();
      this.#infos = [...this.#infos];
      return stored;
    });
  }

  /** Where two of them part. */
  async compare(a: TimelineId, b: TimelineId): Promise<Compared> {
    const compared = (await this.#time?.compare(a, b)) ?? standsAlone;
    if (!compared.ok || compared.difference === null)
      return compared.ok ? { ok: true, parting: null } : compared;
    const { moment, timeUs } = compared.difference;
    const [left, right] = [await this.#toldFrom(a, moment), await this.#toldFrom(b, moment)];
    return { ok: true, parting: { moment, timeUs, a: left, b: right } };
  }

  /** What is told of a timeline from an input on, as much as says how it goes on. */
  async #toldFrom(id: TimelineId, moment: number): Promise<readonly Told[]> {
    const window = await this.#time?.window(id, moment - 1, moment + fewInputs, fewEvents);
    // one that has not come so far has nothing to tell
    return window?.ok === true ? window.events : [];
  }

  async #open(name: string): Promise<Result<object>> {
    const { track, moment } = this.#stage;
    const parent = this.shown;
    if (this.#time === null) return standsAlone;
    const opened = await this.#time.branch(parent, moment, name);
    if (!opened.ok) return opened;
    const { timeline, port } = opened;
    const playback = await track.playback.branchAt(timeline.fromMoment);
    if (playback === null) {
      await this.#time.end(timeline.id);
      return { ok: false, code: 'no past', message: m.past_gone() };
    }
    const branch = new Track(port, playback);
    this.#tracks.set(timeline.id, branch);
    this.#fetchFor(timeline.id, branch);
    await this.#enter(timeline.id, branch);
    this.#infos = [...this.#infos, timeline];
    this.note(track, track.told ?? timeline);
    return { ok: true };
  }

  async #enter(id: TimelineId, track: Track): Promise<void> {
    const { track: left } = this.#stage;
    await this.#stage.enter(track);
    this.shown = id;
    if (left.told !== null) this.note(left, left.told);
  }

  #isStored(id: TimelineId): boolean {
    const told = this.#tracks.get(id)?.told ?? null;
    return told !== null && told.storage !== 'memory';
  }

  #count(id: TimelineId, more: { readonly given: number; readonly refused: number }): void {
    const { given, refused } = this.#deeds.get(id) ?? { given: 0, refused: 0 };
    this.#deeds.set(id, { given: given + more.given, refused: refused + more.refused });
  }

  /** Whether nothing has come of a branch yet: what is refused may be an input all the same. */
  #isUntouched(id: TimelineId): boolean {
    const info = this.#infos.find((one) => one.id === id);
    const { given, refused } = this.#deeds.get(id) ?? { given: 0, refused: 0 };
    const moment = this.#tracks.get(id)?.told?.moment ?? 0;
    return info !== undefined && given === refused && moment <= info.fromMoment + refused;
  }

  #fetchFor(id: TimelineId, { playback }: Track): void {
    const time = this.#time;
    playback.fetchBy(time === null ? null : (from, to, limit) => time.window(id, from, to, limit));
  }

  #change(id: TimelineId, changes: Partial<TimelineInfo>): void {
    this.#infos = this.#infos.map((info) => (info.id === id ? { ...info, ...changes } : info));
  }

  #during(words: string, work: () => Promise<Result<object>>): Promise<Result<object>> {
    const done = this.#last.then(async () => {
      this.busy = words;
      this.problem = '';
      const result = await work().finally(() => (this.busy = ''));
      if (!result.ok) this.problem = result.message;
      return result;
    });
    this.#last = done.catch(() => {});
    return done;
  }
}
