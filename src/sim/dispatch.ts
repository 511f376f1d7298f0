/** Where an event goes: to the member it is for, to what waits for that member, or to the world itself. */
import { fail } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { inputKind } from './chain-hash.ts';
import { isLastStep } from './crash-points.ts';
import { turnClock } from './clock-faults.ts';
import { doAction } from './faults.ts';
import { turn } from './flapping.ts';
import { crash, failStart, wakeCpu } from './host-faults.ts';
import { sendRead } from './outputs.ts';
import { beginLoad, mustLoad } from './starts.ts';
import type { Sync } from './disk-files.ts';
import type { SimEvent } from './events.ts';
import type { WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { World } from './world.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { DiskErrorCode, MemberInput } from '../engine/server/types.ts';

/** An input that a member was given, until its output comes. `input` is null for a start. */
export interface PendingInput {
  readonly item: Queued<WorldEvent>;
  readonly input: MemberInput | null;
  readonly kind: number;
  readonly source: number;
  readonly target: number;
  readonly payload: number;
  /** What the world tells of it, after the member's own events. */
  readonly told: SimEvent | null;
}

/** The inputs of one member in a plan, in the order of the queue. */
export interface Given {
  readonly member: number;
  readonly inputs: PendingInput[];
}

/** The inputs of a plan in the making, by member. */
export class Draft {
  private given: Given[] = [];

  get isEmpty(): boolean {
    return this.given.length === 0;
  }

  /** All inputs so far, by member, ascending; the draft is empty then. */
  take(): Given[] {
    const { given } = this;
    this.given = [];
    return given.length > 1 ? given.sort((a, b) => a.member - b.member) : given;
  }

  give(
    world: World,
    item: Queued<WorldEvent>,
    input: MemberInput,
    kind: number,
    source: number,
    target: number,
    payload: number,
    told: SimEvent | null = null,
  ): void {
    const pending = { item, input, kind, source, target, payload, told };
    const present = this.given.find(({ member }) => member === target);
    if (present === undefined) this.given.push({ member: target, inputs: [pending] });
    else present.inputs.push(pending);
    world.process(target).cpu.charge(world.nowUs, 'bytes' in input ? input.bytes.length : 0);
  }
}

const timerChecksums = {
  raftTick: crc32c(encodeUtf8('raftTick')),
  backendCommit: crc32c(encodeUtf8('backendCommit')),
  leaseExpiry: crc32c(encodeUtf8('leaseExpiry')),
  compaction: crc32c(encodeUtf8('compaction')),
  autoCompaction: crc32c(encodeUtf8('autoCompaction')),
  corruptCheck: crc32c(encodeUtf8('corruptCheck')),
  watchSync: crc32c(encodeUtf8('watchSync')),
  watchVictims: crc32c(encodeUtf8('watchVictims')),
  watchProgress: crc32c(encodeUtf8('watchProgress')),
  password: crc32c(encodeUtf8('password')),
};

const ticked: SimEvent = { type: 'sim.tick' };

/** Gives an event to the member it is for, holds it for a paused one, or lets the world do it. */
export function dispatch(world: World, draft: Draft, item: Queued<WorldEvent>): void {
  const { event } = item;
  switch (event.kind) {
    case 'timer': {
      const { member, timer } = event;
      if (world.hold(item, member, event)) return;
      return draft.give(
        world,
        item,
        { kind: 'timer', timer },
        inputKind.timer,
        member,
        member,
        timerChecksums[timer],
        timer === 'raftTick' ? ticked : null,
      );
    }
    case 'message':
      return deliver(world, draft, item, event);
    case 'link': {
      const { member, node, up } = event;
      if (world.hold(item, member, event)) return;
      const input = { kind: 'link', node: node as NodeId, up } as const;
      return draft.give(world, item, input, inputKind.link, node, member, up ? 1 : 0);
    }
    case 'stop':
      if (world.hold(item, event.member, event)) return;
      return draft.give(world, item, { kind: 'stop' }, inputKind.stop, 0, event.member, event.epoch);
    case 'sync':
      return syncDone(world, draft, item, event.member, event.sync);
    case 'diskDone':
      if (world.hold(item, event.member, event)) return;
      return giveDiskDone(world, draft, item, event.member, event.id, event.error, null);
    case 'clientRequest':
      return requestArrives(world, draft, item, event);
    case 'clientCancel': {
      const { member, request } = event;
      if (world.hold(item, member, event)) return;
      world.process(member).memory.dropRequest(request);
      return draft.give(world, item, { kind: 'cancel', request }, inputKind.cancel, 0, member, request);
    }
    case 'clientDial':
    case 'clientDialed':
    case 'clientReply':
    case 'clientBroken':
    case 'clientRetry':
    case 'clientDeadline':
      if (event.kind === 'clientDial' && world.hold(item, event.member, event)) return;
      world.take(item, inputKind.client, 0, event.call);
      return world.clients.happen(event);
    case 'loadIssue':
    case 'loadReport':
    case 'perfIssue':
      world.take(item, inputKind.load, 0, event.load);
      return world.loadHappens(event);
    case 'action':
      return doAction(world, item, event.id, event.action);
    case 'start':
    case 'read':
    case 'cpu':
      return goOn(world, item, event);
    case 'flap':
    case 'swing':
      return takeTurn(world, item, event);
    case 'crash':
      return fail('cluster: the end of a process is a plan of its own');
    default:
      return event satisfies never;
  }
}

/** What had to wait for the member's own disk or processor. */
function goOn(
  world: World,
  item: Queued<WorldEvent>,
  event: Extract<WorldEvent, { kind: 'start' | 'read' | 'cpu' }>,
): void {
  const { member } = event;
  if (event.kind === 'cpu') return wakeCpu(world, world.process(member));
  if (event.kind === 'start') {
    if (mustLoad(world, event)) beginLoad(world, item, member);
    else failStart(world, item, member);
  } else if (!world.hold(item, member, event)) {
    world.take(item, inputKind.sync, member, 0);
    sendRead(world, event);
  }
}

/** What goes back and forth by itself: a link, a clock. */
function takeTurn(
  world: World,
  item: Queued<WorldEvent>,
  event: Extract<WorldEvent, { kind: 'flap' | 'swing' }>,
): void {
  world.take(item, inputKind.crash, event.kind === 'swing' ? event.member : 0, event.number);
  if (event.kind === 'swing') turnClock(world, event.member);
  else turn(world, event.from, event.to);
}

function deliver(
  world: World,
  draft: Draft,
  item: Queued<WorldEvent>,
  event: Extract<WorldEvent, { kind: 'message' }>,
): void {
  const { transit } = event;
  const { from, to, message } = transit;
  const { bytes } = transit.send;
  if (!event.arrived) world.network.take(world.nowUs, transit);
  const epoch = world.epochOf(to);
  const drop = event.arrived
    ? epoch === transit.targetEpoch
      ? null
      : 'down'
    : world.network.fate(transit, epoch);
  if (drop === null && world.isWaiting(to, event)) {
    world.hold(item, to, event.arrived ? event : { kind: 'message', transit, arrived: true });
    return;
  }
  if (!transit.quiet) world.messagesInFlight--;
  if (drop === null) {
    const input = { kind: 'message', from: from as NodeId, bytes } as const;
    draft.give(world, item, input, inputKind.message, from, to, crc32c(bytes), {
      type: 'sim.deliver',
      message,
    });
    return;
  }
  if (drop === 'cut') world.reach.droppedByCut++;
  else if (drop === 'loss') world.reach.droppedByLoss++;
  else if (drop === 'queue') world.reach.droppedByQueue++;
  else if (drop === 'filter') world.reach.droppedByFilter++;
  else if (drop === 'corrupt') world.reach.droppedCorrupt++;
  else world.reach.droppedByDown++;
  if (drop === 'loss' && transit.lost === 'link') world.reach.lostByLink++;
  world.take(item, inputKind.drop, to, message);
  world.reporter.tell(to, { type: 'sim.drop', message, because: drop });
}

function syncDone(world: World, draft: Draft, item: Queued<WorldEvent>, member: number, sync: Sync): void {
  const { id, epoch, file, error } = sync;
  if (error === null) world.disk(member).complete(sync);
  else world.reach.syncsFailed++;
  if (sync.urgent) world.gates.push({ member: member as NodeId, commit: sync.commit });
  const told: SimEvent =
    error === null
      ? { type: 'sim.diskSynced', file, request: id }
      : { type: 'sim.diskError', file, code: error };
  const event = { kind: 'diskDone', member, epoch, id, error } as const;
  const isAwaited = world.epochOf(member) === epoch;
  const process = world.process(member);
  const isLast = isAwaited && process.crash !== null && isLastStep(process.crash, ['afterSync'], file);
  if (isAwaited && !isLast && !world.isWaiting(member, event)) {
    return giveDiskDone(world, draft, item, member, id, error, told);
  }
  world.take(item, inputKind.sync, member, id);
  world.reporter.tell(member, told);
  if (isLast) crash(world, process, file);
  else if (isAwaited) world.keep(member, event);
  else world.reach.syncsOutlived++;
}

function requestArrives(
  world: World,
  draft: Draft,
  item: Queued<WorldEvent>,
  event: Extract<WorldEvent, { kind: 'clientRequest' }>,
): void {
  if (world.epochOf(event.member) !== event.epoch) {
    world.take(item, inputKind.client, 0, event.call);
    return world.clients.happen(event);
  }
  if (world.hold(item, event.member, event)) return;
  const { input, payload } = world.clients.inputOf(event.call);
  const { memory } = world.process(event.member);
  if (input.kind === 'request') memory.takeRequest(input.request, input.bytes.length);
  draft.give(world, item, input, inputKind.request, 0, event.member, payload);
}

function giveDiskDone(
  world: World,
  draft: Draft,
  item: Queued<WorldEvent>,
  member: number,
  id: number,
  error: DiskErrorCode | null,
  told: SimEvent | null,
): void {
  const payload = error === null ? id : crc32c(encodeUtf8(`${id} ${error}`));
  draft.give(world, item, { kind: 'diskDone', id, error }, inputKind.diskDone, member, member, payload, told);
}
