/** What grants and revocations do on every member, and what they answer. */
import { create, toBinary } from '@bufbuild/protobuf';
import { LeaseError, leaseId } from '../lease/types.ts';
import {
  LeaseCheckpointResponseSchema,
  LeaseGrantResponseSchema,
  LeaseRevokeResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { LeaseCheckpointRequest, LeaseGrantRequest, LeaseRevokeRequest } from '../pb/gen/rpc_pb.ts';
import { headerOf, toNumber } from './apply-kv.ts';
import type { WriteContext } from './apply-kv.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';

/** The lessor's refusals as clients hear them. @source etcd v3.4.23 etcdserver/api/v3rpc/util.go */
function refusalOf(error: LeaseError): RpcError {
  switch (error.code) {
    case 'lease already exists':
      return rpcErrors.leaseExists;
    case 'too large lease TTL':
      return rpcErrors.leaseTtlTooLarge;
    default:
      return rpcErrors.leaseNotFound;
  }
}

function refused(error: unknown): RpcError {
  if (error instanceof LeaseError) return refusalOf(error);
  throw error;
}

/** @source etcd v3.4.23 etcdserver/apply.go LeaseGrant */
export function applyGrant(context: WriteContext, body: LeaseGrantRequest): Uint8Array | RpcError {
  const { lessor, kv, head, term, nowUs } = context;
  try {
    const { id, ttlSeconds } = lessor.grant(leaseId(body.ID), toNumber(body.TTL), nowUs);
    const header = headerOf(head, term, kv.revision);
    const response = create(LeaseGrantResponseSchema, { header, ID: id, TTL: BigInt(ttlSeconds) });
    return toBinary(LeaseGrantResponseSchema, response);
  } catch (error) {
    return refused(error);
  }
}

/** @source etcd v3.4.23 etcdserver/apply.go LeaseRevoke */
export function applyRevoke(context: WriteContext, body: LeaseRevokeRequest): Uint8Array | RpcError {
  const { lessor, kv, head, term } = context;
  try {
    lessor.revoke(leaseId(body.ID));
    const response = create(LeaseRevokeResponseSchema, { header: headerOf(head, term, kv.revision) });
    return toBinary(LeaseRevokeResponseSchema, response);
  } catch (error) {
    return refused(error);
  }
}

/** @source etcd v3.4.23 etcdserver/apply.go LeaseCheckpoint */
export function applyCheckpoint(context: WriteContext, body: LeaseCheckpointRequest): Uint8Array {
  const { lessor, kv, head, term, nowUs } = context;
  for (const { ID, remainingTTL } of body.checkpoints)
    lessor.checkpoint(leaseId(ID), toNumber(remainingTTL), nowUs);
  const response = { header: headerOf(head, term, kv.revision) };
  return toBinary(LeaseCheckpointResponseSchema, create(LeaseCheckpointResponseSchema, response));
}
