/** A client's calls: connections that are dialled, requests that are sent and tried again, time limits. */
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { drawDelay } from './delay.ts';
import { hasTimeLimit, needsLeader, rpcOf } from './client-call.ts';
import { labelOf } from './client-rpc.ts';
import type { Call, ClientEvent, ClientWorld, Command } from './client-call.ts';
import type { DelayConfig } from './delay.ts';
import type { Endpoint } from './endpoints.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { MemberInput, Reply } from '../engine/server/types.ts';

/** etcdctl's --command-timeout. */
const commandTimeoutUs = 5_000_000;
/**
 * @source etcd v3.4 clientv3/options.go defaultUnaryMaxRetries, defaultBackoffWaitBetween, its jitter of a
 * tenth
 */
const maxAttempts = 100;
const retryWaitUs = 25_000;
/**
 * grpc-go waits so long before it dials a refused address again, 1.6 times longer each time, a fifth more or
 * less.
 */
const redialWaitUs = 1_000_000;
const maxRedialWaitUs = 120_000_000;

/** Who is told what became of a call. */
export interface CallOwner {
  answered(call: Call, reply: Reply): void;
  /** The call is closed: it was not answered, and is not tried again. */
  ended(call: Call, code: number, message: string): void;
}

/** What a member is given, and what of it goes into the hash. */
export interface CallInput {
  readonly input: Extract<MemberInput, { kind: 'request' | 'stream' }>;
  readonly payload: number;
}

/**
 * A client dials all its endpoints at once and sends its request over the first that answers. A refused dial
 * is repeated; a request waits for a connection until its time is up. When a connection breaks or the member
 * answers Unavailable, reads go to the next connection and writes end with that error, for they may have
 * happened.
 * @source etcd v3.4 clientv3/retry_interceptor.go, retry.go, balancer/picker/roundrobin_balanced.go
 */
export class Calls {
  private readonly world: ClientWorld;
  private readonly delay: DelayConfig;
  private readonly owner: CallOwner;
  private readonly calls = new Map<number, Call>();
  /** By the world's request number. */
  private readonly commands = new Map<number, Command>();
  private lastCall = 0;

  constructor(world: ClientWorld, delay: DelayConfig, owner: CallOwner) {
    this.world = world;
    this.delay = delay;
    this.owner = owner;
  }

  get open(): readonly Call[] {
    return [...this.calls.values()];
  }

  /** Whether events of this call still mean anything. */
  isOpen(call: number): boolean {
    return this.calls.has(call);
  }

  /** Whether the client still waits for this attempt. */
  isWaiting(call: number, attempt: number): boolean {
    return this.calls.get(call)?.attempt === attempt;
  }

  begin(command: Command, endpoints: readonly Endpoint[], waitUs = 0): void {
    this.lastCall++;
    const startUs = this.world.nowUs + waitUs;
    const call: Call = {
      number: this.lastCall,
      command,
      startUs,
      attempt: 0,
      at: null,
      next: 0,
      isBackingOff: false,
      lastArrivalUs: 0,
      connections: endpoints.map((endpoint) => ({ endpoint, epoch: 0, redialWaitUs })),
    };
    this.calls.set(call.number, call);
    this.commands.set(command.id, command);
    command.calls.add(call);
    for (let endpoint = 0; endpoint < endpoints.length; endpoint++) this.dial(call, endpoint, waitUs);
    if (!hasTimeLimit(command)) return;
    this.world.schedule(startUs + (command.action.timeoutUs ?? commandTimeoutUs), {
      kind: 'clientDeadline',
      call: call.number,
    });
  }

  close(call: Call): void {
    const { command } = call;
    assert(this.calls.delete(call.number), 'client: a call ends once');
    command.calls.delete(call);
    if (command.calls.size === 0) this.commands.delete(command.id);
  }

  /** The client closes its stream. */
  hangUp(call: Call): void {
    const { at, command } = call;
    this.close(call);
    if (at === null) return;
    const timeUs = this.world.nowUs + this.oneWay(call);
    this.world.schedule(timeUs, { kind: 'clientCancel', request: command.id, ...at });
  }

  /** Sends a further message on a stream that stands; false where it stands nowhere now. */
  sendOn(call: Call, bytes: Uint8Array): boolean {
    const { at, attempt, number, command } = call;
    if (at === null) return false;
    command.outbox.push(bytes);
    const timeUs = this.world.nowUs + this.oneWay(call);
    this.world.schedule(timeUs, { kind: 'clientRequest', call: number, attempt, ...at });
    return true;
  }

  /** A client's event; requests and cancellations that reach a living process are not for here. */
  happen(event: Exclude<ClientEvent, { kind: 'clientCancel' }>): void {
    const call = this.calls.get(event.call);
    if (call === undefined) return;
    const { number } = call;
    const { nowUs } = this.world;
    switch (event.kind) {
      case 'clientDial': {
        const epoch = this.world.epochOf(event.member);
        const dialed = { kind: 'clientDialed', call: number, endpoint: event.endpoint, epoch } as const;
        return this.world.schedule(nowUs + this.oneWay(call), dialed);
      }
      case 'clientDialed':
        return this.dialed(call, event.endpoint, event.epoch);
      case 'clientRequest': {
        // no process took it: the connection is gone
        const { attempt } = event;
        return this.world.schedule(this.arrival(call), { kind: 'clientBroken', call: number, attempt });
      }
      case 'clientReply':
        if (event.attempt === call.attempt) this.owner.answered(call, event.reply);
        return;
      case 'clientBroken':
        if (event.attempt === call.attempt && call.at !== null) this.broken(call);
        return;
      case 'clientRetry':
        call.isBackingOff = false;
        return this.send(call);
      case 'clientDeadline':
        return this.outOfTime(call);
      default:
        return event satisfies never;
    }
  }

  /** What reaches the member of a call that is open: its request, or what follows on its stream. */
  inputOf(call: number): CallInput {
    const present = this.calls.get(call);
    assert(present !== undefined, 'client: the call is over');
    const { id: request, token, outbox } = present.command;
    const further = outbox.shift();
    if (further !== undefined) {
      return { input: { kind: 'stream', request, bytes: further }, payload: crc32c(further) };
    }
    const { method, bytes } = rpcOf(present.command);
    const metadata = {
      ...(token !== null && { token }),
      ...(needsLeader(present.command) && { requireLeader: true }),
    };
    return {
      input: { kind: 'request', request, method, bytes, ...metadata },
      payload: crc32c(bytes, crc32c(encodeUtf8(method + JSON.stringify(metadata)))),
    };
  }

  /** A member's reply starts its way back; one that nobody waits for is dropped. */
  reply(member: number, epoch: number, reply: Reply): void {
    const { request, code } = reply;
    const call = this.askedAt(request, member, epoch);
    if (call === undefined) return;
    const deliverAt = this.arrival(call);
    this.world.schedule(deliverAt, { kind: 'clientReply', call: call.number, attempt: call.attempt, reply });
    // a file comes in very many pieces: its end is told
    if (reply.more === true && call.command.watch === null) return;
    const sentAt = this.world.nowUs;
    this.world.tell({ type: 'sim.clientReply', request, from: member, code, sentAt, deliverAt });
  }

  /** The request's call that waits for this process. */
  private askedAt(request: number, member: number, epoch: number): Call | undefined {
    for (const call of this.commands.get(request)?.calls ?? [])
      if (call.at !== null && call.at.member === member && call.at.epoch === epoch) return call;
    return undefined;
  }

  /** A process ended: its clients' connections break. */
  disconnect(member: number): void {
    for (const call of this.calls.values()) {
      if (call.at?.member === member) {
        const { number, attempt } = call;
        this.world.schedule(this.arrival(call), { kind: 'clientBroken', call: number, attempt });
      } else this.redial(call, member);
    }
  }

  /**
   * Tries again where that is safe: at once, and after a wait each time a quorum of endpoints has been
   * tried.
   */
  retry(call: Call): boolean {
    const { rpc, isSigningIn, watch } = call.command;
    if (watch === null && call.attempt + 1 >= maxAttempts) return false;
    if (!rpc.repeatable && !isSigningIn) return false;
    this.world.reach.requestsRetried++;
    call.attempt++;
    call.at = null;
    call.command.outbox = [];
    const quorum = Math.floor(call.connections.length / 2) + 1;
    if (call.attempt % quorum !== 0) {
      this.send(call);
      return true;
    }
    call.isBackingOff = true;
    const timeUs = this.world.nowUs + this.jitter(call, retryWaitUs, 10);
    this.world.schedule(timeUs, { kind: 'clientRetry', call: call.number, attempt: call.attempt });
    return true;
  }

  private dial(call: Call, endpoint: number, waitUs: number): void {
    const timeUs = this.world.nowUs + waitUs + this.oneWay(call);
    const { member } = call.connections[endpoint].endpoint;
    this.world.schedule(timeUs, { kind: 'clientDial', call: call.number, endpoint, member });
  }

  private dialed(call: Call, endpoint: number, epoch: number): void {
    const connection = call.connections[endpoint];
    if (epoch !== 0 && epoch === this.world.epochOf(connection.endpoint.member)) {
      connection.epoch = epoch;
      if (call.at === null && !call.isBackingOff) this.send(call);
      return;
    }
    this.world.reach.connectionsRefused++;
    const waitUs = connection.redialWaitUs;
    connection.redialWaitUs = Math.min(maxRedialWaitUs, Math.floor((waitUs * 16) / 10));
    this.dial(call, endpoint, this.jitter(call, waitUs, 5));
  }

  /** Sends over the next connection in turn that stands; without one the request waits for a dial. */
  private send(call: Call): void {
    const { connections, number, attempt } = call;
    for (let i = 0; i < connections.length; i++) {
      const index = (call.next + i) % connections.length;
      const { endpoint, epoch } = connections[index];
      if (epoch === 0) continue;
      const { member } = endpoint;
      call.next = index + 1;
      call.at = { member, epoch };
      const deliverAt = this.world.nowUs + this.oneWay(call);
      this.world.schedule(deliverAt, { kind: 'clientRequest', call: number, attempt, member, epoch });
      return this.tellSend(call.command, member, deliverAt);
    }
  }

  private tellSend(command: Command, to: number, deliverAt: number): void {
    if (!this.world.isHeard) return;
    const { method } = rpcOf(command);
    const label = labelOf(command.action);
    const sentAt = this.world.nowUs;
    this.world.tell({ type: 'sim.clientSend', request: command.id, to, method, label, sentAt, deliverAt });
  }

  private broken(call: Call): void {
    this.world.reach.connectionsBroken++;
    if (call.at !== null) this.redial(call, call.at.member);
    if (!this.retry(call)) this.end(call, grpcCode.unavailable, 'transport is closing');
  }

  /** The connections that led to a process which is gone are dialled anew. */
  private redial(call: Call, member: number): void {
    call.connections.forEach((connection, index) => {
      if (connection.endpoint.member !== member || connection.epoch === 0) return;
      connection.epoch = 0;
      this.dial(call, index, 0);
    });
  }

  private outOfTime(call: Call): void {
    this.world.reach.commandsTimedOut++;
    const { command, at } = call;
    const { nowUs } = this.world;
    if (at === null) this.tellSend(command, 0, nowUs);
    else {
      const timeUs = nowUs + this.oneWay(call);
      this.world.schedule(timeUs, { kind: 'clientCancel', request: command.id, ...at });
    }
    this.end(call, grpcCode.deadlineExceeded, 'context deadline exceeded');
  }

  private end(call: Call, code: number, message: string): void {
    this.close(call);
    this.owner.ended(call, code, message);
  }

  private oneWay(call: Call): number {
    return Math.max(1, drawDelay(call.command.draws, this.delay));
  }

  /** When what leaves a member now reaches the client. */
  private arrival(call: Call): number {
    call.lastArrivalUs = Math.max(call.lastArrivalUs, this.world.nowUs + this.oneWay(call));
    return call.lastArrivalUs;
  }

  /** `waitUs` and up to its `part`-th more or less. */
  private jitter(call: Call, waitUs: number, part: number): number {
    const span = Math.floor(waitUs / part);
    return waitUs - span + call.command.draws.below(2 * span + 1);
  }
}
