/** Three members on one table: messages delivered by hand, disks in memory, time moved by the test. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { newMessage } from '../../../src/engine/raft/message.ts';
import { logIndex, nodeId, term } from '../../../src/engine/raft/types.ts';
import { MemberTable } from '../../../src/engine/server/member-id.ts';
import { encodeMessage } from '../../../src/engine/server/raft-codec.ts';
import type { EngineEvent } from '../../../src/engine/events.ts';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Member } from '../../../src/engine/server/member.ts';
import type {
  DiskErrorCode,
  DiskImage,
  DiskRequest,
  MemberConfig,
  MemberInput,
  MemberOutput,
  Reply,
  Send,
  TimerName,
} from '../../../src/engine/server/types.ts';

export const tickUs = 100_000;

/**
 * A disk with a page cache: a write or sync is served in the order of its file's requests; `serve` does one.
 * What is served but not synced is lost by a power cut; what is not served is lost by a kill too.
 */
export class TestDisk {
  queue: DiskRequest[] = [];
  /** What a process would read: the page cache. */
  cache = new Map<string, Uint8Array>();
  durable = new Map<string, Uint8Array>();
  fail: DiskErrorCode | null = null;
  /** Renamed and not durable: the next sync of any file makes them so, in order. */
  #renamed: { readonly file: string; readonly to: string }[] = [];
  readonly served: DiskRequest[] = [];

  /** Serves the oldest request; returns the id of a sync that is done by it. */
  serve(): number | null {
    const request = this.queue.shift();
    if (request === undefined) return null;
    this.served.push(request);
    if (request.kind === 'sync') {
      const bytes = this.cache.get(request.file);
      if (this.fail === null) this.#renameDurably();
      if (this.fail === null && bytes !== undefined) this.durable.set(request.file, bytes.slice());
      return request.id;
    }
    this.#change(request);
    return null;
  }

  #change(request: Exclude<DiskRequest, { kind: 'sync' }>): void {
    const old = this.cache.get(request.file) ?? new Uint8Array(0);
    switch (request.kind) {
      case 'write':
        this.cache.set(request.file, written(old, request.offset, request.data));
        break;
      case 'truncate':
        this.cache.set(request.file, resized(old, request.sizeBytes));
        break;
      case 'rename':
        this.cache.set(request.to, old);
        this.cache.delete(request.file);
        this.#renamed.push(request);
        break;
      case 'remove':
        this.cache.delete(request.file);
        this.durable.delete(request.file);
        break;
    }
  }

  #renameDurably(): void {
    for (const { file, to } of this.#renamed) {
      const bytes = this.durable.get(file);
      this.durable.delete(file);
      if (bytes !== undefined) this.durable.set(to, bytes);
    }
    this.#renamed = [];
  }

  /** The process is gone: its unserved requests with it. */
  kill(): void {
    this.queue = [];
  }

  powerCut(): void {
    this.queue = [];
    this.#renamed = [];
    this.cache = new Map([...this.durable].map(([file, bytes]) => [file, bytes.slice()]));
  }

  /** What a power cut would leave. */
  durableImage(): DiskImage {
    return new Map([...this.durable].map(([file, bytes]) => [file, bytes.slice()]));
  }

  /** The disk holds these files, durably. */
  load(files: DiskImage): void {
    this.cache = new Map([...files].map(([file, bytes]) => [file, bytes.slice()]));
    this.durable = new Map([...files].map(([file, bytes]) => [file, bytes.slice()]));
  }

  image(): DiskImage {
    return new Map([...this.cache].map(([file, bytes]) => [file, bytes.slice()]));
  }
}

function resized(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const grown = new Uint8Array(sizeBytes);
  grown.set(bytes.subarray(0, sizeBytes));
  return grown;
}

function written(bytes: Uint8Array, offset: number, data: Uint8Array): Uint8Array {
  const grown = bytes.length < offset + data.length ? resized(bytes, offset + data.length) : bytes;
  grown.set(data, offset);
  return grown;
}

interface Timer {
  readonly member: number;
  readonly timer: TimerName;
  readonly atUs: number;
  readonly epoch: number;
}

interface InFlight {
  readonly from: number;
  readonly send: Send;
}

export interface RigOptions {
  readonly members?: number;
  readonly seed?: number;
  readonly trace?: boolean;
  readonly batchLimit?: number;
  readonly preVote?: boolean;
  /** 'instant': requests are served as they come. 'manual': the test serves them. */
  readonly disk?: 'instant' | 'manual';
  /** What else the members' configurations say. */
  readonly more?: Partial<MemberConfig>;
}

export class Rig {
  nowUs = 0;
  readonly disks: TestDisk[];
  readonly running: (Member | null)[];
  readonly epochs: number[];
  readonly events: { member: number; event: EngineEvent }[] = [];
  readonly replies = new Map<number, Reply & { readonly from: number; readonly atUs: number }>();
  readonly halted: (string | null)[];
  readonly digests: string[] = [];
  readonly cuts = new Set<string>();
  readonly requestsOf: DiskRequest[][];
  lastOutput: MemberOutput | null = null;
  /** True: the member stops before this request is served, with what waits behind it. */
  onRequest: (member: number, request: DiskRequest) => boolean = () => false;
  dropSend: (from: number, send: Send) => boolean = () => false;
  #messages: InFlight[] = [];
  #timers: Timer[] = [];
  #nextRequest = 1;
  readonly #options: RigOptions;

  constructor(options: RigOptions = {}) {
    this.#options = options;
    const count = options.members ?? 3;
    const each = <Value>(make: () => Value): Value[] => Array.from({ length: count }, make);
    this.disks = each(() => new TestDisk());
    this.running = each(() => null);
    this.epochs = each(() => 0);
    this.halted = each(() => null);
    this.requestsOf = each(() => []);
  }

  get ids(): number[] {
    return this.disks.map((_, i) => i + 1);
  }

  config(member: number): MemberConfig {
    const options = this.#options;
    return {
      nodeId: nodeId(member),
      peers: this.ids.map((id) => ({
        nodeId: nodeId(id),
        name: `m${id}`,
        peerUrl: `http://m${id}.lab:2380`,
        clientUrl: `http://m${id}.lab:2379`,
      })),
      clusterToken: 'quorum-lab',
      tickUs,
      electionTicks: 10,
      heartbeatTicks: 1,
      preVote: options.preVote ?? true,
      batchIntervalUs: 100_000,
      batchLimit: options.batchLimit ?? 10_000,
      pageSize: 4096,
      seed: options.seed ?? 1,
      epoch: this.epochs[member - 1],
      trace: options.trace ?? false,
      ...options.more,
    };
  }

  start(member: number): void {
    this.epochs[member - 1]++;
    this.halted[member - 1] = null;
    const { member: made, output } = Member.boot(
      this.config(member),
      this.disks[member - 1].image(),
      this.nowUs,
    );
    this.running[member - 1] = made;
    this.#take(member, output);
    for (const other of this.ids) {
      if (other === member) continue;
      const up = this.running[other - 1] !== null && !this.cuts.has(`${member}>${other}`);
      this.step(member, { kind: 'link', node: nodeId(other), up });
      if (up) this.step(other, { kind: 'link', node: nodeId(member), up });
    }
  }

  startAll(): void {
    for (const id of this.ids) this.start(id);
  }

  kill(member: number): void {
    this.disks[member - 1].kill();
    this.#end(member);
  }

  powerCut(member: number): void {
    this.disks[member - 1].powerCut();
    this.#end(member);
  }

  #end(member: number): void {
    this.running[member - 1] = null;
    for (const other of this.ids) {
      if (other !== member) this.step(other, { kind: 'link', node: nodeId(member), up: false });
    }
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  step(member: number, input: MemberInput): MemberOutput | null {
    const running = this.running[member - 1];
    if (running === null) return null;
    const output = running.step(input, this.nowUs);
    this.#take(member, output);
    return output;
  }

  /** Serves all that waits on a disk, and what follows from it. */
  serveAll(member: number): void {
    while (this.serveOne(member));
  }

  serveOne(member: number): boolean {
    const disk = this.disks[member - 1];
    if (disk.queue.length === 0) return false;
    if (this.onRequest(member, disk.queue[0])) throw new Error('the member is stopped here');
    const done = disk.serve();
    if (done !== null) this.step(member, { kind: 'diskDone', id: done, error: disk.fail });
    return true;
  }

  /** Delivers the oldest message. */
  deliverOne(): boolean {
    const message = this.#messages.shift();
    if (message === undefined) return false;
    const { from, send } = message;
    if (this.cuts.has(`${from}>${send.to}`) || this.dropSend(from, send)) return true;
    this.step(send.to, { kind: 'message', from: nodeId(from), bytes: send.bytes });
    return true;
  }

  deliverAll(): void {
    while (this.deliverOne());
  }

  get messageCount(): number {
    return this.#messages.length;
  }

  /** Moves time to the next timer and fires it; messages are delivered before and after. */
  advance(): void {
    this.deliverAll();
    this.#timers.sort((a, b) => a.atUs - b.atUs);
    const next = this.#timers.shift();
    if (next === undefined) throw new Error('no member is running');
    this.nowUs = Math.max(this.nowUs, next.atUs);
    if (this.running[next.member - 1] !== null && this.epochs[next.member - 1] === next.epoch) {
      this.step(next.member, { kind: 'timer', timer: next.timer });
    }
    this.deliverAll();
  }

  runFor(us: number): void {
    const end = this.nowUs + us;
    this.runUntil(() => this.nowUs >= end, us);
  }

  runUntil(isDone: () => boolean, limitUs = 60_000_000): void {
    const end = this.nowUs + limitUs;
    this.deliverAll();
    while (!isDone()) {
      if (this.nowUs > end) throw new Error(`nothing came of it in ${limitUs} us`);
      this.advance();
    }
  }

  request(member: number, method: string, bytes: Uint8Array): number {
    const request = this.#nextRequest++;
    const input = { kind: 'request', request, method: method as never, bytes } as const;
    this.step(member, input);
    return request;
  }

  put(member: number, key: string, value: string): number {
    const body = create(rpc.PutRequestSchema, { key: encodeUtf8(key), value: encodeUtf8(value) });
    return this.request(member, 'etcdserverpb.KV/Put', toBinary(rpc.PutRequestSchema, body));
  }

  del(member: number, key: string, rangeEnd = ''): number {
    const body = create(rpc.DeleteRangeRequestSchema, {
      key: encodeUtf8(key),
      rangeEnd: encodeUtf8(rangeEnd),
    });
    return this.request(member, 'etcdserverpb.KV/DeleteRange', toBinary(rpc.DeleteRangeRequestSchema, body));
  }

  get(
    member: number,
    key: string,
    more: Partial<Omit<rpc.RangeRequest, '$typeName' | '$unknown'>> = {},
  ): number {
    const body = create(rpc.RangeRequestSchema, { key: encodeUtf8(key), ...more });
    return this.request(member, 'etcdserverpb.KV/Range', toBinary(rpc.RangeRequestSchema, body));
  }

  /** Waits for the answer. */
  reply(request: number): Reply & { readonly from: number; readonly atUs: number } {
    this.runUntil(() => this.replies.has(request));
    return this.replies.get(request) as Reply & { from: number; atUs: number };
  }

  values(request: number): Record<string, string> {
    const reply = this.reply(request);
    if (reply.code !== 0) throw new Error(`${reply.code} ${reply.message}`);
    const { kvs } = fromBinary(rpc.RangeResponseSchema, reply.bytes);
    return Object.fromEntries(kvs.map(({ key, value }) => [decodeUtf8(key), decodeUtf8(value)]));
  }

  /** What a member's own store holds now. */
  local(member: number): Record<string, string> {
    return this.values(this.get(member, '\0', { rangeEnd: new Uint8Array(1), serializable: true }));
  }

  status(member: number): rpc.StatusResponse {
    const reply = this.reply(this.request(member, 'etcdserverpb.Maintenance/Status', new Uint8Array(0)));
    return fromBinary(rpc.StatusResponseSchema, reply.bytes);
  }

  /** The member that leads, by its own word and in the highest term; 0 for none. */
  leader(): number {
    let best = { member: 0, term: 0n };
    for (const id of this.ids) {
      if (this.running[id - 1] === null || this.halted[id - 1] !== null) continue;
      const { leader, header, raftTerm } = this.status(id);
      if (leader !== 0n && leader === header?.memberId && raftTerm > best.term)
        best = { member: id, term: raftTerm };
    }
    return best.member;
  }

  electLeader(): number {
    this.runUntil(() => this.leader() !== 0);
    this.runFor(1_000_000);
    return this.leader();
  }

  /** A heartbeat of the leader that claims a commit index, as bytes. */
  heartbeatWithCommit(from: number, to: number, commit: number): Uint8Array {
    const { peers, clusterToken } = this.config(from);
    const m = newMessage('MsgHeartbeat', nodeId(to), nodeId(from));
    m.term = term(Number(this.status(from).raftTerm));
    m.commit = logIndex(commit);
    return encodeMessage(m, new MemberTable(peers, clusterToken));
  }

  eventsOf<Type extends EngineEvent['type']>(
    member: number,
    type: Type,
  ): Extract<EngineEvent, { type: Type }>[] {
    return this.events.flatMap((each) =>
      each.member === member && each.event.type === type
        ? [each.event as Extract<EngineEvent, { type: Type }>]
        : [],
    );
  }

  #take(member: number, output: MemberOutput): void {
    const disk = this.disks[member - 1];
    this.lastOutput = output;
    for (const event of output.events) this.events.push({ member, event });
    this.digests.push(`${member}:${output.digest.join('.')}`);
    for (const send of output.sends) this.#messages.push({ from: member, send });
    for (const reply of output.replies)
      this.replies.set(reply.request, { ...reply, from: member, atUs: this.nowUs });
    const epoch = this.epochs[member - 1];
    for (const { timer, afterUs } of output.timers) {
      this.#timers.push({ member, timer, atUs: this.nowUs + afterUs, epoch });
    }
    if (output.halted !== null) this.halted[member - 1] = output.halted;
    disk.queue.push(...output.disk);
    this.requestsOf[member - 1].push(...output.disk);
    if (this.#options.disk !== 'manual') this.serveAll(member);
  }
}
