/** What a lab's members may be started with: etcd's flags, flat, as links and stored labs hold them. */
import type { AutoCompaction } from '../engine/server/compactor.ts';
import type { MemberConfig } from '../engine/server/types.ts';

/** What is absent is as the lab has it, which is as etcd has it where `src/README.md` says nothing else. */
export interface MemberSettings {
  /** `--quota-backend-bytes`; 0: etcd's default of 2 GiB, below 0: no limit. */
  readonly quotaBytes?: number;
  /** `--auto-compaction-mode`; it does nothing without a retention. */
  readonly autoCompactionMode?: 'periodic' | 'revision';
  /** `--auto-compaction-retention`: periodic, so many seconds; revision, so many revisions. 0: never. */
  readonly autoCompactionRetention?: number;
  /** `--snapshot-count` */
  readonly snapshotCount?: number;
  /** `--heartbeat-interval`, milliseconds. */
  readonly heartbeatMs?: number;
  /** `--election-timeout`, milliseconds; at least five heartbeats. */
  readonly electionMs?: number;
  /** `--experimental-backend-bbolt-freelist-type` */
  readonly freelist?: 'array' | 'map';
  /** `--backend-batch-limit`, operations. */
  readonly batchLimit?: number;
  /** `--backend-batch-interval`, milliseconds. */
  readonly batchIntervalMs?: number;
  /** `--max-txn-ops` */
  readonly maxTxnOps?: number;
  /** `--max-request-bytes` */
  readonly maxRequestBytes?: number;
  /** `--experimental-initial-corrupt-check` */
  readonly initialCorruptCheck?: boolean;
  /** `--experimental-corrupt-check-time`, seconds; 0: never. */
  readonly corruptCheckSeconds?: number;
  /** `--experimental-enable-lease-checkpoint`: each five minutes. */
  readonly leaseCheckpoint?: boolean;
}

/** As etcd has it. @source etcd embed/config.go NewConfig */
const defaults = { heartbeatMs: 100, electionMs: 1000 } as const;
/** @source etcd v3.4.23 lease/lessor.go defaultLeaseCheckpointInterval */
const leaseCheckpointUs = 300_000_000;

/**
 * Why a member would refuse to start with these; null where it would not.
 * @source etcd embed/config.go Validate
 */
export function settingsProblem(settings: MemberSettings): string | null {
  const { heartbeatMs, electionMs } = { ...defaults, ...settings };
  if (5 * heartbeatMs > electionMs)
    return (
      `--election-timeout[${electionMs}ms] should be at least as 5 times as ` +
      `--heartbeat-interval[${heartbeatMs}ms]`
    );
  return null;
}

/** The settings as a member's configuration has them: only what they say. */
export function configOf(
  settings: MemberSettings,
): Partial<MemberConfig> & Pick<MemberConfig, 'tickUs' | 'electionTicks'> {
  const { heartbeatMs, electionMs } = { ...defaults, ...settings };
  const { quotaBytes, snapshotCount, batchLimit, batchIntervalMs } = settings;
  const { maxTxnOps, maxRequestBytes, initialCorruptCheck, corruptCheckSeconds = 0 } = settings;
  const autoCompaction = autoCompactionOf(settings);
  return {
    tickUs: heartbeatMs * 1000,
    electionTicks: Math.floor(electionMs / heartbeatMs),
    ...(quotaBytes !== undefined && { quotaBytes }),
    ...(autoCompaction !== null && { autoCompaction }),
    ...(snapshotCount !== undefined && { snapshotCount }),
    ...(settings.freelist === 'map' && { freelistType: 'hashmap' }),
    ...(batchLimit !== undefined && { batchLimit }),
    ...(batchIntervalMs !== undefined && { batchIntervalUs: batchIntervalMs * 1000 }),
    ...(maxTxnOps !== undefined && { maxTxnOps }),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
    ...(initialCorruptCheck === true && { initialCorruptCheck }),
    ...(corruptCheckSeconds > 0 && { corruptCheckUs: corruptCheckSeconds * 1_000_000 }),
    ...(settings.leaseCheckpoint === true && { leaseCheckpoints: { intervalUs: leaseCheckpointUs } }),
  };
}

function autoCompactionOf(settings: MemberSettings): AutoCompaction | null {
  const { autoCompactionMode: mode = 'periodic', autoCompactionRetention: retention = 0 } = settings;
  if (retention <= 0) return null;
  return mode === 'periodic' ? { mode, retentionUs: retention * 1_000_000 } : { mode, retention };
}
