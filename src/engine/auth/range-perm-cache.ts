/** What a user may read and write: the permissions of all its roles as one set of ranges. */
import { compareBytes } from '../../base/bytes.ts';
import { compareEnds, pointInterval } from '../../base/intervals.ts';
import type { Interval } from '../../base/intervals.ts';
import { Permission_Type as PermissionType } from '../pb/gen/auth_pb.ts';
import type { Permission, Role } from '../pb/gen/auth_pb.ts';

export type Access = 'read' | 'write';

/** Ranges by their begin. */
export interface RangePermissions {
  readonly read: readonly Interval[];
  readonly write: readonly Interval[];
}

/** A range's end as intervals have it: "\0" is no bound. */
function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): Interval {
  return { begin: key, end: rangeEnd.length === 1 && rangeEnd[0] === 0 ? null : rangeEnd };
}

const permits: Readonly<Record<Access, readonly PermissionType[]>> = {
  read: [PermissionType.READ, PermissionType.READWRITE],
  write: [PermissionType.WRITE, PermissionType.READWRITE],
};

/** @source etcd v3.4.23 auth/range_perm_cache.go getMergedPerms */
export function mergePermissions(roles: readonly Role[]): RangePermissions {
  const all = roles.flatMap(({ keyPermission }) => keyPermission);
  const of = (access: Access): Interval[] =>
    all
      .filter(({ permType }) => permits[access].includes(permType))
      .map(permissionInterval)
      .sort((a, b) => compareBytes(a.begin, b.begin) || compareEnds(a.end, b.end));
  return { read: of('read'), write: of('write') };
}

function permissionInterval({ key, rangeEnd }: Permission): Interval {
  return rangeEnd.length === 0 ? pointInterval(key) : intervalOf(key, rangeEnd);
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
  if (rangeEnd.length > 0) return containsAll(granted, intervalOf(key, rangeEnd));
  const point = pointInterval(key);
  return granted.some((interval) => overlaps(interval, point));
}

/** An interval whose end is not behind its begin overlaps what reaches over its begin. */
function overlaps(a: Interval, b: Interval): boolean {
  const isLeft = compareBytes(a.begin, b.begin) < 0 && compareEnds(a.end, b.begin) <= 0;
  const isRight = compareEnds(b.end, a.begin) <= 0;
  return !isLeft && !isRight;
}

/** @source etcd v3.4.23 pkg/adt/interval_tree.go Contains */
function containsAll(granted: readonly Interval[], wanted: Interval): boolean {
  const [first, ...rest] = granted.filter((interval) => overlaps(interval, wanted));
  if (first === undefined || compareBytes(first.begin, wanted.begin) > 0) return false;
  let end = first.end;
  for (const interval of rest) {
    if (compareEnds(end, interval.begin) < 0) break;
    if (compareEnds(interval.end, end) > 0) end = interval.end;
  }
  return compareEnds(end, wanted.end) >= 0;
}
