/** etcd's JSON gateway: which RPC a path names, and how its messages look in JSON. */
import { create, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import type { RpcMethod } from '../../../src/engine/server/types.ts';
import type { JsonObject } from './transcript.ts';

export interface Route {
  readonly method: RpcMethod;
  readonly request: DescMessage;
  readonly response: DescMessage;
}

const schemas = rpc as unknown as Readonly<Record<string, DescMessage>>;

function route(service: string, method: string, message = method): Route {
  return {
    method: `etcdserverpb.${service}/${method}` as RpcMethod,
    request: schemas[`${message}RequestSchema`],
    response: schemas[`${message}ResponseSchema`],
  };
}

export const routes: Readonly<Record<string, Route>> = {
  '/v3/kv/range': route('KV', 'Range'),
  '/v3/kv/put': route('KV', 'Put'),
  '/v3/kv/deleterange': route('KV', 'DeleteRange'),
  '/v3/kv/txn': route('KV', 'Txn'),
  '/v3/kv/compaction': route('KV', 'Compact', 'Compaction'),
  '/v3/lease/grant': route('Lease', 'LeaseGrant'),
  '/v3/lease/revoke': route('Lease', 'LeaseRevoke'),
  '/v3/kv/lease/revoke': route('Lease', 'LeaseRevoke'),
  '/v3/lease/keepalive': route('Lease', 'LeaseKeepAlive'),
  '/v3/lease/timetolive': route('Lease', 'LeaseTimeToLive'),
  '/v3/kv/lease/timetolive': route('Lease', 'LeaseTimeToLive'),
  '/v3/lease/leases': route('Lease', 'LeaseLeases'),
  '/v3/kv/lease/leases': route('Lease', 'LeaseLeases'),
  '/v3/cluster/member/add': route('Cluster', 'MemberAdd'),
  '/v3/cluster/member/remove': route('Cluster', 'MemberRemove'),
  '/v3/cluster/member/update': route('Cluster', 'MemberUpdate'),
  '/v3/cluster/member/list': route('Cluster', 'MemberList'),
  '/v3/cluster/member/promote': route('Cluster', 'MemberPromote'),
  '/v3/maintenance/alarm': route('Maintenance', 'Alarm'),
  '/v3/maintenance/status': route('Maintenance', 'Status'),
  '/v3/maintenance/defragment': route('Maintenance', 'Defragment'),
  '/v3/maintenance/hash': route('Maintenance', 'Hash'),
  '/v3/maintenance/snapshot': route('Maintenance', 'Snapshot'),
  '/v3/maintenance/transfer-leadership': route('Maintenance', 'MoveLeader'),
  '/v3/auth/enable': route('Auth', 'AuthEnable'),
  '/v3/auth/disable': route('Auth', 'AuthDisable'),
  '/v3/auth/authenticate': route('Auth', 'Authenticate'),
  '/v3/auth/user/add': route('Auth', 'UserAdd', 'AuthUserAdd'),
  '/v3/auth/user/get': route('Auth', 'UserGet', 'AuthUserGet'),
  '/v3/auth/user/list': route('Auth', 'UserList', 'AuthUserList'),
  '/v3/auth/user/delete': route('Auth', 'UserDelete', 'AuthUserDelete'),
  '/v3/auth/user/changepw': route('Auth', 'UserChangePassword', 'AuthUserChangePassword'),
  '/v3/auth/user/grant': route('Auth', 'UserGrantRole', 'AuthUserGrantRole'),
  '/v3/auth/user/revoke': route('Auth', 'UserRevokeRole', 'AuthUserRevokeRole'),
  '/v3/auth/role/add': route('Auth', 'RoleAdd', 'AuthRoleAdd'),
  '/v3/auth/role/get': route('Auth', 'RoleGet', 'AuthRoleGet'),
  '/v3/auth/role/list': route('Auth', 'RoleList', 'AuthRoleList'),
  '/v3/auth/role/delete': route('Auth', 'RoleDelete', 'AuthRoleDelete'),
  '/v3/auth/role/grant': route('Auth', 'RoleGrantPermission', 'AuthRoleGrantPermission'),
  '/v3/auth/role/revoke': route('Auth', 'RoleRevokePermission', 'AuthRoleRevokePermission'),
};

export const watchRoute = route('Watch', 'Watch');
export const hashKvRoute = route('Maintenance', 'HashKV');

/** Unknown fields are passed over, as the gateway does. */
export function encodeJson(schema: DescMessage, json: JsonObject): Uint8Array {
  const message = fromJson(schema, json as JsonValue, { ignoreUnknownFields: true });
  return toBinary(schema, create(schema, message));
}

/** Zero values are absent, 64-bit numbers are text, bytes are base64, enums are names. */
export function decodeToJson(schema: DescMessage, bytes: Uint8Array): JsonObject {
  return toJson(schema, fromBinary(schema, bytes), { useProtoFieldName: true }) as JsonObject;
}

/** HTTP status codes of gRPC codes. */
const httpStatus: Readonly<Record<number, number>> = {
  1: 408,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 412,
  10: 409,
  11: 400,
  12: 501,
  14: 503,
  16: 401,
};

export function httpOf(code: number): number {
  return code === 0 ? 200 : (httpStatus[code] ?? 500);
}
