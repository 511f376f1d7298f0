/** What alarms do on every member: while one is raised, writes are refused. */
import { create, toBinary } from '@bufbuild/protobuf';
import { AlarmRequest_AlarmAction as AlarmAction, AlarmResponseSchema, AlarmType } from '../pb/gen/rpc_pb.ts';
import type { AlarmMember, AlarmRequest } from '../pb/gen/rpc_pb.ts';
import type { AlarmStore } from './alarms.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';
import { costOf } from './quota.ts';
import type { WriteRequest } from './entry-data.ts';

/** What stands before the store: which checks an entry passes through. */
export interface Guards {
  /** A copy of the data is corrupt: what would build upon it is refused. */
  readonly corrupt: boolean;
  /** The space is used up: what needs more is refused. */
  readonly capped: boolean;
  /**
   * Permissions and the quota are checked. etcd 3.4 forgets them when an alarm is raised, until it is
   * disarmed or the member starts again.
   */
  readonly checked: boolean;
}

/** @source etcd v3.4.23 etcdserver/server.go restoreAlarms */
export function guardsAtStart(alarms: AlarmStore): Guards {
  return {
    corrupt: alarms.get(AlarmType.CORRUPT).length > 0,
    capped: alarms.get(AlarmType.NOSPACE).length > 0,
    checked: true,
  };
}

const corruptible: ReadonlySet<string> = new Set([
  'put',
  'deleteRange',
  'txn',
  'compaction',
  'leaseGrant',
  'leaseRevoke',
]);

/**
 * Null where nothing refuses the entry.
 * @source etcd v3.4.23 etcdserver/corrupt.go applierV3Corrupt, apply.go applierV3Capped
 */
export function guardRefusal({ corrupt, capped }: Guards, write: WriteRequest): RpcError | null {
  if (corrupt && corruptible.has(write.kind)) return rpcErrors.corrupt;
  if (capped && costOf(write) > 0) return rpcErrors.noSpace;
  return null;
}

/**
 * Raises, disarms or lists alarms.
 * @returns the answer, which has no header, and the guards from now on
 * @source etcd v3.4.23 etcdserver/apply.go Alarm
 */
export function applyAlarm(
  store: AlarmStore,
  guards: Guards,
  { action, memberID, alarm }: AlarmRequest,
): { readonly bytes: Uint8Array; readonly guards: Guards } {
  const before = store.get(alarm).length;
  const answer = (alarms: AlarmMember[], next: Guards) => ({
    bytes: toBinary(AlarmResponseSchema, create(AlarmResponseSchema, { alarms })),
    guards: next,
  });
  switch (action) {
    case AlarmAction.GET:
      return answer(store.get(alarm), guards);
    case AlarmAction.ACTIVATE: {
      const raised = store.activate(memberID, alarm);
      const isFirst = before === 0 && store.get(alarm).length === 1;
      return answer([raised], isFirst ? guardsOf(alarm, guards) : guards);
    }
    case AlarmAction.DEACTIVATE: {
      const disarmed = store.deactivate(memberID, alarm);
      if (disarmed === null) return answer([], guards);
      const isLast = before > 0 && store.get(alarm).length === 0 && alarm !== AlarmType.NONE;
      return answer([disarmed], isLast ? { corrupt: false, capped: false, checked: true } : guards);
    }
    default:
      return answer([], guards);
  }
}

function guardsOf(alarm: AlarmType, guards: Guards): Guards {
  if (alarm === AlarmType.CORRUPT) return { corrupt: true, capped: false, checked: false };
  if (alarm === AlarmType.NOSPACE) return { corrupt: false, capped: true, checked: false };
  return guards;
}
