/** What is done by hand to a message on its way. */
import { launch } from './outputs.ts';
import { mayBeDoubled } from './link-faults.ts';
import type { Transit } from './network.ts';
import type { FaultAction } from './types.ts';
import type { World } from './world.ts';

type MessageAction = Extract<FaultAction, { type: 'message' }>;

const onceOnly =
  'a proposal that is handed on: it travels once, for a connection gives its bytes once and etcd would ' +
  'apply a copy too';

/** @returns null when it took effect, else why not */
export function doMessage(world: World, action: MessageAction): string | null {
  const flight = world.network.find(action.message);
  if (flight === null) return `message ${action.message} is not on its way`;
  const { transit, waiting } = flight;
  switch (action.do) {
    case 'drop':
      return drop(world, transit);
    case 'hold':
      return waiting === 'held' ? `message ${action.message} is held already` : hold(world, transit);
    case 'deliver':
      world.reach.messagesReleased++;
      return release(world, transit);
    case 'delay':
      if (waiting === 'held') return `message ${action.message} is held: deliver or drop it`;
      if (waiting === 'behind') return `message ${action.message} waits behind one that is held`;
      return delay(world, transit, action.delayUs ?? 0);
    case 'duplicate':
      if (!mayBeDoubled(transit.send)) return `message ${action.message} is ${onceOnly}`;
      world.reach.messagesCopied++;
      launch(world, world.network.copy(world.nowUs, transit));
      return null;
    default:
      return action.do satisfies never;
  }
}

/** What is held goes on. */
export function releaseAll(world: World): void {
  for (const message of world.network.held) {
    const flight = world.network.find(message);
    if (flight !== null) release(world, flight.transit);
  }
}

function drop(world: World, transit: Transit): null {
  world.reach.droppedByCommand++;
  if (!transit.quiet) world.messagesInFlight--;
  const freed = world.network.take(world.nowUs, transit);
  world.reporter.tell(transit.to, { type: 'sim.drop', message: transit.message, because: 'command' });
  reschedule(world, freed, 'unblocked');
  return null;
}

function hold(world: World, transit: Transit): null {
  world.reach.messagesHeld++;
  const behind = world.network.hold(transit);
  world.reporter.tell(transit.from, { type: 'sim.hold', message: transit.message, because: 'command' });
  for (const { from, message } of behind) {
    world.reach.messagesBehind++;
    world.reporter.tell(from, { type: 'sim.hold', message, because: 'behind' });
  }
  return null;
}

function release(world: World, transit: Transit): null {
  const [first, ...freed] = world.network.release(world.nowUs, transit);
  reschedule(world, [first], 'command');
  reschedule(world, freed, 'unblocked');
  return null;
}

function delay(world: World, transit: Transit, delayUs: number): null {
  world.reach.messagesDelayed++;
  const [first, ...behind] = world.network.delay(transit, delayUs);
  reschedule(world, [first], 'command');
  reschedule(world, behind, 'delayed');
  return null;
}

/** The transits are new: what was scheduled for the earlier ones means nothing any more. */
export function reschedule(
  world: World,
  transits: readonly Transit[],
  because: 'command' | 'unblocked' | 'delayed',
): void {
  for (const transit of transits) {
    const { from, message, deliverAt } = transit;
    world.schedule(deliverAt, { kind: 'message', transit, arrived: false });
    world.reporter.tell(from, { type: 'sim.release', message, because, deliverAt });
  }
}
