/** What the leader knows of one follower's log, and how it may send to it. */
import { fail } from '../../../base/assert.ts';
import type { LogIndex, NodeId } from '../types.ts';
import { logIndex } from '../types.ts';
import { Inflights } from './inflights.ts';

/**
 * `probe`: the end of the follower's log is not known; one append at a time looks for it.
 * `replicate`: appends stream without waiting, up to the inflight window.
 * `snapshot`: the entries it needs are compacted; a snapshot is on its way and nothing else is sent.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** @source etcd-io/raft tracker/progress.go Progress; Raft thesis sections 3.5, 10.2.2 */
export class Progress {
  readonly id: NodeId;
  isLearner: boolean;
  /** The follower's log is known to equal the leader's up to here, and to have it on disk. */
  match: LogIndex;
  /**
   * The next entry to send; those in (match, next) are in flight. Invariant: match < next.
   * In `snapshot` it is pendingSnapshot + 1.
   */
  next: LogIndex;
  state: ProgressState = 'probe';
  /**
   * In `snapshot`, the index of the snapshot that was sent. Any acknowledgement that reconnects to the
   * log ends it.
   */
  pendingSnapshot: LogIndex = logIndex(0);
  /** Heard from since the last check of the quorum. Always true for the leader itself. */
  recentActive = false;
  /** No further append before a heartbeat is answered: a probe is out, or the window is full. */
  msgAppFlowPaused = false;
  readonly inflights: Inflights;
  /** The highest commit index sent; it falls when what carried it was probably lost. */
  private toldCommit: LogIndex = logIndex(0);

  constructor(id: NodeId, match: LogIndex, next: LogIndex, inflights: Inflights, isLearner: boolean) {
    this.id = id;
    this.match = match;
    this.next = next;
    this.inflights = inflights;
    this.isLearner = isLearner;
  }

  /** A copy for another configuration. The window is shared unless `inflights` gives one. */
  copy(inflights: Inflights = this.inflights): Progress {
    const copy = new Progress(this.id, this.match, this.next, inflights, this.isLearner);
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.recentActive = this.recentActive;
    copy.msgAppFlowPaused = this.msgAppFlowPaused;
    copy.toldCommit = this.toldCommit;
    return copy;
  }

  /** Nothing is known any more: a new term has begun. */
  reset(match: LogIndex, next: LogIndex): void {
    this.resetState('probe');
    this.match = match;
    this.next = next;
    this.recentActive = false;
    this.toldCommit = logIndex(0);
  }

  private resetState(state: ProgressState): void {
    this.msgAppFlowPaused = false;
    this.pendingSnapshot = logIndex(0);
    this.state = state;
    this.inflights.reset();
  }

  /** Next goes back to match + 1, or behind a snapshot that is known to have arrived. */
  becomeProbe(): void {
    const afterSnapshot = this.state === 'snapshot' ? this.pendingSnapshot + 1 : 0;
    this.resetState('probe');
    this.next = logIndex(Math.max(this.match + 1, afterSnapshot));
    this.regressSentCommit();
  }

  becomeReplicate(): void {
    this.resetState('replicate');
    this.next = logIndex(this.match + 1);
  }

  becomeSnapshot(index: LogIndex): void {
    this.resetState('snapshot');
    this.pendingSnapshot = index;
    this.next = logIndex(index + 1);
    this.toldCommit = index;
  }

  /** An append with these entries from `next` on was sent. */
  sentEntries(entryCount: number, bytes: number): void {
    if (this.state === 'replicate') {
      if (entryCount > 0) {
        this.next = logIndex(this.next + entryCount);
        this.inflights.add(this.next - 1, bytes);
      }
      // What fills the window, or goes out although it is full, counts as a probe.
      this.msgAppFlowPaused = this.inflights.full();
    } else if (this.state === 'probe') {
      if (entryCount > 0) this.msgAppFlowPaused = true;
    } else {
      fail(`sending append to ${this.id} in unhandled state ${this.state}`);
    }
  }

  /** Whether the follower could commit more if it were told `commit` now. */
  canBumpCommit(commit: LogIndex): boolean {
    return commit > this.toldCommit && this.toldCommit < this.next - 1;
  }

  sentCommit(commit: LogIndex): void {
    this.toldCommit = commit;
  }

  private regressSentCommit(): void {
    if (this.toldCommit > this.next - 1) this.toldCommit = logIndex(this.next - 1);
  }

  /** The follower acknowledged `index`. @returns false for old news */
  maybeUpdate(index: LogIndex): boolean {
    if (index <= this.match) return false;
    this.match = index;
    if (this.next <= index) this.next = logIndex(index + 1);
    this.msgAppFlowPaused = false;
    return true;
  }

  /**
   * The follower refused the append after `rejected` and hints at `hint` as the last place that may match.
   * @param floor next stays above it; `match` in a healthy leader
   * @returns false when the refusal is old: it concerns what has been acknowledged or probed since
   */
  maybeDecrTo(rejected: LogIndex, hint: LogIndex, floor: number = this.match): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = logIndex(this.match + 1);
      this.regressSentCommit();
      return true;
    }
    // A probe is alone in flight, so a fresh refusal names the entry before next.
    if (this.next - 1 !== rejected) return false;
    this.next = logIndex(Math.max(Math.min(rejected, hint + 1), floor + 1));
    this.regressSentCommit();
    this.msgAppFlowPaused = false;
    return true;
  }

  /** No entries may be sent now. */
  isPaused(): boolean {
    return this.state === 'snapshot' || this.msgAppFlowPaused;
  }
}
