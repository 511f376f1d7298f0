/** What a member's output causes: messages, disk work, replies, timers, all strictly later. */
import { crashAmong } from './crash-points.ts';
import { tellNotes } from './disk-fault-actions.ts';
import { checkMemory, crash, fall } from './host-faults.ts';
import type { DiskRequest, MemberOutput, Send } from '../engine/server/types.ts';
import type { Sync } from './disk-files.ts';
import type { Transit } from './network.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

const heartbeats = ['MsgHeartbeat', 'MsgHeartbeatResp'];

/** Applies one output of a process. */
export function applyOutput(world: World, process: Process, output: MemberOutput): void {
  const { member, epoch } = process;
  const end = process.crash === null ? null : crashAmong(process.crash, output.disk);
  if (end !== null) {
    for (const request of output.disk.slice(0, end.doneCount)) useDisk(world, process, request);
    return crash(world, process, end.file);
  }
  for (const send of output.sends) sendMessage(world, process, send);
  for (const request of output.disk) useDisk(world, process, request);
  for (const reply of output.replies) {
    if (reply.more !== true) process.memory.dropRequest(reply.request);
    world.clients.reply(member, epoch, reply);
  }
  for (const { timer, afterUs } of output.timers) {
    world.schedule(world.nowUs + Math.max(1, process.clock.worldTime(afterUs)), {
      kind: 'timer',
      member,
      epoch,
      timer,
    });
  }
  if (output.halted === null) return checkMemory(world, process);
  if (output.stopped === true) return fall(world, process, 'stop');
  world.reach.halts++;
  world.endProcess(process, 'halted');
}

function sendMessage(world: World, { member: from, epoch: sourceEpoch }: Process, send: Send): void {
  const to = send.to as number;
  const quiet = heartbeats.includes(send.messageType);
  const departure = { from, to, send, sourceEpoch, targetEpoch: world.epochOf(to), quiet };
  const transits = world.network.send(world.nowUs, departure);
  world.reach.duplicated += transits.length - 1;
  if (world.network.extraDelayUs(from, to) > 0) world.reach.delayedByLink += transits.length;
  for (const transit of transits) {
    if (transit.isLoose && transit === transits[0]) world.reach.overtaken++;
    else if (transit.isLoose) world.reach.duplicatedByLink++;
    launch(world, transit);
  }
  if (world.network.settings(from, to).jitterUs > 0) world.reach.jittered += transits.length;
}

/** A message is on its way: it comes due when it arrives, unless it waits for one before it. */
export function launch(world: World, transit: Transit): void {
  const { message, from, to, send, sentAt, deliverAt } = transit;
  if (!transit.quiet) world.messagesInFlight++;
  const travels = world.network.isCurrent(transit);
  if (travels) world.schedule(deliverAt, { kind: 'message', transit, arrived: false });
  if (world.reporter.on) {
    const { messageType, term, index, entryCount, reject, bytes } = send;
    world.reporter.tell(from, {
      type: 'sim.send',
      message,
      from,
      to,
      messageType,
      sentAt,
      deliverAt,
      sizeBytes: bytes.length,
      term,
      index,
      entryCount,
      reject,
    });
  }
  if (travels) return;
  world.reach.messagesBehind++;
  world.reporter.tell(from, { type: 'sim.hold', message, because: 'behind' });
}

/** A sync is under way: it comes due when it is done. */
export function awaitSync(world: World, member: number, sync: Sync): void {
  const { file, id: request, doneAt } = sync;
  world.schedule(doneAt, { kind: 'sync', member, sync });
  world.reporter.tell(member, { type: 'sim.diskSync', file, request, doneAt });
}

function useDisk(world: World, { member, epoch }: Process, request: DiskRequest): void {
  const sync = world.disk(member).request(world.nowUs, epoch, request);
  const { file } = request;
  tellNotes(world, member);
  if (sync !== null) {
    if (sync.isLie) world.reach.syncsLied++;
    if (world.disk(member).slowFactor > 1) world.reach.syncsSlowed++;
    awaitSync(world, member, sync);
  } else if (request.kind === 'write') {
    const { offset, data } = request;
    world.reporter.tell(member, { type: 'sim.diskWrite', file, offset, sizeBytes: data.length });
  }
}
