/** The bounds of what members may be started with: of addresses, links, run files and stored labs alike. */
import * as v from 'valibot';
import { settingsProblem, type MemberSettings } from '../sim/member-settings.ts';

const whole = (low: number, high: number) =>
  v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high)));

/** Beyond these nothing new is to be seen, or the tab would not stand it. */
export const settingsSchema = v.pipe(
  v.strictObject({
    quotaBytes: whole(-1, 64 * 1024 * 1024 * 1024),
    autoCompactionMode: v.exactOptional(v.picklist(['periodic', 'revision'])),
    autoCompactionRetention: whole(0, 1_000_000_000),
    snapshotCount: whole(1, 1_000_000_000),
    heartbeatMs: whole(10, 10_000),
    electionMs: whole(50, 50_000),
    freelist: v.exactOptional(v.picklist(['array', 'map'])),
    batchLimit: whole(1, 1_000_000),
    batchIntervalMs: whole(1, 60_000),
    maxTxnOps: whole(1, 100_000),
    maxRequestBytes: whole(1, 64 * 1024 * 1024),
    initialCorruptCheck: v.exactOptional(v.boolean()),
    corruptCheckSeconds: whole(0, 1_000_000),
    leaseCheckpoint: v.exactOptional(v.boolean()),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? settingsProblem(dataset.value) : null;
    if (problem !== null) addIssue({ message: problem });
  }),
);

/** Settings that are within the bounds; null for others. */
export function readSettings(value: unknown): MemberSettings | null {
  const parsed = v.safeParse(settingsSchema, value);
  return parsed.success ? parsed.output : null;
}
