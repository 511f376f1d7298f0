/** The multi-version store: each change of each key under its revision in the backend, and their index. */
import { assert } from '../../base/assert.ts';
import { silent } from '../../base/trace.ts';
import { type Defects, noDefects } from '../defects.ts';
import type { Trace } from '../../base/trace.ts';
import { WireError } from '../../base/wire.ts';
import { kept } from '../../base/fork.ts';
import type { Backend } from '../backend/backend.ts';
import { metaKeys } from '../backend/schema.ts';
import { itemOf } from '../lease/item.ts';
import type { Item } from '../lease/item.ts';
import { leaseId, noLease } from '../lease/types.ts';
import type { KeyLeases, LeaseId } from '../lease/types.ts';
import { decodeKeyValue } from '../pb/hot.ts';
import type { KeyValue } from '../pb/hot.ts';
import type { MvccEvent } from './events.ts';
import { hashByRevision } from './hash.ts';
import type { RevisionHash } from './hash.ts';
import { Compactions } from './kvstore-compaction.ts';
import type { ReadTxn, WriteTxn } from './kv.ts';
import { StoreReadTxn, StoreWriteTxn } from './kvstore-txn.ts';
import type { TxnCounts } from './kvstore-txn.ts';
import { decodeRevision, encodeRevision, isTombstone } from './revision.ts';
import { tellIndex } from './tell-index.ts';
import { TreeIndex } from './tree-index.ts';
import { MvccError } from './types.ts';

/** A store that was never written is at revision 1. */
const firstRevision = 1;
/** The compact revision of a store that was never compacted. */
const neverCompacted = -1;

/** The leases of keys that are alive, as the records name them. */
type KeyToLease = Map<Item, { readonly key: Uint8Array; readonly lease: LeaseId }>;

type OnChanges = (revision: number, changes: readonly KeyValue[]) => void;
type OnDelete = (key: Uint8Array, value: Uint8Array) => void;

/** @source etcd mvcc/kvstore.go */
export class KvStore {
  private treeIndex = new TreeIndex();
  readonly trace: Trace<MvccEvent>;
  /** Null for a store without leases: records then name them, and nothing more. */
  readonly leases: KeyLeases | null;
  readonly counts: TxnCounts = { puts: 0, putBytes: 0, deletes: 0, ranges: 0, txns: 0 };
  readonly defects: Defects;
  /** Compactions under way: whoever owns the store lets them work. */
  readonly compactions: Compactions;
  private readonly backend: Backend;
  private currentRevision = firstRevision;
  private compactedRevision = neverCompacted;
  private writing = false;
  private onChanges: OnChanges | null = null;
  private onDelete: OnDelete | null = null;

  /**
   * Opens the store that the backend holds, and attaches its keys to their leases.
   * @throws MvccError 'mvcc: bad record' when a record of the bucket `key` is not a KeyValue under a revision
   */
  constructor(
    backend: Backend,
    trace: Trace<MvccEvent> = silent,
    leases: KeyLeases | null = null,
    defects: Defects = noDefects,
  ) {
    this.backend = backend;
    this.defects = defects;
    this.trace = trace;
    this.leases = leases;
    const index = kept((self: KvStore) => () => self.treeIndex, this);
    const onDelete = kept(
      (self: KvStore): OnDelete =>
        (key, value) =>
          self.onDelete?.(key, value),
      this,
    );
    const { compactionDropsNewest: dropsNewest } = defects;
    this.compactions = new Compactions({ index, backend, trace, onDelete, dropsNewest });
    this.open();
  }

  get index(): TreeIndex {
    return this.treeIndex;
  }

  /**
   * The backend has gone over to another database: everything is read again from there. The leases must have
   * done so before.
   * @source etcd v3.4.23 mvcc/kvstore.go Restore
   */
  restore(): void {
    assert(!this.writing, 'kvstore: no transaction is open while the store is replaced');
    this.treeIndex = new TreeIndex();
    this.currentRevision = firstRevision;
    this.compactedRevision = neverCompacted;
    this.compactions.drop();
    this.open();
  }

  /** Who hears of each write that has changed anything, with its revision, when it ends. */
  setOnChanges(listener: OnChanges): void {
    this.onChanges = listener;
  }

  /** Who hears of each record that a compaction deletes. */
  setOnDelete(listener: OnDelete): void {
    this.onDelete = listener;
  }

  /** The revision of the last write transaction that changed anything. */
  get revision(): number {
    return this.currentRevision;
  }

  /** Below it, nothing can be read; -1 where nothing was ever compacted. */
  get compactRevision(): number {
    return this.compactedRevision;
  }

  read(): ReadTxn {
    return new StoreReadTxn(this, this.backend.readTx);
  }

  /** Begins the one write transaction; it must end before the next begins. */
  write(): WriteTxn {
    assert(!this.writing, 'kvstore: one write transaction at a time');
    this.writing = true;
    return new StoreWriteTxn(this, this.backend.batchTx, (changes) => this.end(changes));
  }

  /**
   * Orders a compaction: from now on nothing below the revision can be read. The order is committed; the work
   * is done by `compactions`.
   * @throws MvccError 'mvcc: required revision has been compacted' |
   *   'mvcc: required revision is a future revision'
   * @source etcd mvcc/kvstore.go updateCompactRev
   */
  compact(revision: number): void {
    if (revision <= this.compactedRevision) {
      throw new MvccError('mvcc: required revision has been compacted');
    }
    if (revision > this.currentRevision) {
      throw new MvccError('mvcc: required revision is a future revision');
    }
    this.beginCompaction(revision);
  }

  private beginCompaction(revision: number): void {
    this.compactedRevision = revision;
    const mark = encodeRevision({ main: revision, sub: 0 });
    this.backend.batchTx.put('meta', metaKeys.scheduledCompactRevision, mark);
    this.backend.unlock();
    this.backend.commit('force');
    this.compactions.schedule(revision);
    const currentRevision = this.currentRevision;
    if (this.trace.on) this.trace.emit({ type: 'mvcc.compact', revision, currentRevision });
  }

  /**
   * HashKV: equal on members that hold the same history up to a revision.
   * @param revision 0: the newest
   * @throws MvccError 'mvcc: required revision has been compacted' |
   *   'mvcc: required revision is a future revision'
   */
  hashByRevision(revision: number): RevisionHash {
    return hashByRevision(this, this.backend.readTx, revision);
  }

  /** Reads everything; a compaction that was ordered and has not finished begins anew. */
  private open(): void {
    const scheduled = this.readBackend();
    if (this.trace.on) {
      this.trace.emit({
        type: 'mvcc.open',
        revision: this.currentRevision,
        compactRevision: this.compactedRevision,
        keyCount: this.index.countAlive(),
      });
      tellIndex(this.index, this.trace);
    }
    if (scheduled > Math.max(0, this.compactedRevision)) this.beginCompaction(scheduled);
  }

  private end(changes: readonly KeyValue[]): void {
    assert(this.writing, 'kvstore: a transaction ends once');
    this.writing = false;
    if (changes.length > 0) this.currentRevision++;
    this.backend.unlock();
    if (changes.length > 0) this.onChanges?.(this.currentRevision, changes);
  }

  /**
   * Builds the index from the records, which stand in history's order.
   * @returns the revision of the last compaction that was ordered; 0 where there was none
   * @source etcd kvstore.go restore
   */
  private readBackend(): number {
    const { readTx } = this.backend;
    const finished = readTx.get('meta', metaKeys.finishedCompactRevision);
    if (finished !== null) this.compactedRevision = decodeRevision(finished).main;
    const leaseOf: KeyToLease = new Map();
    readTx.forEach('key', (key, value) => {
      const kv = decodeRecord(value);
      this.restoreRecord(key, kv);
      if (this.leases !== null) noteLease(leaseOf, kv);
    });
    const known = this.defects.revisionByRecords ? firstRevision : this.compactedRevision;
    this.currentRevision = Math.max(this.currentRevision, known);
    for (const { key, lease } of leaseOf.values()) this.attach(key, lease);
    const scheduled = readTx.get('meta', metaKeys.scheduledCompactRevision);
    return scheduled === null ? 0 : decodeRevision(scheduled).main;
  }

  /** A record may name a lease that is not there: then its key stays for good, as in etcd. */
  private attach(key: Uint8Array, lease: LeaseId): void {
    if (this.leases !== null && this.leases.lookup(lease) !== null) this.leases.attach(lease, key);
  }

  private restoreRecord(key: Uint8Array, kv: KeyValue): void {
    const revision = decodeRevision(key);
    const known = this.index.keyIndex(kv.key);
    this.currentRevision = revision.main;
    if (known === undefined) {
      if (isTombstone(key)) return;
      this.index.restore(kv.key, { main: kv.createRevision, sub: 0 }, revision, kv.version);
    } else if (isTombstone(key)) this.index.tombstone(kv.key, revision);
    else this.index.put(kv.key, revision);
  }
}

/** The newest record of a key counts; a tombstone names no lease. */
function noteLease(leaseOf: KeyToLease, { key, lease }: KeyValue): void {
  const id = leaseId(lease);
  if (id === noLease) leaseOf.delete(itemOf(key));
  else leaseOf.set(itemOf(key), { key, lease: id });
}

function decodeRecord(value: Uint8Array): KeyValue {
  try {
    return decodeKeyValue(value);
  } catch (error) {
    if (error instanceof WireError) throw new MvccError('mvcc: bad record', error.message);
    throw error;
  }
}
