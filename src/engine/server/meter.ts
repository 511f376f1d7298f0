/** What a process counts of its own traffic and of its disk, from its start. The metrics show it. */
import { Histogram } from '../../base/histogram.ts';
import type { NodeId } from '../raft/types.ts';
import type { DiskRequest, MemberInput, Reply, RpcMethod, Send } from './types.ts';
import { grpcCode } from './types.ts';

/** Counts of one RPC. */
export interface MethodCounts {
  started: number;
  received: number;
  sent: number;
  /** By gRPC code. */
  readonly handled: Map<number, number>;
}

/** From a millisecond to 8.192 s, in microseconds. @source etcd v3.4.23 wal/metrics.go */
const durations = (): Histogram => Histogram.doubling(1_000, 14);

const walFolder = 'member/wal/';

export class Meter {
  /** The time of the step that is being done. */
  nowUs = 0;
  readonly methods = new Map<RpcMethod, MethodCounts>();
  clientReceivedBytes = 0;
  clientSentBytes = 0;
  readonly peerSentBytes = new Map<NodeId, number>();
  readonly peerReceivedBytes = new Map<NodeId, number>();
  walWriteBytes = 0;
  leaderChanges = 0;
  proposalsFailed = 0;
  readIndexesFailed = 0;
  slowReadIndexes = 0;
  leasesExpired = 0;
  learnersPromoted = 0;
  healthSuccesses = 0;
  healthFailures = 0;
  defragInflight = 0;
  readonly walFsync = durations();
  readonly backendCommit = durations();
  /** @source etcd v3.4.23 mvcc/backend/metrics.go: 100 ms doubled 12 times */
  readonly defragment = Histogram.doubling(100_000, 13);
  readonly #open = new Map<number, RpcMethod>();

  /** An input comes in. */
  take(input: MemberInput, nowUs: number): void {
    this.nowUs = nowUs;
    if (input.kind === 'message') this.receivedFrom(input.from, input.bytes.length);
    else if (input.kind === 'request') this.started(input.request, input.method, input.bytes.length);
    else if (input.kind === 'stream') this.received(input.request, input.bytes.length);
    else if (input.kind === 'cancel') this.canceled(input.request);
  }

  /** A client calls; plain HTTP is not counted. */
  started(request: number, method: RpcMethod, sizeBytes: number): void {
    if (method.startsWith('GET ')) return;
    this.#open.set(request, method);
    this.#countsOf(method).started++;
    this.received(request, sizeBytes);
  }

  /** A message of a client's, on a call that is open. */
  received(request: number, sizeBytes: number): void {
    const method = this.#open.get(request);
    if (method === undefined) return;
    this.clientReceivedBytes += sizeBytes;
    this.#countsOf(method).received++;
  }

  replied({ request, code, bytes, more }: Reply): void {
    const method = this.#open.get(request);
    if (method === undefined) return;
    if (code === grpcCode.ok && (more === true || bytes.length > 0)) {
      this.clientSentBytes += bytes.length;
      this.#countsOf(method).sent++;
    }
    if (more !== true) this.#end(request, method, code);
  }

  /** The client has gone. */
  canceled(request: number): void {
    const method = this.#open.get(request);
    if (method !== undefined) this.#end(request, method, grpcCode.canceled);
  }

  /** A question after the read index came to nothing: its time was over, or the leader has changed. */
  readFailed(isLate: boolean): void {
    if (isLate) this.slowReadIndexes++;
    else this.readIndexesFailed++;
  }

  sent({ to, bytes }: Send): void {
    this.peerSentBytes.set(to, (this.peerSentBytes.get(to) ?? 0) + bytes.length);
  }

  receivedFrom(node: NodeId, sizeBytes: number): void {
    this.peerReceivedBytes.set(node, (this.peerReceivedBytes.get(node) ?? 0) + sizeBytes);
  }

  disk(request: DiskRequest): void {
    if (request.kind === 'write' && request.file.startsWith(walFolder))
      this.walWriteBytes += request.data.length;
  }

  #end(request: number, method: RpcMethod, code: number): void {
    this.#open.delete(request);
    const { handled } = this.#countsOf(method);
    handled.set(code, (handled.get(code) ?? 0) + 1);
  }

  #countsOf(method: RpcMethod): MethodCounts {
    const known = this.methods.get(method);
    if (known !== undefined) return known;
    const counts: MethodCounts = { started: 0, received: 0, sent: 0, handled: new Map() };
    this.methods.set(method, counts);
    return counts;
  }
}
