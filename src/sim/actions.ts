/** Actions: which there are, whether they make sense, and their bytes for the hash. */
import { crc32c } from '../base/checksum.ts';
import { hostCount } from '../base/hosts.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { isWhole, worldFaultProblem } from './fault-bounds.ts';
import type { Action, ClientAction } from './types.ts';

export function isClientAction(action: Action): action is ClientAction {
  switch (action.type) {
    case 'put':
    case 'get':
    case 'del':
    case 'leaseGrant':
    case 'leaseRevoke':
    case 'leaseKeepAlive':
    case 'leaseTimeToLive':
    case 'leaseList':
    case 'memberList':
    case 'memberAdd':
    case 'memberPromote':
    case 'memberRemove':
    case 'memberUpdate':
    case 'moveLeader':
    case 'endpointStatus':
    case 'txn':
    case 'compaction':
    case 'alarmList':
    case 'alarmDisarm':
    case 'authEnable':
    case 'authDisable':
    case 'userAdd':
    case 'userDelete':
    case 'userGet':
    case 'userList':
    case 'userPasswd':
    case 'userGrantRole':
    case 'userRevokeRole':
    case 'roleAdd':
    case 'roleDelete':
    case 'roleGet':
    case 'roleList':
    case 'roleGrantPermission':
    case 'roleRevokePermission':
    case 'endpointHealth':
    case 'endpointHashKv':
    case 'defrag':
    case 'watch':
    case 'watchProgress':
    case 'stop':
    case 'snapshotSave':
    case 'checkPerf':
      return true;
    default:
      return false;
  }
}

const maxDelayUs = 10_000_000;

/** The members that an action names. */
export function namedMembers(action: Action): number[] {
  if (action.type === 'cut' || action.type === 'heal' || action.type === 'link' || action.type === 'flap') {
    return [action.from, action.to];
  }
  return 'member' in action ? [action.member] : [];
}

/**
 * What is wrong with an action's members, as a sentence; null where nothing is.
 * @param members those that there are, ascending; `start` may also name a host that has none yet
 */
export function memberProblem(action: Action, members: readonly number[]): string | null {
  const named = namedMembers(action);
  for (const member of named) {
    if (members.includes(member) || (action.type === 'start' && isWhole(member, 1, hostCount))) continue;
    return `there is no member ${member}: members are ${memberList(members)}`;
  }
  return named.length === 2 && named[0] === named[1] ? 'a link joins two different members' : null;
}

/** `1 to 3`, or one by one where some are left out. */
function memberList(members: readonly number[]): string {
  const last = members[members.length - 1] ?? 0;
  return last === members.length ? `1 to ${last}` : members.join(', ');
}

/** What is wrong with an action whatever the cluster's state, as a sentence; null where nothing is. */
export function actionProblem(action: Action, members: readonly number[]): string | null {
  const problem = memberProblem(action, members);
  if (problem !== null) return problem;
  switch (action.type) {
    case 'slowDisk':
      return isWhole(action.factor, 1, 1000) ? null : 'a disk is slowed 1 to 1000 times; 1 ends it';
    case 'link':
      if (!isWhole(action.extraDelayUs, 0, maxDelayUs)) return 'a link is delayed by 0 to 10 seconds';
      if (!isWhole(action.lossPerMille, 0, 1000)) return 'a link loses 0 to 1000 of a thousand messages';
      return worldFaultProblem(action);
    case 'message':
      if (action.do !== 'delay') return action.delayUs === undefined ? null : 'delayUs is for a delay alone';
      return isWhole(action.delayUs ?? 0, 1, maxDelayUs)
        ? null
        : 'a message is delayed by 1 microsecond to 10 seconds';
    case 'load':
      if (action.kind === 'none')
        return action.perSecond === 0 ? null : 'the end of a load has no rate: perSecond is 0';
      return isWhole(action.perSecond, 1, 1000) ? null : 'a load sends 1 to 1000 requests a second';
    case 'flap':
    case 'crashPoint':
    case 'slowCpu':
    case 'clockRate':
    case 'clockStep':
    case 'clockSwing':
    case 'copyMember':
    case 'memoryLimit':
    case 'failAllocation':
    case 'restartDelay':
    case 'disk':
    case 'bitRot':
      return worldFaultProblem(action);
    default:
      return null;
  }
}

/** CRC-32C over the action's fields in the order of their names, so that how it was built does not matter. */
export function actionChecksum(action: Action): number {
  const fields = action as unknown as Readonly<Record<string, unknown>>;
  let text = '';
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] === undefined) continue;
    text += `${text === '' ? '' : '\n'}${name}=${JSON.stringify(fields[name])}`;
  }
  return crc32c(encodeUtf8(text));
}
