/**
 * The past of a run in one thread: it follows the run by doing its inputs again, keeps keyframes on the way,
 * and answers for any moment since. Calls let each other in: none works for longer than a slice at a time.
 */
import { Member } from '../engine/server/member.ts';
import type { RunningWorld } from '../sim/keyframes.ts';
import { usualLimits } from '../sim/keyframes.ts';
import { cutAnswer, isCutQuery } from './cut-answer.ts';
import { nearBytesOf } from '../sim/near-past.ts';
import { labOfWorld } from './branch-lab.ts';
import { asError } from './crash.ts';
import { firstDifference } from './first-difference.ts';
import type { News } from './follower.ts';
import { Follower } from './follower.ts';
import type { Lab } from './lab.ts';
import type { LabMessage } from './lab-message.ts';
import { answerQuery } from './member-host.ts';
import { pack, PastEvents } from './past-events.ts';
import type { Answer, Genesis, Query, Result } from './port.ts';
import type { Difference, Sought, TimelineId, TimelineInfo, TimeMemory, Told } from './time-port.ts';
import { largestWindow, pastBytes } from './time-port.ts';
import type { Timeline } from './timeline.ts';
import { mostBranches, Timelines } from './timelines.ts';
import type { TraceChunk } from './trace-codec.ts';
import { Visits } from './visits.ts';
import type { WallClock } from './wall-clock.ts';

export interface TimeParts {
  readonly genesis: Genesis;
  /** The lab is a guest in another page: its past takes less. */
  readonly embedded: boolean;
  readonly clock: WallClock;
  /** For branches that are stored. */
  readonly locks: LockManager | undefined;
}

/** What a branch is opened with. */
export interface BranchAsked {
  readonly parent: TimelineId;
  readonly moment: number;
  readonly name: string;
  /** Whether checkers watch it. */
  readonly checks: boolean;
  /** Takes what its lab tells. */
  readonly send: (message: LabMessage) => void;
}

/** A window whose events are still packed. */
export interface PackedWindow {
  readonly chunk: TraceChunk | null;
  readonly toMoment: number;
}

type Refusal = { readonly ok: false; readonly code: string; readonly message: string };
const refused = (code: string, message: string): Refusal => ({ ok: false, code, message });

/** An answer that is no value: whoever waits for it gets it as it is. */
class RefusedError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

const refuse = (code: string, message: string): never => {
  throw new RefusedError(refused(code, message));
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export class TimeTravel {
  readonly #clock: WallClock;
  readonly #parts: TimeParts;
  readonly #timelines: Timelines;
  readonly #follower: Follower;
  readonly #visits: Visits;
  #problem: string | null = null;

  constructor(parts: TimeParts) {
    const { genesis, embedded, clock } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#timelines = new Timelines({ ...usualLimits, bytes: pastBytes(embedded) }, genesis.startUs);
    this.#visits = new Visits(nearBytesOf(pastBytes(embedded)));
    this.#follower = new Follower(genesis, this.#timelines.root, clock);
  }

  /** Takes what the root's lab has told since the last time. */
  follow(news: News): void {
    this.#follower.follow(news);
  }

  seek(id: TimelineId, moment: number): Promise<Result<Sought>> {
    const fromMs = this.#clock.nowMs();
    return this.#answer(async () => {
      const { owner } = (await this.#at(id, moment)).stretchAt(moment);
      return this.#visits.to(owner, moment, ({ cluster }) => {
        const { moment: reached, nowUs: timeUs, chainHash } = cluster;
        const noted = owner.hashes.at(reached);
        const proven = noted === null ? null : noted === chainHash;
        if (proven === false) this.#mistrust(reached, chainHash, noted);
        return { moment: reached, timeUs, chainHash, proven, tookMs: this.#clock.nowMs() - fromMs };
      });
    });
  }

  window(id: TimelineId, fromMoment: number, toMoment: number, limit: number): Promise<Result<PackedWindow>> {
    return this.#answer(async () => {
      if (!isCount(toMoment)) badMoment(toMoment);
      if (!isCount(limit) || limit === 0) refuse('bad limit', 'A window takes one event or more.');
      const timeline = await this.#at(id, fromMoment);
      const end = Math.min(toMoment, timeline.place.moment);
      await this.#reached(timeline, end);
      const most = Math.min(limit, largestWindow);
      let [told, at]: [Told[], number] = [[], fromMoment];
      while (at < end && told.length <= most) {
        const { owner, upTo } = timeline.stretchAt(at + 1);
        const to = Math.min(end, upTo);
        const heard = new PastEvents(at, to);
        at = await this.#visits.hear(owner, at, to, heard, most - told.length);
        told = [...told, ...heard.take()];
      }
      const whole = wholeMoments(told, most, at);
      return { chunk: pack(whole.told), toMoment: whole.toMoment };
    });
  }

  inspect(id: TimelineId, moment: number, query: Query): Promise<Result<{ answer: Answer }>> {
    return this.#answer(async () => {
      if (!isQuery(query)) return refuse('bad query', 'That is no question about a member.');
      const { owner } = (await this.#at(id, moment)).stretchAt(moment);
      const answer = await this.#visits.to(owner, moment, (world) => answerOf(world, query));
      return {
        answer: answer ?? refuse('not there', `m${query.member} does not run, or has no such thing.`),
      };
    });
  }

  rename(id: TimelineId, name: string): Promise<Result<object>> {
    return this.#answer(async () => {
      const timeline = this.#timeline(id);
      timeline.name = checkedName(name);
      return {};
    });
  }

  /** Opens a branch behind a moment; whoever holds it drives its lab. */
  branch(asked: BranchAsked): Promise<Result<{ timeline: TimelineInfo; lab: Lab }>> {
    return this.#answer(async () => {
      const { parent: id, moment, checks, send } = asked;
      const name = checkedName(asked.name);
      const { owner: parent } = (await this.#at(id, moment)).stretchAt(moment);
      const { genesis, clock, locks } = this.#parts;
      const branched = await this.#visits.to(parent, moment, (at) => {
        if (this.#timelines.isFull)
          return refuse('too many', `There are ${mostBranches} branches already: end one of them first.`);
        return this.#timelines.branch({ parent, at, name }, (world, recorder) =>
          labOfWorld({ clock, locks, send }, { world, genesis, checks, recorder }),
        );
      });
      return { timeline: branched.timeline.info, lab: branched.lab };
    });
  }

  end(id: TimelineId): Promise<Result<object>> {
    return this.#answer(async () => {
      const timeline = this.#timeline(id);
      if (timeline.parent === null) refuse('the root', 'The run itself is not a branch: it stays.');
      if (this.#timelines.hasBranches(timeline))
        refuse('has branches', 'It has branches of its own: end those first.');
      this.#visits.forget(timeline);
      await this.#timelines.end(timeline);
      return {};
    });
  }

  compare(a: TimelineId, b: TimelineId): Promise<Result<{ difference: Difference | null }>> {
    return this.#answer(async () => {
      const [left, right] = [this.#timeline(a), this.#timeline(b)];
      const { root } = this.#timelines;
      await this.#reached(root, root.place.moment);
      return { difference: await firstDifference(left, right, this.#visits) };
    });
  }

  timelines(): readonly TimelineInfo[] {
    return this.#timelines.all.map(({ info }) => info);
  }

  memory(): TimeMemory {
    const { all, limitBytes: limit } = this.#timelines;
    return {
      bytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, this.#visits.sizeBytes),
      limit,
      keyframes: all.reduce((sum, { past }) => sum + past.moments.length, 0),
      moment: this.#follower.moment,
      problem: this.#follower.problem ?? this.#problem,
    };
  }

  close(): void {
    this.#follower.close();
    void this.#timelines.close();
  }

  #timeline(id: TimelineId): Timeline {
    return this.#timelines.get(id) ?? refuse('no timeline', `There is no timeline ${shown(id)}.`);
  }

  /** A copy has gone another way than its run: nothing here can be believed from now on. */
  #mistrust(moment: number, chainHash: string, noted: string | null): never {
    const differs = `its chain hash is ${chainHash}, the run's was ${noted ?? 'not noted'}`;
    this.#problem = `Moment ${moment}, done again, is another one: ${differs}.`;
    return refuse('internal', this.#problem);
  }

  /** The timeline, once it can be asked for that moment. */
  async #at(id: TimelineId, moment: number): Promise<Timeline> {
    const timeline = this.#timeline(id);
    if (!isCount(moment)) badMoment(moment);
    const { place } = timeline;
    if (moment > place.moment)
      refuse('too late', `The run has come to moment ${place.moment}, not to ${moment}.`);
    await this.#reached(timeline, moment);
    return timeline;
  }

  /** The follower, too, has come so far. */
  async #reached(timeline: Timeline, moment: number): Promise<void> {
    if (timeline.stretchAt(moment).owner === this.#timelines.root) await this.#follower.reach(moment);
    const problem = this.#follower.problem ?? this.#problem;
    if (problem !== null) refuse('internal', problem);
  }

  async #answer<Value extends object>(work: () => Promise<Value>): Promise<Result<Value>> {
    try {
      return { ok: true, ...(await work()) };
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal;
      const { name, message } = asError(error);
      return refused('internal', `${name}: ${message}`);
    }
  }
}

function checkedName(name: unknown): string {
  const isName = typeof name === 'string' && name.trim() !== '' && name.length <= 200;
  return isName ? name.trim() : refuse('bad name', 'A name has 1 to 200 characters.');
}

const badMoment = (moment: unknown): never =>
  refuse('bad moment', `A moment is a whole number from 0, not ${shown(moment)}.`);

const shown = (value: unknown): string => (typeof value === 'number' ? String(value) : 'this');

/** As many whole moments as so many events allow, but the first in any case. */
function wholeMoments(told: readonly Told[], most: number, end: number): { told: Told[]; toMoment: number } {
  if (told.length <= most) return { told: [...told], toMoment: end };
  const first = told[0].at.moment;
  const cut = Math.max(first + 1, told[most].at.moment);
  return { told: told.filter(({ at }) => at.moment < cut), toMoment: cut - 1 };
}

function isQuery(query: unknown): query is Query {
  if (typeof query !== 'object' || query === null) return false;
  const { kind, member, from, limit, pgid } = query as Readonly<Record<string, unknown>>;
  if (!isCount(member)) return false;
  if (kind === 'log') return isCount(from) && isCount(limit);
  if (kind === 'page') return isCount(pgid);
  if (kind === 'powerCut') return isCutQuery(query);
  return kind === 'pages' || kind === 'raft';
}

function answerOf({ members, cluster }: RunningWorld, query: Query): Answer | null {
  if (query.kind === 'powerCut') {
    const cut = cutAnswer(cluster, query);
    return cut.ok ? cut.answer : null;
  }
  const member = members.get(query.member);
  return member instanceof Member ? answerQuery(member, query) : null;
}
