/** Swarm testing: a seed draws which kinds of faults are on, and when each of them begins and ends. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { loadKinds } from './load-kinds.ts';
import { changesClocks, damagesFiles, drawEpisode, isBeyondRaft } from './swarm-faults.ts';
import type { Prng } from '../base/prng.ts';
import type { FaultKind } from './swarm-faults.ts';
import type { Action, LoadKind } from './types.ts';

export { faultKinds } from './swarm-faults.ts';
export type { FaultKind } from './swarm-faults.ts';

export interface SwarmOptions {
  /** They are m1 to so many. */
  readonly members: number;
  /** The kinds to draw from: see `faultKinds`. */
  readonly faults: readonly FaultKind[];
  /** How long the faults go on; microseconds. */
  readonly virtualUs: number;
  /** Also damage that Raft does not promise to survive, on any number of members. */
  readonly beyond?: boolean;
}

export interface ScheduledAction {
  readonly atUs: number;
  /** The fault that begins with it; absent on what else belongs to it. */
  readonly kind?: FaultKind;
  /**
   * A message is named by its rank among those that are under way then, and as what is done to it goes: from
   * 1, the newest. Whoever does the schedule puts its number there.
   */
  readonly action: Action;
}

/**
 * The kinds that are on in a run: half of them, and one at least, for mixes find what the whole does not.
 * What Raft does not promise to survive is left out unless asked for.
 */
export function swarmKinds(
  seed: number,
  { faults, beyond = false }: Pick<SwarmOptions, 'faults' | 'beyond'>,
): readonly FaultKind[] {
  const kinds = faults.filter((kind) => beyond || !isBeyondRaft(kind));
  const on = kinds.filter((kind) => stream(seed, 'swarm', 'on', kind).chance(1, 2));
  if (on.length > 0 || kinds.length === 0) return on;
  return [kinds[stream(seed, 'swarm', 'one').below(kinds.length)]];
}

/** The atlas: whose files may be damaged in a run. A minority; all where it may be more. */
function drawVictims(seed: number, members: number, beyond: boolean): number[] {
  const victims = Array.from({ length: members }, (_, i) => i + 1);
  const draws = stream(seed, 'swarm', 'victims');
  const count = beyond ? members : Math.floor((members - 1) / 2);
  while (victims.length > count) victims.splice(draws.below(victims.length), 1);
  return victims;
}

/** Loads that came later are no part of this draw: it would choose others for the seeds that there are. */
const isNewer = (kind: LoadKind): boolean => kind === 'transactions' || kind === 'oldWatches';

/** What the loads of a run ask for. Where clocks go wrong, nobody knows how long a lease should live. */
function drawLoad(seed: number, faults: readonly FaultKind[]): LoadKind {
  const kinds = loadKinds.filter((kind) => kind !== 'none' && !isNewer(kind));
  const timeless = kinds.filter((kind) => kind !== 'leases');
  const among = faults.includes('clockRate') ? timeless : kinds;
  const drawn = among[stream(seed, 'swarm', 'loads').below(among.length)];
  if (drawn !== 'leases' || !faults.some(changesClocks)) return drawn;
  return timeless[stream(seed, 'swarm', 'timelessLoads').below(timeless.length)];
}

/** Moments of one kind of fault: some seeds have it often, some seldom. */
function drawTimes(draws: Prng, virtualUs: number): number[] {
  const meanUs = Math.max(1, Math.floor(virtualUs / draws.between(1, 12)));
  const times: number[] = [];
  for (let at = draws.below(meanUs); at < virtualUs; at += 1 + draws.below(2 * meanUs)) times.push(at);
  return times;
}

/**
 * What is done to a cluster in one run: times are microseconds from the first of them on, ascending. Each
 * kind draws from a stream of its own, so that a run without one of them has the others at the same moments.
 * Many actions will be refused, for the member is down already, or up: that is no error. What has not ended
 * by `virtualUs` goes on.
 */
export function swarmSchedule(seed: number, options: SwarmOptions): readonly ScheduledAction[] {
  const { members, virtualUs, beyond = false } = options;
  assert(members >= 1 && members <= 9, 'swarm: one to nine members');
  const kinds = swarmKinds(seed, options);
  const victims = drawVictims(seed, members, beyond);
  const scene = { members, victims, load: drawLoad(seed, kinds), sparesVote: !kinds.some(damagesFiles) };
  const schedule: ScheduledAction[] = [];
  for (const kind of kinds) {
    const draws = stream(seed, 'swarm', kind);
    for (const atUs of drawTimes(draws, virtualUs)) {
      const untilUs = atUs + 1 + draws.below(Math.max(1, Math.floor(virtualUs / 6)));
      const { begin, end } = drawEpisode(kind, draws, scene);
      begin.forEach((action, i) => schedule.push({ atUs, ...(i === 0 && { kind }), action }));
      for (const action of end) schedule.push({ atUs: untilUs, action });
    }
  }
  const placed = schedule.filter(({ atUs }) => atUs < virtualUs).map((item, place) => ({ item, place }));
  return placed.sort((a, b) => a.item.atUs - b.item.atUs || a.place - b.place).map(({ item }) => item);
}
