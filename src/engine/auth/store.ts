/** The store of users, roles and their permissions, in the buckets `auth`, `authUsers` and `authRoles`. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { compareBytes, emptyBytes, equalBytes } from '../../base/bytes.ts';
import type { Trace } from '../../base/trace.ts';
import { readU64be, writeU64be } from '../../base/u64.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import type { Backend } from '../backend/backend.ts';
import { PermissionSchema, RoleSchema, UserAddOptionsSchema, UserSchema } from '../pb/gen/auth_pb.ts';
import type { Permission, Role, User } from '../pb/gen/auth_pb.ts';
import type { AuthEvent } from './events.ts';
import { isPermitted, mergePermissions } from './range-perm-cache.ts';
import type { Access, RangePermissions } from './range-perm-cache.ts';
import { SimpleTokens } from './simple-token.ts';
import { AuthError, rootRole, rootUser } from './types.ts';
import type { AuthInfo } from './types.ts';

const enabledKey = encodeUtf8('authEnabled');
const revisionKey = encodeUtf8('authRevision');
const enabled = Uint8Array.of(1);
const disabled = Uint8Array.of(0);

/** Go's sort.Strings: by bytes, as UTF-8 has them. */
const byBytes = (a: string, b: string): number => compareBytes(encodeUtf8(a), encodeUtf8(b));

/** A new user. */
export interface NewUser {
  readonly name: string;
  /** A bcrypt hash; null for a user that has none and cannot log in. */
  readonly hash: string | null;
}

/**
 * Each change raises the revision: a request that was checked before it is refused.
 * @source etcd v3.4.23 auth/store.go
 */
export class AuthStore {
  readonly tokens = new SimpleTokens();
  private readonly backend: Backend;
  private readonly trace: Trace<AuthEvent>;
  private enabled = false;
  private authRevision = 0;
  private permissions = new Map<string, RangePermissions>();

  constructor(backend: Backend, trace: Trace<AuthEvent>) {
    this.backend = backend;
    this.trace = trace;
    this.restore();
    if (this.authRevision > 0) return;
    this.raiseRevision();
    backend.unlock();
    backend.commit('force');
  }

  /** Reads what the backend holds. @source etcd v3.4.23 auth/store.go Recover */
  restore(): void {
    const { batchTx } = this.backend;
    this.enabled = batchTx.get('auth', enabledKey)?.[0] === 1;
    this.authRevision = this.storedRevision();
    if (this.enabled) this.tokens.enable();
    this.refresh();
  }

  get isEnabled(): boolean {
    return this.enabled;
  }

  get revision(): number {
    return this.authRevision;
  }

  /** @throws AuthError 'auth: root user does not exist' | 'auth: root user does not have root role' */
  enable(): void {
    if (this.enabled) return;
    const root = this.user(rootUser);
    if (root === null) throw new AuthError('auth: root user does not exist');
    if (!root.roles.includes(rootRole)) throw new AuthError('auth: root user does not have root role');
    this.backend.batchTx.put('auth', enabledKey, enabled);
    this.backend.unlock();
    this.backend.commit('force');
    this.enabled = true;
    this.tokens.enable();
    this.authRevision = this.storedRevision();
    if (this.trace.on) this.trace.emit({ type: 'auth.enable', revision: this.authRevision });
  }

  disable(): void {
    if (!this.enabled) return;
    this.backend.batchTx.put('auth', enabledKey, disabled);
    this.raiseRevision();
    this.backend.unlock();
    this.backend.commit('force');
    this.enabled = false;
    this.tokens.disable();
    if (this.trace.on) this.trace.emit({ type: 'auth.disable', revision: this.authRevision });
  }

  /**
   * What a password is compared with.
   * @throws AuthError 'auth: authentication is not enabled' and two more that say the user cannot log in
   * @source etcd v3.4.23 auth/store.go CheckPassword
   */
  hashOf(username: string): string {
    if (!this.enabled) throw new AuthError('auth: authentication is not enabled');
    const user = this.user(username);
    if (user === null) throw new AuthError('auth: authentication failed, invalid user ID or password');
    if (user.options?.noPassword === true)
      throw new AuthError('auth: authentication failed, password was given for no password user');
    return decodeUtf8(user.password);
  }

  /**
   * Gives a token to a user whose password was checked.
   * @param index of the log's entry
   * @throws AuthError 'auth: authentication is not enabled' | 'auth: authentication failed, ...'
   */
  authenticate(username: string, tokenPrefix: string, index: number, nowUs: number): string {
    this.hashOfUser(username);
    const token = this.tokens.assign(username, tokenPrefix, index, nowUs);
    if (this.trace.on) this.trace.emit({ type: 'auth.token', name: username, tokenCount: this.tokens.size });
    return token;
  }

  /** Whether the user may still log in. @throws AuthError */
  hashOfUser(username: string): void {
    if (!this.enabled) throw new AuthError('auth: authentication is not enabled');
    const user = this.user(username);
    if (user === null || user.options?.noPassword === true)
      throw new AuthError('auth: authentication failed, invalid user ID or password');
  }

  /**
   * Who asks with this token; null for a request without one. A token is looked up even while authentication
   * is off: then none is valid.
   * @throws AuthError 'auth: invalid auth token'
   * @source etcd v3.4.23 auth/store.go AuthInfoFromCtx
   */
  authInfo(token: string | undefined, nowUs: number): AuthInfo | null {
    if (token === undefined) return null;
    const username = this.tokens.userOf(token, nowUs);
    if (username === null) throw new AuthError('auth: invalid auth token');
    return { username, revision: this.authRevision };
  }

  /** @throws AuthError 'auth: user name is empty' | 'auth: user already exists' */
  addUser({ name, hash }: NewUser): void {
    if (name === '') throw new AuthError('auth: user name is empty');
    if (this.user(name) !== null) throw new AuthError('auth: user already exists');
    const options = create(UserAddOptionsSchema, { noPassword: hash === null });
    const password = hash === null ? emptyBytes : encodeUtf8(hash);
    this.putUser(create(UserSchema, { name: encodeUtf8(name), password, options }), 'add');
    this.changed();
  }

  /** @throws AuthError 'auth: invalid auth management' | 'auth: user not found' */
  deleteUser(name: string): void {
    if (this.enabled && name === rootUser) throw new AuthError('auth: invalid auth management');
    this.knownUser(name);
    this.backend.batchTx.delete('authUsers', encodeUtf8(name));
    this.changed();
    this.tokens.invalidateUser(name);
    this.tellUser(name, 'delete', []);
  }

  /** @throws AuthError 'auth: user not found' */
  changePassword(name: string, hash: string): void {
    const user = this.knownUser(name);
    this.putUser({ ...user, password: encodeUtf8(hash) }, 'password');
    this.changed();
    this.tokens.invalidateUser(name);
  }

  /** @throws AuthError 'auth: user not found' | 'auth: role not found' */
  grantRole(name: string, role: string): void {
    const user = this.knownUser(name);
    if (role !== rootRole && this.role(role) === null) throw new AuthError('auth: role not found');
    if (user.roles.includes(role)) return;
    this.putUser({ ...user, roles: [...user.roles, role].sort(byBytes) }, 'roles');
    this.changed();
  }

  /**
   * @throws AuthError 'auth: invalid auth management' | 'auth: user not found' |
   *   'auth: role is not granted to the user'
   */
  revokeRole(name: string, role: string): void {
    if (this.enabled && name === rootUser && role === rootRole)
      throw new AuthError('auth: invalid auth management');
    const user = this.knownUser(name);
    if (!user.roles.includes(role)) throw new AuthError('auth: role is not granted to the user');
    this.putUser({ ...user, roles: user.roles.filter((each) => each !== role) }, 'roles');
    this.changed();
  }

  /** @throws AuthError 'auth: user not found' */
  rolesOf(name: string): readonly string[] {
    return this.knownUser(name).roles;
  }

  /** Names, bytewise ascending. */
  users(): string[] {
    return this.allUsers().map((user) => decodeUtf8(user.name));
  }

  /** @throws AuthError 'auth: role name is empty' | 'auth: role already exists' */
  addRole(name: string): void {
    if (name === '') throw new AuthError('auth: role name is empty');
    if (this.role(name) !== null) throw new AuthError('auth: role already exists');
    this.putRole(create(RoleSchema, { name: encodeUtf8(name) }), 'add');
    this.changed();
  }

  /**
   * The role goes from all its users too.
   * @throws AuthError 'auth: invalid auth management' | 'auth: role not found'
   */
  deleteRole(name: string): void {
    if (this.enabled && name === rootRole) throw new AuthError('auth: invalid auth management');
    this.knownRole(name);
    this.backend.batchTx.delete('authRoles', encodeUtf8(name));
    for (const user of this.allUsers()) {
      if (user.roles.includes(name))
        this.putUser({ ...user, roles: user.roles.filter((role) => role !== name) }, 'roles');
    }
    this.changed();
    this.tellRole(name, 'delete', 0);
  }

  /** @throws AuthError 'auth: role not found' */
  permissionsOf(name: string): readonly Permission[] {
    return this.knownRole(name).keyPermission;
  }

  /** Names, bytewise ascending. */
  roles(): string[] {
    const names: string[] = [];
    for (const { key } of this.backend.batchTx.range('authRoles', emptyBytes, null))
      names.push(decodeUtf8(key));
    return names;
  }

  /**
   * Of several permissions with one key etcd finds the first alone: it is changed, else another is added.
   * @throws AuthError 'auth: role not found'
   * @source etcd v3.4.23 auth/store.go RoleGrantPermission
   */
  grantPermission(name: string, granted: Permission): void {
    const role = this.knownRole(name);
    const { key, rangeEnd, permType } = granted;
    const permissions = [...role.keyPermission];
    const place = permissions.findIndex((each) => compareBytes(each.key, key) >= 0);
    const found = permissions[place] as Permission | undefined;
    if (found !== undefined && equalBytes(found.key, key) && equalBytes(found.rangeEnd, rangeEnd)) {
      permissions[place] = create(PermissionSchema, { key, rangeEnd, permType });
    } else {
      permissions.push(create(PermissionSchema, { key, rangeEnd, permType }));
      permissions.sort((a, b) => compareBytes(a.key, b.key));
    }
    this.putRole({ ...role, keyPermission: permissions }, 'permissions');
    this.changed();
  }

  /** @throws AuthError 'auth: role not found' | 'auth: permission is not granted to the role' */
  revokePermission(name: string, key: Uint8Array, rangeEnd: Uint8Array): void {
    const role = this.knownRole(name);
    const left = role.keyPermission.filter(
      (each) => !equalBytes(each.key, key) || !equalBytes(each.rangeEnd, rangeEnd),
    );
    if (left.length === role.keyPermission.length)
      throw new AuthError('auth: permission is not granted to the role');
    this.putRole({ ...role, keyPermission: left }, 'permissions');
    this.changed();
  }

  /**
   * @param rangeEnd empty for the one key; "\0" for all keys from `key` on
   * @throws AuthError 'auth: user name is empty' | 'auth: revision in header is old' |
   *   'auth: permission denied'
   * @source etcd v3.4.23 auth/store.go isOpPermitted
   */
  checkPermitted(who: AuthInfo, access: Access, key: Uint8Array, rangeEnd: Uint8Array): void {
    if (!this.enabled) return;
    if (who.revision === 0) throw new AuthError('auth: user name is empty');
    if (who.revision < this.authRevision) throw new AuthError('auth: revision in header is old');
    const user = this.user(who.username);
    if (user === null) throw new AuthError('auth: permission denied');
    if (user.roles.includes(rootRole)) return;
    const permissions = this.permissions.get(who.username);
    if (permissions === undefined || !isPermitted(permissions, access, key, rangeEnd))
      throw new AuthError('auth: permission denied');
  }

  /** @throws AuthError 'auth: user name is empty' | 'auth: user not found' | 'auth: permission denied' */
  checkAdmin(who: AuthInfo): void {
    if (!this.enabled) return;
    if (who.username === '') throw new AuthError('auth: user name is empty');
    if (!this.knownUser(who.username).roles.includes(rootRole))
      throw new AuthError('auth: permission denied');
  }

  hasRole(username: string, role: string): boolean {
    return this.user(username)?.roles.includes(role) ?? false;
  }

  /** Ends a change: the revision rises, and everyone's permissions are gathered anew. */
  private changed(): void {
    this.raiseRevision();
    this.backend.unlock();
    this.refresh();
  }

  private raiseRevision(): void {
    this.authRevision++;
    const bytes = new Uint8Array(8);
    writeU64be(new DataView(bytes.buffer), 0, this.authRevision);
    this.backend.batchTx.put('auth', revisionKey, bytes);
  }

  private storedRevision(): number {
    const bytes = this.backend.batchTx.get('auth', revisionKey);
    return bytes === null || bytes.length < 8
      ? 0
      : readU64be(new DataView(bytes.buffer, bytes.byteOffset, 8), 0);
  }

  private refresh(): void {
    this.permissions = new Map(
      this.allUsers().map((user) => {
        const roles = user.roles.map((name) => this.role(name)).filter((role) => role !== null);
        return [decodeUtf8(user.name), mergePermissions(roles)];
      }),
    );
  }

  private user(name: string): User | null {
    const bytes = this.backend.batchTx.get('authUsers', encodeUtf8(name));
    return bytes === null ? null : decodeRecord(UserSchema, bytes);
  }

  private knownUser(name: string): User {
    const user = this.user(name);
    if (user === null) throw new AuthError('auth: user not found');
    return user;
  }

  private allUsers(): User[] {
    const pairs = this.backend.batchTx.range('authUsers', emptyBytes, null);
    return pairs.map(({ value }) => decodeRecord(UserSchema, value));
  }

  private putUser(user: User, change: 'add' | 'password' | 'roles'): void {
    this.backend.batchTx.put('authUsers', user.name.slice(), toBinary(UserSchema, user));
    this.tellUser(decodeUtf8(user.name), change, user.roles);
  }

  private role(name: string): Role | null {
    const bytes = this.backend.batchTx.get('authRoles', encodeUtf8(name));
    return bytes === null ? null : decodeRecord(RoleSchema, bytes);
  }

  private knownRole(name: string): Role {
    const role = this.role(name);
    if (role === null) throw new AuthError('auth: role not found');
    return role;
  }

  private putRole(role: Role, change: 'add' | 'permissions'): void {
    this.backend.batchTx.put('authRoles', role.name.slice(), toBinary(RoleSchema, role));
    this.tellRole(decodeUtf8(role.name), change, role.keyPermission.length);
  }

  private tellUser(
    name: string,
    change: 'add' | 'password' | 'roles' | 'delete',
    roles: readonly string[],
  ): void {
    if (this.trace.on)
      this.trace.emit({ type: 'auth.user', name, change, roles: [...roles], revision: this.authRevision });
  }

  private tellRole(name: string, change: 'add' | 'permissions' | 'delete', permissionCount: number): void {
    if (this.trace.on)
      this.trace.emit({ type: 'auth.role', name, change, permissionCount, revision: this.authRevision });
  }
}

/** Decodes a copy: what the backend hands out is valid until the next commit only. */
function decodeRecord<Desc extends DescMessage>(schema: Desc, record: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, record.slice());
  } catch {
    throw new AuthError('auth: bad record');
  }
}
