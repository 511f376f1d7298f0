/**
 * A member's metrics in Prometheus's text form, under etcd's names: a function of what the member has counted
 * and of what it is now. What it cannot know (its processor, its memory, how long a computation takes) is not
 * there.
 */
import type { Histogram } from '../../base/histogram.ts';
import { idToHex } from '../../base/u64.ts';
import type { AuthStore } from '../auth/store.ts';
import type { WatchableStore } from '../mvcc/watchable-store.ts';
import { none } from '../raft/types.ts';
import { serverVersion } from './answers.ts';
import type { AnswerParts } from './answers.ts';
import type { Meter, MethodCounts } from './meter.ts';
import type { Quota } from './quota.ts';
import { grpcCode } from './types.ts';
import type { RpcMethod } from './types.ts';

export interface MetricsParts extends AnswerParts {
  readonly auth: AuthStore;
  readonly quota: Quota;
  readonly watchable: WatchableStore;
  readonly meter: Meter;
  readonly proposalsPending: number;
  readonly watchStreams: number;
}

type Labels = Readonly<Record<string, string>>;

/** One name with its samples, as lines. */
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: readonly string[];
}

/** A whole number, or one of microseconds in seconds, as Go prints a float. */
export function goNumber(value: number, unit: 1 | 1_000_000 = 1): string {
  const whole = Math.abs(value);
  const digits = String(whole).replace(/0+$/, '');
  const sign = value < 0 ? '-' : '';
  if (whole === 0) return '0';
  const exponent = String(whole).length - 1 - (unit === 1 ? 0 : 6);
  if (exponent < -4 || exponent >= 6) return sign + scientific(digits, exponent);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 1, '0');
  const rest = padded.slice(exponent + 1);
  return sign + padded.slice(0, exponent + 1) + (rest === '' ? '' : `.${rest}`);
}

function scientific(digits: string, exponent: number): string {
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${size}`;
}

function sample(name: string, labels: Labels, value: string): string {
  const keys = Object.keys(labels).sort();
  const text = keys.map((key) => `${key}="${labels[key]}"`).join(',');
  return `${name}${text === '' ? '' : `{${text}}`} ${value}`;
}

const gauge = (name: string, value: number, labels: Labels = {}): Family => ({
  name,
  type: 'gauge',
  lines: [sample(name, labels, goNumber(value))],
});

const counter = (name: string, value: number): Family => ({
  name,
  type: 'counter',
  lines: [sample(name, {}, goNumber(value))],
});

function counters(name: string, samples: readonly (readonly [Labels, number])[]): Family {
  const lines = samples.map(([labels, value]) => sample(name, labels, goNumber(value)));
  return { name, type: 'counter', lines: lines.sort() };
}

function histogram(name: string, counted: Histogram, unit: 1 | 1_000_000): Family {
  const limits = counted.limits.map((limit) => goNumber(limit, unit));
  const lines = counted
    .cumulative()
    .map((count, i) => sample(`${name}_bucket`, { le: limits[i] }, goNumber(count)));
  lines.push(sample(`${name}_bucket`, { le: '+Inf' }, goNumber(counted.count)));
  lines.push(sample(`${name}_sum`, {}, goNumber(counted.sum, unit)));
  lines.push(sample(`${name}_count`, {}, goNumber(counted.count)));
  return { name, type: 'histogram', lines };
}

const asNumber = (flag: boolean): number => (flag ? 1 : 0);

function serverFamilies(parts: MetricsParts): Family[] {
  const { raft, applier, owner, membership, meter, quota } = parts;
  const own = membership.member(owner.member);
  const version = membership.version?.split('.').slice(0, 2).join('.');
  return [
    ...(version === undefined ? [] : [gauge('etcd_cluster_version', 1, { cluster_version: version })]),
    gauge('etcd_server_has_leader', asNumber(raft.lead !== none)),
    gauge('etcd_server_is_leader', asNumber(raft.isLeader)),
    gauge('etcd_server_is_learner', asNumber(own?.isLearner ?? false)),
    gauge('etcd_server_id', 1, { server_id: idToHex(owner.member) }),
    gauge('etcd_server_version', 1, { server_version: serverVersion }),
    counter('etcd_server_leader_changes_seen_total', meter.leaderChanges),
    counter('etcd_server_learner_promote_successes', meter.learnersPromoted),
    gauge('etcd_server_proposals_committed_total', raft.status().commit),
    gauge('etcd_server_proposals_applied_total', applier.index),
    gauge('etcd_server_proposals_pending', parts.proposalsPending),
    counter('etcd_server_proposals_failed_total', meter.proposalsFailed),
    counter('etcd_server_read_indexes_failed_total', meter.readIndexesFailed),
    counter('etcd_server_slow_read_indexes_total', meter.slowReadIndexes),
    gauge('etcd_server_quota_backend_bytes', quota.shownBytes),
    counter('etcd_server_health_success', meter.healthSuccesses),
    counter('etcd_server_health_failures', meter.healthFailures),
    counter('etcd_debugging_server_lease_expired_total', meter.leasesExpired),
  ];
}

function storeFamilies({ kv, lessor, backend, auth, watchable, ...parts }: MetricsParts): Family[] {
  const { puts, deletes, ranges, txns, putBytes } = kv.counts;
  return [
    gauge('etcd_debugging_auth_revision', auth.revision),
    gauge('etcd_debugging_mvcc_compact_revision', kv.compactRevision),
    gauge('etcd_debugging_mvcc_current_revision', kv.revision),
    gauge('etcd_debugging_mvcc_keys_total', kv.index.countAlive()),
    gauge('etcd_debugging_mvcc_total_put_size_in_bytes', putBytes),
    ...['etcd_mvcc', 'etcd_debugging_mvcc'].flatMap((prefix) => [
      counter(`${prefix}_put_total`, puts),
      counter(`${prefix}_delete_total`, deletes),
      counter(`${prefix}_range_total`, ranges),
      counter(`${prefix}_txn_total`, txns),
      gauge(`${prefix}_db_total_size_in_bytes`, backend.sizeBytes),
    ]),
    gauge('etcd_mvcc_db_total_size_in_use_in_bytes', backend.sizeInUseBytes),
    gauge('etcd_debugging_mvcc_watcher_total', watchable.watcherCount),
    gauge('etcd_debugging_mvcc_watch_stream_total', parts.watchStreams),
    gauge('etcd_debugging_mvcc_slow_watcher_total', watchable.unsyncedCount + watchable.victimCount),
    counter('etcd_debugging_lease_granted_total', lessor.counts.granted),
    counter('etcd_debugging_lease_revoked_total', lessor.counts.revoked),
    counter('etcd_debugging_lease_renewed_total', lessor.counts.renewed),
    histogram('etcd_debugging_lease_ttl_total', lessor.counts.ttlSeconds, 1),
  ];
}

const codeNames: Readonly<Record<number, string>> = {
  [grpcCode.ok]: 'OK',
  [grpcCode.canceled]: 'Canceled',
  [grpcCode.unknown]: 'Unknown',
  [grpcCode.invalidArgument]: 'InvalidArgument',
  [grpcCode.deadlineExceeded]: 'DeadlineExceeded',
  [grpcCode.notFound]: 'NotFound',
  [grpcCode.permissionDenied]: 'PermissionDenied',
  [grpcCode.resourceExhausted]: 'ResourceExhausted',
  [grpcCode.failedPrecondition]: 'FailedPrecondition',
  [grpcCode.outOfRange]: 'OutOfRange',
  [grpcCode.unimplemented]: 'Unimplemented',
  [grpcCode.internal]: 'Internal',
  [grpcCode.unavailable]: 'Unavailable',
  [grpcCode.dataLoss]: 'DataLoss',
  [grpcCode.unauthenticated]: 'Unauthenticated',
};

const streamTypes: Partial<Record<RpcMethod, string>> = {
  'etcdserverpb.Watch/Watch': 'bidi_stream',
  'etcdserverpb.Lease/LeaseKeepAlive': 'bidi_stream',
  'etcdserverpb.Maintenance/Snapshot': 'server_stream',
};

function methodLabels(method: RpcMethod): Labels {
  const [service, name] = method.split('/');
  return { grpc_method: name, grpc_service: service, grpc_type: streamTypes[method] ?? 'unary' };
}

function trafficFamilies({ meter, owner }: MetricsParts): Family[] {
  const methods = [...meter.methods];
  const each = (of: (counts: MethodCounts) => number): (readonly [Labels, number])[] =>
    methods.map(([method, counts]) => [methodLabels(method), of(counts)]);
  const handled = methods.flatMap(([method, counts]) =>
    [...counts.handled].map(
      ([code, count]) =>
        [{ grpc_code: codeNames[code] ?? String(code), ...methodLabels(method) }, count] as const,
    ),
  );
  const peers = (bytes: Meter['peerSentBytes'], label: string): (readonly [Labels, number])[] =>
    [...bytes].map(([node, count]) => [{ [label]: idToHex(owner.table.memberOf(node)) }, count]);
  return [
    counters(
      'grpc_server_started_total',
      each(({ started }) => started),
    ),
    counters(
      'grpc_server_msg_received_total',
      each(({ received }) => received),
    ),
    counters(
      'grpc_server_msg_sent_total',
      each(({ sent }) => sent),
    ),
    counters('grpc_server_handled_total', handled),
    counter('etcd_network_client_grpc_received_bytes_total', meter.clientReceivedBytes),
    counter('etcd_network_client_grpc_sent_bytes_total', meter.clientSentBytes),
    counters('etcd_network_peer_sent_bytes_total', peers(meter.peerSentBytes, 'To')),
    counters('etcd_network_peer_received_bytes_total', peers(meter.peerReceivedBytes, 'From')),
  ];
}

function diskFamilies({ meter }: MetricsParts): Family[] {
  return [
    gauge('etcd_disk_wal_write_bytes_total', meter.walWriteBytes),
    gauge('etcd_disk_defrag_inflight', meter.defragInflight),
    histogram('etcd_disk_wal_fsync_duration_seconds', meter.walFsync, 1_000_000),
    histogram('etcd_disk_backend_commit_duration_seconds', meter.backendCommit, 1_000_000),
    histogram('etcd_disk_backend_defrag_duration_seconds', meter.defragment, 1_000_000),
  ];
}

/** @source etcd v3.4.23, the files called metrics.go; the form is Prometheus's text format 0.0.4 */
export function metricsText(parts: MetricsParts): string {
  const families = [
    ...serverFamilies(parts),
    ...storeFamilies(parts),
    ...trafficFamilies(parts),
    ...diskFamilies(parts),
  ].filter(({ lines }) => lines.length > 0);
  families.sort((a, b) => (a.name < b.name ? -1 : 1));
  return families
    .map(({ name, type, lines }) => [`# TYPE ${name} ${type}`, ...lines, ''].join('\n'))
    .join('');
}
