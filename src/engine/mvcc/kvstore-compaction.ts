/** Compactions, a piece at a time: first the index, then the records, each in batches. */
import { assert } from '../../base/assert.ts';
import type { Trace } from '../../base/trace.ts';
import type { Backend } from '../backend/backend.ts';
import { metaKeys } from '../backend/schema.ts';
import type { MvccEvent } from './events.ts';
import type { RevisionSet } from './key-index.ts';
import { decodeRevision, encodeRevision, revisionText } from './revision.ts';
import type { TreeIndex } from './tree-index.ts';

/** Records looked at by one piece of work. @source etcd v3.4.23 mvcc/kvstore.go defaultCompactBatchLimit */
const batchRecords = 1000;
/** Keys of the index looked at by one piece of work. */
const batchKeys = 5000;
/** The pause after a batch of records. @source etcd v3.4.23 mvcc/kvstore_compaction.go scheduleCompaction */
const pauseUs = 10_000;
/** The pause after a batch of keys: others may go first. */
const indexPauseUs = 1_000;

interface Job {
  readonly revision: number;
  /** Records up to the revision that stay, as far as the index has said. */
  readonly kept: RevisionSet;
  /** Where the index goes on; null once it is done. */
  nextKey: Uint8Array | null;
  /** Where the records go on. */
  next: Uint8Array;
  deletedCount: number;
  readonly done: (() => void)[];
}

/** How often what was done since the start. */
export interface CompactionCounts {
  /** Indexes gone through. */
  indexes: number;
  /** Batches of records after which there was a pause. */
  pauses: number;
  finished: number;
  /** Of those that are finished. */
  deletedRecords: number;
}

export interface CompactionParts {
  readonly index: () => TreeIndex;
  readonly backend: Backend;
  readonly trace: Trace<MvccEvent>;
  /** See `Defects.compactionDropsNewest`. */
  readonly dropsNewest?: boolean;
  /** Is told of each record before it goes. */
  readonly onDelete: (key: Uint8Array, value: Uint8Array) => void;
}

/**
 * The compactions that were ordered, first in, first out. One that a crash has interrupted is ordered again
 * at the next start: its mark is stored before it begins, and another one when it has finished.
 * @source etcd v3.4.23 mvcc/kvstore.go compact, kvstore_compaction.go scheduleCompaction
 */
export class Compactions {
  readonly counts: CompactionCounts = { indexes: 0, pauses: 0, finished: 0, deletedRecords: 0 };
  private readonly parts: CompactionParts;
  private jobs: Job[] = [];

  constructor(parts: CompactionParts) {
    this.parts = parts;
  }

  get isIdle(): boolean {
    return this.jobs.length === 0;
  }

  schedule(revision: number): void {
    const start = new Uint8Array(0);
    const job: Job = { revision, kept: new Set(), nextKey: start, next: start, deletedCount: 0, done: [] };
    this.jobs.push(job);
  }

  /** Forgets them all: the store has gone over to another database. Who waits is called back. */
  drop(): void {
    const jobs = this.jobs;
    this.jobs = [];
    for (const { done } of jobs) for (const callback of done) callback();
  }

  /** Calls back when all compactions that were ordered so far are carried out. */
  whenDone(callback: () => void): void {
    const last = this.jobs.at(-1);
    if (last === undefined) callback();
    else last.done.push(callback);
  }

  /**
   * Does the next piece of work.
   * @returns microseconds until the next one is due; null when nothing is left to do
   */
  run(): number | null {
    const [job] = this.jobs;
    if (job === undefined) return null;
    if (job.nextKey !== null) {
      const { index, trace } = this.parts;
      job.nextKey = index().compactSome(job.revision, job.nextKey, batchKeys, job.kept);
      if (job.nextKey !== null) return indexPauseUs;
      this.counts.indexes++;
      const { revision } = job;
      if (trace.on) trace.emit({ type: 'mvcc.compactIndex', revision, keyCount: index().size });
    }
    if (!this.deleteSome(job)) {
      this.counts.pauses++;
      return pauseUs;
    }
    this.counts.finished++;
    this.counts.deletedRecords += job.deletedCount;
    this.jobs.shift();
    for (const callback of job.done) callback();
    return this.isIdle ? null : indexPauseUs;
  }

  /** @returns whether the job is done */
  private deleteSome(job: Job): boolean {
    const { backend, trace } = this.parts;
    const end = encodeRevision({ main: job.revision + 1, sub: 0 });
    const pairs = backend.batchTx.range('key', job.next, end, batchRecords);
    let deletedCount = 0;
    for (const { key, value } of pairs) {
      const revision = decodeRevision(key);
      const isDropped = this.parts.dropsNewest === true && revision.main === job.revision;
      if (job.kept.has(revisionText(revision)) && !isDropped) continue;
      this.parts.onDelete(key, value);
      backend.batchTx.delete('key', key.slice());
      deletedCount++;
    }
    job.deletedCount += deletedCount;
    const isLast = pairs.length < batchRecords;
    if (isLast) this.finish(job);
    else job.next = this.after(pairs.at(-1)?.key);
    backend.unlock();
    if (!isLast) backend.commit('force');
    const { revision } = job;
    if (trace.on) trace.emit({ type: 'mvcc.compactBatch', revision, seenCount: pairs.length, deletedCount });
    if (trace.on && isLast) {
      trace.emit({ type: 'mvcc.finishCompaction', revision, deletedCount: job.deletedCount });
    }
    return isLast;
  }

  private after(key: Uint8Array | undefined): Uint8Array {
    assert(key !== undefined, 'compaction: a full batch has a last record');
    const { main, sub } = decodeRevision(key);
    return encodeRevision({ main, sub: sub + 1 });
  }

  private finish({ revision }: Job): void {
    const mark = encodeRevision({ main: revision, sub: 0 });
    this.parts.backend.batchTx.put('meta', metaKeys.finishedCompactRevision, mark);
  }
}
