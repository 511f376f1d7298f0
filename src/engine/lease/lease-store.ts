/** Leases in the bucket `lease`: the id, 8 bytes big-endian, to a leasepb.Lease. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Backend } from '../backend/backend.ts';
import { LeaseSchema } from '../pb/gen/lease_pb.ts';
import type { Lease as LeaseMessage } from '../pb/gen/lease_pb.ts';
import { LeaseError, leaseId } from './types.ts';
import type { LeaseId, LeaseStore, StoredLease } from './types.ts';

/** A lease's key in the bucket. */
export function keyOfLease(id: LeaseId): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigInt64(0, id, false);
  return key;
}

function encodeLease({ id, ttlSeconds, remainingTtlSeconds }: StoredLease): Uint8Array {
  const [TTL, RemainingTTL] = [BigInt(ttlSeconds), BigInt(remainingTtlSeconds)];
  return toBinary(LeaseSchema, create(LeaseSchema, { ID: id, TTL, RemainingTTL }));
}

/** @throws LeaseError 'lease: bad record' when the bytes are no lease or a time is past 2^53 s */
export function decodeLease(bytes: Uint8Array): StoredLease {
  const { ID, TTL, RemainingTTL } = decodeMessage(bytes);
  return { id: leaseId(ID), ttlSeconds: seconds(TTL), remainingTtlSeconds: seconds(RemainingTTL) };
}

function decodeMessage(bytes: Uint8Array): LeaseMessage {
  try {
    return fromBinary(LeaseSchema, bytes);
  } catch (error) {
    throw new LeaseError('lease: bad record', error instanceof Error ? error.message : String(error));
  }
}

function seconds(value: bigint): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count)) throw new LeaseError('lease: bad record', `a time of ${value} s`);
  return count;
}

/** @source etcd v3.4.23 lease/lessor.go persistTo, unsafeGetAllLeases */
export class BackendLeaseStore implements LeaseStore {
  private readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  all(): readonly StoredLease[] {
    const leases: StoredLease[] = [];
    this.backend.readTx.forEach('lease', (_key, value) => leases.push(decodeLease(value)));
    return leases;
  }

  put(lease: StoredLease): void {
    this.backend.batchTx.put('lease', keyOfLease(lease.id), encodeLease(lease));
    this.backend.unlock();
  }

  delete(id: LeaseId): void {
    this.backend.batchTx.delete('lease', keyOfLease(id));
  }
}
