/** What a member's output causes: messages, disk work, replies, timers, all strictly later. */
import { crashAmong } from './crash-points.ts';
import { tellNotes } from './disk-fault-actions.ts';
import { shortageIn } from './allocations.ts';
import { checkMemory, crash, fall, runShort } from './host-faults.ts';
import { hostOf } from './twins.ts';
import type { DiskRequest, MemberInput, MemberOutput, Reply, Send } from '../engine/server/types.ts';
import type { Sync } from './disk-files.ts';
import type { Transit } from './network.ts';
import type { Process, WorldEvent } from './process.ts';
import type { World } from './world.ts';

const heartbeats = ['MsgHeartbeat', 'MsgHeartbeatResp'];

/** Applies one output of a process. @param input what it came of; null: a start */
export function applyOutput(
  world: World,
  process: Process,
  output: MemberOutput,
  input: MemberInput | null,
): void {
  const { member, epoch } = process;
  const end = process.crash === null ? null : crashAmong(process.crash, output.disk);
  if (end !== null) {
    for (const request of output.disk.slice(0, end.doneCount)) useDisk(world, process, request);
    return crash(world, process, end.file);
  }
  const shortage = shortageIn(world, process, input, output);
  if (shortage !== null) {
    for (const request of output.disk.slice(0, shortage.doneCount)) useDisk(world, process, request);
    return runShort(world, process, shortage);
  }
  const late = readFirst(world, process, output);
  for (const send of output.sends) if (!late.sends.includes(send)) sendMessage(world, process, send);
  for (const request of output.disk) if (!isSent(request)) useDisk(world, process, request);
  for (const reply of output.replies) if (!late.replies.includes(reply)) answer(world, process, reply);
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
  if (process.restartDelayUs > 0) fall(world, process, 'kill');
  else world.endProcess(process, 'halted');
}

function answer(world: World, { member, epoch, memory }: Process, reply: Reply): void {
  if (reply.more !== true) memory.dropRequest(reply.request);
  world.clients.reply(member, epoch, reply);
}

interface Late {
  readonly sends: readonly Send[];
  readonly replies: readonly Reply[];
}

const nothingLate: Late = { sends: [], replies: [] };

/** Of what is read for no copy. */
const isSent = (request: DiskRequest): request is Extract<DiskRequest, { kind: 'read' }> =>
  request.kind === 'read' && request.into === undefined;

/** Reads what the step sends. @returns what is sent only once that is there */
function readFirst(world: World, { member, epoch }: Process, { disk, sends, replies }: MemberOutput): Late {
  const sent = disk.filter(isSent);
  if (sent.length === 0) return nothingLate;
  const doneAt = Math.max(...sent.map((read) => world.disk(member).read(world.nowUs, read)));
  tellNotes(world, member);
  if (doneAt <= world.nowUs) return nothingLate;
  const late: Late = {
    sends: sends.filter(({ stream }) => stream === 'snapshot'),
    replies: replies.filter(({ request }) => sent.some((read) => read.request === request)),
  };
  world.schedule(doneAt, { kind: 'read', member, epoch, ...late });
  return late;
}

/** What was read goes on its way. */
export function sendRead(
  world: World,
  { member, sends, replies }: Extract<WorldEvent, { kind: 'read' }>,
): void {
  const process = world.process(member);
  for (const send of sends) sendMessage(world, process, send);
  for (const reply of replies) answer(world, process, reply);
}

function sendMessage(world: World, { member: from, epoch: sourceEpoch }: Process, send: Send): void {
  const to = hostOf(world, from, send);
  const quiet = heartbeats.includes(send.messageType);
  const departure = { from, to, send, sourceEpoch, targetEpoch: world.epochOf(to), quiet };
  const transits = world.network.send(world.nowUs, departure);
  world.reach.duplicated += transits.length - 1;
  const { extraDelayUs, jitterUs } = world.network.settings(from, to);
  if (extraDelayUs > 0) world.reach.delayedByLink += transits.length;
  for (const transit of transits) {
    if (transit.isLoose && transit === transits[0]) world.reach.overtaken++;
    else if (transit.isLoose) world.reach.duplicatedByLink++;
    launch(world, transit);
  }
  if (jitterUs > 0) world.reach.jittered += transits.length;
  tellClog(world, from, to);
}

function tellClog(world: World, from: number, to: number): void {
  const { begunUs, waitingCount } = world.network.takeClogNote(from, to);
  world.reach.clogged += waitingCount;
  if (begunUs === 0) return;
  world.reach.clogs++;
  world.reporter.tell(from, { type: 'sim.clog', from, to, clogUs: begunUs });
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
