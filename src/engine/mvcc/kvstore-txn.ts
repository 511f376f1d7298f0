/** Transactions on the store: a read sees one revision, a write makes the next one. */
import { assert } from '../../base/assert.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { keyText } from '../../base/utf8.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import type { BatchTx } from '../backend/batch-tx.ts';
import type { BucketName } from '../backend/schema.ts';
import { leaseId, noLease } from '../lease/types.ts';
import type { KeyLeases } from '../lease/types.ts';
import { decodeKeyValue, encodeKeyValue } from '../pb/hot.ts';
import type { KeyValue } from '../pb/hot.ts';
import type { MvccEvent } from './events.ts';
import type { Deleted, ReadTxn, WriteTxn } from './kv.ts';
import { encodeRevision } from './revision.ts';
import type { TreeIndex } from './tree-index.ts';
import { MvccError } from './types.ts';
import type { RangeOptions, RangeResult, Revision } from './types.ts';

/** Where a transaction finds records: the readers' or the writer's view of the backend. */
export interface RecordSource {
  get(name: BucketName, key: Uint8Array): Uint8Array | null;
}

/**
 * What transactions did since the process began; `txns` are those with more than one operation.
 * @source etcd v3.4.23 mvcc/metrics_txn.go
 */
export interface TxnCounts {
  puts: number;
  putBytes: number;
  deletes: number;
  ranges: number;
  txns: number;
}

/** The store as its transactions see it. */
export interface TxnContext {
  readonly index: TreeIndex;
  readonly trace: Trace<MvccEvent>;
  readonly leases: KeyLeases | null;
  readonly revision: number;
  readonly compactRevision: number;
  readonly counts: TxnCounts;
}

/**
 * Reads the range at a revision: the index says which records, the backend has them.
 * @param current the newest revision that this transaction may see
 * @source etcd mvcc/kvstore_txn.go rangeKeys
 */
function rangeKeys(
  context: TxnContext,
  source: RecordSource,
  current: number,
  key: Uint8Array,
  end: Uint8Array | null,
  options: RangeOptions,
): RangeResult {
  const asked = options.revision ?? 0;
  if (asked > current) throw new MvccError('mvcc: required revision is a future revision');
  const at = asked > 0 ? asked : current;
  if (at < context.compactRevision) throw new MvccError('mvcc: required revision has been compacted');
  const found = context.index.range(key, end, at);
  if (options.countOnly === true) return { kvs: [], count: found.length, revision: current };
  const limit = options.limit ?? 0;
  const taken = limit > 0 ? found.slice(0, limit) : found;
  const kvs = taken.map(({ modified }) => readRecord(source, modified));
  return { kvs, count: found.length, revision: current };
}

function readRecord(source: RecordSource, revision: Revision): KeyValue {
  const record = source.get('key', encodeRevision(revision));
  assert(record !== null, 'kvstore: what the index knows is in the backend');
  return decodeKeyValue(record);
}

/** Reads the state as it was when the transaction began. */
export class StoreReadTxn implements ReadTxn {
  readonly firstRevision: number;
  readonly revision: number;
  private readonly context: TxnContext;
  private readonly source: RecordSource;
  private operations = 0;

  constructor(context: TxnContext, source: RecordSource) {
    this.context = context;
    this.source = source;
    this.firstRevision = context.compactRevision;
    this.revision = context.revision;
  }

  range(key: Uint8Array, end: Uint8Array | null, options: RangeOptions): RangeResult {
    this.operations++;
    this.context.counts.ranges++;
    return rangeKeys(this.context, this.source, this.revision, key, end, options);
  }

  end(): void {
    if (this.operations > 1) this.context.counts.txns++;
  }
}

/** The one open write transaction. Its own reads see its changes, one revision above its beginning. */
export class StoreWriteTxn implements WriteTxn {
  readonly firstRevision: number;
  /** The revision at which the transaction began. */
  readonly revision: number;
  private readonly context: TxnContext;
  private readonly tx: BatchTx;
  private readonly onEnd: (changes: readonly KeyValue[]) => void;
  private readonly changed: KeyValue[] = [];
  private operations = 0;

  constructor(context: TxnContext, tx: BatchTx, onEnd: (changes: readonly KeyValue[]) => void) {
    this.context = context;
    this.tx = tx;
    this.onEnd = onEnd;
    this.firstRevision = context.compactRevision;
    this.revision = context.revision;
  }

  get changes(): readonly KeyValue[] {
    return this.changed;
  }

  range(key: Uint8Array, end: Uint8Array | null, options: RangeOptions): RangeResult {
    this.operations++;
    this.context.counts.ranges++;
    return rangeKeys(this.context, this.tx, this.seen, key, end, options);
  }

  /** @source etcd mvcc/kvstore_txn.go put */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): number {
    const { counts } = this.context;
    this.operations++;
    counts.puts++;
    counts.putBytes += key.length + value.length;
    const next = this.next;
    const before = this.context.index.get(key, next.main);
    const kv: KeyValue = {
      key,
      createRevision: before?.created.main ?? next.main,
      modRevision: next.main,
      version: (before?.version ?? 0) + 1,
      value,
      lease,
    };
    const record = encodeKeyValue(kv);
    this.tx.seqPut('key', encodeRevision(next), record);
    this.context.index.put(key, next);
    this.changed.push(kv);
    this.tellPut(kv, next, record.length);
    this.moveLease(key, lease);
    return next.main;
  }

  /** @source etcd mvcc/kvstore_txn.go deleteRange */
  deleteRange(key: Uint8Array, end: Uint8Array | null): Deleted {
    this.operations++;
    this.context.counts.deletes++;
    const found = this.context.index.range(key, end, this.seen);
    for (const { key } of found) this.delete(key);
    return { deleted: found.length, revision: this.seen };
  }

  end(): void {
    if (this.operations > 1) this.context.counts.txns++;
    this.onEnd(this.changed);
  }

  private delete(key: Uint8Array): void {
    const next = this.next;
    const tombstone = { key, createRevision: 0, modRevision: 0, version: 0, value: emptyBytes, lease: 0n };
    this.tx.seqPut('key', encodeRevision(next, true), encodeKeyValue(tombstone));
    const wasAlive = this.context.index.tombstone(key, next);
    assert(wasAlive, 'kvstore: only an existing key is deleted');
    this.changed.push({ ...tombstone, modRevision: next.main });
    const { trace } = this.context;
    if (tellsAll(trace)) trace.emit({ type: 'mvcc.tombstone', key: keyText(key), ...next });
    this.moveLease(key, noLease);
  }

  /** Whoever puts a lease into a record has looked whether it is there; one that is not holds no key. */
  private moveLease(key: Uint8Array, lease: bigint): void {
    const { leases } = this.context;
    if (leases === null) return;
    const [before, after] = [leases.leaseOf(key), leaseId(lease)];
    if (before !== null) leases.detach(before, key);
    if (after !== noLease && leases.lookup(after) !== null) leases.attach(after, key);
  }

  /** The newest revision that the transaction sees: with its own changes, once there are any. */
  private get seen(): number {
    return this.revision + (this.changed.length > 0 ? 1 : 0);
  }

  /** The revision of the next change. */
  private get next(): Revision {
    return { main: this.revision + 1, sub: this.changed.length };
  }

  private tellPut(kv: KeyValue, { main, sub }: Revision, sizeBytes: number): void {
    const { trace } = this.context;
    if (!tellsAll(trace)) return;
    const { createRevision, version } = kv;
    const key = keyText(kv.key);
    trace.emit({ type: 'mvcc.put', key, main, sub, createRevision, version, sizeBytes });
  }
}
