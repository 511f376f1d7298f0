/** Between what a setting's number may be: beyond, nothing new is seen, or the tab would not stand it. */

const mib = 1024 * 1024;

export const settingBounds = {
  quotaBytes: [-1, 64 * 1024 * mib],
  autoCompactionRetention: [0, 1_000_000_000],
  snapshotCount: [1, 1_000_000_000],
  heartbeatMs: [10, 10_000],
  electionMs: [50, 50_000],
  batchLimit: [1, 1_000_000],
  batchIntervalMs: [1, 60_000],
  maxTxnOps: [1, 100_000],
  maxRequestBytes: [1, 64 * mib],
  corruptCheckSeconds: [0, 1_000_000],
} as const satisfies Readonly<Record<string, readonly [low: number, high: number]>>;

export type NumberSetting = keyof typeof settingBounds;
