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
import { streamMethods } from './meter.ts';
import type { Meter, MethodCounts } from './meter.ts';
import { metricHelp } from './metric-help.ts';
import type { PeerCounts, TransferCounts } from './peer-meter.ts';
import type { Quota } from './quota.ts';
import { grpcCode } from './types.ts';
import { rpcMethods } from './rpc.ts';
import type { RpcMethod } from './types.ts';

export interface MetricsParts extends AnswerParts {
  readonly auth: AuthStore;
  readonly quota: Quota;
  readonly watchable: WatchableStore;
  readonly meter: Meter;
  readonly proposalsPending: number;
  readonly watchStreams: number;
  readonly pendingEvents: number;
}

type Labels = Readonly<Record<string, string>>;

/** One name with its samples, as lines. */
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: readonly string[];
}

/** What the numbers are: whole ones, or microseconds that are shown in milliseconds or in seconds. */
type Unit = 1 | 1_000 | 1_000_000;

const placesOf: Readonly<Record<Unit, number>> = { 1: 0, 1000: 3, 1000000: 6 };

/** A whole number, or one of microseconds in another unit, as Go prints a float. */
export function goNumber(value: number, unit: Unit = 1): string {
  const whole = Math.abs(value);
  const digits = String(whole).replace(/0+$/, '');
  const sign = value < 0 ? '-' : '';
  if (whole === 0) return '0';
  const exponent = String(whole).length - 1 - placesOf[unit];
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

type Samples = readonly (readonly [Labels, number])[];

function samples(name: string, type: 'counter' | 'gauge', values: Samples): Family {
  const lines = values.map(([labels, value]) => sample(name, labels, goNumber(value)));
  return { name, type, lines: lines.sort() };
}

const counters = (name: string, values: Samples): Family => samples(name, 'counter', values);

function histogramLines(name: string, counted: Histogram, unit: Unit, labels: Labels = {}): string[] {
  const limits = counted.limits.map((limit) => goNumber(limit, unit));
  const lines = counted
    .cumulative()
    .map((count, i) => sample(`${name}_bucket`, { ...labels, le: limits[i] }, goNumber(count)));
  lines.push(sample(`${name}_bucket`, { ...labels, le: '+Inf' }, goNumber(counted.count)));
  lines.push(sample(`${name}_sum`, labels, goNumber(counted.sum, unit)));
  lines.push(sample(`${name}_count`, labels, goNumber(counted.count)));
  return lines;
}

function histogram(name: string, counted: Histogram, unit: Unit): Family {
  return { name, type: 'histogram', lines: histogramLines(name, counted, unit) };
}

const seconds = (name: string, counted: Histogram): Family => histogram(name, counted, 1_000_000);
const milliseconds = (name: string, counted: Histogram): Family => histogram(name, counted, 1_000);

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
    counters(
      'etcd_server_learner_promote_failures',
      [...meter.promotionFailures].map(([reason, count]) => [{ Reason: reason }, count]),
    ),
    counter('etcd_server_heartbeat_send_failures_total', meter.heartbeatFailures),
    counters('etcd_server_client_requests_total', clientRequests(meter)),
    // an entry and a snapshot are applied at once: nobody can ask meanwhile
    counter('etcd_server_slow_apply_total', 0),
    gauge('etcd_server_snapshot_apply_in_progress_total', 0),
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

/** Clients are etcdctl's of this version. */
function clientRequests({ unaryCalls, streams }: Meter): Samples {
  const labels = { client_api_version: serverVersion.split('.').slice(0, 2).join('.') };
  const calls: Samples = [
    [{ ...labels, type: 'unary' }, unaryCalls],
    [{ ...labels, type: 'stream' }, streams],
  ];
  return calls.filter(([, count]) => count > 0);
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
    gauge('etcd_mvcc_db_open_read_transactions', backend.db.stats().openReaderCount),
    counter('etcd_debugging_mvcc_events_total', parts.meter.watchEvents),
    gauge('etcd_debugging_mvcc_pending_events_total', parts.pendingEvents),
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

function methodLabels(method: RpcMethod): Labels {
  const [service, name] = method.split('/');
  return { grpc_method: name, grpc_service: service, grpc_type: streamMethods.get(method) ?? 'unary' };
}

const noCounts: MethodCounts = { started: 0, received: 0, sent: 0, handled: new Map() };

/** Of each method, also of those that nobody has called. */
function methodFamilies({ meter }: MetricsParts): Family[] {
  const methods = rpcMethods.map((method) => [method, meter.methods.get(method) ?? noCounts] as const);
  const each = (name: string, of: (counts: MethodCounts) => number): Family =>
    counters(
      name,
      methods.map(([method, counts]) => [methodLabels(method), of(counts)]),
    );
  const handled = methods.flatMap(([method, counts]) =>
    Object.entries(codeNames).map(
      ([code, name]) =>
        [{ grpc_code: name, ...methodLabels(method) }, counts.handled.get(Number(code)) ?? 0] as const,
    ),
  );
  return [
    each('grpc_server_started_total', ({ started }) => started),
    each('grpc_server_msg_received_total', ({ received }) => received),
    each('grpc_server_msg_sent_total', ({ sent }) => sent),
    counters('grpc_server_handled_total', handled),
  ];
}

function trafficFamilies({ meter, owner }: MetricsParts): Family[] {
  const peers = [...meter.peers.all].map(
    ([node, counts]) => [idToHex(owner.table.memberOf(node)), counts] as const,
  );
  const each = (name: string, label: string, of: (counts: PeerCounts) => number): Family =>
    counters(
      `etcd_network_${name}`,
      peers.filter(([, counts]) => of(counts) > 0).map(([id, counts]) => [{ [label]: id }, of(counts)]),
    );
  const local = idToHex(owner.member);
  const connected = peers.filter(([, { wasActive }]) => wasActive);
  return [
    counter('etcd_network_client_grpc_received_bytes_total', meter.clientReceivedBytes),
    counter('etcd_network_client_grpc_sent_bytes_total', meter.clientSentBytes),
    each('peer_sent_bytes_total', 'To', ({ sentBytes }) => sentBytes),
    each('peer_received_bytes_total', 'From', ({ receivedBytes }) => receivedBytes),
    each('peer_sent_failures_total', 'To', ({ sentFailures }) => sentFailures),
    samples(
      'etcd_network_active_peers',
      'gauge',
      connected.map(([Remote, { isActive }]) => [{ Local: local, Remote }, asNumber(isActive)]),
    ),
    counters(
      'etcd_network_disconnected_peers_total',
      connected
        .filter(([, { disconnects }]) => disconnects > 0)
        .map(([Remote, { disconnects }]) => [{ Local: local, Remote }, disconnects]),
    ),
    peerHistogram('etcd_network_peer_round_trip_time_seconds', 'To', peers, (counts) => counts.roundTrips),
  ];
}

/** Snapshots to and from peers; nothing is shown of a direction that no snapshot went. */
function transferFamilies({ meter, owner }: MetricsParts): Family[] {
  const peers = [...meter.peers.all].map(
    ([node, counts]) => [idToHex(owner.table.memberOf(node)), counts] as const,
  );
  const directions = [
    ['etcd_network_snapshot_send', 'To', (counts: PeerCounts) => counts.snapshotsSent],
    ['etcd_network_snapshot_receive', 'From', (counts: PeerCounts) => counts.snapshotsReceived],
  ] as const;
  return directions.flatMap(([prefix, label, of]) => {
    const each = (count: (counts: TransferCounts) => number, atLeast: number): Samples =>
      peers
        .filter(([, counts]) => isUsed(of(counts)) && count(of(counts)) >= atLeast)
        .map(([id, counts]) => [{ [label]: id }, count(of(counts))]);
    return [
      samples(
        `${prefix}_inflights_total`,
        'gauge',
        each(({ inflight }) => inflight, 0),
      ),
      counters(
        `${prefix}_success`,
        each(({ succeeded }) => succeeded, 1),
      ),
      counters(
        `${prefix}_failures`,
        each(({ failed }) => failed, 1),
      ),
      peerHistogram(`${prefix}_total_duration_seconds`, label, peers, (counts) => of(counts).durations),
    ];
  });
}

const isUsed = ({ inflight, succeeded, failed }: TransferCounts): boolean =>
  inflight + succeeded + failed > 0;

function peerHistogram(
  name: string,
  label: string,
  peers: readonly (readonly [string, PeerCounts])[],
  of: (counts: PeerCounts) => Histogram,
): Family {
  const lines = peers
    .filter(([, counts]) => of(counts).count > 0)
    .flatMap(([id, counts]) => histogramLines(name, of(counts), 1_000_000, { [label]: id }));
  return { name, type: 'histogram', lines };
}

function diskFamilies({ meter }: MetricsParts): Family[] {
  return [
    gauge('etcd_disk_wal_write_bytes_total', meter.walWriteBytes),
    gauge('etcd_disk_defrag_inflight', meter.defragInflight),
    seconds('etcd_disk_wal_fsync_duration_seconds', meter.walFsync),
    seconds('etcd_disk_backend_commit_duration_seconds', meter.backendCommit),
    seconds('etcd_debugging_disk_backend_commit_rebalance_duration_seconds', meter.commitRebalance),
    seconds('etcd_debugging_disk_backend_commit_spill_duration_seconds', meter.commitSpill),
    seconds('etcd_debugging_disk_backend_commit_write_duration_seconds', meter.backendCommit),
    seconds('etcd_disk_backend_defrag_duration_seconds', meter.defragment),
    seconds('etcd_disk_backend_snapshot_duration_seconds', meter.backendSnapshot),
    seconds('etcd_snap_fsync_duration_seconds', meter.snapFsync),
    seconds('etcd_debugging_snap_save_marshalling_duration_seconds', meter.snapMarshalling),
    seconds('etcd_debugging_snap_save_total_duration_seconds', meter.snapFsync),
    seconds('etcd_snap_db_fsync_duration_seconds', meter.snapDbFsync),
    seconds('etcd_snap_db_save_total_duration_seconds', meter.snapDbSave),
  ];
}

function workFamilies({ meter }: MetricsParts): Family[] {
  return [
    seconds('etcd_mvcc_hash_duration_seconds', meter.hash),
    seconds('etcd_mvcc_hash_rev_duration_seconds', meter.hashByRevision),
    counter('etcd_debugging_mvcc_db_compaction_keys_total', meter.compactedRecords),
    milliseconds('etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds', meter.indexCompaction),
    milliseconds('etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds', meter.recordCompaction),
    milliseconds('etcd_debugging_mvcc_db_compaction_total_duration_milliseconds', meter.compaction),
  ];
}

/** @source etcd v3.4.23, the files called metrics.go; the form is Prometheus's text format 0.0.4 */
export function metricsText(parts: MetricsParts): string {
  const families = [
    ...serverFamilies(parts),
    ...storeFamilies(parts),
    ...methodFamilies(parts),
    ...trafficFamilies(parts),
    ...transferFamilies(parts),
    ...diskFamilies(parts),
    ...workFamilies(parts),
  ].filter(({ lines }) => lines.length > 0);
  families.sort((a, b) => (a.name < b.name ? -1 : 1));
  return families
    .map(({ name, type, lines }) =>
      [`# HELP ${name} ${metricHelp[name]}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n'),
    )
    .join('');
}
