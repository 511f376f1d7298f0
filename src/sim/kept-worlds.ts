/** Copies of a world, by moment, and what they keep in memory together. */
import { ColdPart } from '../base/cold-part.ts';
import { sharedByForks } from '../base/fork.ts';
import { freeze } from '../base/frozen.ts';
import type { Frozen } from '../base/frozen.ts';
import { KeptParts } from '../base/kept-parts.ts';
import type { Below } from '../base/fork.ts';
import type { Cluster } from './cluster.ts';
import type { Members } from './run.ts';
import type { LabTrace } from './types.ts';

/** Hears nothing, so that no event is made. */
export const unheard: LabTrace = sharedByForks({ on: false, emit: () => {} });

/** A cluster and its members' processes. */
export interface RunningWorld {
  readonly cluster: Cluster;
  readonly members: Members;
}

/** Where a run was: a moment between two plans, with the proof. */
export interface Passed {
  readonly moment: number;
  readonly timeUs: number;
  readonly chainHash: string;
}

export interface Keyframe extends Passed {
  /** Heard by nobody. */
  readonly world: Frozen<RunningWorld>;
  /** Of what is its alone. */
  readonly ownBytes: number;
  /** What it has in common with others. */
  readonly shared: readonly Below[];
}

/** A place in a keyframe's list of the parts that it shares. */
const placeBytes = 8;

/** The last of keyframes, ascending, at or before a moment: its place, -1 where there is none. */
function placeBefore(keyframes: readonly Passed[], moment: number): number {
  let [low, high] = [0, keyframes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyframes[middle].moment <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * What they take is counted beside a world that is there in any case, the run's own: each copy's own objects,
 * and each shared part once, unless that world has it too.
 */
export class KeptWorlds {
  private readonly keyframes: Keyframe[] = [];
  private parts = new KeptParts(undefined, (part) => this.left.push(part));
  /** What only keyframes have since the world that is there anyway has gone on. */
  private left: Below[] = [];
  private anyway: readonly Below[] = [];
  private ownBytes = 0;

  get sizeBytes(): number {
    return this.ownBytes + this.parts.sizeBytes;
  }

  /** Ascending. */
  get all(): readonly Keyframe[] {
    return this.keyframes;
  }

  /** The last one at or before a moment. */
  before(moment: number): Keyframe | undefined {
    return this.keyframes[placeBefore(this.keyframes, moment)];
  }

  /** Takes a copy of the world as it is, between two plans. */
  take({ cluster, members }: RunningWorld): Keyframe {
    const { moment, nowUs: timeUs, chainHash } = cluster;
    const { heardBy } = cluster;
    cluster.hearBy(unheard);
    const world = freeze({ cluster, members });
    cluster.hearBy(heardBy);
    const { shared } = world;
    const ownBytes = world.sizeBytes + placeBytes * shared.length;
    const keyframe = { moment, timeUs, chainHash, world, ownBytes, shared };
    this.keyframes.splice(placeBefore(this.keyframes, moment) + 1, 0, keyframe);
    this.ownBytes += keyframe.ownBytes;
    for (const part of keyframe.shared) this.parts.keep(part);
    return keyframe;
  }

  /** From now on these parts are there in any case, in place of those that were. */
  leanOn(anyway: readonly Below[]): void {
    if (anyway === this.anyway) return;
    for (const part of anyway) this.parts.keepNow(part);
    for (const part of this.anyway) this.parts.letGoNow(part);
    this.anyway = anyway;
    // what only the past has is seldom read
    for (const part of this.left) if (part instanceof ColdPart) this.parts.pack(part);
    this.left = [];
  }

  /** Counts all of them again, but for what is counted elsewhere. For those that lean on nothing. */
  countBeside(isElsewhere: (part: Below) => boolean): void {
    for (const { shared } of this.keyframes) for (const part of shared) this.parts.letGo(part);
    this.parts = new KeptParts(isElsewhere);
    for (const { shared } of this.keyframes) for (const part of shared) this.parts.keep(part);
  }

  /** Whether a part is one of theirs, or of the world that is there anyway. */
  holds(part: Below): boolean {
    return this.parts.holds(part);
  }

  /** Lets go of the one at a place. */
  drop(place: number): void {
    const [gone] = this.keyframes.splice(place, 1);
    this.ownBytes -= gone.ownBytes;
    for (const part of gone.shared) this.parts.letGo(part);
  }

  clear(): void {
    while (this.keyframes.length > 0) this.drop(this.keyframes.length - 1);
    this.leanOn([]);
  }
}

/** A world that goes its own way from the keyframe on. */
export const copyOf = ({ world }: Keyframe): RunningWorld => world.thaw();
