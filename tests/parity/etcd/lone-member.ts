/** A cluster of one on a table: an engine, its disk in memory, its timers, and time that the runner moves. */
import { Heap } from '../../../src/base/heap.ts';
import { nodeId } from '../../../src/engine/raft/types.ts';
import { Member } from '../../../src/engine/server/member.ts';
import type {
  DiskImage,
  DiskRequest,
  MemberConfig,
  MemberInput,
  MemberOutput,
  Reply,
  RpcMethod,
  TimerName,
} from '../../../src/engine/server/types.ts';
import { GrowingFile } from './growing-file.ts';

export type ServerOptions = Partial<
  Pick<
    MemberConfig,
    'maxTxnOps' | 'maxRequestBytes' | 'quotaBytes' | 'progressIntervalUs' | 'bcryptCost' | 'autoCompaction'
  >
>;

interface Timer {
  readonly atUs: number;
  readonly order: number;
  readonly timer: TimerName;
}

const isBefore = (a: Timer, b: Timer): boolean => (a.atUs === b.atUs ? a.order < b.order : a.atUs < b.atUs);

/** Who it is. */
export const loneCluster = {
  nodeId: nodeId(1),
  peers: [
    {
      nodeId: nodeId(1),
      name: 'default',
      peerUrl: 'http://m1.lab:2380',
      clientUrl: 'http://m1.lab:2379',
    },
  ],
  clusterToken: 'etcd-cluster',
};

const callUs = 1_000;
const limitUs = 20_000_000;

/** Each answer of the disk comes at once; a call takes a millisecond. */
export class LoneMember {
  readonly #options: ServerOptions;
  readonly #seed: number;
  #files = new Map<string, GrowingFile>();
  #member: Member | null = null;
  #epoch = 0;
  #nowUs = 0;
  #order = 0;
  #timers = new Heap<Timer>(isBefore);
  #nextRequest = 1;
  readonly #replies = new Map<number, Reply[]>();
  #halted: string | null = null;

  /** @param files what its disk holds before the first start */
  constructor(seed: number, options: ServerOptions, files: DiskImage = new Map()) {
    this.#seed = seed;
    this.#options = options;
    for (const [path, bytes] of files) {
      const file = new GrowingFile();
      file.write(0, bytes);
      this.#files.set(path, file);
    }
    this.start();
  }

  start(): void {
    this.#epoch++;
    this.#timers = new Heap<Timer>(isBefore);
    this.#replies.clear();
    const files = new Map([...this.#files].map(([path, file]) => [path, file.bytes()]));
    const { member, output } = Member.boot(this.#config(), files, this.#nowUs);
    this.#member = member;
    this.#take(output);
    // until it leads, has applied its log and has told its name
    this.advance(2_500_000);
  }

  /** The process ends; what it wrote stays. A graceful end commits what is pending first. */
  stop(how: 'graceful' | 'kill'): void {
    if (how === 'graceful') this.advance(200_000);
    this.#member = null;
  }

  /** Sends a request and waits for its one answer. */
  call(method: RpcMethod, bytes: Uint8Array, token?: string): Reply {
    const request = this.open(method, bytes, token);
    const endUs = this.#nowUs + limitUs;
    this.advance(callUs);
    while (this.#repliesTo(request).length === 0) {
      if (this.#nowUs > endUs) throw new Error(`${method} was not answered`);
      this.#fireNext();
    }
    return this.#repliesTo(request)[0];
  }

  /** Opens a stream with its first message. @returns the request's number */
  open(method: RpcMethod, bytes: Uint8Array, token?: string): number {
    const request = this.#nextRequest++;
    this.#replies.set(request, []);
    this.#step({ kind: 'request', request, method, bytes, ...(token === undefined ? {} : { token }) });
    return request;
  }

  send(request: number, bytes: Uint8Array): void {
    this.#step({ kind: 'stream', request, bytes });
  }

  /** The client takes no more of a stream's answers, or does again. */
  flow(request: number, open: boolean): void {
    this.#step({ kind: 'flow', request, open });
  }

  /** What its disk holds. */
  files(): Uint8Array[] {
    return [...this.#files.values()].map((file) => file.bytes());
  }

  close(request: number): void {
    this.#step({ kind: 'cancel', request });
  }

  /** What came on a stream so far. */
  repliesTo(request: number): readonly Reply[] {
    return this.#repliesTo(request);
  }

  advance(us: number): void {
    const endUs = this.#nowUs + us;
    for (
      let next = this.#timers.peek();
      next !== undefined && next.atUs <= endUs;
      next = this.#timers.peek()
    ) {
      this.#fireNext();
    }
    this.#nowUs = endUs;
  }

  #repliesTo(request: number): Reply[] {
    return this.#replies.get(request) ?? [];
  }

  #fireNext(): void {
    const next = this.#timers.pop();
    if (next === undefined) throw new Error('the member waits for nothing');
    this.#nowUs = Math.max(this.#nowUs, next.atUs);
    this.#step({ kind: 'timer', timer: next.timer });
  }

  #step(input: MemberInput): void {
    if (this.#member === null) throw new Error('the member is not running');
    this.#take(this.#member.step(input, this.#nowUs));
  }

  #take(first: MemberOutput): void {
    const done: number[] = [];
    let output: MemberOutput | undefined = first;
    while (output !== undefined) {
      if (output.halted !== null && this.#halted === null) this.#halted = output.halted;
      if (this.#halted !== null) throw new Error(`the member has halted: ${this.#halted}`);
      for (const reply of output.replies) this.#replies.get(reply.request)?.push(reply);
      for (const { timer, afterUs } of output.timers)
        this.#timers.push({ timer, atUs: this.#nowUs + afterUs, order: this.#order++ });
      for (const request of output.disk) {
        if (request.kind === 'sync') done.push(request.id);
        else this.#change(request);
      }
      const id = done.shift();
      output =
        id === undefined ? undefined : this.#member?.step({ kind: 'diskDone', id, error: null }, this.#nowUs);
    }
  }

  #change(request: Exclude<DiskRequest, { kind: 'sync' }>): void {
    const file = this.#files.get(request.file) ?? new GrowingFile();
    if (request.kind === 'remove' || request.kind === 'rename') this.#files.delete(request.file);
    else this.#files.set(request.file, file);
    if (request.kind === 'rename') this.#files.set(request.to, file);
    if (request.kind === 'write') file.write(request.offset, request.data);
    if (request.kind === 'truncate') file.truncate(request.sizeBytes);
  }

  #config(): MemberConfig {
    return {
      ...loneCluster,
      tickUs: 100_000,
      electionTicks: 10,
      heartbeatTicks: 1,
      preVote: false,
      batchIntervalUs: 100_000,
      batchLimit: 10_000,
      pageSize: 4096,
      seed: this.#seed,
      epoch: this.#epoch,
      trace: false,
      ...this.#options,
    };
  }
}
