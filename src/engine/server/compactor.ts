/** Automatic compaction: the leader lets go of what is older than wanted, by time or by count. */

/** What is kept: the changes of a time, or so many revisions. */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly retentionUs: number }
  | { readonly mode: 'revision'; readonly retention: number };

/** @source etcd v3.4.23 etcdserver/api/v3compactor/revision.go revInterval, periodic.go retryDivisor */
const revisionIntervalUs = 300_000_000;
const hourUs = 3_600_000_000;
const retryDivisor = 10;

/** A revision to compact at; whether it went well comes back by `done`. */
export interface Compactor {
  /** How often it should be asked. */
  readonly intervalUs: number;
  /**
   * The interval is over.
   * @param leads only the leader compacts; others keep count
   * @returns the revision to compact at; null for none
   */
  tick(revision: number, leads: boolean, nowUs: number): number | null;
  /** The compaction was made, or was not needed any more. */
  done(revision: number, nowUs: number): void;
}

/** @param revision the store's, at the start */
export function makeCompactor(config: AutoCompaction, revision: number, nowUs: number): Compactor {
  return config.mode === 'periodic'
    ? new PeriodicCompactor(config.retentionUs, revision, nowUs)
    : new RevisionCompactor(config.retention);
}

/**
 * Looks ten times a period, or ten times an hour where that is shorter, and remembers the revisions it saw.
 * The first compaction comes after a whole period, the next ones each period or hour.
 * @source etcd v3.4.23 etcdserver/api/v3compactor/periodic.go
 */
class PeriodicCompactor implements Compactor {
  readonly intervalUs: number;
  private readonly compactUs: number;
  private readonly keptCount: number;
  private revisions: number[];
  private lastUs: number;
  private waitUs: number;

  constructor(periodUs: number, revision: number, nowUs: number) {
    this.compactUs = Math.min(periodUs, hourUs);
    this.intervalUs = Math.max(1, Math.floor(this.compactUs / retryDivisor));
    this.keptCount = Math.floor(periodUs / this.intervalUs) + 1;
    this.revisions = [revision];
    this.lastUs = nowUs;
    this.waitUs = periodUs;
  }

  tick(revision: number, leads: boolean, nowUs: number): number | null {
    const [oldest] = this.revisions;
    const isDue = leads && nowUs - this.lastUs >= this.waitUs;
    if (isDue) this.waitUs = this.compactUs;
    this.revisions.push(revision);
    if (this.revisions.length > this.keptCount) this.revisions.shift();
    return isDue ? oldest : null;
  }

  done(_revision: number, nowUs: number): void {
    this.lastUs = nowUs;
  }
}

/** Every five minutes all but the last revisions. @source etcd v3.4.23 api/v3compactor/revision.go */
class RevisionCompactor implements Compactor {
  readonly intervalUs = revisionIntervalUs;
  private readonly retention: number;
  private last = 0;

  constructor(retention: number) {
    this.retention = retention;
  }

  tick(revision: number, leads: boolean): number | null {
    const wanted = revision - this.retention;
    return leads && wanted > 0 && wanted !== this.last ? wanted : null;
  }

  done(revision: number): void {
    this.last = revision;
  }
}
