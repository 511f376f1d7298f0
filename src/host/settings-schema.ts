/** What members may be started with, checked: of addresses, links, run files and stored labs alike. */
import * as v from 'valibot';
import { settingsProblem, type MemberSettings } from '../sim/member-settings.ts';
import { settingBounds, type NumberSetting } from './setting-bounds.ts';

const whole = (name: NumberSetting) => {
  const [low, high] = settingBounds[name];
  return v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high)));
};

export const settingsSchema = v.pipe(
  v.strictObject({
    quotaBytes: whole('quotaBytes'),
    autoCompactionMode: v.exactOptional(v.picklist(['periodic', 'revision'])),
    autoCompactionRetention: whole('autoCompactionRetention'),
    snapshotCount: whole('snapshotCount'),
    heartbeatMs: whole('heartbeatMs'),
    electionMs: whole('electionMs'),
    freelist: v.exactOptional(v.picklist(['array', 'map'])),
    batchLimit: whole('batchLimit'),
    batchIntervalMs: whole('batchIntervalMs'),
    maxTxnOps: whole('maxTxnOps'),
    maxRequestBytes: whole('maxRequestBytes'),
    initialCorruptCheck: v.exactOptional(v.boolean()),
    corruptCheckSeconds: whole('corruptCheckSeconds'),
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
