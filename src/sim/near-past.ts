/** What lies shortly before a moment that was sought: copies on the way there make steps back short. */
import { KeptWorlds } from './kept-worlds.ts';
import type { Past } from './keyframes.ts';
import type { Keyframe, RunningWorld } from './kept-worlds.ts';

/** What of all that a past may take is for this. */
export const nearBytesOf = (limitBytes: number): number => Math.floor(limitBytes / 8);

/** The last copy is so many inputs before the moment, the one before it twice as far, and so on. */
const nearestInputs = 128;
/** More than these are not kept. */
const mostCopies = 24;

/** How often the inputs that are left can be halved; below 0 where the moment is near. */
const halvings = (left: number): number => 31 - Math.clz32(Math.floor(Math.max(0, left) / nearestInputs));

/** Holds as many copies as its bytes allow; those that are furthest from the moment sought last go first. */
export class NearPast {
  private readonly limitBytes: number;
  private readonly worlds = new KeptWorlds();
  private sought = 0;
  private halvingsLeft = 0;
  /** Whose parts are counted there, and how many keyframes that had let go of then. */
  private beside: { readonly past: Past; readonly dropped: number } | null = null;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.worlds.sizeBytes;
  }

  /** Where the copies are: ascending moments. */
  get moments(): readonly number[] {
    return this.worlds.all.map(({ moment }) => moment);
  }

  /** The last copy at or before a moment. */
  before(moment: number): Keyframe | undefined {
    return this.worlds.before(moment);
  }

  /**
   * A way to a moment begins.
   * @param past the run's: what copies have in common with its keyframes is counted there
   */
  begin(world: RunningWorld, moment: number, past: Past): void {
    this.sought = moment;
    this.halvingsLeft = halvings(moment - world.cluster.moment);
    const { dropped } = past;
    if (this.beside?.past === past && this.beside.dropped === dropped) return;
    this.beside = { past, dropped };
    this.worlds.countBeside((part) => past.holds(part));
    this.keepLimit();
  }

  /** Called between two plans on the way: takes a copy each time that half of what was left is done. */
  pass(world: RunningWorld): void {
    const left = this.sought - world.cluster.moment;
    const now = halvings(left);
    if (now >= this.halvingsLeft) return;
    this.halvingsLeft = now;
    const { moment } = world.cluster;
    const last = this.worlds.before(moment);
    if (left < 0 || (last !== undefined && moment - last.moment < nearestInputs / 2)) return;
    this.worlds.take(world);
    this.keepLimit();
  }

  clear(): void {
    this.worlds.clear();
  }

  private keepLimit(): void {
    const { all } = this.worlds;
    while (all.length > 0 && (all.length > mostCopies || this.sizeBytes > this.limitBytes))
      this.dropFurthest();
  }

  private dropFurthest(): void {
    const { all } = this.worlds;
    const first = this.sought - all[0].moment;
    const last = all[all.length - 1].moment - this.sought;
    this.worlds.drop(first >= last ? 0 : all.length - 1);
  }
}
