/** When the leader tells the others what is left of long leases, for the next leader to go on from there. */
import { LeaseQueue } from './lease-queue.ts';
import type { LeaseId } from './types.ts';

const secondUs = 1_000_000;

/**
 * At most so many leases are told of by one entry of the log, and so many entries are made by one pass.
 * @source etcd v3.4.23 lease/lessor.go maxLeaseCheckpointBatchSize, leaseCheckpointRate
 */
const maxBatchSize = 1000;
const maxBatchCount = 500;

/** What is left of a lease; 0: its whole time again. */
export interface Checkpoint {
  readonly id: LeaseId;
  readonly remainingSeconds: number;
}

/** @source etcd v3.4.23 lease/lessor.go scheduleCheckpointIfNeeded, findDueScheduledCheckpoints */
export class CheckpointSchedule {
  private readonly intervalUs: number;
  private readonly queue = new LeaseQueue();

  constructor(intervalUs: number) {
    this.intervalUs = intervalUs;
  }

  /** A lease that ends within the interval needs none. */
  add(id: LeaseId, remainingSeconds: number, nowUs: number): void {
    if (remainingSeconds <= Math.floor(this.intervalUs / secondUs)) return;
    this.queue.push({ id, timeUs: nowUs + this.intervalUs, index: -1 });
  }

  /**
   * Takes what is due, in batches.
   * @param left seconds that are left of a lease; null where there is nothing to tell
   */
  take(nowUs: number, left: (id: LeaseId) => number | null): Checkpoint[][] {
    const batches: Checkpoint[][] = [];
    while (batches.length < maxBatchCount) {
      const batch = this.takeBatch(nowUs, left);
      if (batch.length > 0) batches.push(batch);
      if (batch.length < maxBatchSize) break;
    }
    return batches;
  }

  clear(): void {
    this.queue.clear();
  }

  private takeBatch(nowUs: number, left: (id: LeaseId) => number | null): Checkpoint[] {
    const batch: Checkpoint[] = [];
    while (batch.length < maxBatchSize) {
      const next = this.queue.peek();
      if (next === undefined || next.timeUs > nowUs) break;
      this.queue.pop();
      const remainingSeconds = left(next.id);
      if (remainingSeconds !== null) batch.push({ id: next.id, remainingSeconds });
    }
    return batch;
  }
}
