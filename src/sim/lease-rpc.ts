/** etcdctl's lease commands as gRPC bodies, and the answers back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { int64FromHex } from '../base/u64.ts';
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  LeaseLeasesRequestSchema,
  LeaseLeasesResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  LeaseTimeToLiveRequestSchema,
  LeaseTimeToLiveResponseSchema,
} from '../engine/pb/gen/rpc_pb.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { ResponseHeader } from '../engine/pb/gen/rpc_pb.ts';
import type { RpcMethod } from '../engine/server/types.ts';
import type { SimEvent } from './events.ts';
import type { ClientAction, ClientOutcome } from './types.ts';

export type LeaseAction = Extract<ClientAction, { readonly type: `lease${string}` }>;

export function isLeaseAction(action: ClientAction): action is LeaseAction {
  return action.type.startsWith('lease');
}

/** What is wrong with the lease that an action names; null where nothing is. */
export function leaseIdProblem(action: ClientAction): string | null {
  const text = action.type === 'put' ? action.lease : 'id' in action ? action.id : undefined;
  if (text === undefined || int64FromHex(text) !== null) return null;
  return `${JSON.stringify(text)} is not a lease id: up to 16 hexadecimal digits`;
}

/** The number behind an id that `leaseIdProblem` has passed; 0, no lease, for none. */
export function leaseIdOf(text: string | undefined): bigint {
  return text === undefined ? 0n : (int64FromHex(text) ?? 0n);
}

/** The body of a request. All of them may be sent again. @source etcd v3.4.23 clientv3/retry.go */
export function leaseBody(action: LeaseAction): { readonly method: RpcMethod; readonly bytes: Uint8Array } {
  switch (action.type) {
    case 'leaseGrant': {
      const request = { TTL: BigInt(action.ttl), ID: leaseIdOf(action.id) };
      const bytes = toBinary(LeaseGrantRequestSchema, create(LeaseGrantRequestSchema, request));
      return { method: 'etcdserverpb.Lease/LeaseGrant', bytes };
    }
    case 'leaseRevoke': {
      const request = create(LeaseRevokeRequestSchema, { ID: leaseIdOf(action.id) });
      return { method: 'etcdserverpb.Lease/LeaseRevoke', bytes: toBinary(LeaseRevokeRequestSchema, request) };
    }
    case 'leaseKeepAlive': {
      const request = create(LeaseKeepAliveRequestSchema, { ID: leaseIdOf(action.id) });
      const bytes = toBinary(LeaseKeepAliveRequestSchema, request);
      return { method: 'etcdserverpb.Lease/LeaseKeepAlive', bytes };
    }
    case 'leaseTimeToLive': {
      const request = { ID: leaseIdOf(action.id), keys: action.keys ?? false };
      const bytes = toBinary(LeaseTimeToLiveRequestSchema, create(LeaseTimeToLiveRequestSchema, request));
      return { method: 'etcdserverpb.Lease/LeaseTimeToLive', bytes };
    }
    case 'leaseList': {
      const bytes = toBinary(LeaseLeasesRequestSchema, create(LeaseLeasesRequestSchema));
      return { method: 'etcdserverpb.Lease/LeaseLeases', bytes };
    }
  }
}

export function leaseLabel(action: LeaseAction): string {
  switch (action.type) {
    case 'leaseGrant':
      return `lease grant ${action.ttl}`;
    case 'leaseRevoke':
      return `lease revoke ${action.id}`;
    case 'leaseKeepAlive':
      return `lease keep-alive ${action.id}`;
    case 'leaseTimeToLive':
      return `lease timetolive ${action.id}`;
    case 'leaseList':
      return 'lease list';
  }
}

/** Reads the answer to a lease command. */
export function decodeLeaseAnswer(action: LeaseAction, bytes: Uint8Array): ClientOutcome {
  switch (action.type) {
    case 'leaseGrant': {
      const { header, ID: id, TTL } = fromBinary(LeaseGrantResponseSchema, bytes);
      return { ok: true, type: 'leaseGrant', id, ttlSeconds: Number(TTL), revision: revisionOf(header) };
    }
    case 'leaseRevoke': {
      const revision = revisionOf(fromBinary(LeaseRevokeResponseSchema, bytes).header);
      return { ok: true, type: 'leaseRevoke', id: leaseIdOf(action.id), revision };
    }
    case 'leaseKeepAlive':
      return keepAliveOutcome(bytes);
    case 'leaseTimeToLive': {
      const { header, ID: id, TTL, grantedTTL, keys } = fromBinary(LeaseTimeToLiveResponseSchema, bytes);
      return {
        ok: true,
        type: 'leaseTimeToLive',
        id,
        ttlSeconds: Number(TTL),
        grantedTtlSeconds: Number(grantedTTL),
        keys: action.keys === true ? keys : null,
        revision: revisionOf(header),
      };
    }
    case 'leaseList': {
      const { header, leases } = fromBinary(LeaseLeasesResponseSchema, bytes);
      return { ok: true, type: 'leaseList', ids: leases.map(({ ID }) => ID), revision: revisionOf(header) };
    }
  }
}

/**
 * A lease that is gone has no time left: the client makes an error of it.
 * @source etcd v3.4.23 clientv3/lease.go KeepAliveOnce
 */
function keepAliveOutcome(bytes: Uint8Array): ClientOutcome {
  const { header, ID: id, TTL } = fromBinary(LeaseKeepAliveResponseSchema, bytes);
  if (TTL <= 0n) {
    return { ok: false, code: grpcCode.notFound, message: 'etcdserver: requested lease not found' };
  }
  return { ok: true, type: 'leaseKeepAlive', id, ttlSeconds: Number(TTL), revision: revisionOf(header) };
}

/** A renewal of a standing keep-alive, or its end, packed for the trace. */
export function keepAliveTold(
  request: number,
  outcome: ClientOutcome,
): Extract<SimEvent, { type: 'sim.keepAlive' }> {
  const {
    clusterId = 0n,
    memberId = 0n,
    revision = 0,
    raftTerm = 0,
  } = outcome.ok ? (outcome.header ?? {}) : {};
  const renewed = outcome.ok && outcome.type === 'leaseKeepAlive' ? outcome : { id: 0n, ttlSeconds: 0 };
  return {
    type: 'sim.keepAlive',
    request,
    lease: renewed.id.toString(),
    ttlSeconds: renewed.ttlSeconds,
    clusterId: clusterId.toString(),
    memberId: memberId.toString(),
    revision,
    raftTerm,
    ended: outcome.ok ? '' : outcome.message,
  };
}

function revisionOf(header: ResponseHeader | undefined): number {
  return Number(header?.revision ?? 0n);
}
