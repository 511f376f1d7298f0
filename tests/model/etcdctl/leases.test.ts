/** Lease commands are read and answered as real etcdctl does it. */
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import type { Answer, Failure } from '../../../src/model/etcdctl/answer.ts';
import { formatLineError, formatOutcome } from '../../../src/model/etcdctl/format.ts';
import { leaseIdText } from '../../../src/model/etcdctl/lease-format.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import type { ClientAction } from '../../../src/sim/types.ts';
import { readRecorded } from './recorded.ts';

const context = { memberCount: 3, leader: 1 };
const header = { clusterId: 324952591200643719n, memberId: 3319814642761637952n, raftTerm: 2 };
const ids = [
  0x2040a20534761409n,
  0x2040a20534761405n,
  0x2040a2053476140bn,
  0x2040a2053476140dn,
  0x2040a20534761407n,
];
const [third, , other, , lease] = ids;
const notFound: Failure = { ok: false, code: 5, message: 'etcdserver: requested lease not found' };

/** What the recorded etcd answered; it had not the lease ending in 8, nor 123, nor 77. */
function answerTo(action: ClientAction, format: string): Answer | Failure {
  switch (action.type) {
    case 'leaseGrant': {
      if (action.ttl > 9e9) return { ok: false, code: 11, message: 'etcdserver: too large lease TTL' };
      const [id, ttlSeconds] = action.ttl === 1 ? [third, 2] : [other, 60];
      return { ok: true, type: 'leaseGrant', id, ttlSeconds, revision: 1, header };
    }
    case 'leaseRevoke':
      if (action.id.endsWith('8')) return notFound;
      return { ok: true, type: 'leaseRevoke', id: lease, revision: 6, header };
    case 'leaseKeepAlive':
      if (action.id === '123') return notFound;
      return { ok: true, type: 'leaseKeepAlive', id: lease, ttlSeconds: 100, revision: 3, header };
    case 'leaseTimeToLive': {
      const known = action.id !== '123';
      const [ttlSeconds, grantedTtlSeconds] = known ? [99, 100] : [-1, 0];
      // etcd's order of a lease's keys is a Go map's: it changed from one command to the next
      const order = format === 'simple' ? ['k', 'k2'] : ['k2', 'k'];
      const keys = known && action.keys === true ? order.map(encodeUtf8) : null;
      const id = known ? lease : 0x123n;
      return {
        ok: true,
        type: 'leaseTimeToLive',
        id,
        ttlSeconds,
        grantedTtlSeconds,
        keys,
        revision: 3,
        header,
      };
    }
    case 'leaseList':
      return { ok: true, type: 'leaseList', ids, revision: 3, header };
    default:
      return notFound;
  }
}

for (const { line, printed } of readRecorded('recorded-leases-3.4.23.txt')) {
  test(`"${line}" prints what etcdctl printed`, () => {
    const parsed = parseLine(line, context);
    if (parsed.kind !== 'command' && parsed.kind !== 'error') throw new Error(`read as ${parsed.kind}`);
    const lines =
      parsed.kind === 'error'
        ? formatLineError(parsed)
        : formatOutcome(answerTo(parsed.command, parsed.format), parsed);
    expect(lines.filter(({ stream }) => stream !== 'hint').map(({ text }) => text)).toEqual(printed);
  });
}

test('lease commands become actions', () => {
  const action = (line: string): unknown => {
    const parsed = parseLine(line, context);
    return parsed.kind === 'command' ? parsed.command : parsed;
  };
  expect(action('put k v --lease=a1')).toEqual({ type: 'put', key: 'k', value: 'v', lease: 'a1' });
  expect(action('put k v --lease 0')).toEqual({ type: 'put', key: 'k', value: 'v' });
  expect(action('lease grant 60')).toEqual({ type: 'leaseGrant', ttl: 60 });
  expect(action('lease grant -- -5')).toEqual({ type: 'leaseGrant', ttl: -5 });
  expect(action('lease grant 9223372036854775807')).toEqual({
    type: 'leaseGrant',
    ttl: Number.MAX_SAFE_INTEGER,
  });
  expect(action('lease revoke A1 --endpoints m2')).toEqual({
    type: 'leaseRevoke',
    id: 'A1',
    endpoints: ['m2'],
  });
  expect(action('lease keep-alive a1')).toEqual({ type: 'leaseKeepAlive', id: 'a1' });
  expect(action('lease keep --once a1')).toEqual({ type: 'leaseKeepAlive', id: 'a1', once: true });
  expect(action('lease timetolive --keys a1')).toEqual({ type: 'leaseTimeToLive', id: 'a1', keys: true });
  expect(action('lease list')).toEqual({ type: 'leaseList' });
  expect(action('lease grnt 5')).toMatchObject({ kind: 'error', hint: 'Did you mean "grant"?' });
});

test('ids are printed in sixteen places, a minus among them', () => {
  expect([1n, lease, -1n, -(1n << 63n)].map(leaseIdText)).toEqual([
    '0000000000000001',
    '2040a20534761407',
    '-000000000000001',
    '-8000000000000000',
  ]);
});
