/** What a user may read and write: the permissions of all its roles as one set of ranges. */
import { affinePoint, IntervalTree } from '../../base/interval-tree.ts';
import type { AffineInterval } from '../../base/interval-tree.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { Permission_Type as PermissionType } from '../pb/gen/auth_pb.ts';
import type { Permission, Role } from '../pb/gen/auth_pb.ts';

export type Access = 'read' | 'write';

export type RangePermissions = Readonly<Record<Access, IntervalTree>>;

/** A range's end as intervals have it: "\0" is no bound. */
function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): AffineInterval {
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return { begin: key, end: isOpen ? emptyBytes : rangeEnd };
}

const permits: Readonly<Record<Access, readonly PermissionType[]>> = {
  read: [PermissionType.READ, PermissionType.READWRITE],
  write: [PermissionType.WRITE, PermissionType.READWRITE],
};

/**
 * A permission of a kind that is not known permits nothing.
 * @source etcd v3.4.23 auth/range_perm_cache.go getMergedPerms
 */
export function mergePermissions(roles: readonly Role[]): RangePermissions {
  const permissions = { read: new IntervalTree(), write: new IntervalTree() };
  for (const { keyPermission } of roles) {
    for (const permission of keyPermission) {
      const { permType } = permission;
      const interval = permissionInterval(permission);
      if (permits.read.includes(permType)) permissions.read.insert(interval);
      if (permits.write.includes(permType)) permissions.write.insert(interval);
    }
  }
  return permissions;
}

function permissionInterval({ key, rangeEnd }: Permission): AffineInterval {
  return rangeEnd.length === 0 ? affinePoint(key) : intervalOf(key, rangeEnd);
}

/**
 * Whether a key, or all of a range, is permitted; several permissions may cover a range together.
 * @source etcd v3.4.23 auth/range_perm_cache.go checkKeyPoint, checkKeyInterval
 */
export function isPermitted(
  permissions: RangePermissions,
  access: Access,
  key: Uint8Array,
  rangeEnd: Uint8Array,
): boolean {
  const granted = permissions[access];
  if (rangeEnd.length === 0) return granted.intersects(affinePoint(key));
  return granted.contains(intervalOf(key, rangeEnd));
}
