/** A run's past: copies of its world at some moments, from which any moment is done again. */
import { assert, fail } from '../base/assert.ts';
import type { Below } from '../base/fork.ts';
import { copyOf, KeptWorlds, unheard } from './kept-worlds.ts';
import type { Keyframe, Passed, RunningWorld } from './kept-worlds.ts';
import type { Intervention, LabTrace } from './types.ts';

export { unheard } from './kept-worlds.ts';
export type { Keyframe, Passed, RunningWorld } from './kept-worlds.ts';

/**
 * From now on this trace hears what the world does, and nobody else does. The world goes on to the same chain
 * hashes, whoever hears it.
 */
export function hearBy({ cluster, members }: RunningWorld, trace: LabTrace): void {
  cluster.hearBy(trace);
  members.listen(trace.on, trace.brief);
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
  /** How much all keyframes may take beside the run's own world: an estimate, as `KeptWorlds` makes it. */
  readonly bytes: number;
  /** Between two keyframes lie so many inputs at least. */
  readonly everyInputs: number;
}

/** 128 MB, or 48 MB where the lab is a guest in another page. */
export const usualLimits: PastLimits = { bytes: 128 * 1024 * 1024, everyInputs: 750 };
export const guestLimits: PastLimits = { ...usualLimits, bytes: 48 * 1024 * 1024 };

/**
 * The first moment is kept for good, and so is the newest keyframe. Where the rest takes too much, the
 * keyframe goes whose absence is felt least: by the inputs that seeks would do again. Near the present a gap
 * may be as long as its age; further back all are about equal, so that no moment of a long run is out of the
 * way.
 */
export class Past {
  private limits: PastLimits;
  private readonly worlds = new KeptWorlds();
  private interventions: readonly Intervention[] = [];
  private newest = -1;
  private droppedCount = 0;

  constructor(limits: PastLimits) {
    assert(limits.everyInputs > 0, 'past: keyframes are one input apart at least');
    this.limits = limits;
  }

  /**
   * What the keyframes take: what is theirs alone, and each shared part once. What the newest of them shares
   * with the run is the run's own, and they would be no less without it.
   */
  get sizeBytes(): number {
    return this.worlds.sizeBytes;
  }

  /** How many keyframes have gone so far. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** Whether a part is counted in its size, or is the run's own. */
  holds(part: Below): boolean {
    return this.worlds.holds(part);
  }

  /** Where the keyframes are: ascending moments. */
  get moments(): readonly number[] {
    return this.worlds.all.map(({ moment }) => moment);
  }

  /** The same with their proofs. */
  get passed(): readonly Passed[] {
    return this.worlds.all.map(({ moment, timeUs, chainHash }) => ({ moment, timeUs, chainHash }));
  }

  /** From now on all keyframes together may take so much. */
  limitTo(bytes: number): void {
    this.limits = { ...this.limits, bytes };
    this.keepLimit();
  }

  /** Called between two plans, the first time at the run's begin: takes a keyframe where it is time. */
  record(world: RunningWorld): void {
    const { moment, interventions } = world.cluster;
    this.interventions = interventions;
    this.newest = Math.max(this.newest, moment);
    const last = this.worlds.all.at(-1);
    if (last !== undefined && moment < last.moment + this.limits.everyInputs) return;
    this.worlds.leanOn(this.worlds.take(world).shared);
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
    const world = copyOf(this.keyframeBefore(moment));
    hearBy(world, trace);
    return new Seek(world, moment, this.interventions);
  }

  /** The keyframe that a seek of the moment begins with. */
  keyframeBefore(moment: number): Keyframe {
    return this.worlds.before(moment) ?? fail('past: nothing is kept of that moment');
  }

  private keepLimit(): void {
    while (this.sizeBytes > this.limits.bytes && this.worlds.all.length > 2) this.thin();
  }

  /** Lets go of the keyframe between whose neighbours the gap is smallest for its age. */
  private thin(): void {
    const { all } = this.worlds;
    const [first, last] = [all[0].moment, all[all.length - 1].moment];
    const usualGap = Math.floor((last - first) / (all.length - 1)) + 1;
    let [least, at] = [Infinity, 1];
    for (let i = 1; i < all.length - 1; i++) {
      const gap = all[i + 1].moment - all[i - 1].moment;
      const due = last - all[i].moment + this.limits.everyInputs;
      // exact: whole numbers, compared as a fraction of thousands
      const felt = Math.floor((gap * 1000) / Math.min(due, usualGap));
      if (felt < least) [least, at] = [felt, i];
    }
    this.worlds.drop(at);
    this.droppedCount++;
  }
}
