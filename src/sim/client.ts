/** Clients: one etcdctl process a command, with clientv3's connections, retries and time limit. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { decodeAnswer, decodeStatus, encodeAction } from './client-rpc.ts';
import { drawDelay } from './delay.ts';
import { asksEach, endpointOutcome } from './endpoint-rpc.ts';
import { parseEndpoints } from './endpoints.ts';
import { tokenOf } from './etcd-rpc.ts';
import { memberIdOf, moveLeaderBody } from './member-rpc.ts';
import { decodeWatch, emptyWatch, nextRevision, watchBytes, watchTold } from './watch-rpc.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { DelayConfig } from './delay.ts';
import { newCommand, noLeader, rpcOf, stepsAfter } from './client-call.ts';
import type { Call, ClientEvent, ClientWorld, Command } from './client-call.ts';
import type { Endpoint } from './endpoints.ts';
import type { Rpc } from './client-rpc.ts';
import type { ClientAction, ClientOutcome } from './types.ts';
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
/** @source etcd v3.4 clientv3/lease.go retryConnWait */
const renewalRetryUs = 500_000;

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

  /** Calls under way; a keep-alive that rests between two renewals is none, nor a watch that stands. */
  get waitingCount(): number {
    let count = 0;
    for (const { startUs, command } of this.#calls.values()) {
      if (startUs <= this.#world.nowUs && command.watch?.stood !== true) count++;
    }
    return count;
  }

  /** Starts a command; one that cannot be sent at all ends at once. `id` is also its requests' number. */
  start(id: number, action: ClientAction): void {
    if (action.type === 'watchStop') return this.#stopWatches(id, action.watch);
    const parsed = parseEndpoints(action.endpoints, this.#world.peers);
    if (!parsed.ok) return this.#fail(id, grpcCode.invalidArgument, parsed.message);
    const encoded = encodeAction(action);
    if (!encoded.ok) return this.#fail(id, encoded.code, encoded.message);
    const draws = stream(this.#seed, this.#boot, 'client', id);
    const command = newCommand(id, action, encoded.rpc, draws, parsed.endpoints);
    if (command.isSigningIn) this.#open(command, command.waiting);
    else this.#begin(command);
  }

  #begin(command: Command): void {
    const { action, waiting } = command;
    if (asksEach(action) || action.type === 'moveLeader') this.#askNext(command);
    else this.#open(command, waiting.splice(0));
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
  requestOf(call: number): Extract<MemberInput, { kind: 'request' }> {
    const present = this.#calls.get(call);
    assert(present !== undefined, 'client: the call is over');
    const { id: request, token } = present.command;
    const { method, bytes } = rpcOf(present.command);
    return { kind: 'request', request, method, bytes, ...(token !== null && { token }) };
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
    if (!asksEach(command.action)) return this.#fail(command.id, grpcCode.invalidArgument, noLeader(command));
    this.#world.tell({ type: 'sim.clientDone', request: command.id, code: grpcCode.ok, message: '' });
    this.#world.finish(command.id, endpointOutcome(command.action, command.asked));
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
    if (command.watch !== null && !command.isSigningIn) return;
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
        method: rpcOf(command).method,
        label: command.rpc.label,
        sentAt: nowUs,
        deliverAt,
      });
      return;
    }
  }

  #answered(call: Call, reply: Reply): void {
    const { command } = call;
    const { action } = command;
    if (command.watch !== null && !command.isSigningIn) return this.#watchHears(call, reply);
    if (reply.code === grpcCode.unavailable && this.#retry(call)) return;
    if (reply.code !== grpcCode.ok) return this.#refused(call, reply);
    this.#close(call);
    if (command.isSigningIn) return this.#signedIn(command, tokenOf(reply.bytes));
    const step = command.steps.shift();
    if (step !== undefined) return this.#follow(call, step);
    if (asksEach(action)) return this.#noteAnswer(call, reply.bytes, null);
    if (action.type === 'moveLeader') return this.#moveLeader(call, action, reply.bytes);
    if (action.type === 'watch') return;
    const outcome = decodeAnswer(action, reply.bytes);
    if (action.type === 'memberAdd' && outcome.ok && outcome.type === 'memberAdd') {
      this.#world.memberAdded(action.name, outcome.id, outcome.members);
    }
    this.#conclude(call, outcome);
  }

  /** @source etcd v3.4.23 clientv3/client.go newClient, etcdctl auth_command.go authEnableCommandFunc */
  #refused(call: Call, { code, message }: Reply): void {
    const { command } = call;
    if (command.isSigningIn && message === 'etcdserver: authentication is not enabled') {
      this.#close(call);
      return this.#signedIn(command, null);
    }
    const steps = command.action.type === 'authEnable' ? stepsAfter(message, command.rpc) : [];
    const [first, ...rest] = steps;
    if (first === undefined) return this.#end(call, code, message);
    this.#close(call);
    command.steps.push(...rest);
    this.#follow(call, first);
  }

  #signedIn(command: Command, token: string | null): void {
    command.token = token;
    command.isSigningIn = false;
    this.#begin(command);
  }

  #follow({ command, connections }: Call, rpc: Rpc): void {
    command.rpc = rpc;
    this.#open(
      command,
      connections.map(({ endpoint }) => endpoint),
    );
  }

  #noteAnswer({ command, connections, startUs }: Call, bytes: Uint8Array | null, error: string | null): void {
    const endpoint = connections[0].endpoint.text;
    command.asked.push({ endpoint, bytes, error, tookUs: this.#world.nowUs - startUs });
    this.#askNext(command);
  }

  /**
   * A watch goes on at another endpoint where its stream breaks, from the revision that comes next.
   * @source etcd v3.4.23 clientv3/watch.go run, serveSubstream
   */
  #watchHears(call: Call, reply: Reply): void {
    const { command } = call;
    const { watch, action } = command;
    if (watch === null || action.type !== 'watch') return;
    if (reply.more !== true) {
      const mayPass = reply.code === grpcCode.unavailable || reply.code === grpcCode.internal;
      if (!mayPass || !this.#retry(call)) this.#end(call, reply.code, reply.message);
      return;
    }
    const answer = decodeWatch(reply.bytes);
    if (!answer.canceled) watch.from = nextRevision(watch.from, answer);
    command.rpc = { ...command.rpc, bytes: watchBytes(action, watch.from) };
    if (!watch.stood) this.#watchStands(command, watch);
    if (answer.events.length > 0 || answer.canceled) this.#world.tell(watchTold(command.id, answer));
    if (answer.canceled) this.#hangUp(call);
  }

  #watchStands({ id }: Command, watch: { stood: boolean }): void {
    watch.stood = true;
    this.#world.tell({ type: 'sim.clientDone', request: id, code: grpcCode.ok, message: '' });
    this.#world.finish(id, { ok: true, type: 'watch', watch: id });
  }

  #stopWatches(id: number, watch: number | undefined): void {
    const calls = [...this.#calls.values()].filter(
      ({ command }) => command.watch !== null && (watch === undefined || watch === command.id),
    );
    if (calls.length === 0) return this.#fail(id, grpcCode.notFound, 'there is no such watch');
    for (const call of calls) {
      const { command } = call;
      if (command.watch?.stood === false) this.#watchStands(command, command.watch);
      this.#hangUp(call);
    }
    this.#world.tell({ type: 'sim.clientDone', request: id, code: grpcCode.ok, message: '' });
    this.#world.finish(id, { ok: true, type: 'watchStop', stopped: calls.length });
  }

  /** The client closes its stream. */
  #hangUp(call: Call): void {
    const { at, command } = call;
    const { id: request } = command;
    this.#close(call);
    if (at === null) return;
    this.#world.schedule(this.#world.nowUs + this.#oneWay(call), { kind: 'clientCancel', request, ...at });
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
    command.asked.push({ endpoint: connections[0].endpoint.text, bytes, error: null, tookUs: 0 });
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
    const { rpc, isSigningIn, watch } = call.command;
    if (watch === null && call.attempt + 1 >= maxAttempts) return false;
    if (!rpc.repeatable && !isSigningIn) return false;
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
        method: rpcOf(command).method,
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
    if (command.watch?.stood === true) {
      const ended = message === '' ? 'the stream has ended' : message;
      return this.#world.tell({ ...watchTold(command.id, emptyWatch), ended });
    }
    if (asksEach(command.action) && !command.isSigningIn) return this.#noteAnswer(call, null, message);
    this.#conclude(call, { ok: false, code, message });
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
