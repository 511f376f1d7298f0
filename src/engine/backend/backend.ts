/** Batches of writes over bolt: many operations, one commit. */
import { assert } from '../../base/assert.ts';
import { silent } from '../../base/trace.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { Db } from '../bolt/db.ts';
import type { DbOptions } from '../bolt/db.ts';
import type { Pager } from '../bolt/pager.ts';
import type { Tx } from '../bolt/tx.ts';
import { BatchTx } from './batch-tx.ts';
import type { BackendEvent } from './events.ts';
import { ReadTx } from './read-tx.ts';
import { bucketNames, decodeConsistentIndex, metaKeys } from './schema.ts';
import { TxBuffer } from './tx-buffer.ts';

export type CommitReason = 'limit' | 'interval' | 'force';

export interface BackendOptions {
  /** A commit is due at so many pending operations. Default 10,000. */
  readonly batchLimit?: number;
  readonly trace?: Trace<BackendEvent>;
}

const defaultBatchLimit = 10_000;

/**
 * Opens a member's database as etcd on Linux does: with no stored freelist, unless `noFreelistSync` is false,
 * and by the rules of bbolt 1.3.6, which etcd 3.4.23 is built with: the file does not grow ahead of its
 * pages.
 * @throws BoltError 'invalid database' | 'version mismatch' | 'checksum error'
 * @source etcd mvcc/backend/config_linux.go
 */
export function openDb(pager: Pager, options: DbOptions = {}): Db {
  return Db.open(pager, { noFreelistSync: true, rules: '1.3.6', ...options });
}

/**
 * The database of one member. Writes go to `batchTx`; `unlock` ends a group of them, which readers then see.
 * A commit makes the pages; it is durable only when its meta page is on disk, which `committed` reports.
 * Until then no further commit begins: it could write over pages that the commit freed, and a power cut would
 * leave the older meta page pointing at them.
 */
export class Backend {
  private database: Db;
  readonly batchTx: BatchTx;
  private readonly trace: Trace<BackendEvent>;
  private readonly batchLimit: number;
  private readonly readBuffer = new TxBuffer();
  private readerTx: Tx;
  private currentReadTx: ReadTx;
  private beforeCommit: ((tx: BatchTx) => void) | null = null;
  /** The commit whose meta page is not known to be durable. */
  private inFlight: { readonly txid: number; readonly consistentIndex: number } | null = null;
  private due: CommitReason | null = null;
  private storedIndex = 0;
  private usedBytes: number;

  private constructor(db: Db, options: BackendOptions) {
    this.database = db;
    this.trace = options.trace ?? silent;
    this.batchLimit = options.batchLimit ?? defaultBatchLimit;
    this.usedBytes = this.measure();
    this.batchTx = new BatchTx(db.beginWrite(), this.trace);
    this.readerTx = db.beginRead();
    this.currentReadTx = new ReadTx(this.readerTx, this.readBuffer);
  }

  /** Takes an open database over. In a new one the buckets are made and committed at once. */
  static open(db: Db, options: BackendOptions = {}): Backend {
    const backend = new Backend(db, options);
    for (const name of bucketNames) backend.batchTx.createBucket(name);
    backend.commit('force');
    return backend;
  }

  get db(): Db {
    return this.database;
  }

  /** The consistent index of the last commit whose meta page is known to be durable; 0 before the first. */
  get durableIndex(): number {
    return this.storedIndex;
  }

  /**
   * Goes on over another database, which came with a snapshot: what was not committed is lost, and commits in
   * flight are nobody's any more.
   */
  reopen(db: Db): void {
    this.close();
    this.batchTx.forget();
    this.readBuffer.clear();
    this.inFlight = null;
    this.due = null;
    this.storedIndex = 0;
    this.database = db;
    this.renew();
    for (const name of bucketNames) this.batchTx.createBucket(name);
    this.commit('force');
  }

  /**
   * Goes on over a copy of its database, which is on its way to the disk: until `committed` says that it is
   * there, commits wait. Nothing may be pending, and no commit in flight.
   */
  replace(copy: Db): void {
    assert(this.inFlight === null && this.pendingCount === 0, 'backend: everything is committed');
    const { consistentIndex } = this;
    this.close();
    this.database = copy;
    this.renew();
    this.inFlight = { txid: copy.meta.txid, consistentIndex };
  }

  /** The database's file as of the last commit. */
  image(): Uint8Array {
    const { pager, pageSize, meta } = this.database;
    const bytes = new Uint8Array(meta.highWater * pageSize);
    for (let pgid = 0; pgid < meta.highWater; pgid++) {
      const page = pager.run(pgid, 1, pageSize);
      bytes.set(page.bytes.subarray(page.at, page.at + pageSize), pgid * pageSize);
    }
    return bytes;
  }

  /** Reads of what was written up to the last `unlock`. Another object after each commit: do not keep it. */
  get readTx(): ReadTx {
    return this.currentReadTx;
  }

  /** Operations that no commit has taken up yet. */
  get pendingCount(): number {
    return this.batchTx.pendingCount;
  }

  /** A commit's meta page is on its way to the disk. */
  get committing(): boolean {
    return this.inFlight !== null;
  }

  /** Bytes up to the last page ever used, as etcd's dbSize. */
  get sizeBytes(): number {
    return this.db.meta.highWater * this.db.pageSize;
  }

  /** The same without the free pages, at the last commit. */
  get sizeInUseBytes(): number {
    return this.usedBytes;
  }

  /** The last applied log index that a commit has stored, or an `unlock` has shown; 0 for none. */
  get consistentIndex(): number {
    return decodeConsistentIndex(this.currentReadTx.get('meta', metaKeys.consistentIndex));
  }

  /** What to write at the start of each commit: the consistent index belongs to what it commits with. */
  setBeforeCommit(hook: (tx: BatchTx) => void): void {
    this.beforeCommit = hook;
  }

  /** Ends a group of writes: readers see them, and a commit begins where the limit is reached. */
  unlock(): void {
    this.batchTx.writeback(this.readBuffer);
    if (this.pendingCount >= this.batchLimit) this.commit('limit');
  }

  /**
   * Commits what is pending, or as soon as the commit in flight is durable.
   * @returns whether a commit left for the disk now
   * @source etcd mvcc/backend/batch_tx.go unsafeCommit
   */
  commit(reason: CommitReason): boolean {
    if (this.pendingCount === 0) return false;
    if (this.inFlight !== null) {
      this.due ??= reason;
      return false;
    }
    this.beforeCommit?.(this.batchTx);
    const operationCount = this.pendingCount;
    const consistentIndex = decodeConsistentIndex(this.batchTx.get('meta', metaKeys.consistentIndex));
    this.readerTx.rollback();
    this.batchTx.commit();
    this.renew();
    const txid = this.db.meta.txid;
    this.inFlight = { txid, consistentIndex };
    if (tellsAll(this.trace)) this.trace.emit({ type: 'backend.commit', reason, operationCount, txid });
    return true;
  }

  /** The meta page of the commit in flight is on disk. A commit that fell due meanwhile begins. */
  committed(): void {
    assert(this.inFlight !== null, 'backend: a commit is done that was not begun');
    const { txid, consistentIndex } = this.inFlight;
    this.inFlight = null;
    this.storedIndex = consistentIndex;
    if (this.trace.on) this.trace.emit({ type: 'backend.committed', txid, consistentIndex });
    const due = this.due;
    this.due = null;
    if (due !== null) this.commit(due);
  }

  /** Gives the database back; what was not committed is lost. */
  close(): void {
    this.readerTx.rollback();
    this.batchTx.rollback();
  }

  /** Everything written is in the pages now: the readers' buffer starts empty over the new commit. */
  private renew(): void {
    this.usedBytes = this.measure();
    this.batchTx.writeback(this.readBuffer);
    this.readBuffer.clear();
    this.batchTx.renew(this.db.beginWrite());
    this.readerTx = this.db.beginRead();
    this.currentReadTx = new ReadTx(this.readerTx, this.readBuffer);
  }

  private measure(): number {
    return this.sizeBytes - this.db.freePageCount * this.db.pageSize;
  }
}
