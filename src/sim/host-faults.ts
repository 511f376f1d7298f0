/** Faults of a member's host: crash points, a slow processor, a clock, a limit of memory, an old image. */
import { inputKind } from './chain-hash.ts';
import { failAllocation } from './allocations.ts';
import { doSwing, setClock, stepClock } from './clock-faults.ts';
import { backendFile } from '../engine/server/disk.ts';
import { hasFiles, loseFiles } from './lost-files.ts';
import { setRestartDelay, stopComing } from './starts.ts';
import { copyMember } from './twins.ts';
import type { Shortage } from './allocations.ts';
import type { Process, WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { HostFault } from './fault-types.ts';
import type { World } from './world.ts';

/** @returns null when it took effect, else why not */
export function doHostFault(world: World, action: HostFault): string | null {
  const { member } = action;
  switch (action.type) {
    case 'crashPoint':
      return armCrash(world, action);
    case 'slowCpu':
      return slowCpu(world, member, action.factor);
    case 'clockRate':
      return setClock(world, member, action.perMille);
    case 'clockStep':
      return stepClock(world, member, action.aheadUs);
    case 'clockSwing':
      return doSwing(world, action);
    case 'memoryLimit':
      return limitMemory(world, member, action.bytes);
    case 'failAllocation':
      return failAllocation(world, member, action.nth);
    case 'restartDelay':
      return setRestartDelay(world, member, action.afterUs);
    case 'keepImage':
      return keepImage(world, member);
    case 'restoreImage':
      return restoreImage(world, member);
    case 'loseFiles':
      return loseFiles(world, member, action.file);
    case 'forceNewCluster':
      return forceNewCluster(world, member);
    case 'copyMember':
      return copyMember(world, member, action.host);
    default:
      return action satisfies never;
  }
}

function armCrash(world: World, action: Extract<HostFault, { type: 'crashPoint' }>): string | null {
  const { member, point, nth, then, file } = action;
  const process = world.process(member);
  if (nth === 0 && process.crash === null) return `m${member} has no crash point`;
  process.crash = nth === 0 ? null : { point, file: file ?? null, then, stepsLeft: nth };
  if (nth > 0) world.reach.crashPoints++;
  world.reporter.tell(member, { type: 'sim.crashPoint', point, nth, then, file: file ?? '' });
  return null;
}

export function slowCpu(world: World, member: number, factor: number): string | null {
  const { cpu } = world.process(member);
  if (cpu.factor === factor) {
    return factor === 1
      ? `m${member}'s processor is not slow`
      : `m${member}'s processor is ${factor} times slower already`;
  }
  cpu.factor = factor;
  if (factor > 1) world.reach.slowCpus++;
  world.reporter.tell(member, { type: 'sim.slowCpu', factor });
  return null;
}

export function limitMemory(world: World, member: number, limitBytes: number): string | null {
  const { memory } = world.process(member);
  if (memory.limitBytes === limitBytes) {
    return limitBytes === 0
      ? `m${member}'s memory has no limit`
      : `m${member}'s memory has that limit already`;
  }
  memory.limitBytes = limitBytes;
  if (limitBytes > 0) world.reach.memoryLimits++;
  world.reporter.tell(member, { type: 'sim.memoryLimit', limitBytes });
  return null;
}

function keepImage(world: World, member: number): null {
  const disk = world.disk(member);
  disk.keepImage();
  world.reach.imagesKept++;
  world.reporter.tell(member, { type: 'sim.image', restored: false, fileCount: disk.durable().size });
  return null;
}

function restoreImage(world: World, member: number): string | null {
  const disk = world.disk(member);
  if (!disk.hasImage) return `no image of m${member}'s disk was kept`;
  const process = world.process(member);
  stopComing(world, process);
  if (process.status !== 'down') {
    world.reporter.tell(member, { type: 'sim.kill' });
    world.endProcess(process, 'down');
  }
  disk.restoreImage(world.nowUs);
  world.twins.find(new Map([[member, disk.files()]]), world.hosts);
  world.reach.rollbacks++;
  world.reporter.tell(member, { type: 'sim.image', restored: true, fileCount: disk.files().size });
  return null;
}

function forceNewCluster(world: World, member: number): string | null {
  if (!hasFiles(world.disk(member), 'wal')) return `m${member} has no log to go on from`;
  const process = world.process(member);
  if (process.status !== 'down') {
    world.reporter.tell(member, { type: 'sim.kill' });
    world.endProcess(process, 'down');
  }
  stopComing(world, process);
  process.forcesNewCluster = true;
  world.reach.restarts++;
  world.reach.newClustersForced++;
  world.reporter.tell(member, { type: 'sim.forceNewCluster' });
  world.schedule(world.nowUs, { kind: 'start', member });
  return null;
}

/** The process has come to its crash point: nothing more of it happens, and its end comes at once. */
export function crash(world: World, process: Process, file: string): void {
  const { member, crash: armed } = process;
  if (armed === null) return;
  process.crash = null;
  world.reach.crashes++;
  world.reporter.tell(member, { type: 'sim.crash', point: armed.point, file });
  fall(world, process, armed.then);
}

/** The process gets no memory in the midst of a step: nothing more of it happens. */
export function runShort(world: World, process: Process, { of, sizeBytes }: Shortage): void {
  world.reach.allocationsFailed++;
  world.reporter.tell(process.member, { type: 'sim.allocationFailed', of, sizeBytes });
  fall(world, process, 'kill');
}

/** Ends the process where it has more memory than it may. */
export function checkMemory(world: World, process: Process): void {
  const { memory, member } = process;
  const { limitBytes } = memory;
  if (limitBytes === 0 || process.status !== 'up') return;
  const usedBytes = memory.usedBytes(world.disk(member).sizeOf(backendFile));
  if (usedBytes <= limitBytes) return;
  world.reach.outOfMemory++;
  world.reporter.tell(member, { type: 'sim.outOfMemory', usedBytes, limitBytes });
  fall(world, process, 'kill');
}

/** A process that will take no input more; whoever runs it hears of it by a plan of its own. */
export function fall(world: World, process: Process, then: 'kill' | 'powerCut' | 'stop'): void {
  const { member, epoch } = process;
  world.endProcess(process, 'halted');
  world.schedule(world.nowUs, { kind: 'crash', member, epoch, then });
}

/** The processor is free, or will be: the next input that waits is let go then. */
export function wakeCpu(world: World, process: Process): void {
  const { cpu, held } = process;
  cpu.isWaking = false;
  if (process.status !== 'up' || held.length === 0) return;
  if (world.nowUs >= cpu.freeAtUs) {
    const event = held.shift() as WorldEvent;
    cpu.release(world.nowUs, event);
    world.schedule(world.nowUs, event);
  }
  if (held.length > 0) world.wakeAt(process, Math.max(world.nowUs + 1, cpu.freeAtUs));
}

/** A start finds that its disk cannot be read. */
export function failStart(world: World, item: Queued<WorldEvent>, member: number): void {
  const file = 'member/wal';
  const process = world.process(member);
  world.take(item, inputKind.crash, member, 0);
  const code = world.disk(member).faults.fail('read', file);
  process.status = 'halted';
  process.coming = null;
  world.reach.readsFailed++;
  if (code !== null) world.reporter.tell(member, { type: 'sim.diskError', file, code });
  if (process.restartDelayUs > 0) fall(world, process, 'kill');
}
