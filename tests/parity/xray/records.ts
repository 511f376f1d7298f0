/** The small buckets in the words of a manifest: compaction marks, members, alarms, users and roles. */
import { fromBinary } from '@bufbuild/protobuf';
import { readU64be } from '../../../src/base/u64.ts';
import { idToHex } from '../../../src/base/u64.ts';
import type { Db } from '../../../src/engine/bolt/db.ts';
import { decodeRevision } from '../../../src/engine/mvcc/revision.ts';
import {
  Permission_Type as PermissionType,
  RoleSchema,
  UserSchema,
} from '../../../src/engine/pb/gen/auth_pb.ts';
import type { Permission } from '../../../src/engine/pb/gen/auth_pb.ts';
import { AlarmMemberSchema } from '../../../src/engine/pb/gen/rpc_pb.ts';
import { alarmNames } from '../../../src/engine/server/alarms.ts';
import { forEachItem } from './content.ts';
import { shown } from './manifest.ts';
import type { Facts } from './manifest.ts';
import { toHex } from '../../../src/base/bytes.ts';

function listOf(
  db: Db,
  bucket: string,
  factsOf: (key: Uint8Array, value: Uint8Array) => Facts,
): Facts[] | null {
  const list: Facts[] = [];
  forEachItem(db, bucket, (key, value) => void list.push(factsOf(key, value)));
  return list.length === 0 ? null : list;
}

function metaFacts(db: Db): Facts {
  const facts: Record<string, unknown> = {};
  forEachItem(db, 'meta', (key, value) => {
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    facts[shown(key)] = shown(key) === 'consistent_index' ? readU64be(view, 0) : decodeRevision(value);
  });
  return facts;
}

function authFacts(db: Db): Facts | null {
  const facts: Record<string, unknown> = {};
  forEachItem(db, 'auth', (key, value) => void (facts[shown(key)] = `hex:${toHex(value)}`));
  return Object.keys(facts).length === 0 ? null : facts;
}

const pair = (key: Uint8Array, value: Uint8Array): Facts => ({ key: shown(key), value: shown(value) });
const orNull = <Item>(list: readonly Item[]): readonly Item[] | null => (list.length === 0 ? null : list);

function userFacts(_key: Uint8Array, value: Uint8Array): Facts {
  const { name, password, roles, options } = fromBinary(UserSchema, value);
  return {
    name: shown(name),
    no_password: options?.noPassword ?? false,
    password_hash_len: password.length,
    roles: orNull(roles),
  };
}

const permissionFacts = ({ key, rangeEnd, permType }: Permission): Facts => ({
  key: shown(key),
  range_end: shown(rangeEnd),
  type: PermissionType[permType],
});

function roleFacts(_key: Uint8Array, value: Uint8Array): Facts {
  const { name, keyPermission } = fromBinary(RoleSchema, value);
  return { name: shown(name), permissions: orNull(keyPermission.map(permissionFacts)) };
}

function alarmFacts(key: Uint8Array, value: Uint8Array): Facts {
  const { alarm, memberID } = fromBinary(AlarmMemberSchema, key);
  return { alarm: alarmNames[alarm], member: idToHex(memberID), value_len: value.length };
}

/** Under the manifest's own names. */
export function recordFacts(db: Db): Facts {
  return {
    bucket_meta: metaFacts(db),
    bucket_auth: authFacts(db),
    bucket_authUsers: listOf(db, 'authUsers', userFacts),
    bucket_authRoles: listOf(db, 'authRoles', roleFacts),
    bucket_alarm: listOf(db, 'alarm', alarmFacts),
    bucket_cluster: listOf(db, 'cluster', pair),
    bucket_members: listOf(db, 'members', pair),
    bucket_members_removed: listOf(db, 'members_removed', pair),
  };
}
