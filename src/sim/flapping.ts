/** Links that are cut and healed in turn, and the cuts themselves. */
import { linkChanged } from './links.ts';
import type { LinkFaultAction } from './fault-types.ts';
import type { World } from './world.ts';

type Flap = Extract<LinkFaultAction, { type: 'flap' }>;

export function cut(world: World, from: number, to: number): boolean {
  if (!world.network.cut(from, to)) return false;
  world.reach.cuts++;
  linkChanged(world, from, to);
  world.reporter.tell(0, { type: 'sim.cut', from, to });
  return true;
}

export function heal(world: World, from: number, to: number): boolean {
  if (!world.network.heal(from, to)) return false;
  world.reach.heals++;
  linkChanged(world, from, to);
  world.reporter.tell(0, { type: 'sim.heal', from, to });
  return true;
}

/** The links that flap: how, and in which of all their times. */
export class Flaps {
  private readonly flaps = new Map<string, Flap & { readonly number: number }>();
  private lastNumber = 0;

  find(from: number, to: number): (Flap & { readonly number: number }) | null {
    return this.flaps.get(`${from}>${to}`) ?? null;
  }

  /** @returns the number of this time; 0: the link flaps no more */
  set(flap: Flap): number {
    const key = `${flap.from}>${flap.to}`;
    this.flaps.delete(key);
    if (flap.upUs === 0 || flap.downUs === 0) return 0;
    this.lastNumber++;
    this.flaps.set(key, { ...flap, number: this.lastNumber });
    return this.lastNumber;
  }

  /** Ascending. */
  get all(): readonly Flap[] {
    return [...this.flaps.values()].sort((a, b) => a.from - b.from || a.to - b.to);
  }
}

/** @returns null when it took effect, else why not */
export function doFlap(world: World, action: Flap): string | null {
  const { from, to, upUs, downUs } = action;
  const present = world.flaps.find(from, to);
  if (present === null ? upUs === 0 : present.upUs === upUs && present.downUs === downUs) {
    return `the link from m${from} to m${to} is like that already`;
  }
  const number = world.flaps.set(action);
  world.reporter.tell(0, { type: 'sim.flap', from, to, upUs, downUs });
  if (number === 0) {
    heal(world, from, to);
    return null;
  }
  world.reach.flaps++;
  turn(world, from, to);
  return null;
}

/** The link's next turn, and the one after it. */
export function turn(world: World, from: number, to: number): void {
  const flap = world.flaps.find(from, to);
  if (flap === null) return;
  world.reach.flapTurns++;
  const isDown = cut(world, from, to);
  if (!isDown) heal(world, from, to);
  const timeUs = world.nowUs + (isDown ? flap.downUs : flap.upUs);
  world.schedule(timeUs, { kind: 'flap', from, to, number: flap.number });
}
