/** Txns, maintenance, users and roles as gRPC bodies, and the answers back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { encodeUtf8, printable } from '../base/utf8.ts';
import { Permission_Type as PermissionKind } from '../engine/pb/gen/auth_pb.ts';
import * as pb from '../engine/pb/gen/rpc_pb.ts';
import { keyAnswer, rangeOf, requestOf } from './kv-rpc.ts';
import { headerOf } from './header-view.ts';
import type { RpcMethod } from '../engine/server/types.ts';
import type {
  AuthAction,
  EtcdAction,
  EtcdAnswer,
  KeyAnswer,
  MaintenanceAction,
  PermissionView,
  TxnCompare,
  TxnOp,
} from './etcd-actions.ts';
import type { ClientAction, ClientOutcome } from './types.ts';

type Txn = Extract<EtcdAction, { type: 'txn' }>;
/** What is asked once and answered once. */
export type UnaryAction = Txn | MaintenanceAction | AuthAction;

export interface UnaryBody {
  readonly method: RpcMethod;
  readonly bytes: Uint8Array;
  readonly repeatable: boolean;
}

const unary: Readonly<Record<UnaryAction['type'], true>> = {
  txn: true,
  compaction: true,
  alarmList: true,
  alarmDisarm: true,
  authEnable: true,
  authDisable: true,
  userAdd: true,
  userDelete: true,
  userGet: true,
  userList: true,
  userPasswd: true,
  userGrantRole: true,
  userRevokeRole: true,
  roleAdd: true,
  roleDelete: true,
  roleGet: true,
  roleList: true,
  roleGrantPermission: true,
  roleRevokePermission: true,
};

export function isUnaryAction(action: ClientAction): action is ClientAction & UnaryAction {
  return Object.hasOwn(unary, action.type);
}

function body<Desc extends DescMessage>(
  method: RpcMethod,
  schema: Desc,
  fields: MessageInitShape<Desc>,
  repeatable = false,
): UnaryBody {
  return { method, bytes: toBinary(schema, create(schema, fields)), repeatable };
}

/** A client's token is asked for with this. */
export function authenticateBody(name: string, password: string): UnaryBody {
  return body('etcdserverpb.Auth/Authenticate', pb.AuthenticateRequestSchema, { name, password }, true);
}

export function tokenOf(bytes: Uint8Array): string {
  return fromBinary(pb.AuthenticateResponseSchema, bytes).token;
}

/** @source etcd v3.4.23 clientv3/retry.go, for what may be sent again */
export function unaryBody(action: UnaryAction): UnaryBody {
  switch (action.type) {
    case 'txn':
      return txnBody(action);
    case 'compaction': {
      const fields = { revision: BigInt(action.revision), physical: action.physical ?? false };
      return body('etcdserverpb.KV/Compact', pb.CompactionRequestSchema, fields);
    }
    case 'alarmList':
    // what there is to be disarmed is asked for first: see disarmBodies
    case 'alarmDisarm': {
      const fields = { action: pb.AlarmRequest_AlarmAction.GET };
      return body('etcdserverpb.Maintenance/Alarm', pb.AlarmRequestSchema, fields, true);
    }
    default:
      return authBody(action);
  }
}

/**
 * One request for each alarm of a list: a member knows no word for all of them.
 * @source etcd v3.4.23 clientv3/maintenance.go AlarmDisarm
 */
export function disarmBodies(list: Uint8Array): UnaryBody[] {
  return fromBinary(pb.AlarmResponseSchema, list).alarms.map(({ memberID, alarm }) => {
    const fields = { action: pb.AlarmRequest_AlarmAction.DEACTIVATE, memberID, alarm };
    return body('etcdserverpb.Maintenance/Alarm', pb.AlarmRequestSchema, fields);
  });
}

/** What the answers to them come to: it has no header. */
export function disarmedOutcome(answers: readonly Uint8Array[]): ClientOutcome {
  const alarms = answers.flatMap((bytes) => alarmsOf(bytes));
  return { ok: true, type: 'alarmDisarm', alarms };
}

function alarmsOf(bytes: Uint8Array): { readonly memberId: bigint; readonly alarm: string }[] {
  const { alarms } = fromBinary(pb.AlarmResponseSchema, bytes);
  return alarms.map(({ memberID, alarm }) => ({ memberId: memberID, alarm: pb.AlarmType[alarm] }));
}

const permissionKinds = {
  read: PermissionKind.READ,
  write: PermissionKind.WRITE,
  readwrite: PermissionKind.READWRITE,
} as const;

function authBody(action: AuthAction): UnaryBody {
  switch (action.type) {
    case 'authEnable':
      return body('etcdserverpb.Auth/AuthEnable', pb.AuthEnableRequestSchema, {});
    case 'authDisable':
      return body('etcdserverpb.Auth/AuthDisable', pb.AuthDisableRequestSchema, {});
    case 'userAdd': {
      const { name, password, noPassword = false } = action;
      const fields = { name, password, options: { noPassword } };
      return body('etcdserverpb.Auth/UserAdd', pb.AuthUserAddRequestSchema, fields);
    }
    case 'userDelete':
      return body('etcdserverpb.Auth/UserDelete', pb.AuthUserDeleteRequestSchema, { name: action.name });
    case 'userGet':
      return body('etcdserverpb.Auth/UserGet', pb.AuthUserGetRequestSchema, { name: action.name }, true);
    case 'userList':
      return body('etcdserverpb.Auth/UserList', pb.AuthUserListRequestSchema, {}, true);
    case 'userPasswd': {
      const { name, password } = action;
      const schema = pb.AuthUserChangePasswordRequestSchema;
      return body('etcdserverpb.Auth/UserChangePassword', schema, { name, password });
    }
    case 'userGrantRole': {
      const fields = { user: action.name, role: action.role };
      return body('etcdserverpb.Auth/UserGrantRole', pb.AuthUserGrantRoleRequestSchema, fields);
    }
    case 'userRevokeRole': {
      const fields = { name: action.name, role: action.role };
      return body('etcdserverpb.Auth/UserRevokeRole', pb.AuthUserRevokeRoleRequestSchema, fields);
    }
    default:
      return roleBody(action);
  }
}

function roleBody(action: Extract<AuthAction, { type: `role${string}` }>): UnaryBody {
  const { role } = action as { role: string };
  switch (action.type) {
    case 'roleAdd':
      return body('etcdserverpb.Auth/RoleAdd', pb.AuthRoleAddRequestSchema, { name: role });
    case 'roleDelete':
      return body('etcdserverpb.Auth/RoleDelete', pb.AuthRoleDeleteRequestSchema, { role });
    case 'roleGet':
      return body('etcdserverpb.Auth/RoleGet', pb.AuthRoleGetRequestSchema, { role }, true);
    case 'roleList':
      return body('etcdserverpb.Auth/RoleList', pb.AuthRoleListRequestSchema, {}, true);
    case 'roleGrantPermission': {
      const perm = { permType: permissionKinds[action.permission], ...rangeOf(action) };
      const schema = pb.AuthRoleGrantPermissionRequestSchema;
      return body('etcdserverpb.Auth/RoleGrantPermission', schema, { name: role, perm });
    }
    case 'roleRevokePermission': {
      const schema = pb.AuthRoleRevokePermissionRequestSchema;
      return body('etcdserverpb.Auth/RoleRevokePermission', schema, { role, ...rangeOf(action) });
    }
    default:
      return action satisfies never;
  }
}

const results = {
  '=': pb.Compare_CompareResult.EQUAL,
  '!=': pb.Compare_CompareResult.NOT_EQUAL,
  '>': pb.Compare_CompareResult.GREATER,
  '<': pb.Compare_CompareResult.LESS,
} as const;

function compareOf({ target, key, result, value }: TxnCompare): MessageInitShape<typeof pb.CompareSchema> {
  const asked = { key: encodeUtf8(key), result: results[result] };
  const Target = pb.Compare_CompareTarget;
  if (target === 'value') {
    const targetUnion = { case: 'value', value: encodeUtf8(value) } as const;
    return { ...asked, target: Target.VALUE, targetUnion };
  }
  const number = BigInt(value);
  switch (target) {
    case 'version':
      return { ...asked, target: Target.VERSION, targetUnion: { case: 'version', value: number } };
    case 'create':
      return { ...asked, target: Target.CREATE, targetUnion: { case: 'createRevision', value: number } };
    case 'mod':
      return { ...asked, target: Target.MOD, targetUnion: { case: 'modRevision', value: number } };
    case 'lease':
      return { ...asked, target: Target.LEASE, targetUnion: { case: 'lease', value: number } };
    default:
      return target satisfies never;
  }
}

function opOf(op: TxnOp): MessageInitShape<typeof pb.RequestOpSchema> {
  const { kind, request } = requestOf(op);
  if (kind === 'put') return { request: { case: 'requestPut', value: request } };
  if (kind === 'get') return { request: { case: 'requestRange', value: request } };
  return { request: { case: 'requestDeleteRange', value: request } };
}

/** A txn that only reads may be sent again. @source etcd v3.4.23 clientv3/txn.go Commit */
function txnBody({ compares, success, failure }: Txn): UnaryBody {
  const fields = {
    compare: compares.map(compareOf),
    success: success.map(opOf),
    failure: failure.map(opOf),
  };
  const isRead = [...success, ...failure].every(({ type }) => type === 'get');
  return body('etcdserverpb.KV/Txn', pb.TxnRequestSchema, fields, isRead);
}

/** As etcdctl has the commands; passwords are left out. */
export function unaryLabel(action: UnaryAction): string {
  const named = (words: string, ...names: string[]): string =>
    [words, ...names.map((name) => printable(encodeUtf8(name), 40))].join(' ');
  switch (action.type) {
    case 'txn':
      return `txn, ${action.compares.length} compares`;
    case 'compaction':
      return `compaction ${action.revision}`;
    case 'alarmList':
    case 'alarmDisarm':
    case 'authEnable':
    case 'authDisable':
    case 'userList':
    case 'roleList':
      return wordsOf(action.type);
    case 'userAdd':
    case 'userDelete':
    case 'userGet':
    case 'userPasswd':
      return named(wordsOf(action.type), action.name);
    case 'userGrantRole':
      return named('user grant-role', action.name, action.role);
    case 'userRevokeRole':
      return named('user revoke-role', action.name, action.role);
    case 'roleAdd':
    case 'roleDelete':
    case 'roleGet':
      return named(wordsOf(action.type), action.role);
    case 'roleGrantPermission':
      return named('role grant-permission', action.role);
    case 'roleRevokePermission':
      return named('role revoke-permission', action.role);
    default:
      return action satisfies never;
  }
}

/** `alarm list` of `alarmList`. */
const wordsOf = (type: string): string => type.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);

const permissionNames: Readonly<Record<PermissionKind, PermissionView['permission']>> = {
  [PermissionKind.READ]: 'read',
  [PermissionKind.WRITE]: 'write',
  [PermissionKind.READWRITE]: 'readwrite',
};

/** Reads the answer. Bytes that are no such message are a bug of a member's, and throw. */
export function decodeUnary(action: UnaryAction, bytes: Uint8Array): ClientOutcome {
  // all answers have their header in field 1
  const { header } = fromBinary(pb.AuthEnableResponseSchema, bytes);
  const answer = answerOf(action, bytes);
  return { ok: true, ...answer, ...(header !== undefined && { header: headerOf(header) }) };
}

function answerOf(action: UnaryAction, bytes: Uint8Array): EtcdAnswer {
  switch (action.type) {
    case 'txn': {
      const { succeeded, responses } = fromBinary(pb.TxnResponseSchema, bytes);
      return { type: 'txn', succeeded, responses: responses.flatMap(opAnswer) };
    }
    case 'alarmList':
    case 'alarmDisarm':
      return { type: action.type, alarms: alarmsOf(bytes) };
    case 'userGet':
      return { type: 'userGet', names: fromBinary(pb.AuthUserGetResponseSchema, bytes).roles };
    case 'userList':
      return { type: 'userList', names: fromBinary(pb.AuthUserListResponseSchema, bytes).users };
    case 'roleList':
      return { type: 'roleList', names: fromBinary(pb.AuthRoleListResponseSchema, bytes).roles };
    case 'roleGet': {
      const { perm } = fromBinary(pb.AuthRoleGetResponseSchema, bytes);
      const permissions = perm.map(({ permType, key, rangeEnd }) => ({
        permission: permissionNames[permType],
        key,
        rangeEnd,
      }));
      return { type: 'roleGet', permissions };
    }
    default:
      return { type: action.type };
  }
}

function opAnswer({ response }: pb.ResponseOp): KeyAnswer[] {
  switch (response.case) {
    case 'responsePut':
      return [keyAnswer('put', response.value)];
    case 'responseRange':
      return [keyAnswer('get', response.value)];
    case 'responseDeleteRange':
      return [keyAnswer('del', response.value)];
    default:
      return [];
  }
}
