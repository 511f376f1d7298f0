/** A member's metrics and its health, as a real etcd gives them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Histogram } from '../../../src/base/histogram.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { goNumber } from '../../../src/engine/server/metrics.ts';
import { Rig } from './rig.ts';

/** What a 3.4.23 member of three tells, after another was killed: help, type and names of labels. */
const real = readFileSync('tests/testdata/server/metrics-3.4.23.txt', 'utf8').trimEnd().split('\n');

/** Go's, the proxy's and the v2 store's, which are not here. */
const isAbsent = (line: string): boolean => /etcd_(debugging_store|grpc_proxy|server_go_version)/.test(line);

function get(rig: Rig, member: number, path: string, query = ''): [number, string] {
  const { code, message, bytes } = rig.reply(rig.request(member, `GET ${path}`, encodeUtf8(query)));
  return [code, code === 0 ? decodeUtf8(bytes) : message];
}

const valueOf = (text: string, name: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );

function clustered() {
  const rig = new Rig();
  rig.startAll();
  const leader = rig.electLeader();
  rig.runFor(5_000_000);
  return { rig, leader };
}

/** A text of metrics as `real` has it: a sample's name and labels in place of the samples. */
function headsOf(text: string): string[] {
  const heads: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const name = heads.at(-1)?.split(' ')[2] ?? '';
    if (line.startsWith('# ')) heads.push(line);
    else if (heads.at(-1)?.startsWith('# TYPE ') === true) {
      expect(line.startsWith(name)).toBe(true);
      const labels = [...line.matchAll(/(\w+)="/g)].map(([, label]) => label);
      heads.push(`${name}{${labels.filter((label) => label !== 'le').join(',')}}`);
    }
  }
  return heads;
}

test('what a real member tells is told here, with the same help, types and labels, and nothing else', () => {
  const { rig, leader } = clustered();
  rig.runFor(31_000_000);
  const [follower, other] = rig.ids.filter((id) => id !== leader);
  rig.kill(other);
  rig.runFor(1_000_000);
  rig.reply(rig.put(follower, 'a', 'b'));
  const [, text] = get(rig, follower, '/metrics');
  expect(headsOf(text)).toEqual(real.filter((line) => !isAbsent(line)));
});

test('a snapshot on its way to a follower is told of by both ends', () => {
  const rig = new Rig({ more: { snapshotCount: 10, snapshotCatchUpEntries: 5 } });
  rig.startAll();
  const leader = rig.electLeader();
  const late = rig.ids.find((id) => id !== leader) ?? 0;
  rig.kill(late);
  for (let i = 0; i < 40; i++) rig.reply(rig.put(leader, `k${i}`, 'v'));
  rig.start(late);
  rig.runFor(5_000_000);
  const [sent, received] = [leader, late].map((member) => get(rig, member, '/metrics')[1]);
  expect(sent).toMatch(/etcd_network_snapshot_send_success\{To="[0-9a-f]+"\} 1\n/);
  expect(sent).toMatch(/etcd_network_snapshot_send_inflights_total\{To="[0-9a-f]+"\} 0\n/);
  expect(received).toMatch(
    /etcd_network_snapshot_receive_total_duration_seconds_count\{From="[0-9a-f]+"\} 1\n/,
  );
  expect(valueOf(received, 'etcd_snap_db_fsync_duration_seconds_count')).toBe(1);
  expect(valueOf(sent, 'etcd_snap_fsync_duration_seconds_count')).toBeGreaterThan(0);
});

test('the numbers are those of what happened', () => {
  const { rig, leader } = clustered();
  const before = get(rig, leader, '/metrics')[1];
  for (const key of ['a', 'b', 'c']) rig.reply(rig.put(leader, key, 'value'));
  rig.reply(rig.del(leader, 'a', 'c'));
  rig.reply(rig.get(leader, 'c'));
  const after = get(rig, leader, '/metrics')[1];
  const grown = (name: string): number => valueOf(after, name) - valueOf(before, name);
  expect(grown('etcd_mvcc_put_total')).toBe(3);
  expect(grown('etcd_mvcc_delete_total')).toBe(1);
  expect(grown('etcd_mvcc_range_total')).toBe(1);
  expect(grown('etcd_debugging_mvcc_total_put_size_in_bytes')).toBe(18);
  expect(valueOf(after, 'etcd_debugging_mvcc_keys_total')).toBe(1);
  expect(grown('etcd_debugging_mvcc_current_revision')).toBe(4);
  expect(grown('etcd_server_proposals_applied_total')).toBe(4);
  expect(grown('etcd_disk_wal_fsync_duration_seconds_count')).toBe(4);
  expect(after).toContain(
    'grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 3',
  );
  expect([valueOf(after, 'etcd_server_is_leader'), valueOf(after, 'etcd_server_has_leader')]).toEqual([1, 1]);
  expect(after).toContain('etcd_server_quota_backend_bytes 2.147483648e+09');
});

test('a member is well while a majority confirms its reads and no alarm is raised', () => {
  const { rig, leader } = clustered();
  expect(get(rig, leader, '/health')).toEqual([0, '{"health":"true"}']);
  expect(get(rig, leader, '/version')[1]).toMatch(/^\{"etcdserver":"3.4.23","etcdcluster":"3.4.0"\}$/);
  const [alarm, raise] = ['etcdserverpb.Maintenance/Alarm', Uint8Array.of(8, 1, 24, 1)];
  rig.reply(rig.request(leader, alarm, raise));
  expect(get(rig, leader, '/health')).toEqual([14, '{"health":"false"}']);
  expect(get(rig, leader, '/health', 'exclude=NOSPACE')).toEqual([0, '{"health":"true"}']);
  rig.reply(rig.request(leader, alarm, Uint8Array.of(8, 2, 24, 1)));
  for (const id of rig.ids) if (id !== leader) rig.kill(id);
  const askedUs = rig.nowUs;
  expect(get(rig, leader, '/health')[1]).toBe('{"health":"false"}');
  expect(rig.nowUs - askedUs).toBeLessThan(1_200_000);
  const [, text] = get(rig, leader, '/metrics');
  expect([valueOf(text, 'etcd_server_health_success'), valueOf(text, 'etcd_server_health_failures')]).toEqual(
    [2, 2],
  );
});

test('numbers look as Go prints them', () => {
  expect([0, 7, 100000, 20480, 1000000, 2147483648, 1234567, -1].map((value) => goNumber(value))).toEqual([
    '0',
    '7',
    '100000',
    '20480',
    '1e+06',
    '2.147483648e+09',
    '1.234567e+06',
    '-1',
  ]);
  expect([1000, 8192000, 1500000, 20, 3, 1000000].map((us) => goNumber(us, 1_000_000))).toEqual([
    '0.001',
    '8.192',
    '1.5',
    '2e-05',
    '3e-06',
    '1',
  ]);
});

test('a histogram counts what is not above each limit', () => {
  const histogram = Histogram.doubling(1, 3);
  for (const value of [0, 1, 2, 3, 4, 5]) histogram.observe(value);
  expect([histogram.limits, histogram.cumulative(), histogram.count, histogram.sum]).toEqual([
    [1, 2, 4],
    [2, 3, 5],
    6,
    15,
  ]);
});
