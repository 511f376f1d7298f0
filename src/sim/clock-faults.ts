/** Clocks of members that run at another rate, are set ahead, or swing. */
import { stream } from '../base/prng.ts';
import type { HostFault } from './fault-types.ts';
import type { World } from './world.ts';

type Swing = Extract<HostFault, { type: 'clockSwing' }>;

/** Of a clock that swings the rate is chosen by its turns: to set it ends the swing. */
export function setClock(world: World, member: number, perMille: number): string | null {
  const { clock } = world.process(member);
  const didSwing = endSwing(world, member);
  if (clock.perMille === perMille) return didSwing ? null : `m${member}'s clock runs like that already`;
  if (perMille !== 1000) world.reach.clockRates++;
  changeRate(world, member, perMille);
  return null;
}

export function stepClock(world: World, member: number, aheadUs: number): null {
  const { clock } = world.process(member);
  clock.step(world.nowUs, aheadUs);
  world.reach.clockSteps++;
  world.reporter.tell(member, { type: 'sim.clockStep', aheadUs, clockUs: clock.at(world.nowUs) });
  return null;
}

/** @returns null when it took effect, else why not */
export function doSwing(world: World, { member, perMille, periodUs, shape }: Swing): string | null {
  const { clock } = world.process(member);
  const { swing } = clock;
  if (perMille === 0)
    return swing === null ? `m${member}'s clock does not swing` : setClock(world, member, 1000);
  if (swing?.perMille === perMille && swing.periodUs === periodUs && swing.shape === shape)
    return `m${member}'s clock swings like that already`;
  clock.swingCount++;
  clock.swing = { perMille, periodUs, shape, number: clock.swingCount };
  clock.turnCount = 0;
  world.reporter.tell(member, { type: 'sim.clockSwing', perMille, periodUs, shape });
  turnClock(world, member);
  return null;
}

/** The next rate of a clock that swings, for half a period. Stream: `clock`, by member, swing and turn. */
export function turnClock(world: World, member: number): void {
  const { clock } = world.process(member);
  const { swing } = clock;
  if (swing === null) return;
  const { perMille, periodUs, shape, number } = swing;
  const { seed, boot } = world.config;
  const turn = clock.turnCount++;
  const drawn = stream(seed, boot, 'clock', member, number, turn).between(0, 2 * perMille) - perMille;
  world.reach.clockTurns++;
  changeRate(world, member, 1000 + (shape === 'random' ? drawn : turn % 2 === 0 ? perMille : -perMille));
  world.schedule(world.nowUs + Math.floor(periodUs / 2), { kind: 'swing', member, number });
}

/** @returns whether there was one */
function endSwing(world: World, member: number): boolean {
  const { clock } = world.process(member);
  if (clock.swing === null) return false;
  const { periodUs, shape } = clock.swing;
  clock.swing = null;
  world.reporter.tell(member, { type: 'sim.clockSwing', perMille: 0, periodUs, shape });
  return true;
}

function changeRate(world: World, member: number, perMille: number): void {
  const { clock } = world.process(member);
  clock.setRate(world.nowUs, perMille);
  world.reporter.tell(member, { type: 'sim.clockRate', perMille, clockUs: clock.at(world.nowUs) });
}
