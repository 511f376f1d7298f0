/** Clients: one etcdctl process a command, with clientv3's connections, retries and time limit. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { decodeAnswer, decodeStatus, encodeAction } from './client-rpc.ts';
import { drawDelay } from './delay.ts';
import { parseEndpoints } from './endpoints.ts';
import { memberIdOf, moveLeaderBody } from './member-rpc.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { DelayConfig } from './delay.ts';
import type { Endpoint } from './endpoints.ts';
import type { FaultReach } from './reach.ts';
import type { Prng } from '../base/prng.ts';
import type { Rpc } from './client-rpc.ts';
import type { SimEvent } from './events.ts';
import type { ClientAction, ClientOutcome, EndpointStatus, MemberView } from './types.ts';
import type { PeerConfig, Reply } from '../engine/server/types.ts';

/** What comes back to a client, or reaches a member for one. `call` names the client's present RPC. */
export type ClientEvent =
  | { readonly kind: 'clientDial'; readonly call: number; readonly endpoint: number; readonly member: number }
  | {
      readonly kind: 'clientDialed';
      readonly call: number;
      readonly endpoint: number;
      readonly epoch: number;
    }
  | {
      readonly kind: 'clientRequest';
      readonly call: number;
      readonly attempt: number;
      readonly member: number;
      readonly epoch: number;
    }
  | {
      readonly kind: 'clientCancel';
      readonly request: number;
      readonly member: number;
      readonly epoch: number;
    }
  | { readonly kind: 'clientReply'; readonly call: number; readonly attempt: number; readonly reply: Reply }
  | { readonly kind: 'clientBroken'; readonly call: number; readonly attempt: number }
  | { readonly kind: 'clientRetry'; readonly call: number; readonly attempt: number }
  | { readonly kind: 'clientDeadline'; readonly call: number };

/** What clients need of the world. */
export interface ClientWorld {
  readonly nowUs: number;
  readonly peers: readonly PeerConfig[];
  readonly reach: FaultReach;
  schedule(timeUs: number, event: ClientEvent): void;
  /** The epoch of the process that listens there; 0 where none does. */
  epochOf(member: number): number;
  tell(event: SimEvent): void;
  finish(id: number, outcome: ClientOutcome): void;
  /** A client was told that a member was added. */
  memberAdded(name: string, id: bigint, members: readonly MemberView[]): void;
}

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
/** @source etcd v3.4 clientv3/lease.go retryConnWait */
const renewalRetryUs = 500_000;

interface Connection {
  readonly endpoint: Endpoint;
  /** The process it leads to; 0 while there is none. */
  epoch: number;
  redialWaitUs: number;
}

interface Command {
  readonly id: number;
  readonly action: ClientAction;
  /** What is asked now; move-leader looks for the leader first. */
  rpc: Rpc;
  readonly draws: Prng;
  /** endpoint status and move-leader ask one endpoint after the other; others have one call over all. */
  readonly waiting: Endpoint[];
  readonly statuses: EndpointStatus[];
  /** Of move-leader: who leads, once that is known. */
  leader: bigint | null;
  /** Until when a standing keep-alive may hope; null for what is no such, or has not been answered yet. */
  keepUntilUs: number | null;
}

interface Call {
  readonly number: number;
  readonly command: Command;
  readonly connections: readonly Connection[];
  /** Before this time it only waits to be begun: the next renewal of a keep-alive. */
  readonly startUs: number;
  /** From 0; each failure that is tried again adds one. */
  attempt: number;
  /** Where the present attempt is; null while it waits for a connection. */
  at: { readonly member: number; readonly epoch: number } | null;
  /** The next connection in turn. */
  next: number;
  /** True while the next attempt's time has not come. */
  isBackingOff: boolean;
  /** Replies and a connection's end arrive in order. */
  lastArrivalUs: number;
}

/**
 * A client dials all its endpoints at once and sends its request over the first that answers. A refused dial
 * is repeated; a request waits for a connection until its time is up. When a connection breaks or the member
 * answers Unavailable, reads go to the next connection and writes end with that error, for they may have
 * happened.
 * @source etcd v3.4 clientv3/retry_interceptor.go, retry.go, balancer/picker/roundrobin_balanced.go
 */
export class Clients {
  readonly #world: ClientWorld;
  readonly #delay: DelayConfig;
  readonly #seed: number;
  readonly #boot: number;
  readonly #calls = new Map<number, Call>();
  /** By the world's request number, which is the command's. */
  readonly #byRequest = new Map<number, Call>();
  #lastCall = 0;

  constructor(world: ClientWorld, delay: DelayConfig, seed: number, boot: number) {
    this.#world = world;
    this.#delay = delay;
    this.#seed = seed;
    this.#boot = boot;
  }

  /** Whether events of this call still mean anything. */
  isOpen(call: number): boolean {
    return this.#calls.has(call);
  }

  /** Calls under way; a keep-alive that rests between two renewals is none. */
  get waitingCount(): number {
    let count = 0;
    for (const { startUs } of this.#calls.values()) if (startUs <= this.#world.nowUs) count++;
    return count;
  }

  /** Starts a command; one that cannot be sent at all ends at once. `id` is also its requests' number. */
  start(id: number, action: ClientAction): void {
    const parsed = parseEndpoints(action.endpoints, this.#world.peers);
    if (!parsed.ok) return this.#fail(id, grpcCode.invalidArgument, parsed.message);
    const encoded = encodeAction(action);
    if (!encoded.ok) return this.#fail(id, encoded.code, encoded.message);
    const command: Command = {
      id,
      action,
      rpc: encoded.rpc,
      draws: stream(this.#seed, this.#boot, 'client', id),
      waiting: [...parsed.endpoints],
      statuses: [],
      leader: null,
      keepUntilUs: null,
    };
    if (action.type === 'endpointStatus' || action.type === 'moveLeader') this.#askNext(command);
    else this.#open(command, command.waiting.splice(0));
  }

  /** A client's event; requests and cancellations that reach a living process are not for here. */
  happen(event: Exclude<ClientEvent, { kind: 'clientCancel' }>): void {
    const call = this.#calls.get(event.call);
    if (call === undefined) return;
    switch (event.kind) {
      case 'clientDial':
        this.#world.schedule(this.#world.nowUs + this.#oneWay(call), {
          kind: 'clientDialed',
          call: call.number,
          endpoint: event.endpoint,
          epoch: this.#world.epochOf(event.member),
        });
        return;
      case 'clientDialed':
        return this.#dialed(call, event.endpoint, event.epoch);
      case 'clientRequest':
        // no process took it: the connection is gone
        this.#world.schedule(this.#arrival(call), {
          kind: 'clientBroken',
          call: call.number,
          attempt: event.attempt,
        });
        return;
      case 'clientReply':
        if (event.attempt === call.attempt) this.#answered(call, event.reply);
        return;
      case 'clientBroken':
        if (event.attempt === call.attempt && call.at !== null) this.#broken(call);
        return;
      case 'clientRetry':
        call.isBackingOff = false;
        this.#send(call);
        return;
      case 'clientDeadline':
        return this.#outOfTime(call);
      default:
        return event satisfies never;
    }
  }

  /** Whether the client still waits for this attempt. */
  isWaiting(call: number, attempt: number): boolean {
    return this.#calls.get(call)?.attempt === attempt;
  }

  /** The request of a call that is open, as it reaches its member. */
  requestOf(call: number): { readonly request: number; readonly rpc: Rpc } {
    const present = this.#calls.get(call);
    assert(present !== undefined, 'client: the call is over');
    return { request: present.command.id, rpc: present.command.rpc };
  }

  /** A member's reply starts its way back; one that nobody waits for is dropped. */
  reply(member: number, epoch: number, reply: Reply): void {
    const call = this.#byRequest.get(reply.request);
    if (call === undefined || call.at === null || call.at.member !== member || call.at.epoch !== epoch)
      return;
    const deliverAt = this.#arrival(call);
    this.#world.schedule(deliverAt, { kind: 'clientReply', call: call.number, attempt: call.attempt, reply });
    this.#world.tell({
      type: 'sim.clientReply',
      request: reply.request,
      from: member,
      code: reply.code,
      sentAt: this.#world.nowUs,
      deliverAt,
    });
  }

  /** A process ended: its clients' connections break. */
  disconnect(member: number): void {
    for (const call of this.#calls.values()) {
      if (call.at?.member === member) {
        const { number, attempt } = call;
        this.#world.schedule(this.#arrival(call), { kind: 'clientBroken', call: number, attempt });
      } else this.#redial(call, member);
    }
  }

  #fail(id: number, code: number, message: string): void {
    this.#world.tell({ type: 'sim.clientDone', request: id, code, message });
    this.#world.finish(id, { ok: false, code, message });
  }

  #askNext(command: Command): void {
    const endpoint = command.waiting.shift();
    if (endpoint !== undefined) return this.#open(command, [endpoint]);
    if (command.action.type === 'moveLeader')
      return this.#fail(command.id, grpcCode.invalidArgument, noLeader(command));
    this.#world.tell({ type: 'sim.clientDone', request: command.id, code: grpcCode.ok, message: '' });
    this.#world.finish(command.id, { ok: true, type: 'endpointStatus', endpoints: command.statuses });
  }

  #open(command: Command, endpoints: readonly Endpoint[], waitUs = 0): void {
    this.#lastCall++;
    const startUs = this.#world.nowUs + waitUs;
    const call: Call = {
      number: this.#lastCall,
      command,
      startUs,
      attempt: 0,
      at: null,
      next: 0,
      isBackingOff: false,
      lastArrivalUs: 0,
      connections: endpoints.map((endpoint) => ({ endpoint, epoch: 0, redialWaitUs })),
    };
    this.#calls.set(call.number, call);
    this.#byRequest.set(command.id, call);
    for (let endpoint = 0; endpoint < endpoints.length; endpoint++) this.#dial(call, endpoint, waitUs);
    this.#world.schedule(startUs + commandTimeoutUs, { kind: 'clientDeadline', call: call.number });
  }

  #dial(call: Call, endpoint: number, waitUs: number): void {
    const timeUs = this.#world.nowUs + waitUs + this.#oneWay(call);
    const { member } = call.connections[endpoint].endpoint;
    this.#world.schedule(timeUs, { kind: 'clientDial', call: call.number, endpoint, member });
  }

  #dialed(call: Call, endpoint: number, epoch: number): void {
    const connection = call.connections[endpoint];
    if (epoch !== 0 && epoch === this.#world.epochOf(connection.endpoint.member)) {
      connection.epoch = epoch;
      if (call.at === null && !call.isBackingOff) this.#send(call);
      return;
    }
    this.#world.reach.connectionsRefused++;
    const waitUs = connection.redialWaitUs;
    connection.redialWaitUs = Math.min(maxRedialWaitUs, Math.floor((waitUs * 16) / 10));
    this.#dial(call, endpoint, this.#jitter(call, waitUs, 5));
  }

  /** Sends over the next connection in turn that stands; without one the request waits for a dial. */
  #send(call: Call): void {
    const { connections, command } = call;
    for (let i = 0; i < connections.length; i++) {
      const index = (call.next + i) % connections.length;
      const { endpoint, epoch } = connections[index];
      if (epoch === 0) continue;
      call.next = index + 1;
      call.at = { member: endpoint.member, epoch };
      const { nowUs } = this.#world;
      const deliverAt = nowUs + this.#oneWay(call);
      const { number, attempt } = call;
      const { member } = endpoint;
      this.#world.schedule(deliverAt, { kind: 'clientRequest', call: number, attempt, member, epoch });
      this.#world.tell({
        type: 'sim.clientSend',
        request: command.id,
        to: member,
        method: command.rpc.method,
        label: command.rpc.label,
        sentAt: nowUs,
        deliverAt,
      });
      return;
    }
  }

  #answered(call: Call, reply: Reply): void {
    if (reply.code === grpcCode.unavailable && this.#retry(call)) return;
    if (reply.code !== grpcCode.ok) return this.#end(call, reply.code, reply.message);
    const { command } = call;
    if (command.action.type === 'endpointStatus') {
      this.#close(call);
      const endpoint = call.connections[0].endpoint.text;
      command.statuses.push({ endpoint, status: decodeStatus(reply.bytes), error: null });
      return this.#askNext(command);
    }
    this.#close(call);
    if (command.action.type === 'moveLeader') return this.#moveLeader(call, command.action, reply.bytes);
    const outcome = decodeAnswer(command.action, reply.bytes);
    if (command.action.type === 'memberAdd' && outcome.ok && outcome.type === 'memberAdd') {
      this.#world.memberAdded(command.action.name, outcome.id, outcome.members);
    }
    this.#conclude(call, outcome);
  }

  /** Where this endpoint leads it is asked to hand over, else the next one is looked at. */
  #moveLeader(call: Call, action: Extract<ClientAction, { type: 'moveLeader' }>, bytes: Uint8Array): void {
    const { command, connections } = call;
    const { leader } = command;
    if (leader !== null) {
      const to = memberIdOf(action.id) ?? 0n;
      return this.#conclude(call, { ok: true, type: 'moveLeader', from: leader, to });
    }
    const status = decodeStatus(bytes);
    command.statuses.push({ endpoint: connections[0].endpoint.text, status, error: null });
    if (status.memberId !== status.leader) return this.#askNext(command);
    command.leader = status.leader;
    command.rpc = { ...command.rpc, ...moveLeaderBody(action) };
    this.#open(command, [connections[0].endpoint]);
  }

  /** The command is done with; a standing keep-alive, once it has been answered, goes on silently. */
  #conclude(call: Call, outcome: ClientOutcome): void {
    const { command } = call;
    const wasKept = command.keepUntilUs !== null;
    const { code, message } = outcome.ok ? { code: grpcCode.ok, message: '' } : outcome;
    this.#world.tell({ type: 'sim.clientDone', request: command.id, code, message });
    if (!wasKept) this.#world.finish(command.id, outcome);
    this.#keepAlive(call, outcome);
  }

  /**
   * Renews again when a third of the time has passed; after a failure soon, while the lease may be alive.
   * @source etcd v3.4 clientv3/lease.go recvKeepAlive, recvKeepAliveLoop, deadlineLoop
   */
  #keepAlive({ command, connections }: Call, outcome: ClientOutcome): void {
    if (command.action.type !== 'leaseKeepAlive' || command.action.once === true) return;
    const { nowUs } = this.#world;
    const endpoints = connections.map(({ endpoint }) => endpoint);
    if (outcome.ok && outcome.type === 'leaseKeepAlive') {
      const ttlUs = outcome.ttlSeconds * 1_000_000;
      command.keepUntilUs = nowUs + ttlUs;
      this.#open(command, endpoints, Math.floor(ttlUs / 3));
    } else if (!outcome.ok && outcome.code !== grpcCode.notFound && nowUs < (command.keepUntilUs ?? 0)) {
      this.#open(command, endpoints, renewalRetryUs);
    }
  }

  #broken(call: Call): void {
    this.#world.reach.connectionsBroken++;
    if (call.at !== null) this.#redial(call, call.at.member);
    if (!this.#retry(call)) this.#end(call, grpcCode.unavailable, 'transport is closing');
  }

  /** The connections that led to a process which is gone are dialled anew. */
  #redial(call: Call, member: number): void {
    call.connections.forEach((connection, index) => {
      if (connection.endpoint.member !== member || connection.epoch === 0) return;
      connection.epoch = 0;
      this.#dial(call, index, 0);
    });
  }

  /**
   * Tries again where that is safe: at once, and after a wait each time a quorum of endpoints has been
   * tried.
   */
  #retry(call: Call): boolean {
    if (!call.command.rpc.repeatable || call.attempt + 1 >= maxAttempts) return false;
    this.#world.reach.requestsRetried++;
    call.attempt++;
    call.at = null;
    const quorum = Math.floor(call.connections.length / 2) + 1;
    if (call.attempt % quorum !== 0) {
      this.#send(call);
      return true;
    }
    call.isBackingOff = true;
    const timeUs = this.#world.nowUs + this.#jitter(call, retryWaitUs, 10);
    this.#world.schedule(timeUs, { kind: 'clientRetry', call: call.number, attempt: call.attempt });
    return true;
  }

  #outOfTime(call: Call): void {
    this.#world.reach.commandsTimedOut++;
    const { command, at } = call;
    if (at !== null) {
      const timeUs = this.#world.nowUs + this.#oneWay(call);
      this.#world.schedule(timeUs, {
        kind: 'clientCancel',
        request: command.id,
        member: at.member,
        epoch: at.epoch,
      });
    } else {
      this.#world.tell({
        type: 'sim.clientSend',
        request: command.id,
        to: 0,
        method: command.rpc.method,
        label: command.rpc.label,
        sentAt: this.#world.nowUs,
        deliverAt: this.#world.nowUs,
      });
    }
    this.#end(call, grpcCode.deadlineExceeded, 'context deadline exceeded');
  }

  #end(call: Call, code: number, message: string): void {
    this.#close(call);
    const { command } = call;
    if (command.action.type !== 'endpointStatus') return this.#conclude(call, { ok: false, code, message });
    command.statuses.push({ endpoint: call.connections[0].endpoint.text, status: null, error: message });
    this.#askNext(command);
  }

  #close(call: Call): void {
    assert(this.#calls.delete(call.number), 'client: a call ends once');
    this.#byRequest.delete(call.command.id);
  }

  #oneWay(call: Call): number {
    return Math.max(1, drawDelay(call.command.draws, this.#delay));
  }

  /** When what leaves a member now reaches the client. */
  #arrival(call: Call): number {
    call.lastArrivalUs = Math.max(call.lastArrivalUs, this.#world.nowUs + this.#oneWay(call));
    return call.lastArrivalUs;
  }

  /** `waitUs` and up to its `part`-th more or less. */
  #jitter(call: Call, waitUs: number, part: number): number {
    const span = Math.floor(waitUs / part);
    return waitUs - span + call.command.draws.below(2 * span + 1);
  }
}

/** @source etcd v3.4 etcdctl/ctlv3/command/move_leader_command.go */
function noLeader({ statuses }: Command): string {
  return `no leader endpoint given at [${statuses.map(({ endpoint }) => endpoint).join(' ')}]`;
}
