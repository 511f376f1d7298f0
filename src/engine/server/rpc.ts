/** The door for clients: request bodies, checked as etcd checks them. */
import { fromBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { emptyBytes } from '../../base/bytes.ts';
import { idToHex } from '../../base/u64.ts';
import { printable } from '../../base/utf8.ts';
import {
  DeleteRangeRequestSchema,
  LeaseGrantRequestSchema,
  LeaseKeepAliveRequestSchema,
  LeaseLeasesRequestSchema,
  LeaseRevokeRequestSchema,
  LeaseTimeToLiveRequestSchema,
  MemberListRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  StatusRequestSchema,
} from '../pb/gen/rpc_pb.ts';
import type {
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
} from '../pb/gen/rpc_pb.ts';
import { malformed, oversized, rpcErrors, unknownMethod } from './errors.ts';
import type { RpcMethod } from './types.ts';

export type RpcRequest =
  | { readonly kind: 'range'; readonly body: RangeRequest }
  | { readonly kind: 'put'; readonly body: PutRequest }
  | { readonly kind: 'deleteRange'; readonly body: DeleteRangeRequest }
  | { readonly kind: 'leaseGrant'; readonly body: LeaseGrantRequest }
  | { readonly kind: 'leaseRevoke'; readonly body: LeaseRevokeRequest }
  | { readonly kind: 'leaseKeepAlive'; readonly body: LeaseKeepAliveRequest }
  | { readonly kind: 'leaseTimeToLive'; readonly body: LeaseTimeToLiveRequest }
  | { readonly kind: 'leaseLeases' }
  | { readonly kind: 'memberList' }
  | { readonly kind: 'status' };

/**
 * The longest entry a client may cause: 1.5 MiB. @source etcd v3.4.23 embed/config.go DefaultMaxRequestBytes
 */
export const maxRequestBytes = 1572864;

/** The server receives a little more than it takes. @source etcd v3.4.23 etcdserver/api/v3rpc/grpc.go */
const maxReceiveBytes = maxRequestBytes + 524288;

/** How many characters of a key a label shows. */
const labelLimit = 40;

function decodeBody<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Decodes and checks a request.
 * @throws RpcError with the code and text that etcd 3.4 answers
 * @source etcd v3.4.23 etcdserver/api/v3rpc/key.go checkRangeRequest, checkPutRequest, checkDeleteRequest
 */
export function decodeRequest(method: RpcMethod, bytes: Uint8Array): RpcRequest {
  if (bytes.length > maxReceiveBytes) throw oversized(bytes.length, maxReceiveBytes);
  switch (method) {
    case 'etcdserverpb.KV/Range':
      return { kind: 'range', body: withKey(decodeBody(RangeRequestSchema, bytes)) };
    case 'etcdserverpb.KV/Put':
      return { kind: 'put', body: checkPut(withKey(decodeBody(PutRequestSchema, bytes))) };
    case 'etcdserverpb.KV/DeleteRange':
      return { kind: 'deleteRange', body: withKey(decodeBody(DeleteRangeRequestSchema, bytes)) };
    case 'etcdserverpb.Lease/LeaseGrant':
      return { kind: 'leaseGrant', body: decodeBody(LeaseGrantRequestSchema, bytes) };
    case 'etcdserverpb.Lease/LeaseRevoke':
      return { kind: 'leaseRevoke', body: decodeBody(LeaseRevokeRequestSchema, bytes) };
    case 'etcdserverpb.Lease/LeaseKeepAlive':
      return { kind: 'leaseKeepAlive', body: decodeBody(LeaseKeepAliveRequestSchema, bytes) };
    case 'etcdserverpb.Lease/LeaseTimeToLive':
      return { kind: 'leaseTimeToLive', body: decodeBody(LeaseTimeToLiveRequestSchema, bytes) };
    case 'etcdserverpb.Lease/LeaseLeases':
      decodeBody(LeaseLeasesRequestSchema, bytes);
      return { kind: 'leaseLeases' };
    case 'etcdserverpb.Cluster/MemberList':
      decodeBody(MemberListRequestSchema, bytes);
      return { kind: 'memberList' };
    case 'etcdserverpb.Maintenance/Status':
      decodeBody(StatusRequestSchema, bytes);
      return { kind: 'status' };
    default:
      throw unknownMethod(method satisfies never);
  }
}

function withKey<Body extends { readonly key: Uint8Array }>(body: Body): Body {
  if (body.key.length === 0) throw rpcErrors.keyNotProvided;
  return body;
}

function checkPut(body: PutRequest): PutRequest {
  if (body.ignoreValue && body.value.length !== 0) throw rpcErrors.valueProvided;
  if (body.ignoreLease && body.lease !== 0n) throw rpcErrors.leaseProvided;
  return body;
}

/** A key or a range for a label: `a`, `[a, b)`, `[a, end)`. */
export function rangeLabel(key: Uint8Array, rangeEnd: Uint8Array): string {
  const from = printable(key, labelLimit);
  if (rangeEnd.length === 0) return from;
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return `[${from}, end)`;
  return `[${from}, ${printable(rangeEnd, labelLimit)})`;
}

/** What a request asks for, in a word or two. */
export function requestLabel(request: RpcRequest): string {
  switch (request.kind) {
    case 'range':
      return `get ${rangeLabel(request.body.key, request.body.rangeEnd)}`;
    case 'put':
      return `put ${rangeLabel(request.body.key, emptyBytes)}`;
    case 'deleteRange':
      return `del ${rangeLabel(request.body.key, request.body.rangeEnd)}`;
    case 'leaseGrant':
      return `lease grant ${request.body.TTL} s`;
    case 'leaseRevoke':
      return `lease revoke ${idToHex(request.body.ID)}`;
    case 'leaseKeepAlive':
      return `lease keep-alive ${idToHex(request.body.ID)}`;
    case 'leaseTimeToLive':
      return `lease timetolive ${idToHex(request.body.ID)}`;
    case 'leaseLeases':
      return 'lease list';
    case 'memberList':
      return 'member list';
    case 'status':
      return 'endpoint status';
  }
}
