/** The door for clients: which message an RPC carries, and what a request asks for in words. */
import { fromBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { emptyBytes } from '../../base/bytes.ts';
import { idToHex } from '../../base/u64.ts';
import { encodeUtf8, printable } from '../../base/utf8.ts';
import * as pb from '../pb/gen/rpc_pb.ts';
import { readPutRequest } from '../pb/hot-put.ts';
import { malformed, oversized, unknownMethod } from './errors.ts';
import type { HttpMethod, RpcMethod } from './types.ts';

/**
 * The requests that have one answer, each with its message. A write's name is its field in the log's entry.
 */
const schemas = {
  range: pb.RangeRequestSchema,
  put: pb.PutRequestSchema,
  deleteRange: pb.DeleteRangeRequestSchema,
  txn: pb.TxnRequestSchema,
  compaction: pb.CompactionRequestSchema,
  leaseGrant: pb.LeaseGrantRequestSchema,
  leaseRevoke: pb.LeaseRevokeRequestSchema,
  leaseKeepAlive: pb.LeaseKeepAliveRequestSchema,
  leaseTimeToLive: pb.LeaseTimeToLiveRequestSchema,
  leaseLeases: pb.LeaseLeasesRequestSchema,
  memberList: pb.MemberListRequestSchema,
  memberAdd: pb.MemberAddRequestSchema,
  memberRemove: pb.MemberRemoveRequestSchema,
  memberUpdate: pb.MemberUpdateRequestSchema,
  memberPromote: pb.MemberPromoteRequestSchema,
  moveLeader: pb.MoveLeaderRequestSchema,
  status: pb.StatusRequestSchema,
  alarm: pb.AlarmRequestSchema,
  defragment: pb.DefragmentRequestSchema,
  hash: pb.HashRequestSchema,
  hashKv: pb.HashKVRequestSchema,
  snapshot: pb.SnapshotRequestSchema,
  authEnable: pb.AuthEnableRequestSchema,
  authDisable: pb.AuthDisableRequestSchema,
  authenticate: pb.AuthenticateRequestSchema,
  authUserAdd: pb.AuthUserAddRequestSchema,
  authUserGet: pb.AuthUserGetRequestSchema,
  authUserList: pb.AuthUserListRequestSchema,
  authUserDelete: pb.AuthUserDeleteRequestSchema,
  authUserChangePassword: pb.AuthUserChangePasswordRequestSchema,
  authUserGrantRole: pb.AuthUserGrantRoleRequestSchema,
  authUserRevokeRole: pb.AuthUserRevokeRoleRequestSchema,
  authRoleAdd: pb.AuthRoleAddRequestSchema,
  authRoleGet: pb.AuthRoleGetRequestSchema,
  authRoleList: pb.AuthRoleListRequestSchema,
  authRoleDelete: pb.AuthRoleDeleteRequestSchema,
  authRoleGrantPermission: pb.AuthRoleGrantPermissionRequestSchema,
  authRoleRevokePermission: pb.AuthRoleRevokePermissionRequestSchema,
} as const;

export type RpcKind = keyof typeof schemas;

export type RpcBody<Kind extends RpcKind> = MessageShape<(typeof schemas)[Kind]>;

export type RpcRequest = {
  readonly [Kind in RpcKind]: { readonly kind: Kind; readonly body: RpcBody<Kind> };
}[RpcKind];

/** `Watch` is a stream of both sides, and its messages go to the watch server. */
type UnaryMethod = Exclude<RpcMethod, 'etcdserverpb.Watch/Watch' | HttpMethod>;

const kindOf: Readonly<Record<UnaryMethod, RpcKind>> = {
  'etcdserverpb.KV/Range': 'range',
  'etcdserverpb.KV/Put': 'put',
  'etcdserverpb.KV/DeleteRange': 'deleteRange',
  'etcdserverpb.KV/Txn': 'txn',
  'etcdserverpb.KV/Compact': 'compaction',
  'etcdserverpb.Lease/LeaseGrant': 'leaseGrant',
  'etcdserverpb.Lease/LeaseRevoke': 'leaseRevoke',
  'etcdserverpb.Lease/LeaseKeepAlive': 'leaseKeepAlive',
  'etcdserverpb.Lease/LeaseTimeToLive': 'leaseTimeToLive',
  'etcdserverpb.Lease/LeaseLeases': 'leaseLeases',
  'etcdserverpb.Cluster/MemberList': 'memberList',
  'etcdserverpb.Cluster/MemberAdd': 'memberAdd',
  'etcdserverpb.Cluster/MemberRemove': 'memberRemove',
  'etcdserverpb.Cluster/MemberUpdate': 'memberUpdate',
  'etcdserverpb.Cluster/MemberPromote': 'memberPromote',
  'etcdserverpb.Maintenance/MoveLeader': 'moveLeader',
  'etcdserverpb.Maintenance/Status': 'status',
  'etcdserverpb.Maintenance/Alarm': 'alarm',
  'etcdserverpb.Maintenance/Defragment': 'defragment',
  'etcdserverpb.Maintenance/Hash': 'hash',
  'etcdserverpb.Maintenance/HashKV': 'hashKv',
  'etcdserverpb.Maintenance/Snapshot': 'snapshot',
  'etcdserverpb.Auth/AuthEnable': 'authEnable',
  'etcdserverpb.Auth/AuthDisable': 'authDisable',
  'etcdserverpb.Auth/Authenticate': 'authenticate',
  'etcdserverpb.Auth/UserAdd': 'authUserAdd',
  'etcdserverpb.Auth/UserGet': 'authUserGet',
  'etcdserverpb.Auth/UserList': 'authUserList',
  'etcdserverpb.Auth/UserDelete': 'authUserDelete',
  'etcdserverpb.Auth/UserChangePassword': 'authUserChangePassword',
  'etcdserverpb.Auth/UserGrantRole': 'authUserGrantRole',
  'etcdserverpb.Auth/UserRevokeRole': 'authUserRevokeRole',
  'etcdserverpb.Auth/RoleAdd': 'authRoleAdd',
  'etcdserverpb.Auth/RoleGet': 'authRoleGet',
  'etcdserverpb.Auth/RoleList': 'authRoleList',
  'etcdserverpb.Auth/RoleDelete': 'authRoleDelete',
  'etcdserverpb.Auth/RoleGrantPermission': 'authRoleGrantPermission',
  'etcdserverpb.Auth/RoleRevokePermission': 'authRoleRevokePermission',
};

/** All that have gRPC's form. */
export const rpcMethods = [...Object.keys(kindOf), 'etcdserverpb.Watch/Watch'] as readonly RpcMethod[];

/**
 * The longest entry a client may cause: 1.5 MiB.
 * @source etcd v3.4.23 embed/config.go DefaultMaxRequestBytes
 */
export const defaultMaxRequestBytes = 1572864;

/** The server receives a little more than it takes. @source etcd v3.4.23 etcdserver/api/v3rpc/grpc.go */
export const grpcOverheadBytes = 524288;

/** How many characters of a key a label shows. */
const labelLimit = 40;

/** @throws RpcError for bytes that are no such message */
export function decodeBody<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Decodes a request.
 * @param maxRequestBytes the longest entry that a client may cause
 * @throws RpcError for bytes that are no such message, or too many
 */
export function decodeRequest(
  method: UnaryMethod | HttpMethod,
  bytes: Uint8Array,
  maxRequestBytes: number,
): RpcRequest {
  const limit = maxRequestBytes + grpcOverheadBytes;
  if (bytes.length > limit) throw oversized(bytes.length, limit);
  const kind = kindOf[method as UnaryMethod] as RpcKind | undefined;
  if (kind === undefined) throw unknownMethod(method);
  const put = kind === 'put' ? readPutRequest(bytes) : null;
  if (put !== null) return { kind: 'put', body: put };
  return { kind, body: decodeBody(schemas[kind], bytes) } as RpcRequest;
}

/** A key or a range for a label: `a`, `[a, b)`, `[a, end)`. */
export function rangeLabel(key: Uint8Array, rangeEnd: Uint8Array): string {
  const from = printable(key, labelLimit);
  if (rangeEnd.length === 0) return from;
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return `[${from}, end)`;
  return `[${from}, ${printable(rangeEnd, labelLimit)})`;
}

const named = (words: string, name: string): string => `${words} ${printable(encodeUtf8(name), labelLimit)}`;

const alarmNames = ['none', 'NOSPACE', 'CORRUPT'] as const;
const alarmVerbs = ['list', 'raise', 'disarm'] as const;

/** What a request asks for, in a word or two. */
export function requestLabel(request: RpcRequest): string {
  switch (request.kind) {
    case 'range':
      return `get ${rangeLabel(request.body.key, request.body.rangeEnd)}`;
    case 'put':
      return `put ${rangeLabel(request.body.key, emptyBytes)}`;
    case 'deleteRange':
      return `del ${rangeLabel(request.body.key, request.body.rangeEnd)}`;
    case 'txn':
      return txnLabel(request.body);
    case 'compaction':
      return `compact ${request.body.revision}`;
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
    case 'memberAdd':
      return named('member add', request.body.peerURLs.join(','));
    case 'memberRemove':
      return `member remove ${idToHex(request.body.ID)}`;
    case 'memberUpdate':
      return `member update ${idToHex(request.body.ID)}`;
    case 'memberPromote':
      return `member promote ${idToHex(request.body.ID)}`;
    case 'moveLeader':
      return `move-leader ${idToHex(request.body.targetID)}`;
    case 'status':
      return 'endpoint status';
    case 'alarm':
      return `alarm ${alarmVerbs[request.body.action] ?? '?'} ${alarmNames[request.body.alarm] ?? '?'}`;
    case 'defragment':
      return 'defrag';
    case 'hash':
      return 'endpoint hash';
    case 'hashKv':
      return `endpoint hashkv ${request.body.revision}`;
    case 'snapshot':
      return 'snapshot save';
    default:
      return authLabel(request);
  }
}

/** `txn 2 compares, 3 | 1 ops` */
export function txnLabel({ compare, success, failure }: pb.TxnRequest): string {
  return `txn ${compare.length} compares, ${success.length} | ${failure.length} ops`;
}

type AuthRequest = Extract<RpcRequest, { kind: `auth${string}` }>;

/** As etcdctl has the commands. */
export function authLabel(request: AuthRequest): string {
  switch (request.kind) {
    case 'authEnable':
      return 'auth enable';
    case 'authDisable':
      return 'auth disable';
    case 'authenticate':
      return named('authenticate', request.body.name);
    case 'authUserAdd':
      return named('user add', request.body.name);
    case 'authUserGet':
      return named('user get', request.body.name);
    case 'authUserList':
      return 'user list';
    case 'authUserDelete':
      return named('user delete', request.body.name);
    case 'authUserChangePassword':
      return named('user passwd', request.body.name);
    case 'authUserGrantRole':
      return named('user grant-role', `${request.body.user} ${request.body.role}`);
    case 'authUserRevokeRole':
      return named('user revoke-role', `${request.body.name} ${request.body.role}`);
    case 'authRoleAdd':
      return named('role add', request.body.name);
    case 'authRoleGet':
      return named('role get', request.body.role);
    case 'authRoleList':
      return 'role list';
    case 'authRoleDelete':
      return named('role delete', request.body.role);
    case 'authRoleGrantPermission':
      return named('role grant-permission', request.body.name);
    case 'authRoleRevokePermission':
      return named('role revoke-permission', request.body.role);
  }
}
