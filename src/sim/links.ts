/** Connections between members as TCP has them: who is told that one stands, or is gone, and when. */
import { isAlive } from './process.ts';
import { defaultWorld } from './world-config.ts';
import type { Process, WorldEvent } from './process.ts';
import type { World } from './world.ts';

type LinkEvent = Extract<WorldEvent, { kind: 'link' }>;

/** A connection over which nothing comes is given up. @source etcd v3.4.23 rafthttp ConnReadTimeout */
const readTimeoutUs = 5_000_000;

/** Every connection is told of after the same time, so that news of one are never out of order. */
function delayUs(world: World): number {
  return Math.max(1, (world.config.world ?? defaultWorld).network.memberDelay.minUs);
}

function tell(
  world: World,
  to: Process,
  node: Process,
  up: boolean,
  age: number | null,
  afterUs: number,
): void {
  const nodeEpoch = isAlive(node) ? node.epoch : 0;
  const { member, epoch } = to;
  const event = { kind: 'link', member, epoch, node: node.member, nodeEpoch, up, age } as const;
  world.schedule(world.nowUs + afterUs, event);
}

/** A process has started: it connects to all others, and finds who does not listen. */
export function linkStarted(world: World, member: number): void {
  const process = world.process(member);
  if (!isAlive(process)) return;
  for (const other of world.processes) {
    if (other.member === process.member) continue;
    if (!isAlive(other)) tell(world, process, other, false, null, delayUs(world));
    else if (world.network.isWhole(process.member, other.member)) connect(world, process, other);
  }
}

/** A process has ended: its connections break. */
export function linkEnded(world: World, process: Process): void {
  for (const other of world.processes) {
    if (other.member === process.member || !isAlive(other)) continue;
    tell(world, other, process, false, null, delayUs(world));
  }
}

/** A direction was cut or healed: a cut is noticed when nothing has come for a while. */
export function linkChanged(world: World, from: number, to: number): void {
  const [a, b] = [world.process(from), world.process(to)];
  if (!isAlive(a) || !isAlive(b)) return;
  if (world.network.isWhole(from, to)) return connect(world, a, b);
  const age = world.network.age(from, to);
  tell(world, a, b, false, age, readTimeoutUs);
  tell(world, b, a, false, age, readTimeoutUs);
}

function connect(world: World, a: Process, b: Process): void {
  const age = world.network.age(a.member, b.member);
  tell(world, a, b, true, age, delayUs(world));
  tell(world, b, a, true, age, delayUs(world));
}

/** Whether the news is none any more: a process is gone, or the link was cut or healed since. */
export function isLinkStale(world: World, { member, epoch, node, nodeEpoch, up, age }: LinkEvent): boolean {
  if (world.epochOf(member) !== epoch) return true;
  if (age !== null && age !== world.network.age(member, node)) return true;
  return up && world.epochOf(node) !== nodeEpoch;
}
