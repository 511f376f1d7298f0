/** Users, roles and permissions: who asks, and how the store of them refuses. */

/** Who asks, as a token says it. */
export interface AuthInfo {
  /** Empty for nobody. */
  readonly username: string;
  /** The store's revision when the request came in; 0 for nobody. */
  readonly revision: number;
}

export const nobody: AuthInfo = { username: '', revision: 0 };

export const rootUser = 'root';
export const rootRole = 'root';

/** The texts of etcd's auth package. */
export type AuthErrorCode =
  | 'auth: root user does not exist'
  | 'auth: root user does not have root role'
  | 'auth: user already exists'
  | 'auth: user name is empty'
  | 'auth: user not found'
  | 'auth: role already exists'
  | 'auth: role not found'
  | 'auth: role name is empty'
  | 'auth: authentication failed, invalid user ID or password'
  | 'auth: authentication failed, password was given for no password user'
  | 'auth: permission denied'
  | 'auth: role is not granted to the user'
  | 'auth: permission is not granted to the role'
  | 'auth: authentication is not enabled'
  | 'auth: revision in header is old'
  | 'auth: invalid auth token'
  | 'auth: invalid auth management'
  /** A record of the buckets `authUsers` and `authRoles` is no user and no role. */
  | 'auth: bad record';

/** @source etcd v3.4.23 auth/store.go */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: AuthErrorCode;

  constructor(code: AuthErrorCode) {
    super(code);
    this.code = code;
  }
}
