/** etcdctl's lease commands as the client's actions, with etcdctl's checks and words. */
import { int64FromHex } from '../../base/u64.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { CommandName } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import type { LineError } from './parsed-line.ts';

type Built = ClientAction | LineError;

/** What Go's parser says against a number. */
function parsing(text: string, isNumber: boolean): string {
  const reason = isNumber ? 'value out of range' : 'invalid syntax';
  return `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${reason}`;
}

/** What is wrong with a lease's id, in Go's words; null where nothing is. */
export function leaseIdFault(text: string): string | null {
  if (int64FromHex(text) !== null) return null;
  return parsing(text, /^[+-]?[0-9a-fA-F]+$/.test(text));
}

/** @source etcd v3.4.23 etcdctl lease_command.go leaseFromArgs */
function withId({ args }: FlagValues, needs: string, build: (id: string) => ClientAction): Built {
  if (args.length !== 1) return lineError(needs, 'lease list shows the leases that there are.');
  const fault = leaseIdFault(args[0]);
  return fault === null
    ? build(args[0])
    : lineError(`bad lease ID arg (${fault}), expecting ID in Hex`, 'lease list shows the ids.');
}

const longest = BigInt(Number.MAX_SAFE_INTEGER);
const [least64, most64] = [-(1n << 63n), (1n << 63n) - 1n];

/** A TTL past 2^53 is sent as 2^53 - 1: either is too large. */
function grant({ args }: FlagValues): Built {
  if (args.length !== 1)
    return lineError('lease grant command needs TTL argument', 'Seconds: lease grant 60');
  const [text] = args;
  const isNumber = /^[+-]?\d+$/.test(text);
  const ttl = isNumber ? BigInt(text) : 0n;
  if (!isNumber || ttl < least64 || ttl > most64) {
    return lineError(`bad TTL (${parsing(text, isNumber)})`, 'Seconds: lease grant 60');
  }
  return { type: 'leaseGrant', ttl: Number(ttl > longest ? longest : ttl < -longest ? -longest : ttl) };
}

/**
 * Null for a command that is not about leases.
 * @source etcd v3.4.23 etcdctl lease_command.go
 */
export function leaseAction(name: CommandName, flags: FlagValues): Built | null {
  const isOn = (flag: string): boolean => flags.given.get(flag) === 'true';
  switch (name) {
    case 'lease grant':
      return grant(flags);
    case 'lease revoke':
      return withId(flags, 'lease revoke command needs 1 argument', (id) => ({ type: 'leaseRevoke', id }));
    case 'lease keep-alive':
      return withId(flags, 'lease keep-alive command needs lease ID as argument', (id) => ({
        type: 'leaseKeepAlive',
        id,
        ...(isOn('once') && { once: true }),
      }));
    case 'lease timetolive':
      return withId(flags, 'lease timetolive command needs lease ID as argument', (id) => ({
        type: 'leaseTimeToLive',
        id,
        ...(isOn('keys') && { keys: true }),
      }));
    case 'lease list':
      return { type: 'leaseList' };
    default:
      return null;
  }
}
