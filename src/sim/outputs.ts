/** What a member's output causes: messages, disk work, replies, timers, all strictly later. */
import type { DiskRequest, MemberOutput, Send } from '../engine/server/types.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

const heartbeats = ['MsgHeartbeat', 'MsgHeartbeatResp'];

/** Applies one output of a process. */
export function applyOutput(world: World, process: Process, output: MemberOutput): void {
  const { member, epoch } = process;
  for (const send of output.sends) sendMessage(world, member, send);
  for (const request of output.disk) useDisk(world, process, request);
  for (const reply of output.replies) world.clients.reply(member, epoch, reply);
  for (const { timer, afterUs } of output.timers) {
    world.schedule(world.nowUs + Math.max(1, afterUs), { kind: 'timer', member, epoch, timer });
  }
  if (output.halted === null) return;
  world.reach.halts++;
  world.endProcess(process, 'halted');
}

function sendMessage(world: World, from: number, send: Send): void {
  const to = send.to as number;
  const quiet = heartbeats.includes(send.messageType);
  const departure = { from, to, bytes: send.bytes, targetEpoch: world.epochOf(to), quiet };
  const transits = world.network.send(world.nowUs, departure);
  world.reach.duplicated += transits.length - 1;
  for (const transit of transits) {
    if (!quiet) world.messagesInFlight++;
    world.schedule(transit.deliverAt, { kind: 'message', transit, arrived: false });
    if (!world.reporter.on) continue;
    world.reporter.tell(from, {
      type: 'sim.send',
      message: transit.message,
      from,
      to,
      messageType: send.messageType,
      sentAt: world.nowUs,
      deliverAt: transit.deliverAt,
      sizeBytes: send.bytes.length,
      term: send.term,
      index: send.index,
      entryCount: send.entryCount,
      reject: send.reject,
    });
  }
}

function useDisk(world: World, { member, epoch }: Process, request: DiskRequest): void {
  const sync = world.disk(member).request(world.nowUs, epoch, request);
  const { file } = request;
  if (sync !== null) {
    world.schedule(sync.doneAt, { kind: 'sync', member, sync });
    world.reporter.tell(member, { type: 'sim.diskSync', file, request: sync.id, doneAt: sync.doneAt });
  } else if (request.kind === 'write') {
    const { offset, data } = request;
    world.reporter.tell(member, { type: 'sim.diskWrite', file, offset, sizeBytes: data.length });
  }
}
