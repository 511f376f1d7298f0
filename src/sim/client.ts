/** Clients: one etcdctl process a command, with what clientv3 does over its calls. */
import { callError } from '../base/grpc-text.ts';
import { kept } from '../base/fork.ts';
import { stream } from '../base/prng.ts';
import { decodeAnswer, decodeStatus, encodeAction } from './client-rpc.ts';
import { Calls } from './client-calls.ts';
import { isStanding, isTokenLapsed, newCommand, noLeader, stepsAfter } from './client-call.ts';
import { asksEach, distinct, endpointOutcome } from './endpoint-rpc.ts';
import { parseEndpoints } from './endpoints.ts';
import { disarmBodies, disarmedOutcome, tokenOf } from './etcd-rpc.ts';
import { keepAliveTold } from './lease-rpc.ts';
import { memberIdOf, moveLeaderBody } from './member-rpc.ts';
import { chosenOne, snapshotOutcome } from './snapshot-rpc.ts';
import { decodeWatch, emptyWatch, hear, progressBytes, watchBytes, watchTold } from './watch-rpc.ts';
import { noLeaderText } from '../engine/server/errors.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { Call, ClientEvent, ClientWorld, Command } from './client-call.ts';
import type { CallInput, CallOwner } from './client-calls.ts';
import type { DelayConfig } from './delay.ts';
import type { Rpc } from './client-rpc.ts';
import type { ClientAction, ClientOutcome } from './types.ts';
import type { Reply } from '../engine/server/types.ts';

/** @source etcd v3.4 clientv3/lease.go retryConnWait */
const renewalRetryUs = 500_000;

/** Commands, from what is asked to their outcome; the calls that they need are made by `Calls`. */
export class Clients {
  private readonly world: ClientWorld;
  private readonly seed: number;
  private readonly boot: number;
  private readonly calls: Calls;

  constructor(world: ClientWorld, delay: DelayConfig, seed: number, boot: number) {
    this.world = world;
    this.seed = seed;
    this.boot = boot;
    const owner = (self: Clients): CallOwner => ({
      answered: (call, reply) => self.answered(call, reply),
      ended: (call, code, message) => self.ended(call, code, message),
    });
    this.calls = new Calls(world, delay, kept(owner, this));
  }

  /** Whether events of this call still mean anything. */
  isOpen(call: number): boolean {
    return this.calls.isOpen(call);
  }

  /** Whether the client still waits for this attempt. */
  isWaiting(call: number, attempt: number): boolean {
    return this.calls.isWaiting(call, attempt);
  }

  /** Calls under way; a keep-alive that rests between two renewals is none, nor a watch that stands. */
  get waitingCount(): number {
    const { nowUs } = this.world;
    return this.calls.open.filter(({ startUs, command }) => startUs <= nowUs && command.watch?.stood !== true)
      .length;
  }

  /** Starts a command; one that cannot be sent at all ends at once. `id` is also its requests' number. */
  start(id: number, action: ClientAction): void {
    if (action.type === 'stop') return this.stop(id, action);
    if (action.type === 'watchProgress') return this.askProgress(id, action.watch);
    if (action.type === 'checkPerf') return this.world.checkPerf(id, action);
    const parsed = parseEndpoints(action.endpoints, this.world.peers);
    if (!parsed.ok) return this.fail(id, grpcCode.invalidArgument, parsed.message);
    const encoded = encodeAction(action);
    if (!encoded.ok) return this.fail(id, encoded.code, encoded.message);
    const endpoints = action.type === 'snapshotSave' ? chosenOne(action, parsed.endpoints) : parsed.endpoints;
    if (typeof endpoints === 'string') return this.fail(id, grpcCode.unknown, endpoints);
    const draws = stream(this.seed, this.boot, 'client', id);
    const command = newCommand(id, action, encoded.rpc, draws, endpoints);
    if (command.isSigningIn) this.calls.begin(command, command.waiting);
    else this.begin(command);
  }

  /** A client's event; requests and cancellations that reach a living process are not for here. */
  happen(event: Exclude<ClientEvent, { kind: 'clientCancel' }>): void {
    this.calls.happen(event);
  }

  /** What reaches the member of a call that is open. */
  inputOf(call: number): CallInput {
    return this.calls.inputOf(call);
  }

  /** A member's reply starts its way back; one that nobody waits for is dropped. */
  reply(member: number, epoch: number, reply: Reply): void {
    this.calls.reply(member, epoch, reply);
  }

  /** A process ended: its clients' connections break. */
  disconnect(member: number): void {
    this.calls.disconnect(member);
  }

  private begin(command: Command): void {
    const { action, waiting } = command;
    if (action.type === 'endpointHealth') {
      for (const endpoint of distinct(waiting)) {
        waiting.splice(waiting.indexOf(endpoint), 1);
        this.calls.begin(command, [endpoint]);
      }
    } else if (asksEach(action) || action.type === 'moveLeader') this.askNext(command);
    else this.calls.begin(command, waiting.splice(0));
  }

  private fail(id: number, code: number, message: string): void {
    this.done(id, { ok: false, code, message });
  }

  private done(id: number, outcome: ClientOutcome): void {
    this.tellDone(id, outcome);
    this.world.finish(id, outcome);
  }

  private tellDone(request: number, outcome: ClientOutcome): void {
    if (!this.world.isHeard) return;
    const { code, message } = outcome.ok ? { code: grpcCode.ok, message: '' } : outcome;
    this.world.tell({ type: 'sim.clientDone', request, code, message });
  }

  /** The next endpoint is asked; where none is left, and none is asked still, the command is done with. */
  private askNext(command: Command): void {
    if (command.calls.size > 0) return;
    const endpoint = command.waiting.shift();
    if (endpoint !== undefined) return this.calls.begin(command, [endpoint]);
    if (!asksEach(command.action)) return this.fail(command.id, grpcCode.invalidArgument, noLeader(command));
    this.done(command.id, endpointOutcome(command.action, command.asked));
  }

  private answered(call: Call, reply: Reply): void {
    const { command } = call;
    const { action } = command;
    if (command.watch !== null && !command.isSigningIn) return this.watchHears(call, reply);
    if (isTokenLapsed(command, reply.message)) return this.signInAnew(call);
    if (reply.code === grpcCode.unavailable && this.calls.retry(call)) return;
    if (reply.code !== grpcCode.ok) return this.refused(call, reply);
    if (reply.more === true) return void command.pieces.push(reply.bytes);
    this.calls.close(call);
    if (command.isSigningIn) return this.signedIn(command, tokenOf(reply.bytes));
    if (action.type === 'alarmDisarm') return this.disarm(call, reply.bytes);
    const step = command.steps.shift();
    if (step !== undefined) return this.follow(call, step);
    if (asksEach(action)) return this.noteAnswer(call, reply.bytes, null);
    if (action.type === 'moveLeader') return this.moveLeader(call, action, reply.bytes);
    if (action.type === 'snapshotSave') return this.done(command.id, snapshotOutcome(command.pieces));
    if (action.type === 'watch') return;
    const outcome = decodeAnswer(action, reply.bytes);
    if (action.type === 'memberAdd' && outcome.ok && outcome.type === 'memberAdd') {
      this.world.memberAdded(action.name, outcome.id, outcome.members);
    }
    this.conclude(call, outcome);
  }

  /** @source etcd v3.4.23 clientv3/client.go newClient, etcdctl auth_command.go authEnableCommandFunc */
  private refused(call: Call, { code, message }: Reply): void {
    const { command } = call;
    this.calls.close(call);
    if (command.isSigningIn && message === 'etcdserver: authentication is not enabled') {
      return this.signedIn(command, null);
    }
    const steps = command.action.type === 'authEnable' ? stepsAfter(message, command.rpc) : [];
    const [first, ...rest] = steps;
    if (first === undefined) return this.ended(call, code, message);
    command.steps.push(...rest);
    this.follow(call, first);
  }

  private signedIn(command: Command, token: string | null): void {
    command.token = token;
    command.isSigningIn = false;
    this.begin(command);
  }

  /** What the call asked is asked again, once there is a new token. */
  private signInAnew(call: Call): void {
    const { command, connections } = call;
    const endpoints = connections.map(({ endpoint }) => endpoint);
    this.calls.hangUp(call);
    command.renewals++;
    command.token = null;
    command.isSigningIn = true;
    command.pieces.length = 0;
    command.waiting.unshift(...endpoints);
    this.calls.begin(command, endpoints);
  }

  private follow({ command, connections }: Call, rpc: Rpc): void {
    command.rpc = rpc;
    this.calls.begin(
      command,
      connections.map(({ endpoint }) => endpoint),
    );
  }

  /** The first answer lists the alarms, which are then disarmed one after the other. */
  private disarm(call: Call, bytes: Uint8Array): void {
    const { asked, steps } = call.command;
    if (asked.length === 0) steps.push(...disarmBodies(bytes));
    asked.push({ endpoint: '', bytes, error: null, tookUs: 0 });
    const step = steps.shift();
    if (step !== undefined) return this.follow(call, step);
    this.conclude(call, disarmedOutcome(asked.slice(1).flatMap((one) => one.bytes ?? [])));
  }

  private noteAnswer(
    { command, connections, startUs }: Call,
    bytes: Uint8Array | null,
    error: string | null,
  ): void {
    const endpoint = connections[0].endpoint.text;
    command.asked.push({ endpoint, bytes, error, tookUs: this.world.nowUs - startUs });
    this.askNext(command);
  }

  /**
   * A watch goes on at another endpoint where its stream breaks, from the revision that comes next.
   * @source etcd v3.4.23 clientv3/watch.go run, serveSubstream
   */
  private watchHears(call: Call, reply: Reply): void {
    const { command } = call;
    const { watch, action } = command;
    if (watch === null || action.type !== 'watch') return;
    if (reply.more !== true) {
      const isLeaderless = reply.message === noLeaderText;
      const mayPass = reply.code === grpcCode.unavailable || reply.code === grpcCode.internal;
      if (mayPass && !isLeaderless && this.calls.retry(call)) return;
      this.calls.close(call);
      // etcdctl has its channel by then, and hears of the end on it
      if (isLeaderless && !watch.stood && !command.isSigningIn) this.watchStands(command, watch);
      return this.ended(call, reply.code, reply.message);
    }
    const answer = decodeWatch(reply.bytes);
    if (isTokenLapsed(command, answer.cancelReason)) return this.signInAnew(call);
    const isNews = hear(watch, answer);
    command.rpc = { ...command.rpc, bytes: watchBytes(action, watch.from) };
    if (!watch.stood) this.watchStands(command, watch);
    if (isNews) this.world.tell(watchTold(command.id, answer));
    if (answer.compactRevision !== 0n) this.world.reach.watchesCompacted++;
    if (!answer.canceled) return;
    this.world.watchEnded(command.id);
    this.calls.hangUp(call);
  }

  private watchStands({ id }: Command, watch: { stood: boolean }): void {
    watch.stood = true;
    this.done(id, { ok: true, type: 'watch', watch: id });
  }

  /** @source etcd v3.4.23 clientv3/watch.go RequestProgress */
  private askProgress(id: number, watch: number | undefined): void {
    const asked = this.calls.open.filter(
      ({ command }) => command.watch?.stood === true && (watch === undefined || watch === command.id),
    );
    const sent = asked.filter((call) => this.calls.sendOn(call, progressBytes()));
    if (asked.length === 0) return this.fail(id, grpcCode.notFound, 'there is no such watch');
    this.done(id, { ok: true, type: 'watchProgress', asked: sent.length });
  }

  /** Ends what goes on by itself, as Ctrl+C ends etcdctl. */
  private stop(id: number, { request, checks = false }: Extract<ClientAction, { type: 'stop' }>): void {
    const calls = this.calls.open.filter(
      ({ command }) => isStanding(command) && (request === undefined || request === command.id),
    );
    const count = checks ? this.world.stopChecks() : calls.length;
    if (count === 0) return this.fail(id, grpcCode.notFound, 'there is nothing to stop');
    for (const call of checks ? [] : calls) {
      const { command } = call;
      this.calls.hangUp(call);
      const hasAnswer = command.watch?.stood === true || command.keepUntilUs !== null;
      if (!hasAnswer) this.fail(command.id, grpcCode.canceled, 'context canceled');
    }
    this.done(id, { ok: true, type: 'stop', stopped: count });
  }

  /** Where this endpoint leads it is asked to hand over, else the next one is looked at. */
  private moveLeader(
    call: Call,
    action: Extract<ClientAction, { type: 'moveLeader' }>,
    bytes: Uint8Array,
  ): void {
    const { command, connections } = call;
    const { leader } = command;
    if (leader !== null) {
      const to = memberIdOf(action.id) ?? 0n;
      return this.conclude(call, { ok: true, type: 'moveLeader', from: leader, to });
    }
    const status = decodeStatus(bytes);
    command.asked.push({ endpoint: connections[0].endpoint.text, bytes, error: null, tookUs: 0 });
    if (status.memberId !== status.leader) return this.askNext(command);
    command.leader = status.leader;
    command.rpc = { ...command.rpc, ...moveLeaderBody(action) };
    this.calls.begin(command, [connections[0].endpoint]);
  }

  /** The command is done with; a standing keep-alive, once it has been answered, goes on. */
  private conclude(call: Call, outcome: ClientOutcome): void {
    const { command } = call;
    const { id, keepUntilUs } = command;
    const goesOn = this.keepAlive(call, outcome);
    if (keepUntilUs === null) {
      const first = outcome.ok && outcome.type === 'leaseKeepAlive' && goesOn;
      return this.done(id, first ? { ...outcome, keeps: id } : outcome);
    }
    this.tellDone(id, outcome);
    if (outcome.ok || !goesOn) this.world.tell(keepAliveTold(id, outcome));
  }

  /**
   * Renews again when a third of the time has passed; after a failure soon, while the lease may be alive.
   * @source etcd v3.4 clientv3/lease.go recvKeepAlive, recvKeepAliveLoop, deadlineLoop
   */
  private keepAlive({ command, connections }: Call, outcome: ClientOutcome): boolean {
    if (command.action.type !== 'leaseKeepAlive' || command.action.once === true) return false;
    const { nowUs } = this.world;
    const endpoints = connections.map(({ endpoint }) => endpoint);
    if (outcome.ok && outcome.type === 'leaseKeepAlive') {
      const ttlUs = outcome.ttlSeconds * 1_000_000;
      command.keepUntilUs = nowUs + ttlUs;
      this.calls.begin(command, endpoints, Math.floor(ttlUs / 3));
      return true;
    }
    const isHopeless =
      outcome.ok || outcome.code === grpcCode.notFound || nowUs >= (command.keepUntilUs ?? 0);
    if (!isHopeless) this.calls.begin(command, endpoints, renewalRetryUs);
    return !isHopeless;
  }

  /** A call was closed without the answer that was hoped for. */
  private ended(call: Call, code: number, message: string): void {
    const { command } = call;
    const { action } = command;
    if (command.watch?.stood === true) {
      const ended = message === '' ? 'the stream has ended' : message;
      return this.world.tell({ ...watchTold(command.id, emptyWatch), ended });
    }
    const text = callError(code, message);
    if (asksEach(action) && !command.isSigningIn) return this.noteAnswer(call, null, text);
    if (action.type === 'endpointHealth') {
      // each endpoint has a client of its own, which cannot sign in
      const ill = command.waiting.splice(0).map(({ text: endpoint }) => ({ endpoint, error: text }));
      command.asked.push(...ill.map((one) => ({ ...one, bytes: null, tookUs: 0 })));
      return this.askNext(command);
    }
    this.conclude(call, { ok: false, code, message });
  }
}
