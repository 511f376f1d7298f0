/** Leases: what they are, what a lessor is built from, and how it refuses. */
import type { Brand } from '../../base/brand.ts';
import type { Defects } from '../defects.ts';

/** A signed 64-bit number; etcd draws positive ones, clients may choose any but 0. */
export type LeaseId = Brand<bigint, 'LeaseId'>;

export const leaseId = (value: bigint): LeaseId => BigInt.asIntN(64, value) as LeaseId;

/** Stands for the absence of a lease in requests and records. */
export const noLease: LeaseId = leaseId(0n);

/** About 285 years. @source etcd v3.4.23 lease/lessor.go MaxLeaseTTL */
export const maxTtlSeconds = 9_000_000_000;

/** A promise to keep keys for a time, which its holder renews. */
export interface Lease {
  readonly id: LeaseId;
  /** The full time to live, as granted. */
  readonly ttlSeconds: number;
  /** When it expires by this member's clock; null while another member leads: then it never does. */
  readonly expiryUs: number | null;
  readonly keyCount: number;
}

/**
 * What became of a renewal. An expired lease is not renewed: whether it lives on is known once its
 * revocation is applied, or this member leads no longer. Nor is one of which a checkpoint tells: the log must
 * take that back first, lest the next leader counts less than was promised.
 */
export type Renewal =
  | { readonly kind: 'renewed'; readonly ttlSeconds: number }
  | { readonly kind: 'expired' }
  | { readonly kind: 'checkpointed' };

/**
 * How the lessor finds what has expired: `scan` looks at every lease, as etcd up to 3.3; `heap` looks at the
 * top of a heap that also keeps an outdated entry for each renewal (etcd#9418); `heapMap` keeps one entry a
 * lease and moves it (etcd#10693, etcd since 3.4).
 */
export type ExpiryKind = 'scan' | 'heap' | 'heapMap';

export interface LessorConfig {
  /** Shorter grants are lengthened to it. */
  readonly minTtlSeconds: number;
  /** An expired lease that is still there after this time is handed out again. Default 3 s. */
  readonly recheckUs?: number;
  /** Default 'heapMap'. */
  readonly expiry?: ExpiryKind;
  /** The leader tells the others what is left of long leases; absent: it does not. */
  readonly checkpoints?: LeaseCheckpoints;
  /** At most half as many leases are handed out by one pass. Default 1000, in leases a second. */
  readonly revokeRate?: number;
  readonly defects?: Defects;
}

/** @source etcd v3.4.23 lease/lessor.go LessorConfig CheckpointInterval, CheckpointPersist */
export interface LeaseCheckpoints {
  readonly intervalUs: number;
  /** What is left is stored too, and outlives a restart. */
  readonly persist?: boolean;
}

/** What finding expired leases has cost so far. */
export interface ExpiryWork {
  /** Leases, or entries of leases that are gone, that were looked at. */
  readonly touched: number;
  /** Times compared, with the clock or with each other. */
  readonly compared: number;
}

/** A store transaction that only deletes: all of it is one revision. */
export interface TxnDelete {
  deleteRange(key: Uint8Array, end: Uint8Array | null): { readonly revision: number };
  /** Ends the transaction and the group of backend operations that it belongs to. */
  end(): void;
}

/** Which keys go with which lease, as the key-value store keeps it up. */
export interface KeyLeases {
  lookup(id: LeaseId): Lease | null;
  leaseOf(key: Uint8Array): LeaseId | null;
  attach(id: LeaseId, key: Uint8Array): void;
  detach(id: LeaseId, key: Uint8Array): void;
}

/** A lease as it is stored. */
export interface StoredLease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** What was left of it at its last checkpoint; 0: none was made. */
  readonly remainingTtlSeconds: number;
}

/** Where leases outlive a restart. */
export interface LeaseStore {
  /** @throws LeaseError 'lease: bad record' */
  all(): readonly StoredLease[];
  /** Stores a lease and ends its group of backend operations. */
  put(lease: StoredLease): void;
  /** Deletes a lease within the group of operations that is open. */
  delete(id: LeaseId): void;
}

export type LeaseErrorCode =
  | 'lease not found'
  | 'lease already exists'
  | 'too large lease TTL'
  /** Only the leader's lessor renews and expires. */
  | 'not a primary lessor'
  /** A record of the bucket `lease` is no lease. */
  | 'lease: bad record';

/** A request that cannot be granted, in the words of etcd's lease package, or a damaged file. */
export class LeaseError extends Error {
  override readonly name = 'LeaseError';
  readonly code: LeaseErrorCode;

  constructor(code: LeaseErrorCode, detail = '') {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
