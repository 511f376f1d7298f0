/** A transaction: a state of the database that stays as it is, and for the one writer what it changes. */
import type { Defects } from '../defects.ts';
import { assert } from '../../base/assert.ts';
import { tellsAll } from '../../base/trace.ts';
import { Arena } from './arena.ts';
import { Bucket } from './bucket.ts';
import type { Cursor } from './cursor.ts';
import type { Db, Rules } from './db.ts';
import { BoltError } from './errors.ts';
import { writeFreelist } from './freelist-page.ts';
import { writeMetaPage } from './meta.ts';
import type { Node } from './node.ts';
import { Page, pageKindCodes, readPage } from './page.ts';
import { contentOf } from './page-content.ts';
import { checkState } from './tx-check.ts';
import type { Finding } from './tx-check.ts';
import type { PageBytes } from './pager.ts';
import { maxPageCount, pgid, txid } from './types.ts';
import type { Meta, PageKind, Txid } from './types.ts';

/** Work counted as bbolt counts it. @source bbolt tx.go TxStats */
export interface TxStats {
  pageCount: number;
  pageAllocBytes: number;
  cursorCount: number;
  nodeCount: number;
  nodeDerefCount: number;
  rebalance: number;
  split: number;
  spill: number;
  write: number;
}

/** A logical page that the commit writes. */
export interface DirtyRun {
  readonly pgid: number;
  readonly count: number;
  readonly kind: PageKind;
  /** Puts the pages' content at `at` of zeroed bytes. */
  writeTo(bytes: Uint8Array, view: DataView, at: number): void;
}

/** Longer branches are read anew each time: a damaged file's may each claim all of it, and be copies. */
const maxKeptBytes = 65536;

/** No sound tree is deeper: each level at least doubles what lies below. */
const maxDepth = 64;

export const newTxStats = (): TxStats => ({
  pageCount: 0,
  pageAllocBytes: 0,
  cursorCount: 0,
  nodeCount: 0,
  nodeDerefCount: 0,
  rebalance: 0,
  split: 0,
  spill: 0,
  write: 0,
});

/**
 * Opened by `Db.beginRead` or `Db.beginWrite`, ended by `commit` or `rollback`; whatever it handed out is
 * valid
 * until then. A reader sees the state of its beginning, whatever is committed meanwhile.
 * @source bbolt v1.3.12 tx.go
 */
export class Tx {
  readonly writable: boolean;
  readonly stats: TxStats = newTxStats();
  readonly pageSize: number;
  /** @internal */
  readonly defects: Defects;
  readonly rules: Rules;
  /** @internal What it puts is copied there. */
  readonly arena = new Arena();
  private readonly db: Db;
  private readonly rootBucket: Bucket;
  private readonly dirty: DirtyRun[] = [];
  /**
   * Branch pages that were read: few, and on the way of every search.
   * They do not change while this is open.
   */
  private readonly branches = new Map<number, Page>();
  private ownMeta: Meta;
  private hasNotEnded = true;

  /** @internal Transactions are begun by a Db. */
  constructor(db: Db, writable: boolean, meta: Meta) {
    this.db = db;
    this.writable = writable;
    this.pageSize = db.pageSize;
    this.rules = db.rules;
    this.defects = db.defects;
    this.ownMeta = writable ? { ...meta, txid: txid(meta.txid + 1) } : meta;
    this.rootBucket = new Bucket(this, meta.root.root, meta.root.sequence);
  }

  /** A writer's id is one above the last commit's; a reader's is that of the commit it sees. */
  get id(): Txid {
    return this.ownMeta.txid;
  }

  /** Bytes of the database up to its high water mark, as this transaction sees it. */
  get sizeBytes(): number {
    return this.ownMeta.highWater * this.pageSize;
  }

  get isOpen(): boolean {
    return this.hasNotEnded;
  }

  /** The meta that this transaction reads or will write. */
  get meta(): Meta {
    return this.ownMeta;
  }

  /** The bucket of a name, or null. */
  bucket(name: Uint8Array): Bucket | null {
    this.requireOpen();
    return this.rootBucket.bucket(name);
  }

  /** @throws BoltError as Bucket.createBucket */
  createBucket(name: Uint8Array): Bucket {
    return this.rootBucket.createBucket(name);
  }

  createBucketIfNotExists(name: Uint8Array): Bucket {
    return this.rootBucket.createBucketIfNotExists(name);
  }

  /** @throws BoltError as Bucket.deleteBucket */
  deleteBucket(name: Uint8Array): void {
    this.rootBucket.deleteBucket(name);
  }

  /** Over the names of the database's buckets: their values are null. */
  cursor(): Cursor {
    return this.rootBucket.cursor();
  }

  /** The bucket that holds all others. */
  get root(): Bucket {
    return this.rootBucket;
  }

  /**
   * What bbolt's check says about this state: nothing, for a sound database.
   * The freelist is that of the newest state, so a reader checks itself before the next commit.
   */
  check(): Finding[] {
    this.requireOpen();
    return checkState(this.db.pager, this.pageSize, this.ownMeta, this.db.freelist, this.db.wrongFreeIds);
  }

  /**
   * Writes what changed: data pages, sync, meta, sync. What the transaction freed waits for readers. When
   * anything fails on the way, the transaction is rolled back and the error goes on.
   * @throws BoltError 'tx closed' | 'tx not writable' | 'invalid database' | 'mmap too large'
   * @source bbolt v1.3.12 tx.go Commit
   */
  commit(): void {
    this.requireWritable();
    try {
      this.rootBucket.rebalance();
      let { highWater } = this.ownMeta;
      this.rootBucket.spill();
      this.ownMeta = {
        ...this.ownMeta,
        root: { root: this.rootBucket.root, sequence: this.rootBucket.sequence },
      };
      // 1.3.6 looks at the freelist's own pages alone: a write behind the file's end makes it longer, too
      if (this.rules === '1.3.6') ({ highWater } = this.ownMeta);
      this.spillFreelist();
      if (this.ownMeta.highWater > highWater) this.db.growFile((this.ownMeta.highWater + 1) * this.pageSize);
      this.writeDirty();
      this.writeMeta();
    } catch (error) {
      this.hasNotEnded = false;
      this.db.abandonWrite(this);
      throw error;
    }
    this.hasNotEnded = false;
    this.db.endWrite(this);
  }

  /**
   * Ends the transaction; a writer's changes are forgotten, and its id is used again.
   * @throws BoltError 'tx closed'
   */
  rollback(): void {
    this.requireOpen();
    this.hasNotEnded = false;
    if (this.writable) this.db.rollbackWrite(this);
    else this.db.endRead(this);
  }

  /** @internal */
  requireOpen(): void {
    if (!this.hasNotEnded) throw new BoltError('tx closed');
  }

  /** @internal */
  requireWritable(): void {
    if (!this.hasNotEnded) throw new BoltError('tx closed');
    if (!this.writable) throw new BoltError('tx not writable');
  }

  /** @internal The page below a branch under which a key belongs. */
  childOf(place: Page | Node, key: Uint8Array, depth: number): number {
    this.checkDepth(depth);
    if (place.count === 0) throw new BoltError('invalid database', 'a branch without children');
    return place.child(place.searchChild(key));
  }

  /** @internal The leaf below a page where a key belongs, in a tree of which nothing is open for change. */
  leafOf(root: number, key: Uint8Array): Page {
    let page = this.page(root);
    for (let depth = 1; !page.isLeaf; depth++) {
      this.checkDepth(depth);
      if (page.count === 0) throw new BoltError('invalid database', 'a branch without children');
      page = this.page(page.child(page.searchChild(key)));
    }
    return page;
  }

  /** @internal @throws BoltError 'invalid database' where the page is not in the file, or not of a tree */
  page(id: number): Page {
    const cached = this.branches.get(id);
    if (cached !== undefined) return cached;
    const page = this.readPage(id);
    if (page.isBranch && page.end - page.at <= maxKeptBytes) this.branches.set(id, page);
    return page;
  }

  private readPage(id: number): Page {
    if (!(id >= 2 && id < this.ownMeta.highWater))
      throw new BoltError('invalid database', `page ${id} is out of bounds`);
    const page = readPage(this.db.pager, id, this.pageSize);
    if (page.id !== id) {
      throw new BoltError(
        'invalid database',
        `Page expected to be: ${id}, but self identifies as ${page.id}`,
      );
    }
    if (!page.isLeaf && !page.isBranch) {
      throw new BoltError('invalid database', `page ${id}: invalid page type ${page.flags}`);
    }
    if (id + page.overflow >= this.ownMeta.highWater) {
      throw new BoltError('invalid database', `page ${id}: its overflow is out of bounds`);
    }
    return page;
  }

  /** @internal A branch's child, for sure inside the file. */
  checkChild(page: Page, index: number): number {
    const child = page.child(index);
    if (!(child >= 2 && child < this.ownMeta.highWater)) {
      throw new BoltError('invalid database', `page ${page.id}: child ${child} is out of bounds`);
    }
    return child;
  }

  /** @internal @throws BoltError 'invalid database' deeper than any sound tree: the pages run in a circle */
  checkDepth(depth: number): void {
    if (depth > maxDepth)
      throw new BoltError('invalid database', 'the tree has no end: its pages run in a circle');
  }

  /** @internal A run is no longer used from this transaction on. */
  free(id: number, count: number): void {
    this.db.freelist.free(this.ownMeta.txid, id, count);
    this.tellFree(id, count);
  }

  /** @internal The page that a node was read from, if any, is no longer used. */
  freeNode(node: Node): void {
    if (node.pgid === 0) return;
    this.free(node.pgid, this.defects.overflowStays ? 1 : node.overflow + 1);
    node.pgid = 0;
  }

  /** @internal Pages in a row: from the freelist, else from behind the high water mark. */
  allocate(count: number): number {
    const db = this.db;
    const { first, scanned, path } = db.freelist.allocate(this.ownMeta.txid, count);
    this.stats.pageCount += count;
    this.stats.pageAllocBytes += count * this.pageSize;
    const start = first ?? this.ownMeta.highWater;
    if (first === null) {
      if (start + count > maxPageCount)
        throw new BoltError('mmap too large', `more than ${maxPageCount} pages`);
      if (db.needMap((start + count + 1) * this.pageSize))
        this.stats.nodeDerefCount += this.rootBucket.openNodeCount();
      this.ownMeta = { ...this.ownMeta, highWater: pgid(start + count) };
    }
    if (tellsAll(db.trace)) {
      db.trace.emit({
        type: 'bolt.allocate',
        txid: this.ownMeta.txid,
        pgid: pgid(start),
        count,
        scanned,
        path: first === null ? 'grow' : path,
      });
    }
    return start;
  }

  /** @internal */
  writeLater(run: DirtyRun): void {
    this.dirty.push(run);
  }

  /** @internal */
  tellSpill(node: Node, from: number): void {
    const { trace } = this.db;
    if (!tellsAll(trace)) return;
    const { isLeaf: leaf } = node;
    trace.emit({
      type: 'bolt.spill',
      txid: this.ownMeta.txid,
      pgid: pgid(node.pgid),
      from: pgid(from),
      leaf,
    });
  }

  /** @internal */
  tellSplit(from: number, parts: number): void {
    const { trace } = this.db;
    if (tellsAll(trace)) trace.emit({ type: 'bolt.split', txid: this.ownMeta.txid, pgid: pgid(from), parts });
  }

  /** @internal */
  tellRebalance(node: Node): void {
    const { trace } = this.db;
    if (tellsAll(trace))
      trace.emit({ type: 'bolt.rebalance', txid: this.ownMeta.txid, pgid: pgid(node.pgid) });
  }

  /** @internal */
  tellMerge(into: Node, from: Node): void {
    const { trace } = this.db;
    if (!tellsAll(trace)) return;
    trace.emit({ type: 'bolt.merge', txid: this.ownMeta.txid, pgid: pgid(into.pgid), from: pgid(from.pgid) });
  }

  private tellFree(id: number, count: number): void {
    const { trace } = this.db;
    if (tellsAll(trace)) trace.emit({ type: 'bolt.free', txid: this.ownMeta.txid, pgid: pgid(id), count });
  }

  /** Frees the old freelist's pages, then gives the new list its own: counted before, written after. */
  private spillFreelist(): void {
    const { freelist, pager, noFreelistSync } = this.db;
    const old = this.ownMeta.freelist;
    if (old !== null) {
      const count = readPage(pager, old, this.pageSize).overflow + 1;
      // before v1.4 a freelist's pages count as taken by the transaction before
      freelist.free(this.ownMeta.txid, old, count, this.rules === '1.4' ? 0 : this.ownMeta.txid - 1);
      this.tellFree(old, count);
    }
    if (noFreelistSync) {
      this.ownMeta = { ...this.ownMeta, freelist: null };
      return;
    }
    const count = Math.floor(freelist.sizeBytes / this.pageSize) + 1;
    const first = this.allocate(count);
    this.ownMeta = { ...this.ownMeta, freelist: pgid(first) };
    this.writeLater({
      pgid: first,
      count,
      kind: 'freelist',
      writeTo: (_, view, at) => {
        const idCount = freelist.freeCount + freelist.pendingCount;
        const isShort = this.defects.shortFreelistCount;
        writeFreelist(view, at, first, count - 1, freelist, idCount, isShort);
      },
    });
  }

  /** Writes dirty pages in id order; neighbours leave as one write. */
  private writeDirty(): void {
    const { pager, trace } = this.db;
    const dirty = this.dirty.sort((a, b) => a.pgid - b.pgid);
    for (let from = 0, to = 0; from < dirty.length; from = to) {
      let end = dirty[from].pgid;
      for (; to < dirty.length && dirty[to].pgid === end; to++) end += dirty[to].count;
      const bytes = new Uint8Array((end - dirty[from].pgid) * this.pageSize);
      const view = new DataView(bytes.buffer);
      for (let i = from; i < to; i++) {
        dirty[i].writeTo(bytes, view, (dirty[i].pgid - dirty[from].pgid) * this.pageSize);
      }
      pager.write(dirty[from].pgid * this.pageSize, bytes);
      if (!tellsAll(trace)) continue;
      for (let i = from; i < to; i++) {
        this.tellWrite(dirty[i], { bytes, view, at: (dirty[i].pgid - dirty[from].pgid) * this.pageSize });
      }
    }
    this.stats.write += dirty.length;
    if (!this.defects.metaBeforeData) this.db.sync('data', this.ownMeta.txid);
  }

  private tellWrite({ pgid: id, count, kind }: DirtyRun, place: PageBytes): void {
    this.db.trace.emit({
      type: 'bolt.write',
      txid: this.ownMeta.txid,
      pgid: pgid(id),
      count,
      kind: pageKindCodes[kind],
      ...contentOf(new Page(place, place.at + count * this.pageSize)),
    });
  }

  private writeMeta(): void {
    const { pager, trace } = this.db;
    const { txid: id, highWater } = this.ownMeta;
    const { root } = this.ownMeta.root;
    assert(root < highWater, 'tx: the root lies below the high water mark');
    const bytes = new Uint8Array(this.pageSize);
    writeMetaPage(bytes, this.ownMeta);
    const slot = id % 2 === 0 ? 0 : 1;
    pager.write(slot * this.pageSize, bytes);
    this.stats.write++;
    if (trace.on) trace.emit({ type: 'bolt.writeMeta', txid: id, slot, highWater, root });
    this.db.sync('meta', id);
  }
}
