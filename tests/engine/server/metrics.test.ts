/** A member's metrics and its health, as a real etcd gives them. */
import { expect, test } from 'vitest';
import { Histogram } from '../../../src/base/histogram.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { goNumber } from '../../../src/engine/server/metrics.ts';
import { Rig } from './rig.ts';

/** Names with their types as a 3.4.23 member of three tells them; label names in order. */
const real: Readonly<Record<string, string>> = {
  etcd_cluster_version: 'gauge cluster_version',
  etcd_debugging_auth_revision: 'gauge',
  etcd_debugging_lease_granted_total: 'counter',
  etcd_debugging_lease_renewed_total: 'counter',
  etcd_debugging_lease_revoked_total: 'counter',
  etcd_debugging_lease_ttl_total: 'histogram',
  etcd_debugging_mvcc_compact_revision: 'gauge',
  etcd_debugging_mvcc_current_revision: 'gauge',
  etcd_debugging_mvcc_db_total_size_in_bytes: 'gauge',
  etcd_debugging_mvcc_delete_total: 'counter',
  etcd_debugging_mvcc_keys_total: 'gauge',
  etcd_debugging_mvcc_put_total: 'counter',
  etcd_debugging_mvcc_range_total: 'counter',
  etcd_debugging_mvcc_slow_watcher_total: 'gauge',
  etcd_debugging_mvcc_total_put_size_in_bytes: 'gauge',
  etcd_debugging_mvcc_txn_total: 'counter',
  etcd_debugging_mvcc_watch_stream_total: 'gauge',
  etcd_debugging_mvcc_watcher_total: 'gauge',
  etcd_debugging_server_lease_expired_total: 'counter',
  etcd_disk_backend_commit_duration_seconds: 'histogram',
  etcd_disk_backend_defrag_duration_seconds: 'histogram',
  etcd_disk_defrag_inflight: 'gauge',
  etcd_disk_wal_fsync_duration_seconds: 'histogram',
  etcd_disk_wal_write_bytes_total: 'gauge',
  etcd_mvcc_db_total_size_in_bytes: 'gauge',
  etcd_mvcc_db_total_size_in_use_in_bytes: 'gauge',
  etcd_mvcc_delete_total: 'counter',
  etcd_mvcc_put_total: 'counter',
  etcd_mvcc_range_total: 'counter',
  etcd_mvcc_txn_total: 'counter',
  etcd_network_client_grpc_received_bytes_total: 'counter',
  etcd_network_client_grpc_sent_bytes_total: 'counter',
  etcd_network_peer_received_bytes_total: 'counter From',
  etcd_network_peer_sent_bytes_total: 'counter To',
  etcd_server_has_leader: 'gauge',
  etcd_server_health_failures: 'counter',
  etcd_server_health_success: 'counter',
  etcd_server_id: 'gauge server_id',
  etcd_server_is_leader: 'gauge',
  etcd_server_is_learner: 'gauge',
  etcd_server_leader_changes_seen_total: 'counter',
  etcd_server_learner_promote_successes: 'counter',
  etcd_server_proposals_applied_total: 'gauge',
  etcd_server_proposals_committed_total: 'gauge',
  etcd_server_proposals_failed_total: 'counter',
  etcd_server_proposals_pending: 'gauge',
  etcd_server_quota_backend_bytes: 'gauge',
  etcd_server_read_indexes_failed_total: 'counter',
  etcd_server_slow_read_indexes_total: 'counter',
  etcd_server_version: 'gauge server_version',
  grpc_server_handled_total: 'counter grpc_code,grpc_method,grpc_service,grpc_type',
  grpc_server_msg_received_total: 'counter grpc_method,grpc_service,grpc_type',
  grpc_server_msg_sent_total: 'counter grpc_method,grpc_service,grpc_type',
  grpc_server_started_total: 'counter grpc_method,grpc_service,grpc_type',
};

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

test('each name has the type and the labels that a real etcd gives it, and all of them are there', () => {
  const { rig, leader } = clustered();
  rig.reply(rig.put(leader, 'a', 'b'));
  const [, text] = get(rig, leader, '/metrics');
  const seen: Record<string, string> = {};
  let [name, type] = ['', ''];
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (head !== null) [, name, type] = head;
    else {
      const sample = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$/.exec(line);
      expect([line, sample?.[1] === name || line.startsWith(name)]).toEqual([line, true]);
      const labels = [...(sample?.[2] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
      const own = labels.filter((label) => label !== 'le').join(',');
      seen[name] = own === '' ? type : `${type} ${own}`;
    }
  }
  expect(seen).toEqual(real);
  expect(Object.keys(seen)).toEqual(Object.keys(seen).sort());
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
