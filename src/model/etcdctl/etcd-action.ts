/** From etcdctl's commands for maintenance, users and roles to the client's action, with etcdctl's words. */
import type { PerfLoad } from '../../sim/etcd-actions.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { CommandName } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import type { LineError } from './parsed-line.ts';

type Built = ClientAction | LineError;

/** What each command says to a wrong number of arguments. */
const needs: Partial<Record<CommandName, readonly [count: number, message: string]>> = {
  'alarm list': [0, 'alarm list command accepts no arguments'],
  'alarm disarm': [0, 'alarm disarm command accepts no arguments'],
  'auth enable': [0, 'auth enable command does not accept any arguments'],
  'auth disable': [0, 'auth disable command does not accept any arguments'],
  compaction: [1, 'compaction command needs 1 argument'],
  'snapshot save': [1, 'snapshot save expects one argument'],
  'user add': [1, 'user add command requires user name as its argument'],
  'user delete': [1, 'user delete command requires user name as its argument'],
  'user get': [1, 'user get command requires user name as its argument'],
  'user list': [0, 'user list command requires no arguments'],
  'user passwd': [1, 'user passwd command requires user name as its argument'],
  'user grant-role': [2, 'user grant command requires user name and role name as its argument'],
  'user revoke-role': [2, 'user revoke-role requires user name and role name as its argument'],
  'role add': [1, 'role add command requires role name as its argument'],
  'role delete': [1, 'role delete command requires role name as its argument'],
  'role get': [1, 'role get command requires role name as its argument'],
  'role list': [0, 'role list command requires no arguments'],
};

/** Null for other commands. @source etcd v3.4.23 etcdctl auth, user, role, alarm, compaction commands */
export function etcdAction(name: CommandName, flags: FlagValues): Built | null {
  const { args, given } = flags;
  const need = needs[name];
  if (need !== undefined && args.length !== need[0]) return lineError(need[1], '');
  switch (name) {
    case 'compaction':
      return compaction(flags);
    case 'defrag':
      return { type: 'defrag' };
    case 'snapshot save':
      return { type: 'snapshotSave' };
    case 'check perf':
      return checkPerf(flags);
    case 'alarm list':
      return { type: 'alarmList' };
    case 'alarm disarm':
      return { type: 'alarmDisarm' };
    case 'endpoint health':
      return { type: 'endpointHealth' };
    case 'endpoint hashkv':
      return { type: 'endpointHashKv', revision: Math.max(0, Number(given.get('rev') ?? 0)) };
    case 'auth enable':
      return { type: 'authEnable' };
    case 'auth disable':
      return { type: 'authDisable' };
    default:
      return userAction(name, flags) ?? roleAction(name, flags);
  }
}

const loads: Readonly<Record<string, PerfLoad | 'l' | 'xl'>> = {
  ...{ s: 's', small: 's', m: 'm', medium: 'm' },
  ...{ l: 'l', large: 'l', xl: 'xl', xLarge: 'xl' },
};

/** @source etcd v3.4.23 etcdctl check.go newCheckPerfCommand */
function checkPerf({ args, given }: FlagValues): Built {
  const word = given.get('load') ?? 's';
  const load = Object.hasOwn(loads, word) ? loads[word] : undefined;
  if (load === undefined) return lineError(`unknown load option ${word}`, 'It is s or m.');
  if (load === 'l' || load === 'xl') {
    const wanted = load === 'l' ? '8,000' : '15,000';
    return lineError(`the lab has no load option ${word}`, `It is ${wanted} writes a second. Here: s or m.`);
  }
  if (args.length > 0) return lineError('check perf takes no arguments', '');
  const prefix = given.get('prefix') ?? '/etcdctl-check-perf/';
  if (prefix === '') return lineError('prefix is not provided', 'It would delete every key at the end.');
  const [autoCompact, autoDefrag] = ['auto-compact', 'auto-defrag'].map((name) => given.get(name) === 'true');
  return {
    type: 'checkPerf',
    load,
    prefix,
    ...(autoCompact && { autoCompact }),
    ...(autoDefrag && { autoDefrag }),
  };
}

function compaction({ args, given }: FlagValues): Built {
  const isNumber = /^[+-]?\d+$/.test(args[0]);
  if (!isNumber || !Number.isSafeInteger(Number(args[0]))) {
    const reason = isNumber ? 'value out of range' : 'invalid syntax';
    return lineError(`strconv.ParseInt: parsing ${JSON.stringify(args[0])}: ${reason}`, '');
  }
  const physical = given.get('physical') === 'true';
  return { type: 'compaction', revision: Number(args[0]), ...(physical && { physical }) };
}

function userAction(name: CommandName, flags: FlagValues): Built | null {
  const [user, role] = flags.args;
  switch (name) {
    case 'user add':
      return userAdd(flags);
    case 'user delete':
      return { type: 'userDelete', name: user };
    case 'user get':
      return { type: 'userGet', name: user };
    case 'user list':
      return { type: 'userList' };
    case 'user passwd': {
      const [who, ...password] = user.split(':');
      if (password.length === 0) return lineError('empty password', `Here: user passwd ${who}:<password>`);
      return { type: 'userPasswd', name: who, password: password.join(':') };
    }
    case 'user grant-role':
      return { type: 'userGrantRole', name: user, role };
    case 'user revoke-role':
      return { type: 'userRevokeRole', name: user, role };
    default:
      return null;
  }
}

function userAdd({ args: [user], given }: FlagValues): Built {
  if (given.get('no-password') === 'true') {
    return { type: 'userAdd', name: user, password: '', noPassword: true };
  }
  const apart = given.get('new-user-password') ?? '';
  if (apart !== '') return { type: 'userAdd', name: user, password: apart };
  const [name, ...password] = user.split(':');
  if (password.length === 0) return lineError('empty password', `Here: user add ${name}:<password>`);
  if (name === '') return lineError('empty user name is not allowed', '');
  return { type: 'userAdd', name, password: password.join(':') };
}

function roleAction(name: CommandName, flags: FlagValues): Built | null {
  const [role] = flags.args;
  switch (name) {
    case 'role add':
      return { type: 'roleAdd', role };
    case 'role delete':
      return { type: 'roleDelete', role };
    case 'role get':
      return { type: 'roleGet', role };
    case 'role list':
      return { type: 'roleList' };
    case 'role grant-permission':
      return grant(flags);
    case 'role revoke-permission': {
      if (flags.args.length < 2) {
        const text = 'role revoke-permission command requires role name and key [endkey] as its argument';
        return lineError(text, '');
      }
      const range = permissionRange(flags.args.slice(1), flags);
      return 'kind' in range ? range : { type: 'roleRevokePermission', role, ...range };
    }
    default:
      return null;
  }
}

function grant(flags: FlagValues): Built {
  const [role, permission, ...keys] = flags.args;
  if (keys.length === 0) {
    const text = 'role grant command requires role name, permission type, and key [endkey] as its argument';
    return lineError(text, '');
  }
  const kind = permission.toLowerCase();
  if (kind !== 'read' && kind !== 'write' && kind !== 'readwrite') {
    return lineError(`invalid permission type: ${permission}`, 'It is read, write or readwrite.');
  }
  const range = permissionRange(keys, flags);
  return 'kind' in range ? range : { type: 'roleGrantPermission', role, permission: kind, ...range };
}

interface Range {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly prefix?: true;
  readonly fromKey?: true;
}

/** @source etcd v3.4.23 etcdctl role_command.go permRange, rangeEndFromPermFlags */
function permissionRange([key, end]: readonly string[], { given }: FlagValues): Range | LineError {
  const prefix = given.get('prefix') === 'true';
  const fromKey = given.get('from-key') === 'true';
  if (prefix && fromKey) return lineError('--from-key and --prefix flags are mutually exclusive', '');
  if (key === '') return prefix || fromKey ? { key: '\0', fromKey: true } : { key: '\0' };
  if (end !== undefined && (prefix || fromKey)) {
    return lineError(`unexpected endkey argument with --${prefix ? 'prefix' : 'from-key'} flag`, '');
  }
  if (prefix) return { key, prefix };
  if (fromKey) return { key, fromKey };
  return end === undefined ? { key } : { key, rangeEnd: end };
}
