/** What a process counts of its own traffic and of its disk, from its start. The metrics show it. */
import { Histogram } from '../../base/histogram.ts';
import { PeerMeter } from './peer-meter.ts';
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

/** Calls on which more than one message goes at least one way. */
export const streamMethods: ReadonlyMap<RpcMethod, string> = new Map([
  ['etcdserverpb.Watch/Watch', 'bidi_stream'],
  ['etcdserverpb.Lease/LeaseKeepAlive', 'bidi_stream'],
  ['etcdserverpb.Maintenance/Snapshot', 'server_stream'],
]);

const walFolder = 'member/wal/';

export class Meter {
  /** The time of the step that is being done. */
  nowUs = 0;
  readonly methods = new Map<RpcMethod, MethodCounts>();
  clientReceivedBytes = 0;
  clientSentBytes = 0;
  readonly peers = new PeerMeter();
  walWriteBytes = 0;
  leaderChanges = 0;
  proposalsFailed = 0;
  readIndexesFailed = 0;
  slowReadIndexes = 0;
  leasesExpired = 0;
  learnersPromoted = 0;
  /** By etcd's text. */
  readonly promotionFailures = new Map<string, number>();
  /** Heartbeats that left later than two of their intervals after the one before. */
  heartbeatFailures = 0;
  unaryCalls = 0;
  streams = 0;
  watchEvents = 0;
  compactedRecords = 0;
  healthSuccesses = 0;
  healthFailures = 0;
  defragInflight = 0;
  readonly walFsync = durations();
  readonly backendCommit = durations();
  /** @source etcd v3.4.23 mvcc/backend/metrics.go: 100 ms doubled 12 times */
  readonly defragment = Histogram.doubling(100_000, 13);
  /** What takes no time here, for the store's reads and writes are memory's: how often it was done. */
  readonly commitRebalance = durations();
  readonly commitSpill = durations();
  readonly snapMarshalling = durations();
  readonly snapFsync = durations();
  readonly snapDbFsync = durations();
  /** @source etcd v3.4.23 etcdserver/api/snap/metrics.go: 100 ms doubled 9 times */
  readonly snapDbSave = Histogram.doubling(100_000, 10);
  /** @source etcd v3.4.23 mvcc/backend/metrics.go: 10 ms doubled 16 times */
  readonly backendSnapshot = Histogram.doubling(10_000, 17);
  /** From half a millisecond. @source etcd v3.4.23 mvcc/metrics.go */
  readonly indexCompaction = Histogram.doubling(500, 14);
  readonly recordCompaction = Histogram.doubling(1_000, 13);
  readonly compaction = Histogram.doubling(100_000, 14);
  readonly hash = Histogram.doubling(10_000, 15);
  readonly hashByRevision = Histogram.doubling(10_000, 15);
  private readonly open = new Map<number, RpcMethod>();

  /** An input comes in. */
  take(input: MemberInput, nowUs: number): void {
    this.nowUs = nowUs;
    if (input.kind === 'message') this.peers.of(input.from).receivedBytes += input.bytes.length;
    else if (input.kind === 'request') this.started(input.request, input.method, input.bytes.length);
    else if (input.kind === 'stream') this.received(input.request, input.bytes.length);
    else if (input.kind === 'cancel') this.canceled(input.request);
    else if (input.kind === 'link') this.peers.of(input.node).linkChanged(input.up);
  }

  /** A client calls; plain HTTP is not counted. */
  started(request: number, method: RpcMethod, sizeBytes: number): void {
    if (method.startsWith('GET ')) return;
    this.open.set(request, method);
    if (streamMethods.has(method)) this.streams++;
    else this.unaryCalls++;
    this.countsOf(method).started++;
    this.received(request, sizeBytes);
  }

  /** A message of a client's, on a call that is open. */
  received(request: number, sizeBytes: number): void {
    const method = this.open.get(request);
    if (method === undefined) return;
    this.clientReceivedBytes += sizeBytes;
    this.countsOf(method).received++;
  }

  replied({ request, code, bytes, more }: Reply): void {
    const method = this.open.get(request);
    if (method === undefined) return;
    if (code === grpcCode.ok && (more === true || bytes.length > 0)) {
      this.clientSentBytes += bytes.length;
      this.countsOf(method).sent++;
    }
    if (more !== true) this.end(request, method, code);
  }

  /** The client has gone. */
  canceled(request: number): void {
    const method = this.open.get(request);
    if (method !== undefined) this.end(request, method, grpcCode.canceled);
  }

  /** A question after the read index came to nothing: its time was over, or the leader has changed. */
  readFailed(isLate: boolean): void {
    if (isLate) this.slowReadIndexes++;
    else this.readIndexesFailed++;
  }

  sent({ to, bytes }: Send): void {
    const peer = this.peers.of(to);
    if (peer.isActive) peer.sentBytes += bytes.length;
    else peer.sentFailures++;
  }

  promotionFailed(text: string): void {
    this.promotionFailures.set(text, (this.promotionFailures.get(text) ?? 0) + 1);
  }

  disk(request: DiskRequest): void {
    if (request.kind === 'write' && request.file.startsWith(walFolder))
      this.walWriteBytes += request.data.length;
  }

  private end(request: number, method: RpcMethod, code: number): void {
    this.open.delete(request);
    const { handled } = this.countsOf(method);
    handled.set(code, (handled.get(code) ?? 0) + 1);
  }

  private countsOf(method: RpcMethod): MethodCounts {
    const known = this.methods.get(method);
    if (known !== undefined) return known;
    const counts: MethodCounts = { started: 0, received: 0, sent: 0, handled: new Map() };
    this.methods.set(method, counts);
    return counts;
  }
}
