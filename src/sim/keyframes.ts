/** A run's past: copies of its world at some moments, from which any moment is done again. */
import { assert, fail } from '../base/assert.ts';
import { fork, measuredFork, sharedByForks } from '../base/fork.ts';
import { KeptParts } from '../base/kept-parts.ts';
import type { Below } from '../base/fork.ts';
import type { Cluster } from './cluster.ts';
import type { Members } from './run.ts';
import type { Intervention, LabTrace } from './types.ts';

/** A cluster and its members' processes. A copy tells its events to whoever hears the first world's. */
export interface RunningWorld {
  readonly cluster: Cluster;
  readonly members: Members;
}

/** Hears nothing, so that no event is made. */
export const unheard: LabTrace = sharedByForks({ on: false, emit: () => {} });

/**
 * From now on this trace hears what the world does, and nobody else does. The world goes on to the same chain
 * hashes, whoever hears it.
 */
export function hearBy({ cluster, members }: RunningWorld, trace: LabTrace): void {
  cluster.hearBy(trace);
  members.listen(trace.on);
}

/** Where a run was: a moment between two plans, with the proof. */
export interface Passed {
  readonly moment: number;
  readonly timeUs: number;
  readonly chainHash: string;
}

/** A world on its way to a moment: a part of the way at a time, so that whoever seeks stays answerable. */
export class Seek {
  /** The copy that goes; it is where it was sought once `isDone`. */
  readonly world: RunningWorld;
  private readonly moment: number;
  private readonly interventions: readonly Intervention[];

  constructor(world: RunningWorld, moment: number, interventions: readonly Intervention[]) {
    this.world = world;
    this.moment = moment;
    this.interventions = interventions;
  }

  get isDone(): boolean {
    return this.left === 0;
  }

  /** Inputs until the moment. */
  get left(): number {
    return Math.max(0, this.moment - this.world.cluster.moment);
  }

  /**
   * Does so many inputs at least, or what is left; the actions of the run where they were.
   * @returns whether the world is where it was sought: at the first end of a plan at or past the moment
   */
  run(inputs: number): boolean {
    const { cluster, members } = this.world;
    const until = Math.min(this.moment, cluster.moment + inputs);
    while (cluster.moment < until) {
      for (let i = cluster.interventions.length; this.interventions[i]?.moment === cluster.moment; i++)
        cluster.act(this.interventions[i].action);
      const plan = cluster.plan() ?? fail('past: the run ends before the moment');
      cluster.merge(plan, members.perform(plan));
      cluster.takeStoreCommits();
      cluster.takeOutcomes();
    }
    return this.isDone;
  }
}

export interface PastLimits {
  /** How much all keyframes together may take: an estimate, as `measuredFork` makes it. */
  readonly bytes: number;
  /** Between two keyframes lie so many inputs at least. */
  readonly everyInputs: number;
}

interface Keyframe extends Passed {
  readonly world: RunningWorld;
  readonly ownBytes: number;
  readonly shared: readonly Below[];
}

/** A place in a keyframe's list of the buffers that it shares. */
const placeBytes = 8;

/** 128 MB, or 48 MB where the lab is a guest in another page. */
export const usualLimits: PastLimits = { bytes: 128 * 1024 * 1024, everyInputs: 500 };
export const guestLimits: PastLimits = { ...usualLimits, bytes: 48 * 1024 * 1024 };

/**
 * The first moment is kept for good. Where the rest takes too much, the keyframe goes whose absence is felt
 * least: the newest lie close together, older ones further apart, but a gap grows with its age only up to a
 * bound, so that the run's begin is not far from keyframes either.
 */
export class Past {
  private limits: PastLimits;
  private readonly keyframes: Keyframe[] = [];
  private readonly parts = new KeptParts();
  private interventions: readonly Intervention[] = [];
  private newest = -1;
  private ownBytes = 0;

  constructor(limits: PastLimits) {
    assert(limits.everyInputs > 0, 'past: keyframes are one input apart at least');
    this.limits = limits;
  }

  /** What the keyframes take: what is theirs alone, and each shared buffer once. */
  get sizeBytes(): number {
    return this.ownBytes + this.parts.sizeBytes;
  }

  /** Where the keyframes are: ascending moments. */
  get moments(): readonly number[] {
    return this.keyframes.map(({ moment }) => moment);
  }

  /** The same with their proofs. */
  get passed(): readonly Passed[] {
    return this.keyframes.map(({ moment, timeUs, chainHash }) => ({ moment, timeUs, chainHash }));
  }

  /** From now on all keyframes together may take so much. */
  limitTo(bytes: number): void {
    this.limits = { ...this.limits, bytes };
    this.keepLimit();
  }

  /** Called between two plans, the first time at the run's begin: takes a keyframe where it is time. */
  record(world: RunningWorld): void {
    const { moment, interventions, nowUs: timeUs, chainHash } = world.cluster;
    this.interventions = interventions;
    this.newest = Math.max(this.newest, moment);
    const last = this.keyframes.at(-1);
    if (last !== undefined && moment < last.moment + this.limits.everyInputs) return;
    const { copy, ownBytes, shared } = measuredFork({ cluster: world.cluster, members: world.members });
    const costs = { ownBytes: ownBytes + placeBytes * shared.size, shared: [...shared] };
    this.add({ moment, timeUs, chainHash, world: copy, ...costs });
    this.keepLimit();
  }

  /**
   * The world as it was at the first end of a plan at or past `moment`: a copy, which may go on as it likes.
   * @param trace hears what is done again, and what the copy does from then on; the first world's does not
   * @throws InvariantError for a moment before the first keyframe, or one that has not been recorded
   */
  seek(moment: number, trace: LabTrace = unheard): RunningWorld {
    const seek = this.startSeek(moment, trace);
    seek.run(Infinity);
    return seek.world;
  }

  /** As `seek`, but the caller does the way from the keyframe there in parts. */
  startSeek(moment: number, trace: LabTrace = unheard): Seek {
    assert(moment <= this.newest, 'past: that has not happened yet');
    const world = fork(this.before(moment).world);
    hearBy(world, trace);
    return new Seek(world, moment, this.interventions);
  }

  /** The keyframe that a seek of the moment begins with. */
  keyframeBefore(moment: number): Passed {
    const { moment: at, timeUs, chainHash } = this.before(moment);
    return { moment: at, timeUs, chainHash };
  }

  /** The last keyframe at or before a moment. */
  private before(moment: number): Keyframe {
    let [low, high] = [0, this.keyframes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keyframes[middle].moment <= moment) low = middle + 1;
      else high = middle;
    }
    return this.keyframes[low - 1] ?? fail('past: nothing is kept of that moment');
  }

  private keepLimit(): void {
    while (this.sizeBytes > this.limits.bytes && this.keyframes.length > 2) this.thin();
  }

  private add(keyframe: Keyframe): void {
    this.keyframes.push(keyframe);
    this.ownBytes += keyframe.ownBytes;
    for (const part of keyframe.shared) this.parts.keep(part);
  }

  /** Lets go of the keyframe between whose neighbours the gap is smallest for its age. */
  private thin(): void {
    const first = this.keyframes[0].moment;
    const now = this.keyframes[this.keyframes.length - 1].moment;
    let [least, at] = [Infinity, 1];
    for (let i = 1; i < this.keyframes.length - 1; i++) {
      const gap = this.keyframes[i + 1].moment - this.keyframes[i - 1].moment;
      const age = now - this.keyframes[i].moment;
      // exact: whole numbers, compared as a fraction of thousands
      const felt = Math.floor((gap * 1_000_000) / (age + Math.floor((now - first) / 8) + 1));
      if (felt < least) [least, at] = [felt, i];
    }
    const [gone] = this.keyframes.splice(at, 1);
    this.ownBytes -= gone.ownBytes;
    for (const part of gone.shared) this.parts.letGo(part);
  }
}
