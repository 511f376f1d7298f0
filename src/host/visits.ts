/** Goes to moments of the past: from the nearest copy before, or on from the last visit. */
import { copyOf } from '../sim/kept-worlds.ts';
import type { RunningWorld } from '../sim/keyframes.ts';
import { hearBy, Seek, unheard } from '../sim/keyframes.ts';
import { NearPast } from '../sim/near-past.ts';
import type { LabTrace } from '../sim/types.ts';
import type { PastEvents } from './past-events.ts';
import type { Timeline } from './timeline.ts';
import { Breath } from './wall-clock.ts';

/** A copy of a world that is at the first end of a plan at or past each moment after `low`. */
interface Visit {
  readonly owner: Timeline;
  readonly low: number;
  readonly world: RunningWorld;
}

export class Visits {
  readonly #near: NearPast;
  #last: Visit | null = null;
  /** Whose past the near one is. */
  #owner: Timeline | null = null;

  /** @param nearBytes what copies near the moments that were sought may take */
  constructor(nearBytes: number) {
    this.#near = new NearPast(nearBytes);
  }

  get sizeBytes(): number {
    return this.#near.sizeBytes;
  }

  /**
   * Goes to the first end of a plan at or past a moment.
   * @param owner has the past of that moment
   * @param use reads the world at once, and leaves it as it is
   */
  async to<Value>(owner: Timeline, moment: number, use: (world: RunningWorld) => Value): Promise<Value> {
    const last = this.#last;
    if (last?.owner === owner && last.low < moment && moment <= last.world.cluster.moment)
      return use(last.world);
    const world = this.#start(owner, moment, unheard);
    this.#last = await this.#go(owner, world, () => world.cluster.moment < moment, moment);
    return use(this.#last.world);
  }

  /**
   * Does a stretch again, from a moment up to another, while a trace hears it; stops where that has heard
   * more events than `most`. @returns where it came to, at most `upTo`
   */
  async hear(
    owner: Timeline,
    from: number,
    upTo: number,
    heard: PastEvents,
    most = Infinity,
  ): Promise<number> {
    const world = this.#start(owner, from, heard);
    heard.hear(world.cluster);
    const goesOn = (): boolean => world.cluster.moment < upTo && heard.count <= most;
    const visit = await this.#go(owner, world, goesOn, upTo);
    hearBy(world, unheard);
    this.#last = visit;
    return Math.min(upTo, world.cluster.moment);
  }

  forget(owner: Timeline): void {
    if (this.#last?.owner === owner) this.#last = null;
    if (this.#owner === owner) this.#near.clear();
  }

  /** A world at or before a moment, on its way there. */
  #start(owner: Timeline, moment: number, trace: LabTrace): RunningWorld {
    if (this.#owner !== owner) this.#near.clear();
    this.#owner = owner;
    const keyframe = owner.past.keyframeBefore(moment);
    const near = this.#near.before(moment);
    const nearest = near !== undefined && near.moment > keyframe.moment ? near : keyframe;
    const last = this.#last?.owner === owner ? this.#last.world : null;
    const at = last?.cluster.moment ?? -1;
    const goesOn = last !== null && at <= moment && at > nearest.moment;
    const world = goesOn ? last : copyOf(nearest);
    if (goesOn) this.#last = null;
    hearBy(world, trace);
    this.#near.begin(world, moment, owner.past);
    return world;
  }

  async #go(owner: Timeline, world: RunningWorld, goesOn: () => boolean, upTo: number): Promise<Visit> {
    const breath = new Breath();
    let low = world.cluster.moment - 1;
    while (goesOn()) {
      low = world.cluster.moment;
      new Seek(world, upTo, owner.interventions).run(1);
      if (this.#owner === owner) this.#near.pass(world);
      if (breath.isDue) await breath.take();
    }
    return { owner, low, world };
  }
}
