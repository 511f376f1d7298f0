/** Answers, errors and tables are printed as real etcdctl printed them. */
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import type { Answer, EndpointView, Failure, HeaderView } from '../../../src/model/etcdctl/answer.ts';
import { formatFault, formatLineError, formatOutcome } from '../../../src/model/etcdctl/format.ts';
import { versionLines } from '../../../src/model/etcdctl/help.ts';
import { humanizeBytes } from '../../../src/model/etcdctl/humanize.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import { tableLines } from '../../../src/model/etcdctl/table.ts';
import type { ClientOutcome, EndpointStatus, KeyValueView, LabAction } from '../../../src/sim/types.ts';
import { readRecorded } from './recorded.ts';

const clusterId = 17953654596774702974n;
const [m1, m3, m2] = [975050037397374526n, 4518572306246796745n, 11421717585761795258n];
const header: HeaderView = { clusterId, memberId: m1, raftTerm: 2 };

function kv(key: string, value: string, createRevision: number, version = 1): KeyValueView {
  const modRevision = createRevision + version - 1;
  const texts = { key: encodeUtf8(key), value: encodeUtf8(value) };
  return { ...texts, createRevision, modRevision, version, lease: 0n };
}

const greeting = kv('greeting', 'hello', 2);
const greet2 = kv('greet2', 'two words', 3);
const html = kv('html', '<img src=x onerror=alert(1)>&', 5);
const uni = kv('uni', 'héllo 日本', 6);
const withoutValue = (view: KeyValueView): KeyValueView => ({ ...view, value: new Uint8Array(0) });

function put(revision: number): Answer {
  return { ok: true, type: 'put', revision, header };
}
function get(kvs: readonly KeyValueView[], count = kvs.length): Answer {
  return { ok: true, type: 'get', revision: 8, kvs, count, more: count > kvs.length, header };
}
function del(revision: number, deleted: number, prevKvs: readonly KeyValueView[]): Answer {
  return { ok: true, type: 'del', revision, deleted, prevKvs, header };
}
function failed(code: number, message: string): Failure {
  return { ok: false, code, message };
}

function memberOf(id: bigint, number: number) {
  const [peerUrls, clientUrls] = [[`http://127.0.0.1:2381${number}`], [`http://127.0.0.1:2370${number}`]];
  return { id, name: `m${number}`, peerUrls, clientUrls, isLearner: false };
}
const members: Answer = {
  ok: true,
  type: 'memberList',
  members: [memberOf(m1, 1), memberOf(m3, 3), memberOf(m2, 2)],
  header,
};

function statusOf(number: number, memberId: bigint, leader: bigint, errors: readonly string[]): EndpointView {
  const status = { memberId, version: '3.4.23', dbSize: 20480, dbSizeInUse: 16384, leader, isLearner: false };
  const raft = { raftTerm: 2, raftIndex: 20, raftAppliedIndex: 20, errors };
  const endpoint = `127.0.0.1:2370${number}`;
  return { endpoint, status: { ...status, ...raft }, error: null, header: { clusterId, revision: 11 } };
}
function unreached(number: number): EndpointStatus {
  return { endpoint: `127.0.0.1:2370${number}`, status: null, error: 'context deadline exceeded' };
}
const allUp: Answer = {
  ok: true,
  type: 'endpointStatus',
  endpoints: [statusOf(1, m1, m2, []), statusOf(2, m2, m2, []), statusOf(3, m3, m2, [])],
};
const oneUp = (errors: readonly string[], others: readonly EndpointStatus[]): Answer => ({
  ok: true,
  type: 'endpointStatus',
  endpoints: [statusOf(1, m1, 0n, errors), ...others],
});

/** What the recorded cluster answered; a command's second answer where it was given twice. */
const answers: Readonly<Record<string, readonly (Answer | Failure)[]>> = {
  'put greeting hello': [put(2)],
  "put greet2 'two words'": [put(3)],
  "put empty ''": [put(4)],
  "put html '<img src=x onerror=alert(1)>&'": [put(5)],
  "put uni 'héllo 日本'": [put(6)],
  'put a b -w json': [put(7)],
  'put a c -w fields': [put(8)],
  'get greeting': [get([greeting])],
  'get missing': [get([])],
  'get greet --prefix': [get([greet2, greeting])],
  'get greet --prefix --keys-only': [get([greet2, greeting].map(withoutValue))],
  'get greet --prefix --print-value-only': [get([greet2, greeting])],
  'get greet --prefix --limit 1 -w json': [get([greet2], 2)],
  'get missing -w json': [get([])],
  'get greet --prefix --keys-only -w json': [get([greet2, greeting].map(withoutValue))],
  'get html -w json': [get([html])],
  'get uni -w fields': [get([uni])],
  'get html -w fields': [get([html])],
  'del a --prev-kv': [del(9, 1, [kv('a', 'c', 7, 2)])],
  'del a': [del(9, 0, [])],
  'del greet2 --prev-kv -w json': [del(10, 1, [greet2])],
  'del html --prev-kv -w fields': [del(11, 1, [html])],
  'del nothing -w json': [del(11, 0, [])],
  'get a --rev 999': [failed(11, 'etcdserver: mvcc: required revision is a future revision')],
  "get ''": [failed(3, 'etcdserver: key is not provided')],
  'member list': [members],
  'member list -w table': [members],
  'member list -w json': [members],
  'member list -w fields': [members],
  'endpoint status': [allUp],
  'endpoint status -w table': [allUp, oneUp([], [unreached(2), unreached(3)])],
  'endpoint status -w json': [allUp, oneUp(['etcdserver: no leader'], [])],
  'endpoint status -w fields': [allUp],
  'put greeting again': [failed(4, 'context deadline exceeded')],
};

test('every recorded dialogue with real etcdctl comes out line by line', () => {
  const turn = new Map<string, number>();
  for (const { line, printed } of readRecorded()) {
    const parsed = parseLine(line, { memberCount: 3, leader: 1 });
    const at = turn.get(line) ?? 0;
    turn.set(line, at + 1);
    if (parsed.kind === 'version') expect(versionLines()).toEqual(printed);
    else if (parsed.kind === 'error') expect(formatLineError(parsed)[0].text, line).toBe(printed[0]);
    else if (parsed.kind === 'command') {
      const lines = formatOutcome(answers[line][at], parsed).filter(({ stream }) => stream !== 'hint');
      expect(
        lines.map(({ text }) => text),
        line,
      ).toEqual(printed);
    } else throw new Error(`${line} was read as ${parsed.kind}`);
  }
  for (const line of Object.keys(answers)) expect(turn.get(line), line).toBe(answers[line].length);
});

test('an outcome without the header fields prints what it has', () => {
  const outcome: ClientOutcome = { ok: true, type: 'put', revision: 5 };
  const [line] = formatOutcome(outcome, { format: 'json', valueOnly: false });
  expect(line).toEqual({ stream: 'out', text: '{"header":{"revision":5}}' });
});

test('JSON escapes what could be markup', () => {
  const endpoint = { ...statusOf(1, m1, m1, []), endpoint: '</script>&' };
  const answer: Answer = { ok: true, type: 'endpointStatus', endpoints: [endpoint] };
  const [line] = formatOutcome(answer, { format: 'json', valueOnly: false });
  expect(line.text).toContain('"Endpoint":"\\u003c/script\\u003e\\u0026"');
});

test('control and reordering characters are shown, not obeyed, and never end a line', () => {
  const nasty = get([kv('a\u202eb', 'one\ntwo\u001b[31m', 2)]);
  const lines = formatOutcome(nasty, { format: 'simple', valueOnly: false });
  expect(lines.map(({ text }) => text)).toEqual(['a\\u{202e}b', 'one\\x0atwo\\x1b[31m']);
});

test('an error of the connection carries its gRPC code, and common errors carry advice', () => {
  const text = (failure: Failure): string[] =>
    formatOutcome(failure, { format: 'simple', valueOnly: false }).map((line) => line.text);
  expect(text(failed(14, 'no such endpoint'))).toEqual([
    'Error: rpc error: code = Unavailable desc = no such endpoint',
  ]);
  expect(text(failed(3, 'endpoint "m9" is no member'))).toEqual(['Error: endpoint "m9" is no member']);
  expect(text(failed(14, 'transport is closing'))[1]).toMatch(/may have happened/);
  expect(text(failed(14, 'etcdserver: no leader'))[0]).toBe('Error: etcdserver: no leader');
  expect(text(failed(4, 'context deadline exceeded'))[1]).toMatch(/majority/);
  expect(text(failed(3, 'etcdserver: request is too large'))[1]).toMatch(/1\.5 MiB/);
});

test('sizes round as etcdctl rounds them', () => {
  const sizes = [0, 9, 10, 999, 1000, 1234, 9950, 20480, 24576, 122880, 21500, 104857600, 2147483648];
  expect(sizes.map(humanizeBytes)).toEqual([
    '0 B',
    '9 B',
    '10 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '10 kB',
    '20 kB',
    '25 kB',
    '123 kB',
    '22 kB',
    '105 MB',
    '2.1 GB',
  ]);
});

test('a table without rows keeps its heading', () => {
  const rule = '+----+--------+';
  expect(tableLines(['ID', 'Status'], [])).toEqual([rule, '| ID | STATUS |', rule, rule]);
});

test('what was done to disks, links, messages and load is said with its units', () => {
  const said = (action: LabAction): string => formatFault(action)[0].text;
  expect(said({ type: 'slowDisk', member: 2, factor: 10 })).toBe("m2's disk is 10 times slower");
  expect(said({ type: 'slowDisk', member: 2, factor: 1 })).toBe("m2's disk is as fast as before");
  const link = { type: 'link', from: 1, to: 2 } as const;
  expect(said({ ...link, extraDelayUs: 50_000, lossPerMille: 5 })).toBe(
    'link m1 -> m2 50ms slower, loses 0.5%',
  );
  expect(said({ ...link, extraDelayUs: 0, lossPerMille: 0 })).toBe('link m1 -> m2 as before');
  const delay = { type: 'message', message: 17, do: 'delay', delayUs: 1_500_000 } as const;
  expect(said(delay)).toBe('message 17 delayed by 1.5s');
  expect(said({ type: 'load', kind: 'hotKey', perSecond: 30 })).toMatch(/^30 requests a second/);
});

test('--hex prints keys and values as etcdctl does, in simple output only', () => {
  const texts = (line: string, answer: ClientOutcome): string[] => {
    const parsed = parseLine(line, { memberCount: 3, leader: 1 });
    if (parsed.kind !== 'command') throw new Error(line);
    return formatOutcome(answer, parsed).map(({ text }) => text);
  };
  const [before, after] = [kv('hi', 'ho', 2), kv('hi', 'hu', 2, 2)];
  expect(texts('put hi hu --prev-kv --hex', { ...put(3), prevKv: before } as Answer)).toEqual([
    'OK',
    '\\x68\\x69',
    '\\x68\\x6f',
  ]);
  expect(texts('get hi --hex --print-value-only', get([after]))).toEqual(['\\x68\\x75']);
  expect(texts('del hi --prev-kv --hex', del(4, 1, [after]))).toEqual(['1', '\\x68\\x69', '\\x68\\x75']);
  expect(texts('get hi --hex -w json', get([after]))[0]).toContain('"key":"aGk="');
});
