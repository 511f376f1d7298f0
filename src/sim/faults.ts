/** Actions done to the world: faults, their ends, and what the real store reports. */
import { actionChecksum, actionProblem, isClientAction, namedMembers } from './actions.ts';
import { inputKind } from './chain-hash.ts';
import { doDiskFault } from './disk-fault-actions.ts';
import { cut, doFlap, heal } from './flapping.ts';
import { healEverything, healLinks } from './heal.ts';
import { doHostFault } from './host-faults.ts';
import { fatesProblem } from './cut-preview.ts';
import { doMessage, reschedule } from './message-faults.ts';
import { grpcCode } from '../engine/server/types.ts';
import { isSameLink, linkSettingNames, usualLink } from './link-faults.ts';
import { isAlive } from './process.ts';
import { stopComing, superviseEnd } from './starts.ts';
import type { Queued } from './queue.ts';
import type { WorldEvent } from './process.ts';
import type { LinkSettings } from './fault-types.ts';
import type { ChosenFates } from './power-cut.ts';
import type { Action, FaultAction, LabAction, StoreAction } from './types.ts';
import type { World } from './world.ts';

/**
 * Does an action and, unless it is a client's command, finishes it: with null, or with an error outcome that
 * says why it makes no sense now (code 3: no such member, a number out of bounds; 9: the state does not allow
 * it).
 */
export function doAction(world: World, item: Queued<WorldEvent>, id: number, action: Action): void {
  const members = namedMembers(action);
  world.take(item, inputKind.action, members[members.length - 1] ?? 0, actionChecksum(action));
  if (isClientAction(action)) return world.request(id, action);
  const problem = actionProblem(action, world.members);
  if (problem !== null) {
    return world.finish(id, { ok: false, code: grpcCode.invalidArgument, message: problem });
  }
  const refusal = doFault(world, action);
  const outcome =
    refusal === null ? null : ({ ok: false, code: grpcCode.failedPrecondition, message: refusal } as const);
  world.finish(id, outcome);
}

/** @returns null when it took effect, else why not */
function doFault(world: World, action: LabAction | StoreAction): string | null {
  switch (action.type) {
    case 'kill':
      return kill(world, action.member);
    case 'stopMember':
      return askToStop(world, action.member);
    case 'powerCut':
      return fatesProblem(world.disk(action.member), action) ?? powerCut(world, action.member, action);
    case 'restart':
      return restart(world, action.member);
    case 'start':
      return start(world, action.member, action.state);
    case 'wipe':
      return wipe(world, action.member);
    case 'pauseMember':
      return pause(world, action.member);
    case 'resumeMember':
      return resume(world, action.member);
    case 'cut':
      return cut(world, action.from, action.to)
        ? null
        : `the link from m${action.from} to m${action.to} is cut already`;
    case 'heal':
      return heal(world, action.from, action.to)
        ? null
        : `the link from m${action.from} to m${action.to} is not cut`;
    case 'isolate':
      return isolate(world, action.member);
    case 'healAll':
      return healLinks(world);
    case 'healEverything':
      return healEverything(world);
    case 'slowDisk':
      return slowDisk(world, action.member, action.factor);
    case 'link':
      return degrade(world, action);
    case 'flap':
      return doFlap(world, action);
    case 'crashPoint':
    case 'slowCpu':
    case 'clockRate':
    case 'clockStep':
    case 'clockSwing':
    case 'memoryLimit':
    case 'failAllocation':
    case 'restartDelay':
    case 'keepImage':
    case 'restoreImage':
    case 'loseFiles':
    case 'forceNewCluster':
    case 'copyMember':
      return doHostFault(world, action);
    case 'disk':
    case 'diskError':
    case 'bitRot':
    case 'misdirect':
      return doDiskFault(world, action);
    case 'message':
      return doMessage(world, action);
    case 'load':
      return world.load.change(action.kind, action.perSecond);
    case 'storeFailed':
      return failStore(world, action);
    default:
      return action satisfies never;
  }
}

function isolate(world: World, one: number): null {
  for (const { member } of world.processes) {
    if (member === one) continue;
    cut(world, one, member);
    cut(world, member, one);
  }
  return null;
}

/** Ends the process, if one is there, without a trace on the disk. */
function stop(world: World, member: number): boolean {
  const process = world.process(member);
  const isLoading = process.coming?.why === 'load';
  if (process.status === 'down' && !isLoading) return false;
  process.coming = null;
  world.reporter.tell(member, { type: 'sim.kill' });
  if (!isLoading) world.endProcess(process, 'down');
  return true;
}

export function kill(world: World, member: number): string | null {
  if (!stop(world, member)) return `m${member} is not running`;
  world.reach.kills++;
  superviseEnd(world, world.process(member));
  return null;
}

/** A paused process hears of it when it goes on. */
function askToStop(world: World, member: number): string | null {
  const process = world.process(member);
  if (!isAlive(process)) return `m${member} is not running`;
  process.askedToStop = process.epoch;
  world.schedule(world.nowUs, { kind: 'stop', member, epoch: process.epoch });
  return null;
}

/** The process has stopped by itself: nothing of it is left but its disk. */
export function stopped(world: World, member: number): void {
  world.reporter.tell(member, { type: 'sim.stop' });
  world.endProcess(world.process(member), 'down');
  world.reach.stops++;
}

function restart(world: World, member: number): null {
  world.reach.restarts++;
  stop(world, member);
  stopComing(world, world.process(member));
  world.schedule(world.nowUs, { kind: 'start', member });
  return null;
}

/** @returns why the member cannot be started */
function start(world: World, member: number, state: 'new' | 'existing' | undefined): string | null {
  if (!world.has(member)) {
    const { name, peerUrl } = world.hosts[member - 1];
    return `m${member} is not in the cluster: member add ${name} --peer-urls=${peerUrl}`;
  }
  const process = world.process(member);
  if (isAlive(process)) return `m${member} is running already`;
  if (process.coming?.why === 'load') return `m${member} is being started: it reads its files`;
  stopComing(world, process);
  stop(world, member);
  process.state = state ?? null;
  world.reach.restarts++;
  world.schedule(world.nowUs, { kind: 'start', member });
  return null;
}

function wipe(world: World, member: number): string | null {
  stop(world, member);
  stopComing(world, world.process(member));
  world.twins.remove(member);
  const fileCount = world.disk(member).wipe(world.nowUs);
  world.reach.wipes++;
  world.reporter.tell(member, { type: 'sim.wipe', fileCount });
  return null;
}

/** Also takes the unsynced writes of a process that is gone already. */
export function powerCut(world: World, member: number, chosen: Partial<ChosenFates> = {}): null {
  const process = world.process(member);
  const wasThere = process.status !== 'down' || process.coming?.why === 'load';
  if (wasThere) process.coming = null;
  if (process.status !== 'down') world.endProcess(process, 'down');
  const { fates, ...rest } = chosen;
  const counts = world.disk(member).powerCut(world.nowUs, fates === undefined ? null : { fates, ...rest });
  world.reach.powerCuts++;
  world.reach.writesKept += counts.kept;
  world.reach.writesLost += counts.lost;
  world.reach.writesTorn += counts.torn;
  world.reporter.tell(member, {
    type: 'sim.powerCut',
    keptWrites: counts.kept,
    lostWrites: counts.lost,
    tornWrites: counts.torn,
  });
  if (wasThere) superviseEnd(world, process);
  return null;
}

function pause(world: World, member: number): string | null {
  const process = world.process(member);
  if (process.status !== 'up') return `m${member} is ${process.status}, not running`;
  process.status = 'paused';
  world.reach.pauses++;
  world.reporter.tell(member, { type: 'sim.pause' });
  return null;
}

function resume(world: World, member: number): string | null {
  const process = world.process(member);
  if (process.status !== 'paused') return `m${member} is not paused`;
  world.resume(process);
  return null;
}

/** A disk stays slow when its member's process ends or its power goes: it is the same disk. */
function slowDisk(world: World, member: number, factor: number): string | null {
  const disk = world.disk(member);
  if (disk.slowFactor === factor) {
    return factor === 1
      ? `m${member}'s disk is not slow`
      : `m${member}'s disk is ${factor} times slower already`;
  }
  disk.slowDown(factor);
  if (factor > 1) world.reach.slowDisks++;
  world.reporter.tell(member, { type: 'sim.slowDisk', factor });
  return null;
}

function degrade(world: World, action: Extract<FaultAction, { type: 'link' }>): string | null {
  const { from, to } = action;
  const settings = Object.fromEntries(
    linkSettingNames.map((name) => [name, action[name] ?? usualLink[name]]),
  ) as unknown as LinkSettings;
  if (!world.network.degrade(from, to, settings))
    return `the link from m${from} to m${to} is like that already`;
  // what clogs no more is free at once
  if (settings.clogPerMille === 0 && world.network.isClogged(world.nowUs, from, to))
    reschedule(world, world.network.hasten(world.nowUs, from, to), 'unblocked');
  if (!isSameLink(settings, usualLink)) world.reach.linkFaults++;
  world.reporter.tell(0, { type: 'sim.link', from, to, ...settings });
  return null;
}

/** The member's syncs under way end with the store's error. */
function failStore(world: World, { member, code }: StoreAction): string | null {
  const failed = world.disk(member).failSyncs(world.nowUs);
  for (const { id, epoch, file } of failed) {
    world.reach.syncsFailed++;
    world.reporter.tell(member, { type: 'sim.diskError', file, code });
    world.schedule(world.nowUs, { kind: 'diskDone', member, epoch, id, error: code });
  }
  return failed.length > 0 ? null : `m${member} has no sync under way`;
}
