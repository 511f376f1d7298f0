/** The leader's revocations of expired leases, on their way to the log. */
import type { LeaseId } from '../lease/types.ts';

/** Revocations proposed side by side. @source etcd v3.4.23 etcdserver/server.go maxPendingRevokes */
const maxPendingRevokes = 16;

const nothing: readonly LeaseId[] = [];

/**
 * Hands out expired leases to be proposed, a few at a time. A revocation whose proposal is lost is not
 * repeated here: the lessor hands the lease out again when its recheck time has passed. Those that were not
 * proposed when the member ceases to lead are dropped: the next leader counts anew.
 * @source etcd v3.4.23 etcdserver/server.go run, the case of expiredLeaseC
 */
export class LeaseExpiry {
  private waiting: LeaseId[] = [];
  private pendingCount = 0;

  add(expired: readonly LeaseId[]): void {
    this.waiting.push(...expired);
  }

  /** What may be proposed now; for each, `done` must follow. */
  take(): readonly LeaseId[] {
    if (this.waiting.length === 0) return nothing;
    const taken = this.waiting.splice(0, maxPendingRevokes - this.pendingCount);
    this.pendingCount += taken.length;
    return taken;
  }

  /** A revocation was applied, refused or given up. */
  done(): void {
    this.pendingCount--;
  }

  stop(): void {
    this.waiting = [];
  }
}
