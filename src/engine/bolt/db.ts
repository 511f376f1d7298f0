/** A database over a pager: opens it, begins transactions, keeps what outlives them. */
import { assert } from '../../base/assert.ts';
import { silent } from '../../base/trace.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { type Defects, noDefects } from '../defects.ts';
import { BoltError } from './errors.ts';
import type { BoltEvent } from './events.ts';
import { FileSize } from './file-size.ts';
import { ArrayFreelist } from './freelist/array.ts';
import { HashmapFreelist } from './freelist/hashmap.ts';
import type { HashmapChoice } from './freelist/hashmap.ts';
import { SharedFreelist } from './freelist/shared.ts';
import { readFreelist, writeFreelist } from './freelist-page.ts';
import { chooseMeta, findPageSize, isPageSize, metaAt, writeMetaPage } from './meta.ts';
import { leafFlag, pageKindCodes, writePageHeader } from './page.ts';
import { treeEvent } from './page-content.ts';
import { findFreeIds, pageRuns } from './page-map.ts';
import type { Pager, SyncKind } from './pager.ts';
import { Tx, newTxStats } from './tx.ts';
import type { TxStats } from './tx.ts';
import { maxPageCount, pgid, txid } from './types.ts';
import type { FreelistType, Meta, PageRun, Txid } from './types.ts';

/**
 * Whose rules a commit follows where versions differ in memory and in the file's length: bbolt 1.3.6 (many
 * etcd 3.4 and 3.5), 1.3.7 and later of 1.3, or 1.4 and later.
 * - A node is too small below a quarter of a page; in 1.4, below half of what a split fills.
 * - A freelist's page of unknown age counts as taken by the transaction before; in 1.4, by none.
 * - The file grows ahead of the writes when the commit moved the high water mark; in 1.3.6 only when the
 *   stored freelist's own pages did, so never without a stored one: it ends where the last page in use does.
 * - It grows to the size of the map while that is at most `allocBytes`; in 1.3.6, less.
 * - An opened file's length is not known, so that the first growth sets it in any case; in 1.4 it is.
 */
export type Rules = '1.3.6' | '1.3' | '1.4';

export interface DbOptions {
  /** Bytes, a power of two from 512 to 65536; only for a new file. Default 4096. */
  readonly pageSize?: number;
  /** Default 'array'. */
  readonly freelistType?: FreelistType;
  /** How a hashmap freelist chooses among spans. Default 'insertion'. */
  readonly hashmapChoice?: HashmapChoice;
  /** Do not store the freelist: commits get cheaper, opens walk the whole file. Default false. */
  readonly noFreelistSync?: boolean;
  /** Default '1.3'. */
  readonly rules?: Rules;
  /** How large the memory map begins, which decides how the file grows. Default 0. */
  readonly initialMapBytes?: number;
  /** By how much a large file grows. Default 16 MiB. */
  readonly allocBytes?: number;
  readonly trace?: Trace<BoltEvent>;
  readonly defects?: Defects;
}

/** Counts as bbolt's DB.Stats gives them. @source bbolt db.go Stats */
export interface DbStats {
  readonly freePageCount: number;
  readonly pendingPageCount: number;
  readonly freeAllocBytes: number;
  readonly freelistBytes: number;
  /** Readers begun so far, and open now. */
  readonly readerCount: number;
  readonly openReaderCount: number;
  /** Work of all ended transactions. */
  readonly tx: TxStats;
}

const defaultPageBytes = 4096;
const defaultAllocBytes = 16777216;

/** Writes an empty database: two metas, an empty freelist, an empty leaf as root. @source bbolt db.go init */
function createFile(pager: Pager, pageSize: number): void {
  if (!isPageSize(pageSize)) {
    throw new BoltError('invalid database', `page size ${pageSize} is not a power of two from 512 to 65536`);
  }
  const bytes = new Uint8Array(4 * pageSize);
  const view = new DataView(bytes.buffer);
  for (const slot of [0, 1]) {
    writeMetaPage(bytes.subarray(slot * pageSize, (slot + 1) * pageSize), {
      pageSize,
      flags: 0,
      root: { root: pgid(3), sequence: 0n },
      freelist: pgid(2),
      highWater: pgid(4),
      txid: txid(slot),
    });
  }
  writeFreelist(view, 2 * pageSize, 2, 0, { writeIds: () => {} }, 0);
  writePageHeader(view, 3 * pageSize, { id: 3, flags: leafFlag, count: 0, overflow: 0 });
  pager.write(0, bytes);
}

/** Refuses numbers that no sound file has, so that nothing below is as large as a damaged file claims. */
function checkMeta(meta: Meta, fileBytes: number): void {
  const { highWater, pageSize, txid: id } = meta;
  if (highWater > maxPageCount && highWater * pageSize <= fileBytes)
    throw new BoltError('invalid database', `${highWater} pages are more than this store can count`);
  if (!(highWater > 2 && highWater * pageSize <= fileBytes)) {
    throw new BoltError('invalid database', `the file does not reach its high water mark, page ${highWater}`);
  }
  const { root } = meta.root;
  if (!(root >= 2 && root < highWater))
    throw new BoltError('invalid database', `root page ${root} is out of bounds`);
  if (!(id < Number.MAX_SAFE_INTEGER))
    throw new BoltError('invalid database', `transaction ${id} is too large`);
}

/**
 * One writer, many readers. Everything happens at once: nothing waits, and a second writer is a caller's
 * bug.
 */
export class Db {
  readonly pager: Pager;
  readonly pageSize: number;
  readonly rules: Rules;
  readonly noFreelistSync: boolean;
  readonly trace: Trace<BoltEvent>;
  /** @internal */
  readonly defects: Defects;
  /** @internal */
  readonly freelist: SharedFreelist;
  /** @internal Ids of the stored freelist that can not be free. */
  wrongFreeIds: readonly number[] = [];
  private readonly readers = new Set<Tx>();
  private readonly txStats = newTxStats();
  private readonly size: FileSize;
  private newestMeta: Meta;
  private writer: Tx | null = null;
  private readerCount = 0;

  private constructor(pager: Pager, options: DbOptions, isNew: boolean) {
    this.pager = pager;
    this.pageSize = findPageSize(pager);
    if (!isPageSize(this.pageSize)) {
      throw new BoltError(
        'invalid database',
        `page size ${this.pageSize} is not a power of two from 512 to 65536`,
      );
    }
    this.rules = options.rules ?? '1.3';
    this.noFreelistSync = options.noFreelistSync ?? false;
    this.trace = options.trace ?? silent;
    this.defects = options.defects ?? noDefects;
    this.newestMeta = chooseMeta(pager, this.pageSize, this.defects);
    checkMeta(this.newestMeta, pager.sizeBytes);
    const hashmap = options.freelistType === 'hashmap';
    const list = hashmap
      ? new HashmapFreelist(options.hashmapChoice ?? 'insertion', this.trace, this.defects)
      : new ArrayFreelist(this.trace);
    this.freelist = new SharedFreelist(list, this.defects);
    this.loadFreelist();
    // before v1.4 an opened file's size is not known, so that its first growth sets it in any case
    const knownBytes = isNew || this.rules === '1.4' ? pager.sizeBytes : 0;
    const allocBytes = options.allocBytes ?? defaultAllocBytes;
    this.size = new FileSize(pager.sizeBytes, knownBytes, options.initialMapBytes ?? 0, {
      allocBytes,
      wholeMapUpTo: this.rules === '1.3.6' ? allocBytes - 1 : allocBytes,
    });
  }

  /**
   * Opens the database in the pager; an empty pager gets a new one. A file without a stored freelist gets one
   * by an empty commit, unless `noFreelistSync` is set.
   * @throws BoltError 'invalid database' | 'version mismatch' | 'checksum error'
   */
  static open(pager: Pager, options: DbOptions = {}): Db {
    const isNew = pager.sizeBytes === 0;
    if (isNew) createFile(pager, options.pageSize ?? defaultPageBytes);
    const db = new Db(pager, options, isNew);
    if (isNew) db.sync('data', db.newestMeta.txid);
    if (db.trace.on) db.tellOpen();
    if (!db.noFreelistSync && db.newestMeta.freelist === null) db.beginWrite().commit();
    return db;
  }

  /** Bytes of the file. */
  get sizeBytes(): number {
    return this.pager.sizeBytes;
  }

  /** Pages that can be handed out now. */
  get freePageCount(): number {
    return this.freelist.freeCount;
  }

  /** Freed pages that wait for readers. */
  get pendingPageCount(): number {
    return this.freelist.pendingCount;
  }

  /** The meta in force. */
  get meta(): Meta {
    return this.newestMeta;
  }

  get isWriting(): boolean {
    return this.writer !== null;
  }

  /** Begins the one write transaction; pages that no reader can see any more become free. */
  beginWrite(): Tx {
    assert(this.writer === null, 'db: one write transaction at a time');
    this.writer = new Tx(this, true, this.newestMeta);
    const released = this.freelist.releasePending();
    if (released.length > 0 && tellsAll(this.trace)) {
      const { starts: runStarts, counts: runCounts } = released.toSpans();
      this.trace.emit({ type: 'bolt.release', txid: this.writer.id, runStarts, runCounts });
    }
    return this.writer;
  }

  /** Begins a read transaction on the newest commit. It keeps that state's pages from being used again. */
  beginRead(): Tx {
    const tx = new Tx(this, false, this.newestMeta);
    this.readers.add(tx);
    this.readerCount++;
    this.freelist.addReader(tx.id);
    return tx;
  }

  /** What each page of the newest commit is. @throws BoltError 'invalid database' on a damaged tree */
  pageRuns(): PageRun[] {
    return pageRuns(this.pager, this.pageSize, this.newestMeta, this.freelist);
  }

  stats(): DbStats {
    const { freeCount, pendingCount, sizeBytes } = this.freelist;
    return {
      freePageCount: freeCount,
      pendingPageCount: pendingCount,
      freeAllocBytes: (freeCount + pendingCount) * this.pageSize,
      freelistBytes: sizeBytes,
      readerCount: this.readerCount,
      openReaderCount: this.readers.size,
      tx: { ...this.txStats },
    };
  }

  /** @internal */
  sync(what: SyncKind, id: Txid): void {
    this.pager.sync(what);
    if (tellsAll(this.trace)) this.trace.emit({ type: 'bolt.sync', txid: id, what });
  }

  /** @internal @returns whether the map had to be made anew */
  needMap(needBytes: number): boolean {
    return this.size.needMap(needBytes, this.pager.sizeBytes);
  }

  /** @internal */
  growFile(needBytes: number): void {
    const size = this.size.grow(needBytes);
    if (size === null) return;
    this.pager.truncate(size);
    this.sync('grow', this.writer === null ? this.newestMeta.txid : this.writer.id);
  }

  /** @internal After a commit. */
  endWrite(tx: Tx): void {
    this.writer = null;
    this.newestMeta = tx.meta;
    this.addStats(tx.stats);
  }

  /** @internal Nothing was taken from the freelist yet: only what was freed comes back into use. */
  rollbackWrite(tx: Tx): void {
    this.writer = null;
    this.freelist.rollback(tx.id);
    this.addStats(tx.stats);
  }

  /** @internal A commit failed on its way: the freelist is read anew. */
  abandonWrite(tx: Tx): void {
    this.writer = null;
    this.freelist.rollback(tx.id);
    this.loadFreelist();
    this.addStats(tx.stats);
  }

  /** @internal */
  endRead(tx: Tx): void {
    this.readers.delete(tx);
    this.freelist.removeReader(tx.id);
    this.addStats(tx.stats);
  }

  private loadFreelist(): void {
    const { freelist, highWater } = this.newestMeta;
    if (freelist === null) {
      this.freelist.init(findFreeIds(this.pager, this.pageSize, this.newestMeta));
      return;
    }
    const stored = readFreelist(this.pager, freelist, this.pageSize, highWater);
    this.wrongFreeIds = stored.wrongIds;
    this.freelist.init(stored.ids);
  }

  private addStats(stats: TxStats): void {
    for (const key of Object.keys(stats) as (keyof TxStats)[]) this.txStats[key] += stats[key];
  }

  private tellOpen(): void {
    const runs = this.pageRuns();
    this.trace.emit({
      type: 'bolt.open',
      pageSize: this.pageSize,
      txid: this.newestMeta.txid,
      highWater: this.newestMeta.highWater,
      freelist: this.freelist.list.type,
      metaTxids: [0, 1].map((slot) => {
        const meta = metaAt(this.pager, slot * this.pageSize);
        return typeof meta === 'string' ? -1 : meta.txid;
      }),
      root: this.newestMeta.root.root,
      runKinds: runs.map((run) => pageKindCodes[run.kind]),
      runStarts: runs.map((run) => run.pgid),
      runCounts: runs.map((run) => run.count),
    });
    this.trace.emit(treeEvent(this.pager, this.pageSize, this.newestMeta));
  }
}
