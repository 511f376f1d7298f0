/** What requests about users and roles do on every member, and what they answer. */
import { create, toBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { validCost, hashPassword } from '../auth/password.ts';
import type { AuthStore } from '../auth/store.ts';
import { AuthError } from '../auth/types.ts';
import type { AuthErrorCode, AuthInfo } from '../auth/types.ts';
import { stream } from '../../base/prng.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import * as pb from '../pb/gen/rpc_pb.ts';
import { headerOf } from './apply-kv.ts';
import type { WriteContext } from './apply-kv.ts';
import type { WriteRequest } from './entry-data.ts';
import { RpcError, rpcErrors } from './errors.ts';
import { grpcCode } from './types.ts';

export type AuthWrite = Extract<WriteRequest, { kind: `auth${string}` }>;

const rpcErrorOf: Partial<Record<AuthErrorCode, RpcError>> = {
  'auth: root user does not exist': rpcErrors.rootUserNotExist,
  'auth: root user does not have root role': rpcErrors.rootRoleNotExist,
  'auth: user already exists': rpcErrors.userExists,
  'auth: user name is empty': rpcErrors.userEmpty,
  'auth: user not found': rpcErrors.userNotFound,
  'auth: role already exists': rpcErrors.roleExists,
  'auth: role not found': rpcErrors.roleNotFound,
  'auth: role name is empty': rpcErrors.roleEmpty,
  'auth: authentication failed, invalid user ID or password': rpcErrors.authFailed,
  'auth: permission denied': rpcErrors.permissionDenied,
  'auth: role is not granted to the user': rpcErrors.roleNotGranted,
  'auth: permission is not granted to the role': rpcErrors.permissionNotGranted,
  'auth: authentication is not enabled': rpcErrors.authNotEnabled,
  'auth: invalid auth token': rpcErrors.invalidAuthToken,
  'auth: invalid auth management': rpcErrors.invalidAuthManagement,
  'auth: revision in header is old': rpcErrors.authOldRevision,
};

/**
 * The store's refusals as clients hear them.
 * @source etcd v3.4.23 etcdserver/api/v3rpc/util.go togRPCError
 */
export function authRefusal(error: unknown): RpcError {
  if (error instanceof AuthError && error.code !== 'auth: bad record')
    return rpcErrorOf[error.code] ?? unmappedRefusal(error);
  throw error;
}

/** Where etcd forgets to translate, its own text goes out. */
export function unmappedRefusal(error: unknown): RpcError {
  if (error instanceof AuthError && error.code !== 'auth: bad record')
    return new RpcError(grpcCode.unknown, error.code);
  throw error;
}

/** Null where the check passes. */
export function refusalOf(check: () => void): RpcError | null {
  try {
    check();
    return null;
  } catch (error) {
    return authRefusal(error);
  }
}

/**
 * Who may see or change users and roles.
 * @source etcd v3.4.23 etcdserver/apply_auth.go needAdminPermission
 */
export function checkAuthWrite(store: AuthStore, asker: AuthInfo, write: AuthWrite): RpcError | null {
  if (write.kind === 'authenticate') return null;
  return refusalOf(() => {
    try {
      store.checkAdmin(asker);
    } catch (error) {
      const isOwnUser = write.kind === 'authUserGet' && write.body.name === asker.username;
      const isOwnRole = write.kind === 'authRoleGet' && store.hasRole(asker.username, write.body.role);
      if (!isOwnUser && !isOwnRole) throw error;
    }
  });
}

export interface AuthContext extends WriteContext {
  readonly auth: AuthStore;
  /** Of the entry. */
  readonly index: number;
  readonly bcryptCost: number;
}

/** @source etcd v3.4.23 etcdserver/apply.go AuthEnable ... RoleList */
export function applyAuth(context: AuthContext, write: AuthWrite): Uint8Array | RpcError {
  try {
    return execute(context, write);
  } catch (error) {
    return authRefusal(error);
  }
}

function execute(context: AuthContext, write: AuthWrite): Uint8Array {
  const { auth } = context;
  switch (write.kind) {
    case 'authEnable':
      auth.enable();
      return done(context);
    case 'authDisable':
      auth.disable();
      return done(context);
    case 'authenticate':
      return authenticate(context, write.body);
    case 'authUserAdd':
    case 'authUserDelete':
    case 'authUserChangePassword':
    case 'authUserGrantRole':
    case 'authUserRevokeRole':
    case 'authUserGet':
    case 'authUserList':
      return executeUser(context, write);
    default:
      return executeRole(context, write);
  }
}

type UserWrite = Extract<AuthWrite, { kind: `authUser${string}` }>;
type RoleWrite = Extract<AuthWrite, { kind: `authRole${string}` }>;

function executeUser(context: AuthContext, write: UserWrite): Uint8Array {
  const { auth } = context;
  switch (write.kind) {
    case 'authUserAdd': {
      const { name, options } = write.body;
      auth.addUser({ name, hash: options?.noPassword === true ? null : hashIn(context, write.body) });
      return done(context);
    }
    case 'authUserDelete':
      auth.deleteUser(write.body.name);
      return done(context);
    case 'authUserChangePassword':
      auth.changePassword(write.body.name, hashIn(context, write.body));
      return done(context);
    case 'authUserGrantRole':
      auth.grantRole(write.body.user, write.body.role);
      return done(context);
    case 'authUserRevokeRole':
      auth.revokeRole(write.body.name, write.body.role);
      return done(context);
    case 'authUserGet': {
      const roles = [...auth.rolesOf(write.body.name)];
      const response = create(pb.AuthUserGetResponseSchema, { header: header(context), roles });
      return toBinary(pb.AuthUserGetResponseSchema, response);
    }
    case 'authUserList': {
      const response = create(pb.AuthUserListResponseSchema, {
        header: header(context),
        users: auth.users(),
      });
      return toBinary(pb.AuthUserListResponseSchema, response);
    }
  }
}

function executeRole(context: AuthContext, write: RoleWrite): Uint8Array {
  const { auth } = context;
  switch (write.kind) {
    case 'authRoleAdd':
      auth.addRole(write.body.name);
      return done(context);
    case 'authRoleDelete':
      auth.deleteRole(write.body.role);
      return done(context);
    case 'authRoleGrantPermission': {
      const { name, perm } = write.body;
      if (perm !== undefined) auth.grantPermission(name, perm);
      return done(context);
    }
    case 'authRoleRevokePermission':
      auth.revokePermission(write.body.role, write.body.key, write.body.rangeEnd);
      return done(context);
    case 'authRoleGet': {
      const perm = [...auth.permissionsOf(write.body.role)];
      const response = create(pb.AuthRoleGetResponseSchema, { header: header(context), perm });
      return toBinary(pb.AuthRoleGetResponseSchema, response);
    }
    case 'authRoleList': {
      const response = create(pb.AuthRoleListResponseSchema, {
        header: header(context),
        roles: auth.roles(),
      });
      return toBinary(pb.AuthRoleListResponseSchema, response);
    }
  }
}

function authenticate(
  context: AuthContext,
  { name, simpleToken }: { readonly name: string; readonly simpleToken: string },
): Uint8Array {
  const token = context.auth.authenticate(name, simpleToken, context.index, context.nowUs);
  const response = create(pb.AuthenticateResponseSchema, { header: header(context), token });
  return toBinary(pb.AuthenticateResponseSchema, response);
}

/** The hash came with the entry; one of etcd's own log has the password, which is hashed here. */
function hashIn(
  { index, bcryptCost }: AuthContext,
  { password, hashedPassword }: { readonly password: string; readonly hashedPassword: string },
): string {
  if (hashedPassword !== '') return decodeUtf8(base64Decode(hashedPassword));
  return hashPassword(password, validCost(bcryptCost), stream(0, 'password', index));
}

function header({ head, term, kv }: AuthContext): ReturnType<typeof headerOf> {
  return headerOf(head, term, kv.revision);
}

/** All these answers are a header alone. */
function done(context: AuthContext): Uint8Array {
  const response = create(pb.AuthEnableResponseSchema, { header: header(context) });
  return toBinary(pb.AuthEnableResponseSchema, response);
}
