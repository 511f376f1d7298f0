/** Starts that are to come: by a supervisor after a while, and after a slow disk was read. */
import { inputKind } from './chain-hash.ts';
import { tellNotes } from './disk-fault-actions.ts';
import type { Process, WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { World } from './world.ts';

type Start = Extract<WorldEvent, { kind: 'start' }>;

export function setRestartDelay(world: World, member: number, afterUs: number): string | null {
  const process = world.process(member);
  if (process.restartDelayUs === afterUs) {
    return afterUs === 0
      ? `nothing starts m${member} again by itself`
      : `m${member} is started again like that already`;
  }
  process.restartDelayUs = afterUs;
  world.reporter.tell(member, { type: 'sim.restartDelay', afterUs });
  if (afterUs === 0 && process.coming?.why === 'supervisor') stopComing(world, process);
  return null;
}

/** A process has ended and nobody asked it to: whoever looks after it starts it again, where there is one. */
export function superviseEnd(world: World, process: Process): void {
  const { restartDelayUs, member } = process;
  if (restartDelayUs === 0) return;
  const atUs = world.nowUs + restartDelayUs;
  comeAt(world, process, 'supervisor', atUs);
  world.reach.restartsDelayed++;
  world.reporter.tell(member, { type: 'sim.coming', why: 'supervisor', atUs });
}

/** Nobody starts it any more. */
export function stopComing(world: World, process: Process): void {
  if (process.coming === null) return;
  process.coming = null;
  world.reporter.tell(process.member, { type: 'sim.coming', why: '', atUs: 0 });
}

/** Whether a start has yet to read the member's files, for that takes time. */
export function mustLoad(world: World, { member, number }: Start): boolean {
  const { coming } = world.process(member);
  if (number !== undefined && coming?.why === 'load') return false;
  const disk = world.disk(member);
  return disk.faults.slowsReads && !disk.isEmpty;
}

/** The start reads all of the member's files first. */
export function beginLoad(world: World, item: Queued<WorldEvent>, member: number): void {
  const process = world.process(member);
  world.take(item, inputKind.hold, member, 0);
  const atUs = Math.max(world.nowUs + 1, world.disk(member).loadedBy(world.nowUs));
  comeAt(world, process, 'load', atUs);
  tellNotes(world, member);
  world.reporter.tell(member, { type: 'sim.coming', why: 'load', atUs });
}

/** Whether a start means nothing any more: another one came before it, or nobody wants it. */
export function isStartStale(world: World, { member, number }: Start): boolean {
  const { status, coming } = world.process(member);
  if (status !== 'down') return true;
  return number === undefined ? coming?.why === 'load' : number !== coming?.number;
}

function comeAt(world: World, process: Process, why: 'supervisor' | 'load', atUs: number): void {
  process.comingCount++;
  process.coming = { number: process.comingCount, why };
  world.schedule(atUs, { kind: 'start', member: process.member, number: process.comingCount });
}
