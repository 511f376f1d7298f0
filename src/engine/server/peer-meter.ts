/** What a process counts of its peers: bytes, connections, how long answers take, snapshots on their way. */
import { Histogram } from '../../base/histogram.ts';
import type { NodeId } from '../raft/types.ts';

/** Snapshots in one direction, to or from one peer. */
export class TransferCounts {
  succeeded = 0;
  failed = 0;
  /** From 100 ms to 51.2 s, in microseconds. @source etcd v3.4.23 rafthttp/metrics.go */
  readonly durations = Histogram.doubling(100_000, 10);
  private sinceUs: number | null = null;

  get inflight(): number {
    return this.sinceUs === null ? 0 : 1;
  }

  /** Another that is on its way comes to nothing. */
  begin(nowUs: number): void {
    if (this.sinceUs !== null) this.failed++;
    this.sinceUs = nowUs;
  }

  /** @returns how long it lasted, in microseconds */
  end(ok: boolean, nowUs: number): number {
    const lastedUs = nowUs - (this.sinceUs ?? nowUs);
    this.sinceUs = null;
    if (ok) {
      this.succeeded++;
      this.durations.observe(lastedUs);
    } else this.failed++;
    return lastedUs;
  }
}

export class PeerCounts {
  sentBytes = 0;
  receivedBytes = 0;
  /** Messages for which there was no connection. */
  sentFailures = 0;
  disconnects = 0;
  isActive = false;
  /** It was connected once. */
  wasActive = false;
  /** From 100 us to 3.2768 s. @source etcd v3.4.23 rafthttp/metrics.go */
  readonly roundTrips = Histogram.doubling(100, 16);
  readonly snapshotsSent = new TransferCounts();
  readonly snapshotsReceived = new TransferCounts();

  linkChanged(isUp: boolean): void {
    if (this.isActive && !isUp) this.disconnects++;
    this.isActive = isUp;
    this.wasActive ||= isUp;
  }
}

/** The peers that there was anything to count of. */
export class PeerMeter {
  private readonly counts = new Map<NodeId, PeerCounts>();

  get all(): ReadonlyMap<NodeId, PeerCounts> {
    return this.counts;
  }

  of(node: NodeId): PeerCounts {
    const known = this.counts.get(node);
    if (known !== undefined) return known;
    const counts = new PeerCounts();
    this.counts.set(node, counts);
    return counts;
  }
}
