/** The leases of one member: all members grant and revoke as the log says, the leader's clock counts. */
import { assert } from '../../base/assert.ts';
import { Histogram } from '../../base/histogram.ts';
import { compareBytes } from '../../base/bytes.ts';
import { silent } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { idToHex } from '../../base/u64.ts';
import { keyText } from '../../base/utf8.ts';
import type { LeaseEvent } from './events.ts';
import { CheckpointSchedule } from './checkpoints.ts';
import type { Checkpoint } from './checkpoints.ts';
import { makeExpirySearch } from './expiry.ts';
import type { ExpirySearch } from './expiry.ts';
import { itemOf } from './item.ts';
import type { Item } from './item.ts';
import type { QueueEntry } from './lease-queue.ts';
import { spreadPileUp } from './pile-up.ts';
import { noDefects } from '../defects.ts';
import type { Defects } from '../defects.ts';
import { LeaseError, maxTtlSeconds, noLease } from './types.ts';
import type {
  ExpiryKind,
  ExpiryWork,
  KeyLeases,
  Lease,
  LeaseId,
  LeaseStore,
  LessorConfig,
  Renewal,
  TxnDelete,
} from './types.ts';

/** @source etcd v3.4.23 lease/lessor.go defaultExpiredleaseRetryInterval, leaseRevokeRate */
const defaultRecheckUs = 3_000_000;
const defaultRevokeRate = 1000;

/** How often the leader should look for expired leases. @source etcd v3.4.23 lease/lessor.go runLoop */
export const expiryIntervalUs = 500_000;

/** What is left of a lease that never expires, as Go's longest duration has it. */
const foreverSeconds = 9_223_372_036;

const secondUs = 1_000_000;

/** A lease as the lessor changes it. */
interface LeaseRecord {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** What was left at its last checkpoint; 0: none was made, and the whole time counts. */
  remainingTtlSeconds: number;
  expiryUs: number | null;
  dueUs: number;
  readonly keys: Map<Item, Uint8Array>;
}

/** @source etcd v3.4.23 lease/lessor.go */
export class Lessor implements KeyLeases {
  private readonly store: LeaseStore;
  private readonly trace: Trace<LeaseEvent>;
  private readonly minTtlSeconds: number;
  private readonly recheckUs: number;
  private readonly revokeRate: number;
  private readonly defects: Defects;
  private readonly kind: ExpiryKind;
  /** Null: no checkpoints are made. */
  private readonly checkpoints: CheckpointSchedule | null;
  private readonly keepsCheckpoints: boolean;
  private readonly records = new Map<LeaseId, LeaseRecord>();
  private readonly recordOf = new Map<Item, LeaseRecord>();
  private readonly search: ExpirySearch;
  /** Since the process began. */
  readonly counts = { granted: 0, revoked: 0, renewed: 0, ttlSeconds: Histogram.doubling(1, 24) };
  private openTxn: (() => TxnDelete) | null = null;
  private primary = false;

  /**
   * Opens the leases that the store holds, each with its full time and without keys: the key-value store
   * attaches them as it reads its records.
   * @throws LeaseError 'lease: bad record'
   * @source etcd v3.4.23 lease/lessor.go initAndRecover
   */
  constructor(store: LeaseStore, config: LessorConfig, trace: Trace<LeaseEvent> = silent) {
    this.store = store;
    this.trace = trace;
    this.minTtlSeconds = config.minTtlSeconds;
    this.recheckUs = config.recheckUs ?? defaultRecheckUs;
    this.revokeRate = config.revokeRate ?? defaultRevokeRate;
    this.defects = config.defects ?? noDefects;
    this.primary = this.defects.everyClockEndsLeases;
    this.kind = config.expiry ?? 'heapMap';
    const { checkpoints } = config;
    this.checkpoints = checkpoints === undefined ? null : new CheckpointSchedule(checkpoints.intervalUs);
    this.keepsCheckpoints = checkpoints?.persist === true;
    this.search = makeExpirySearch(this.kind, this.records, trace);
    this.load();
  }

  /**
   * The store has gone over to another database: its leases take the place of all, and this member does not
   * lead. The key-value store attaches the keys again.
   * @throws LeaseError 'lease: bad record'
   * @source etcd v3.4.23 lease/lessor.go Recover
   */
  recover(): void {
    this.primary = false;
    this.search.clear();
    this.checkpoints?.clear();
    this.records.clear();
    this.recordOf.clear();
    this.load();
  }

  /** How to begin the transaction that deletes a revoked lease's keys. */
  setRangeDeleter(openTxn: () => TxnDelete): void {
    this.openTxn = openTxn;
  }

  /** Whether this member's clock counts: between `promote` and `demote`. */
  get isPrimary(): boolean {
    return this.primary;
  }

  get leaseCount(): number {
    return this.records.size;
  }

  /** What the search for expired leases has cost so far. */
  get work(): ExpiryWork {
    return this.search.work;
  }

  /** The heap's array as it is; empty for a scan, and while this member does not lead. */
  get heap(): readonly Readonly<QueueEntry>[] {
    return this.search.entries;
  }

  /**
   * Grants a lease, and stores it.
   * @param ttlSeconds a safe integer; what is below the minimum is lengthened to it
   * @throws LeaseError 'lease not found' for id 0 | 'too large lease TTL' | 'lease already exists'
   */
  grant(id: LeaseId, ttlSeconds: number, nowUs: number): Lease {
    assert(Number.isSafeInteger(ttlSeconds), 'lessor: a TTL is a safe integer');
    if (id === noLease) throw new LeaseError('lease not found');
    if (ttlSeconds > maxTtlSeconds) throw new LeaseError('too large lease TTL');
    if (this.records.has(id)) throw new LeaseError('lease already exists');
    const lease = this.record(id, ttlSeconds, 0);
    this.records.set(id, lease);
    this.store.put(lease);
    if (this.primary) {
      this.refresh(lease, nowUs);
      this.schedule(lease, nowUs);
    }
    this.counts.granted++;
    this.counts.ttlSeconds.observe(lease.ttlSeconds);
    const { expiryUs } = lease;
    this.tellTime('lease.grant', lease, expiryUs ?? -1);
    return viewOf(lease);
  }

  /**
   * Ends a lease: its keys are deleted, ascending, in one revision, and with them the lease itself.
   * @throws LeaseError 'lease not found'
   */
  revoke(id: LeaseId): void {
    const lease = this.get(id);
    assert(this.openTxn !== null, 'lessor: a lease is revoked when the store can delete its keys');
    const txn = this.openTxn();
    const keys = sortedKeys(lease);
    if (this.defects.revokeLeavesKey) keys.pop();
    let revision = 0;
    for (const key of keys) revision = txn.deleteRange(key, null).revision;
    for (const item of lease.keys.keys()) this.recordOf.delete(item);
    this.records.delete(id);
    this.store.delete(id);
    txn.end();
    this.counts.revoked++;
    if (!this.trace.on) return;
    this.trace.emit({ type: 'lease.revoke', id: idToHex(id), keyCount: keys.length, revision });
  }

  /**
   * The log tells what is left of a lease: its time after the next change of the leader. A lease that is gone
   * is passed over.
   * @param remainingSeconds 0: its whole time again
   * @source etcd v3.4.23 lease/lessor.go Checkpoint
   */
  checkpoint(id: LeaseId, remainingSeconds: number, nowUs: number): void {
    const lease = this.records.get(id);
    if (lease === undefined) return;
    lease.remainingTtlSeconds = remainingSeconds;
    if (this.keepsCheckpoints) this.store.put(lease);
    if (this.primary) this.schedule(lease, nowUs);
    if (this.trace.on) this.trace.emit({ type: 'lease.checkpoint', id: idToHex(id), remainingSeconds });
  }

  /** What is to be told of now, in batches for the log. */
  takeCheckpoints(nowUs: number): Checkpoint[][] {
    if (this.checkpoints === null || !this.primary) return [];
    return this.checkpoints.take(nowUs, (id) => {
      const lease = this.records.get(id);
      const leftUs = lease === undefined ? 0 : remainingUs(lease, nowUs);
      const seconds = Math.ceil(leftUs / secondUs);
      return leftUs <= 0 || lease === undefined || seconds >= lease.ttlSeconds ? null : seconds;
    });
  }

  /**
   * Gives a lease its full time again. Where a checkpoint stands, the log must take that back first.
   * @throws LeaseError 'not a primary lessor' | 'lease not found'
   */
  renew(id: LeaseId, nowUs: number): Renewal {
    if (!this.primary) throw new LeaseError('not a primary lessor');
    const lease = this.get(id);
    if (remainingUs(lease, nowUs) <= 0) return { kind: 'expired' };
    if (this.checkpoints !== null && lease.remainingTtlSeconds > 0) return { kind: 'checkpointed' };
    const expiryUs = this.refresh(lease, nowUs);
    this.counts.renewed++;
    this.tellTime('lease.renew', lease, expiryUs);
    return { kind: 'renewed', ttlSeconds: lease.ttlSeconds };
  }

  /**
   * The key goes when the lease goes. It must not be attached to another.
   * @throws LeaseError 'lease not found'
   */
  attach(id: LeaseId, key: Uint8Array): void {
    const lease = this.get(id);
    const item = itemOf(key);
    const holder = this.recordOf.get(item);
    assert(holder === undefined || holder === lease, 'lessor: a key is detached from its old lease first');
    lease.keys.set(item, key);
    this.recordOf.set(item, lease);
    this.tellKey('lease.attach', lease, key);
  }

  /** @throws LeaseError 'lease not found' */
  detach(id: LeaseId, key: Uint8Array): void {
    const lease = this.get(id);
    const item = itemOf(key);
    if (!lease.keys.delete(item)) return;
    this.recordOf.delete(item);
    this.tellKey('lease.detach', lease, key);
  }

  /** The lease to which a key is attached; null for none. */
  leaseOf(key: Uint8Array): LeaseId | null {
    return this.recordOf.size === 0 ? null : (this.recordOf.get(itemOf(key))?.id ?? null);
  }

  lookup(id: LeaseId): Lease | null {
    const lease = this.records.get(id);
    return lease === undefined ? null : viewOf(lease);
  }

  /**
   * Whole seconds that are left of a lease, towards zero; negative when its revocation is late.
   * @throws LeaseError 'lease not found'
   */
  timeToLive(id: LeaseId, nowUs: number): number {
    const { expiryUs } = this.get(id);
    return expiryUs === null ? foreverSeconds : Math.trunc((expiryUs - nowUs) / secondUs);
  }

  /** The keys of a lease, ascending bytewise. @throws LeaseError 'lease not found' */
  keysOf(id: LeaseId): Uint8Array[] {
    return sortedKeys(this.get(id));
  }

  /** All leases, the next to expire first; equal ones by id. */
  leases(): Lease[] {
    return this.byExpiry().map(viewOf);
  }

  /**
   * This member leads: every lease gets its full time and `extendUs`, during which no leader may have been
   * there to renew it. Where very many would expire together, some get more.
   */
  promote(extendUs: number, nowUs: number): void {
    this.primary = true;
    for (const lease of this.records.values()) {
      this.refresh(lease, nowUs, this.defects.promotionEndsLeases ? -secondsOf(lease) * secondUs : extendUs);
      this.schedule(lease, nowUs);
    }
    const leases = this.byExpiry();
    const delays = spreadPileUp(
      leases.map((lease) => remainingUs(lease, nowUs)),
      this.revokeRate,
    );
    leases.forEach((lease, i) => {
      if (delays[i] > 0) this.refresh(lease, nowUs, extendUs + delays[i]);
    });
    if (!this.trace.on) return;
    this.trace.emit({
      type: 'lease.promote',
      extendUs,
      ids: leases.map(({ id }) => idToHex(id)),
      expiriesUs: leases.map(({ expiryUs }) => expiryUs ?? -1),
      spreadCount: delays.filter((delay) => delay > 0).length,
    });
  }

  /** Another member leads, or nobody: no lease expires here. */
  demote(): void {
    if (this.defects.everyClockEndsLeases) return;
    const wasPrimary = this.primary;
    this.primary = false;
    for (const lease of this.records.values()) lease.expiryUs = null;
    this.search.clear();
    this.checkpoints?.clear();
    if (wasPrimary && this.trace.on) this.trace.emit({ type: 'lease.demote', leaseCount: this.records.size });
  }

  /**
   * One pass over what has expired; it is due every `expiryIntervalUs`.
   * @returns leases to revoke through the log, the longest overdue first, at most half the revoke rate; each
   * is returned again if it is still there after the recheck time
   */
  expire(nowUs: number): LeaseId[] {
    const expired: LeaseId[] = [];
    if (!this.primary) return expired;
    this.search.takeDue(nowUs, Math.floor(this.revokeRate / 2), (id) => {
      const lease = this.get(id);
      lease.dueUs = nowUs + this.recheckUs;
      this.search.register(lease);
      expired.push(id);
      this.tellExpired(lease);
    });
    return expired;
  }

  private load(): void {
    for (const { id, ttlSeconds, remainingTtlSeconds } of this.store.all()) {
      this.records.set(id, this.record(id, ttlSeconds, remainingTtlSeconds));
    }
    this.tellOpen();
  }

  private get(id: LeaseId): LeaseRecord {
    const lease = this.records.get(id);
    if (lease === undefined) throw new LeaseError('lease not found');
    return lease;
  }

  private record(id: LeaseId, ttlSeconds: number, remainingTtlSeconds: number): LeaseRecord {
    const ttl = Math.max(ttlSeconds, this.minTtlSeconds);
    return { id, ttlSeconds: ttl, remainingTtlSeconds, expiryUs: null, dueUs: 0, keys: new Map() };
  }

  /** @returns the new expiry; the end of countable time for what would be past it */
  private refresh(lease: LeaseRecord, nowUs: number, extendUs = 0): number {
    const expiryUs = Math.min(nowUs + extendUs + secondsOf(lease) * secondUs, Number.MAX_SAFE_INTEGER);
    lease.expiryUs = expiryUs;
    lease.dueUs = expiryUs;
    this.search.register(lease);
    return expiryUs;
  }

  private schedule(lease: LeaseRecord, nowUs: number): void {
    this.checkpoints?.add(lease.id, secondsOf(lease), nowUs);
  }

  private byExpiry(): LeaseRecord[] {
    const until = ({ expiryUs }: LeaseRecord): number => expiryUs ?? Infinity;
    return [...this.records.values()].sort((a, b) =>
      until(a) === until(b) ? (a.id < b.id ? -1 : 1) : until(a) - until(b),
    );
  }

  private tellOpen(): void {
    if (!this.trace.on) return;
    const leases = [...this.records.values()];
    this.trace.emit({
      type: 'lease.open',
      expiry: this.kind,
      ids: leases.map(({ id }) => idToHex(id)),
      ttlsSeconds: leases.map(({ ttlSeconds }) => ttlSeconds),
    });
  }

  private tellTime(
    type: 'lease.grant' | 'lease.renew',
    { id, ttlSeconds }: LeaseRecord,
    expiryUs: number,
  ): void {
    if (this.trace.on) this.trace.emit({ type, id: idToHex(id), ttlSeconds, expiryUs });
  }

  private tellKey(type: 'lease.attach' | 'lease.detach', { id, keys }: LeaseRecord, key: Uint8Array): void {
    if (!this.trace.on) return;
    this.trace.emit({ type, id: idToHex(id), key: keyText(key), keyCount: keys.size });
  }

  private tellExpired({ id, expiryUs }: LeaseRecord): void {
    assert(expiryUs !== null, 'lessor: only what has an expiry expires');
    if (this.trace.on) this.trace.emit({ type: 'lease.expire', id: idToHex(id), expiryUs });
  }
}

/** What a leader gives it: what a checkpoint has left of it, else all. */
function secondsOf({ ttlSeconds, remainingTtlSeconds }: LeaseRecord): number {
  return remainingTtlSeconds > 0 ? remainingTtlSeconds : ttlSeconds;
}

function viewOf({ id, ttlSeconds, expiryUs, keys }: LeaseRecord): Lease {
  return { id, ttlSeconds, expiryUs, keyCount: keys.size };
}

function sortedKeys({ keys }: LeaseRecord): Uint8Array[] {
  return [...keys.values()].sort(compareBytes);
}

function remainingUs({ expiryUs }: LeaseRecord, nowUs: number): number {
  return expiryUs === null ? Infinity : expiryUs - nowUs;
}
