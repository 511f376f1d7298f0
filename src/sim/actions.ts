/** Actions: which there are, whether they make sense, and their bytes for the hash. */
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
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
    case 'endpointStatus':
      return true;
    default:
      return false;
  }
}

/** The members that an action names. */
export function namedMembers(action: Action): number[] {
  if (action.type === 'cut' || action.type === 'heal') return [action.from, action.to];
  return 'member' in action ? [action.member] : [];
}

/** What is wrong with an action's members, as a sentence; null where nothing is. */
export function memberProblem(action: Action, memberCount: number): string | null {
  const named = namedMembers(action);
  for (const member of named) {
    if (Number.isInteger(member) && member >= 1 && member <= memberCount) continue;
    return `there is no member ${member}: members are 1 to ${memberCount}`;
  }
  return named.length === 2 && named[0] === named[1] ? 'a link joins two different members' : null;
}

/** CRC-32C over the action's fields in the order of their names, so that how it was built does not matter. */
export function actionChecksum(action: Action): number {
  const fields = action as unknown as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields)
    .filter((name) => fields[name] !== undefined)
    .sort();
  return crc32c(encodeUtf8(names.map((name) => `${name}=${JSON.stringify(fields[name])}`).join('\n')));
}
