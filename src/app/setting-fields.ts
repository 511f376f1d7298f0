/** The settings of a lab's members as an address and a form have them: each one etcd's flag. */
import { settingBounds, type NumberSetting } from '../host/setting-bounds.ts';
import type { MemberSettings } from '../sim/member-settings.ts';

export type SettingField =
  | {
      readonly kind: 'number';
      readonly name: NumberSetting;
      readonly flag: string;
      readonly usual: number;
      /** What one of the form's units is of the flag's; 1 where they are the same. */
      readonly unit: 'ms' | 's' | 'MiB' | 'KiB' | '';
      readonly perUnit: number;
    }
  | {
      readonly kind: 'choice';
      readonly name: 'freelist' | 'autoCompactionMode';
      readonly flag: string;
      readonly usual: string;
      readonly values: readonly string[];
    }
  | {
      readonly kind: 'switch';
      readonly name: 'initialCorruptCheck' | 'leaseCheckpoint';
      readonly flag: string;
      readonly usual: boolean;
    };

const mib = 1024 * 1024;

type Unit = Extract<SettingField, { kind: 'number' }>['unit'];
const perUnits: Readonly<Record<Unit, number>> = { ms: 1, s: 1, MiB: mib, KiB: 1024, '': 1 };

function number(name: NumberSetting, flag: string, usual: number, unit: Unit = ''): SettingField {
  return { kind: 'number', name, flag, usual, unit, perUnit: perUnits[unit] };
}

/** What holds without them is etcd's default; of the snapshot count, the lab's. */
export const settingFields: readonly SettingField[] = [
  number('heartbeatMs', 'heartbeat-interval', 100, 'ms'),
  number('electionMs', 'election-timeout', 1000, 'ms'),
  number('quotaBytes', 'quota-backend-bytes', 2048 * mib, 'MiB'),
  {
    kind: 'choice',
    name: 'autoCompactionMode',
    flag: 'auto-compaction-mode',
    usual: 'periodic',
    values: ['periodic', 'revision'],
  },
  number('autoCompactionRetention', 'auto-compaction-retention', 0),
  number('snapshotCount', 'snapshot-count', 1000),
  number('batchLimit', 'backend-batch-limit', 10_000),
  number('batchIntervalMs', 'backend-batch-interval', 100, 'ms'),
  {
    kind: 'choice',
    name: 'freelist',
    flag: 'experimental-backend-bbolt-freelist-type',
    usual: 'array',
    values: ['array', 'map'],
  },
  number('maxTxnOps', 'max-txn-ops', 128),
  number('maxRequestBytes', 'max-request-bytes', 1536 * 1024, 'KiB'),
  {
    kind: 'switch',
    name: 'initialCorruptCheck',
    flag: 'experimental-initial-corrupt-check',
    usual: false,
  },
  number('corruptCheckSeconds', 'experimental-corrupt-check-time', 0, 's'),
  { kind: 'switch', name: 'leaseCheckpoint', flag: 'experimental-enable-lease-checkpoint', usual: false },
];

/** A setting's value from an address; null where it is none. */
export function readSetting(field: SettingField, text: string): number | boolean | string | null {
  if (field.kind === 'switch') return text === '1' ? true : text === '0' ? false : null;
  if (field.kind === 'choice') return field.values.includes(text) ? text : null;
  return /^-?\d{1,15}$/.test(text) && isWithin(field.name, Number(text)) ? Number(text) : null;
}

/** Whether a number is one that the setting may have. */
export function isWithin(name: NumberSetting, value: number): boolean {
  const [low, high] = settingBounds[name];
  return Number.isSafeInteger(value) && value >= low && value <= high;
}

/** Without what is as usual. */
export function unusual(settings: MemberSettings): MemberSettings {
  const changed = settingFields.filter(
    ({ name, usual }) => settings[name] !== undefined && settings[name] !== usual,
  );
  return Object.fromEntries(changed.map(({ name }) => [name, settings[name]]));
}
