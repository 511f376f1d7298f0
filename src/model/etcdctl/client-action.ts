/** From a parsed etcdctl command to the client's action, with etcdctl's checks and words. */
import { int64FromHex } from '../../base/u64.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { Command, OutputFormat } from './grammar.ts';
import { etcdAction } from './etcd-action.ts';
import { leaseAction, leaseIdFault } from './lease-action.ts';
import { memberAction } from './member-action.ts';
import { lineError } from './parsed-line.ts';
import { watchAction } from './watch-action.ts';
import type { TxnOp } from '../../sim/etcd-actions.ts';
import type { Asking, LineError, ParsedLine } from './parsed-line.ts';
import { quoteWord } from './words.ts';

type Built = ClientAction | LineError;
type PutOp = Extract<TxnOp, { type: 'put' }>;
type GetOp = Extract<TxnOp, { type: 'get' }>;
type DelOp = Extract<TxnOp, { type: 'del' }>;

function isOn(flags: FlagValues, name: string): boolean {
  return flags.given.get(name) === 'true';
}

/** Who is asked, and by whom, as the global flags say. */
export function askingOf(flags: FlagValues): Asking | LineError {
  const endpoints = readEndpoints(flags);
  if (endpoints !== null && 'kind' in endpoints) return endpoints;
  const user = readUser(flags);
  if (user !== null && typeof user !== 'string') return user;
  return { ...(endpoints !== null && { endpoints }), ...(user !== null && { user }) };
}

/** `--endpoints` as a list; null where it was not given. */
function readEndpoints(flags: FlagValues): readonly string[] | null | LineError {
  const given = flags.given.get('endpoints');
  if (given === undefined) return null;
  const endpoints = given.split(',').map((endpoint) => endpoint.trim());
  if (!endpoints.includes('')) return endpoints;
  return lineError(
    '--endpoints has an empty endpoint',
    'Name members with commas between: --endpoints m1,m2',
  );
}

/** @source etcd v3.4.23 etcdctl global.go authCfgFromCmd; etcdctl would ask for a password that is missing */
function readUser({ given }: FlagValues): string | null | LineError {
  const user = given.get('user') ?? '';
  const password = given.get('password') ?? '';
  if (user === '') return null;
  if (password !== '') return `${user}:${password}`;
  return user.includes(':') ? user : lineError('empty password', 'Write it here: --user name:password');
}

const putNeeds = 'put command needs 1 argument and input from stdin or 2 arguments';

/** @source etcd v3.4.23 etcdctl put_command.go getPutOp. An argument too many: etcdctl drops it. */
function put(flags: FlagValues): PutOp | LineError {
  const { args, given } = flags;
  const ignoreValue = isOn(flags, 'ignore-value');
  if (ignoreValue && args.length > 1) {
    return lineError("put command needs only 1 argument when 'ignore-value' is set", '');
  }
  if (args.length < (ignoreValue ? 1 : 2))
    return lineError(putNeeds, 'Here: put <key> <value>, for example: put greeting hello');
  if (args.length > 2) {
    const value = quoteWord(args.slice(1).join(' '));
    return lineError(
      'put takes one key and one value',
      `Quote a value with spaces: put ${quoteWord(args[0])} ${value}`,
    );
  }
  const lease = given.get('lease') ?? '0';
  const fault = leaseIdFault(lease);
  if (fault !== null) {
    return lineError(`bad lease ID (${fault}), expecting ID in Hex`, 'lease list shows the ids.');
  }
  const isNone = int64FromHex(lease) === 0n;
  return {
    type: 'put',
    key: args[0],
    value: args[1] ?? '',
    ...(!isNone && { lease }),
    ...(isOn(flags, 'prev-kv') && { prevKv: true }),
    ...(ignoreValue && { ignoreValue }),
    ...(isOn(flags, 'ignore-lease') && { ignoreLease: true }),
  };
}

interface KeyRange {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

const prefixOrFromKey = '`--prefix` and `--from-key` cannot be set at the same time, choose one';
const rangeOrFlag = 'too many arguments, only accept one argument when `--prefix` or `--from-key` is set';

/**
 * The keys that get and del speak of; the caller has checked the number of arguments. The empty prefix means
 * every key, which is asked for as "from the first possible key on".
 * @source etcd v3.4.23 etcdctl get_command.go getGetOp, del_command.go getDelOp
 */
function keyRange({ args, given }: FlagValues): KeyRange | LineError {
  const prefix = given.get('prefix') === 'true';
  const fromKey = given.get('from-key') === 'true';
  const key = args[0];
  if (args.length > 1) {
    if (prefix || fromKey) return lineError(rangeOrFlag, '');
    return { key, rangeEnd: args[1] };
  }
  if (key === '' && (prefix || fromKey)) return { key: '\0', fromKey: true };
  return { key, ...(prefix && { prefix }), ...(fromKey && { fromKey }) };
}

/** A flag's number when it is above zero; etcd takes the others for "not set". */
function positive(flags: FlagValues, name: string): number | null {
  const value = Number(flags.given.get(name) ?? 0);
  return value > 0 ? value : null;
}

const sortTargets = ['key', 'version', 'create', 'modify', 'value'] as const;
type Sort = Pick<Extract<ClientAction, { type: 'get' }>, 'sortBy' | 'order'>;

function sortOf({ given }: FlagValues): Sort | LineError {
  const order = given.get('order') ?? '';
  const target = given.get('sort-by') ?? '';
  const way = order.toLowerCase();
  if (way !== '' && way !== 'ascend' && way !== 'descend') {
    return lineError(`bad sort order ${order}`, 'It is ASCEND or DESCEND.');
  }
  const sortBy = sortTargets.find((known) => known === target.toLowerCase());
  if (target !== '' && sortBy === undefined) {
    return lineError(`bad sort target ${target}`, 'It is CREATE, KEY, MODIFY, VALUE or VERSION.');
  }
  return { ...(way !== '' && { order: way }), ...(sortBy !== undefined && { sortBy }) };
}

const getNeeds = 'get command needs one argument as key and an optional argument as range_end';

/** @source etcd v3.4.23 etcdctl get_command.go; `--count-only` as in etcdctl 3.5, which has it */
function get(flags: FlagValues, format: OutputFormat | 'txn'): GetOp | LineError {
  if (flags.args.length === 0) return lineError(getNeeds, 'For example: get greeting');
  if (isOn(flags, 'prefix') && isOn(flags, 'from-key')) return lineError(prefixOrFromKey, '');
  const consistency = flags.given.get('consistency') ?? 'l';
  if (consistency !== 'l' && consistency !== 's') {
    return lineError(
      `unknown consistency flag ${JSON.stringify(consistency)}`,
      'Use l (linearizable) or s (serializable).',
    );
  }
  if (flags.args.length > 2) return lineError(getNeeds, 'Quote a key with spaces.');
  const range = keyRange(flags);
  if ('kind' in range) return range;
  const countOnly = isOn(flags, 'count-only');
  if (countOnly && format === 'simple') {
    return lineError('`--count-only` is only for `--write-out=fields`', 'Add -w fields (or -w json).');
  }
  if (isOn(flags, 'print-value-only') && format !== 'simple' && format !== 'txn') {
    return lineError('print-value-only is only for `--write-out=simple`', '');
  }
  const sort = sortOf(flags);
  if ('kind' in sort) return sort;
  const limit = positive(flags, 'limit');
  const revision = positive(flags, 'rev');
  return {
    type: 'get',
    ...range,
    ...sort,
    ...(limit !== null && { limit }),
    ...(revision !== null && { revision }),
    ...(consistency === 's' && { serializable: true }),
    ...(isOn(flags, 'keys-only') && { keysOnly: true }),
    ...(countOnly && { countOnly }),
  };
}

const delNeeds = 'del command needs one argument as key and an optional argument as range_end';

/** @source etcd v3.4.23 etcdctl del_command.go getDelOp */
function del(flags: FlagValues): DelOp | LineError {
  if (flags.args.length === 0 || flags.args.length > 2) {
    return lineError(
      delNeeds,
      flags.args.length === 0 ? 'For example: del greeting' : 'Quote a key with spaces.',
    );
  }
  if (isOn(flags, 'prefix') && isOn(flags, 'from-key')) return lineError(prefixOrFromKey, '');
  const range = keyRange(flags);
  if ('kind' in range) return range;
  return { type: 'del', ...range, ...(isOn(flags, 'prev-kv') && { prevKv: true }) };
}

/** A request for keys: alone, printed in a format, or in a txn. */
export function keyAction(
  name: TxnOp['type'],
  flags: FlagValues,
  format: OutputFormat | 'txn',
): TxnOp | LineError {
  if (name === 'put') return put(flags);
  return name === 'get' ? get(flags, format) : del(flags);
}

function build(command: Command, flags: FlagValues, format: OutputFormat): Built {
  switch (command.name) {
    case 'put':
    case 'get':
    case 'del':
      return keyAction(command.name, flags, format);
    case 'watch':
      return watchAction(flags);
    case 'member list':
      return { type: 'memberList' };
    case 'endpoint status':
      return { type: 'endpointStatus' };
    default:
      return (
        leaseAction(command.name, flags) ??
        memberAction(command.name, flags) ??
        etcdAction(command.name, flags) ??
        lineError(`${command.name} is not a client's command`, '')
      );
  }
}

const tableCommands: readonly string[] = [
  'member list',
  'endpoint status',
  'endpoint health',
  'endpoint hashkv',
  'snapshot status',
];

/** What prints no answer in any format has no trouble with tables. */
const formatless: readonly string[] = [
  'snapshot save',
  'check perf',
  'compaction',
  'auth enable',
  'auth disable',
];

/** A command that would run and then fail to print its answer as a table is not run. */
export function tableRefusal({ name }: Command, format: OutputFormat): LineError | null {
  if (format !== 'table' || tableCommands.includes(name) || formatless.includes(name)) return null;
  return lineError('table not supported as output format', `Tables are for ${tableCommands.join(', ')}.`);
}

/**
 * The action of one of etcdctl's commands. Where etcdctl would run the command and then fail to print the
 * answer (`put -w table`), the command is refused instead: nothing is written.
 */
export function clientAction(command: Command, flags: FlagValues, format: OutputFormat): ParsedLine {
  const action = build(command, flags, format);
  if ('kind' in action) return action;
  const hasFields = command.name !== 'user list' && (command.name !== 'user get' || isOn(flags, 'detail'));
  if (format === 'fields' && !hasFields) {
    return lineError('fields not supported as output format', '');
  }
  const refused = tableRefusal(command, format);
  if (refused !== null) return refused;
  if (tableCommands.includes(command.name) && flags.args.length > 0) {
    return lineError(`${command.name} takes no arguments`, 'To ask certain members: --endpoints m1,m2');
  }
  const asking = askingOf(flags);
  if ('kind' in asking) return asking;
  return {
    kind: 'command',
    command: { ...action, ...asking },
    format,
    valueOnly: isOn(flags, 'print-value-only'),
    ...(isOn(flags, 'hex') && { hex: true }),
    ...(isOn(flags, 'cluster') && { cluster: true }),
    ...(isOn(flags, 'detail') && { detail: true }),
    ...(action.type === 'snapshotSave' && { file: flags.args[0] }),
  };
}
