/** The multi-version store: each change of each key under its revision in the backend, and their index. */
import { assert } from '../../base/assert.ts';
import { silent } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { WireError } from '../../base/wire.ts';
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
import { KeyIndex } from './key-index.ts';
import type { ReadTxn, WriteTxn } from './kv.ts';
import { StoreReadTxn, StoreWriteTxn } from './kvstore-txn.ts';
import { decodeRevision, isTombstone } from './revision.ts';
import { TreeIndex } from './tree-index.ts';
import { MvccError } from './types.ts';

/** A store that was never written is at revision 1. */
const firstRevision = 1;
/** The compact revision of a store that was never compacted. */
const neverCompacted = -1;

/** The leases of keys that are alive, as the records name them. */
type KeyToLease = Map<Item, { readonly key: Uint8Array; readonly lease: LeaseId }>;

/** @source etcd mvcc/kvstore.go */
export class KvStore {
  #index = new TreeIndex();
  readonly trace: Trace<MvccEvent>;
  /** Null for a store without leases: records then name them, and nothing more. */
  readonly leases: KeyLeases | null;
  readonly #backend: Backend;
  #currentRevision = firstRevision;
  #compactRevision = neverCompacted;
  #writing = false;

  /**
   * Opens the store that the backend holds, and attaches its keys to their leases.
   * @throws MvccError 'mvcc: bad record' when a record of the bucket `key` is not a KeyValue under a revision
   */
  constructor(backend: Backend, trace: Trace<MvccEvent> = silent, leases: KeyLeases | null = null) {
    this.#backend = backend;
    this.trace = trace;
    this.leases = leases;
    this.#restore();
    this.#tellOpen();
  }

  get index(): TreeIndex {
    return this.#index;
  }

  /**
   * The backend has gone over to another database: everything is read again from there. The leases must have
   * done so before.
   * @source etcd v3.4.23 mvcc/kvstore.go Restore
   */
  restore(): void {
    assert(!this.#writing, 'kvstore: no transaction is open while the store is replaced');
    this.#index = new TreeIndex();
    this.#currentRevision = firstRevision;
    this.#compactRevision = neverCompacted;
    this.#restore();
    this.#tellOpen();
  }

  /** The revision of the last write transaction that changed anything. */
  get revision(): number {
    return this.#currentRevision;
  }

  /** Below it, nothing can be read; -1 where nothing was ever compacted. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  read(): ReadTxn {
    return new StoreReadTxn(this, this.#backend.readTx);
  }

  /** Begins the one write transaction; it must end before the next begins. */
  write(): WriteTxn {
    assert(!this.#writing, 'kvstore: one write transaction at a time');
    this.#writing = true;
    return new StoreWriteTxn(this, this.#backend.batchTx, (changes) => this.#end(changes));
  }

  /**
   * HashKV: equal on members that hold the same history up to a revision.
   * @param revision 0: the newest
   * @throws MvccError 'mvcc: required revision has been compacted' |
   *   'mvcc: required revision is a future revision'
   */
  hashByRevision(revision: number): RevisionHash {
    return hashByRevision(this, this.#backend.readTx, revision);
  }

  #tellOpen(): void {
    if (!this.trace.on) return;
    this.trace.emit({
      type: 'mvcc.open',
      revision: this.#currentRevision,
      compactRevision: this.#compactRevision,
      keyCount: this.index.countAlive(),
    });
  }

  #end(changes: readonly KeyValue[]): void {
    assert(this.#writing, 'kvstore: a transaction ends once');
    this.#writing = false;
    if (changes.length > 0) this.#currentRevision++;
    this.#backend.unlock();
  }

  /** Builds the index from the records, which stand in history's order. @source etcd kvstore.go restore */
  #restore(): void {
    const { readTx } = this.#backend;
    const finished = readTx.get('meta', metaKeys.finishedCompactRevision);
    if (finished !== null) this.#compactRevision = decodeRevision(finished).main;
    const leaseOf: KeyToLease = new Map();
    readTx.forEach('key', (key, value) => {
      const kv = decodeRecord(value);
      this.#restoreRecord(key, kv);
      if (this.leases !== null) noteLease(leaseOf, kv);
    });
    this.#currentRevision = Math.max(this.#currentRevision, this.#compactRevision);
    for (const { key, lease } of leaseOf.values()) this.#attach(key, lease);
  }

  /** A record may name a lease that is not there: then its key stays for good, as in etcd. */
  #attach(key: Uint8Array, lease: LeaseId): void {
    if (this.leases !== null && this.leases.lookup(lease) !== null) this.leases.attach(lease, key);
  }

  #restoreRecord(key: Uint8Array, kv: KeyValue): void {
    const revision = decodeRevision(key);
    const known = this.index.keyIndex(kv.key);
    this.#currentRevision = revision.main;
    if (known === undefined) {
      if (isTombstone(key)) return;
      this.index.insert(KeyIndex.restore(kv.key, { main: kv.createRevision, sub: 0 }, revision, kv.version));
    } else if (isTombstone(key)) known.tombstone(revision);
    else known.put(revision);
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
