/** A run's past: copies of its world at some moments, from which any moment is done again. */
import { assert, fail } from '../base/assert.ts';
import { fork, measuredFork } from '../base/fork.ts';
import type { Cluster } from './cluster.ts';
import type { Members } from './run.ts';
import type { Intervention } from './types.ts';

/**
 * A cluster and its members' processes. What they tell goes where the first world's events go: its owner
 * decides whether that is heard while a moment is done again.
 */
export interface RunningWorld {
  readonly cluster: Cluster;
  readonly members: Members;
}

export interface PastLimits {
  /** How much all keyframes together may take: an estimate, as `measuredFork` makes it. */
  readonly bytes: number;
  /** Between two keyframes lie so many inputs at least. */
  readonly everyInputs: number;
}

interface Keyframe {
  readonly moment: number;
  readonly world: RunningWorld;
  readonly ownBytes: number;
  readonly buffers: ReadonlySet<ArrayBufferLike>;
}

/** A place in a keyframe's list of the buffers that it shares. */
const placeBytes = 40;

/** 128 MB, or 48 MB where the lab is a guest in another page. */
export const usualLimits: PastLimits = { bytes: 128 * 1024 * 1024, everyInputs: 500 };
export const guestLimits: PastLimits = { ...usualLimits, bytes: 48 * 1024 * 1024 };

/**
 * The first moment is kept for good. Where the rest takes too much, the keyframe goes whose absence is felt
 * least: the newest lie close together, older ones further apart, but a gap grows with its age only up to a
 * bound, so that the run's begin is not far from keyframes either.
 */
export class Past {
  private readonly limits: PastLimits;
  private readonly keyframes: Keyframe[] = [];
  /** How many keyframes share a buffer. */
  private readonly sharers = new Map<ArrayBufferLike, number>();
  private interventions: readonly Intervention[] = [];
  private newest = -1;
  private totalBytes = 0;

  constructor(limits: PastLimits) {
    assert(limits.everyInputs > 0, 'past: keyframes are one input apart at least');
    this.limits = limits;
  }

  /** What the keyframes take: what is theirs alone, and each shared buffer once. */
  get sizeBytes(): number {
    return this.totalBytes;
  }

  /** Where the keyframes are: ascending moments. */
  get moments(): readonly number[] {
    return this.keyframes.map(({ moment }) => moment);
  }

  /** Called between two plans, the first time at the run's begin: takes a keyframe where it is time. */
  record(world: RunningWorld): void {
    const { moment, interventions } = world.cluster;
    this.interventions = interventions;
    this.newest = Math.max(this.newest, moment);
    const last = this.keyframes.at(-1);
    if (last !== undefined && moment < last.moment + this.limits.everyInputs) return;
    const { copy, ownBytes, buffers } = measuredFork({ cluster: world.cluster, members: world.members });
    this.add({ moment, world: copy, ownBytes: ownBytes + placeBytes * buffers.size, buffers });
    while (this.totalBytes > this.limits.bytes && this.keyframes.length > 2) this.thin();
  }

  /**
   * The world as it was at the first end of a plan at or past `moment`: a copy, which may go on as it likes.
   * @throws InvariantError for a moment before the first keyframe, or one that has not been recorded
   */
  seek(moment: number): RunningWorld {
    assert(moment <= this.newest, 'past: that has not happened yet');
    const { cluster, members } = fork(this.before(moment).world);
    while (cluster.moment < moment) {
      for (let i = cluster.interventions.length; this.interventions[i]?.moment === cluster.moment; i++)
        cluster.act(this.interventions[i].action);
      const plan = cluster.plan() ?? fail('past: the run ends before the moment');
      cluster.merge(plan, members.perform(plan));
      cluster.takeStoreCommits();
      cluster.takeOutcomes();
    }
    return { cluster, members };
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

  private add(keyframe: Keyframe): void {
    this.keyframes.push(keyframe);
    this.totalBytes += keyframe.ownBytes;
    for (const buffer of keyframe.buffers) {
      const count = this.sharers.get(buffer) ?? 0;
      if (count === 0) this.totalBytes += buffer.byteLength;
      this.sharers.set(buffer, count + 1);
    }
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
    this.totalBytes -= gone.ownBytes;
    for (const buffer of gone.buffers) {
      const count = this.sharers.get(buffer) ?? 0;
      if (count > 1) this.sharers.set(buffer, count - 1);
      else {
        this.sharers.delete(buffer);
        this.totalBytes -= buffer.byteLength;
      }
    }
  }
}
