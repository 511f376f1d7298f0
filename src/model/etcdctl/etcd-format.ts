/** Answers to txns, maintenance, users and roles in each output format: etcdctl 3.4's lines. */
import { compareBytes } from '../../base/bytes.ts';
import { printable } from '../../base/utf8.ts';
import type { EtcdAnswer, KeyAnswer, PermissionView } from '../../sim/etcd-actions.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { Answer, HeaderView, OutputLine } from './answer.ts';
import { fieldLines, headerLines } from './fields.ts';
import { hexText } from './hex-text.ts';
import { jsonBytes, jsonHeader, jsonLine, jsonList, jsonObject, jsonText } from './json.ts';
import { perfLines } from './report-format.ts';
import { tableLines } from './table.ts';
import type { OutputFormat } from './grammar.ts';

export type EtcdAnswerShown = Extract<Answer, { readonly type: EtcdAnswer['type'] }>;
type Health = Extract<EtcdAnswerShown, { type: 'endpointHealth' }>['endpoints'][number];

const keyTypes: readonly string[] = ['put', 'get', 'del'];

export function isEtcdAnswer(answer: Answer): answer is EtcdAnswerShown {
  if (keyTypes.includes(answer.type) || answer.type === 'endpointStatus') return false;
  return !/^(lease|member|moveLeader)/.test(answer.type);
}

/** Go's words for a time: microseconds, milliseconds or seconds. */
function tookText(us: number): string {
  if (us < 1000) return `${us}µs`;
  return us < 1_000_000 ? `${us / 1000}ms` : `${us / 1_000_000}s`;
}

const isHealthy = ({ error }: Health): boolean => error === null;

function healthLines(endpoints: readonly Health[], format: OutputFormat): string[] {
  const rows = endpoints.map((one) => {
    const took = tookText(one.tookUs);
    return { endpoint: one.endpoint, health: isHealthy(one), took, error: one.error ?? '' };
  });
  switch (format) {
    case 'table':
      return tableLines(
        ['endpoint', 'health', 'took', 'error'],
        rows.map(({ endpoint, health, took, error }) => [endpoint, String(health), took, error]),
      );
    case 'json':
      return [
        `[${rows
          .map(({ endpoint, health, took, error }) =>
            jsonObject({
              endpoint: jsonText(endpoint),
              health: String(health),
              took: jsonText(took),
              error: jsonText(error),
            }),
          )
          .join(',')}]`,
      ];
    case 'fields':
      return rows.flatMap(({ endpoint, health, took, error }) => [
        `"Endpoint" : ${JSON.stringify(endpoint)}`,
        `"Health" : ${health}`,
        `"Took" : ${took}`,
        `"Error" : ${error}`,
        '',
      ]);
    default:
      return rows.map(({ endpoint, health, took, error }) =>
        health
          ? `${endpoint} is healthy: successfully committed proposal: took = ${took}`
          : `${endpoint} is unhealthy: failed to commit proposal: ${error}`,
      );
  }
}

type Hashed = Extract<EtcdAnswerShown, { type: 'endpointHashKv' }>['endpoints'][number];

function hashLines(endpoints: readonly Hashed[], format: OutputFormat): string[] {
  const known = endpoints.filter(({ error }) => error === null);
  const rows = known.map(({ endpoint, hash }) => [endpoint, String(hash)]);
  if (format === 'table') return tableLines(['endpoint', 'hash'], rows);
  if (format === 'fields') {
    return known.flatMap(({ endpoint, hash, header }) => [
      ...headerLines(header ?? undefined),
      `"Endpoint" : ${JSON.stringify(endpoint)}`,
      `"Hash" : ${hash}`,
      '',
    ]);
  }
  if (format === 'simple') return rows.map((row) => row.join(', '));
  const items = known.map(({ endpoint, hash, compactRevision, header }) => {
    const answer = jsonObject({
      header: jsonHeader(header ?? undefined),
      hash: hash === 0 ? null : String(hash),
      compact_revision: compactRevision === 0 ? null : String(compactRevision),
    });
    return `{"Endpoint":${jsonText(endpoint)},"HashKV":${answer}}`;
  });
  return [`[${items.join(',')}]`];
}

/** The header of what a txn's operation answers holds the revision alone. */
const opOf = (answer: KeyAnswer): Extract<Answer, { type: KeyAnswer['type'] }> => ({ ok: true, ...answer });

const responseNames = { put: 'ResponsePut', get: 'ResponseRange', del: 'ResponseDeleteRange' } as const;

function jsonOf(answer: EtcdAnswerShown): string {
  const { header } = answer;
  switch (answer.type) {
    case 'txn': {
      const responses = answer.responses.map(
        (one) => `{"Response":{"${responseNames[one.type]}":${jsonLine(opOf(one))}}}`,
      );
      return jsonObject({
        header: jsonHeader(header),
        succeeded: answer.succeeded ? 'true' : null,
        responses: jsonList(responses),
      });
    }
    case 'alarmList':
    case 'alarmDisarm': {
      const alarms = answer.alarms.map(
        ({ memberId, alarm }) => `{"memberID":${memberId},"alarm":${alarm === 'CORRUPT' ? 2 : 1}}`,
      );
      return jsonObject({ ...headed(header), alarms: jsonList(alarms) });
    }
    case 'userGet':
      return jsonObject({ header: jsonHeader(header), roles: jsonList(answer.names.map(quote)) });
    case 'userList':
      return jsonObject({ header: jsonHeader(header), users: jsonList(answer.names.map(quote)) });
    case 'roleList':
      return jsonObject({ header: jsonHeader(header), roles: jsonList(answer.names.map(quote)) });
    case 'roleGet': {
      const perm = answer.permissions.map(({ permission, key, rangeEnd }) =>
        jsonObject({
          permType: permission === 'read' ? null : permission === 'write' ? '1' : '2',
          key: jsonBytes(key),
          range_end: jsonBytes(rangeEnd),
        }),
      );
      return jsonObject({ header: jsonHeader(header), perm: jsonList(perm) });
    }
    default:
      return jsonObject(headed(header));
  }
}

const quote = (name: string): string => jsonText(name) ?? '""';
const headed = (header: HeaderView | undefined): Record<string, string | null> => ({
  header: header === undefined ? null : jsonHeader(header),
});

function fieldsOf(answer: EtcdAnswerShown): string[] {
  const head = headerLines(answer.header);
  switch (answer.type) {
    case 'txn':
      return [
        ...head,
        `"Succeeded" : ${answer.succeeded}`,
        ...answer.responses.flatMap((one) => fieldLines(opOf(one))),
      ];
    case 'alarmList':
    case 'alarmDisarm': {
      const lines = answer.alarms.flatMap(({ memberId, alarm }) => [
        `"MemberID" : ${memberId}`,
        `"AlarmType" : ${alarm}`,
        '',
      ]);
      return [...head, ...lines];
    }
    case 'roleList':
      return [...head, `"Roles" :${answer.names.map((name) => ` ${JSON.stringify(name)}`).join('')}`];
    case 'roleGet':
      return [
        ...head,
        ...answer.permissions.flatMap(({ permission, key, rangeEnd }) => [
          `"PermType" :  ${permission.toUpperCase()}`,
          `"Key" : "${printable(key)}"`,
          `"RangeEnd" : "${printable(rangeEnd)}"`,
        ]),
      ];
    default:
      return head;
  }
}

function opLines(answer: KeyAnswer, hex: boolean): string[] {
  const text = hex ? hexText : printable;
  const pair = ({ key, value }: { key: Uint8Array; value: Uint8Array }) => [text(key), text(value)];
  switch (answer.type) {
    case 'put':
      return ['OK', ...(answer.prevKv === undefined ? [] : pair(answer.prevKv))];
    case 'get':
      return answer.kvs.flatMap(pair);
    case 'del':
      return [String(answer.deleted), ...answer.prevKvs.flatMap(pair)];
    default:
      return answer satisfies never;
  }
}

const isOpenEnd = (end: Uint8Array): boolean => end.length === 1 && end[0] === 0;

function permissionLine({ key, rangeEnd }: PermissionView): string {
  const from = printable(key);
  if (rangeEnd.length === 0) return `\t${from}`;
  if (isOpenEnd(rangeEnd)) return `\t[${from}, <open ended>`;
  const after = key.slice();
  if (after.length > 0) after[after.length - 1]++;
  const isPrefix = compareBytes(after, rangeEnd) === 0;
  return `\t[${from}, ${printable(rangeEnd)})${isPrefix ? ` (prefix ${from})` : ''}`;
}

function roleLines(role: string, permissions: readonly PermissionView[]): string[] {
  const of = (kind: PermissionView['permission']) =>
    permissions
      .filter(({ permission }) => permission === kind || permission === 'readwrite')
      .map(permissionLine);
  return [`Role ${role}`, 'KV Read:', ...of('read'), 'KV Write:', ...of('write')];
}

type RoleRange = Extract<ClientAction, { type: 'roleRevokePermission' }>;

function revokedLine({ role, key, rangeEnd, prefix, fromKey }: RoleRange): string {
  const isOpen = fromKey === true || (prefix === true && key === '');
  if (isOpen) return `Permission of range [${key}, <open ended> is revoked from role ${role}`;
  const last = key.length - 1;
  const end = prefix === true ? key.slice(0, last) + String.fromCharCode(key.charCodeAt(last) + 1) : rangeEnd;
  if (end === undefined) return `Permission of key ${key} is revoked from role ${role}`;
  return `Permission of range [${key}, ${end}) is revoked from role ${role}`;
}

function doneLine(command: ClientAction): string {
  switch (command.type) {
    case 'compaction':
      return `compacted revision ${command.revision}`;
    case 'authEnable':
      return 'Authentication Enabled';
    case 'authDisable':
      return 'Authentication Disabled';
    case 'userAdd':
      return `User ${command.name} created`;
    case 'userDelete':
      return `User ${command.name} deleted`;
    case 'userPasswd':
      return 'Password updated';
    case 'userGrantRole':
      return `Role ${command.role} is granted to user ${command.name}`;
    case 'userRevokeRole':
      return `Role ${command.role} is revoked from user ${command.name}`;
    case 'roleAdd':
      return `Role ${command.role} created`;
    case 'roleDelete':
      return `Role ${command.role} deleted`;
    case 'roleGrantPermission':
      return `Role ${command.role} updated`;
    case 'roleRevokePermission':
      return revokedLine(command);
    default:
      return 'OK';
  }
}

function simpleOf(answer: EtcdAnswerShown, command: ClientAction | undefined, hex: boolean): string[] {
  switch (answer.type) {
    case 'txn': {
      const ops = answer.responses.flatMap((one) => ['', ...opLines(one, hex)]);
      return [answer.succeeded ? 'SUCCESS' : 'FAILURE', ...ops];
    }
    case 'alarmList':
    case 'alarmDisarm':
      return answer.alarms.map(({ memberId, alarm }) => `memberID:${memberId} alarm:${alarm} `);
    case 'userList':
    case 'roleList':
      return [...answer.names];
    case 'userGet':
      return [
        `User: ${command?.type === 'userGet' ? command.name : ''}`,
        `Roles:${answer.names.map((name) => ` ${name}`).join('')}`,
      ];
    case 'roleGet':
      return roleLines(command?.type === 'roleGet' ? command.role : '', answer.permissions);
    case 'watch':
    case 'watchProgress':
    case 'stop':
    case 'snapshotSave':
      return [];
    case 'checkPerf':
      return perfLines(answer);
    default:
      return command === undefined ? [] : [doneLine(command)];
  }
}

/** What always prints alike, whatever the format. */
const plain: readonly string[] = [
  'compaction',
  'authEnable',
  'authDisable',
  'watch',
  'watchProgress',
  'stop',
  'snapshotSave',
  'checkPerf',
];

/** @source etcd v3.4.23 etcdctl printer_simple.go, printer_json.go, printer_fields.go, printer_table.go */
export function etcdLines(
  answer: EtcdAnswerShown,
  format: OutputFormat,
  command: ClientAction | undefined,
  hex = false,
): string[] {
  if (answer.type === 'endpointHealth') return healthLines(answer.endpoints, format);
  if (answer.type === 'endpointHashKv') return hashLines(answer.endpoints, format);
  if (answer.type === 'defrag') {
    const done = answer.endpoints.filter(({ error }) => error === null);
    return done.map(({ endpoint }) => `Finished defragmenting etcd member[${endpoint}]`);
  }
  if (format === 'simple' || plain.includes(answer.type)) return simpleOf(answer, command, hex);
  return format === 'json' ? [jsonOf(answer)] : fieldsOf(answer);
}

/** What stands before and after the lines for endpoints that gave no answer. */
export function endpointFaults(answer: Answer): {
  readonly before: OutputLine[];
  readonly after: OutputLine[];
} {
  const error = (text: string): OutputLine => ({ stream: 'error', text });
  if (answer.type === 'endpointHealth') {
    const isIll = answer.endpoints.some((one) => !isHealthy(one));
    return { before: [], after: isIll ? [error('Error: unhealthy cluster')] : [] };
  }
  if (answer.type !== 'endpointHashKv' && answer.type !== 'defrag') return { before: [], after: [] };
  const failed = answer.endpoints.filter((one) => one.error !== null);
  const before = failed.map(({ endpoint, error: because }) =>
    error(
      answer.type === 'defrag'
        ? `Failed to defragment etcd member[${endpoint}] (${because})`
        : `Failed to get the hash of endpoint ${endpoint} (${because})`,
    ),
  );
  const last = failed.at(-1);
  const after = answer.type === 'defrag' || last === undefined ? [] : [error(`Error: ${last.error}`)];
  return { before, after };
}
