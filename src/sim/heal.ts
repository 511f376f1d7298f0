/** The end of every fault that goes on, so that what is left must work. */
import { usualDisk } from './disk-faults.ts';
import { doFlap, heal } from './flapping.ts';
import { failAllocation } from './allocations.ts';
import { setClock } from './clock-faults.ts';
import { fall, limitMemory, slowCpu } from './host-faults.ts';
import { isFaultyLoad } from './load-kinds.ts';
import { releaseAll, reschedule } from './message-faults.ts';
import { awaitSync } from './outputs.ts';
import { setRestartDelay, stopComing } from './starts.ts';
import { isAlive, isStopping } from './process.ts';
import type { World } from './world.ts';

/** Links as they were: flapping, cuts and what makes them worse end, held messages go on. */
export function healLinks(world: World): null {
  for (const { from, to } of world.flaps.all) doFlap(world, { type: 'flap', from, to, upUs: 0, downUs: 0 });
  for (const { from, to } of world.network.cuts) heal(world, from, to);
  for (const { from, to } of world.network.degraded) mend(world, from, to);
  releaseAll(world);
  return null;
}

/** A direction is as usual again, and its queue empty. */
function mend(world: World, from: number, to: number): void {
  world.network.degrade(from, to, {});
  reschedule(world, world.network.hasten(world.nowUs, from, to), 'unblocked');
  world.reporter.tell(0, { type: 'sim.link', from, to, ...world.network.settings(from, to) });
}

/**
 * Ends what goes on, and what is under way for it: syncs that wait, messages in a queue, processes that have
 * yet to hear of an error and end, or that were asked to end and still hand over. What has happened stays:
 * damaged files, lost writes, clocks that are off, members that were removed. Hosts on which no member was
 * ever started are left alone.
 */
export function healEverything(world: World): null {
  world.reach.healedEverything++;
  world.reporter.tell(0, { type: 'sim.healEverything' });
  healLinks(world);
  if (isFaultyLoad(world.load.kind)) world.load.change('none', 0);
  for (const process of world.processes) {
    const isSought = process.starts > 0 || process.coming !== null;
    healDisk(world, process.member);
    healHost(world, process.member);
    const isEnding = isStopping(process) || world.disk(process.member).hasFailed(process.epoch);
    const isSound = isAlive(process) && !isEnding;
    if (isSound || !isSought) continue;
    if (process.status !== 'down') fall(world, process, 'kill');
    world.schedule(world.nowUs, { kind: 'start', member: process.member });
  }
  return null;
}

function healDisk(world: World, member: number): void {
  const disk = world.disk(member);
  if (disk.slowFactor > 1) {
    disk.slowDown(1);
    world.reporter.tell(member, { type: 'sim.slowDisk', factor: 1 });
  }
  const { faults } = disk;
  for (const on of faults.armed) {
    world.reporter.tell(member, { type: 'sim.diskFault', on, code: 'EIO', lasts: 'never' });
  }
  if (faults.settings !== usualDisk) world.reporter.tell(member, { type: 'sim.disk', ...usualDisk });
  faults.end();
  for (const sync of disk.hasten(world.nowUs)) awaitSync(world, member, sync);
}

function healHost(world: World, member: number): void {
  const process = world.process(member);
  slowCpu(world, member, 1);
  setClock(world, member, 1000);
  limitMemory(world, member, 0);
  failAllocation(world, member, 0);
  setRestartDelay(world, member, 0);
  stopComing(world, process);
  if (process.crash !== null) {
    const { point, then } = process.crash;
    process.crash = null;
    world.reporter.tell(member, { type: 'sim.crashPoint', point, nth: 0, then, file: '' });
  }
  if (process.status === 'paused') world.resume(process);
}
