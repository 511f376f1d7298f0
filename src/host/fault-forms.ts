/** Faults with numbers, as forms: which fields each command takes, with their bounds, for the page. */
import { crashPoints } from '../sim/crash-points.ts';
import {
  diskBounds,
  maxBytes,
  maxDelayUs,
  maxRestartUs,
  maxRotBits,
  maxSteps,
  maxStepUs,
  maxSwingPerMille,
  minSwingUs,
} from '../sim/fault-bounds.ts';
import { hostProfileNames } from '../sim/host-profiles.ts';
import type { FaultAction } from '../sim/types.ts';
import type { DiskSettings, LinkSettings } from '../sim/fault-types.ts';

/** What a field's number is shown in: `ms` microseconds in milliseconds, `share` thousandths in percent. */
export type Unit = 'ms' | 's' | 'share' | 'times' | 'rate' | 'kB' | 'kBps' | 'count';

const scales: Readonly<Record<Unit, number>> = {
  ...{ ms: 1000, s: 1_000_000, share: 10, times: 1, rate: 1000, kB: 1000, kBps: 1000, count: 1 },
};

export type FormField =
  | {
      readonly kind: 'number';
      readonly name: string;
      readonly unit: Unit;
      /** So many of the command's units are one of what is shown. */
      readonly scale: number;
      readonly low: number;
      readonly high: number;
      readonly usual: number;
      /** Left empty it is not named in the command. */
      readonly isOptional?: boolean;
    }
  /** A choice of '' is not named in the command. */
  | { readonly kind: 'choice'; readonly name: string; readonly choices: readonly string[] }
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'many'; readonly name: string; readonly choices: readonly string[] };

export interface FaultForm {
  /** The command's type; `profile`: a host of a kind, many commands. */
  readonly type: FormType;
  readonly fields: readonly FormField[];
}

export type FormType =
  | Extract<
      FaultAction,
      {
        type:
          | 'slowCpu'
          | 'clockRate'
          | 'clockStep'
          | 'clockSwing'
          | 'misdirect'
          | 'loseFiles'
          | 'memoryLimit'
          | 'failAllocation'
          | 'restartDelay'
          | 'crashPoint'
          | 'slowDisk'
          | 'disk'
          | 'diskError'
          | 'bitRot'
          | 'link'
          | 'flap'
          | 'message';
      }
    >['type']
  | 'profile';

/** A field's value: a number in the command's unit, null where it is left empty. */
export type FormValue = number | string | readonly string[] | null;
export type FormValues = Readonly<Record<string, FormValue>>;

/** Whom a form is for, as the command names it. */
export type FormTarget =
  | { readonly member: number }
  | { readonly from: number; readonly to: number }
  | { readonly message: number; readonly do: 'delay' };

const number = (name: string, unit: Unit, low: number, high: number, usual = low): FormField => {
  return { kind: 'number', name, unit, scale: scales[unit], low, high, usual };
};
const choice = (name: string, ...choices: readonly string[]): FormField => ({
  kind: 'choice',
  name,
  choices,
});

const unitOf = (name: string): Unit => {
  if (name.endsWith('Us')) return 'ms';
  if (name.endsWith('PerMille')) return 'share';
  if (name === 'bytesPerSecond') return 'kBps';
  return name.endsWith('Bytes') ? 'kB' : 'count';
};

const diskField = (name: keyof DiskSettings): FormField =>
  name === 'lying' ? { kind: 'flag', name } : number(name, unitOf(name), 0, diskBounds[name]);

/** What travels between members. */
const messageTypes = [
  ...['MsgApp', 'MsgAppResp', 'MsgHeartbeat', 'MsgHeartbeatResp', 'MsgPreVote', 'MsgPreVoteResp'],
  ...['MsgVote', 'MsgVoteResp', 'MsgTimeoutNow', 'MsgProp', 'MsgReadIndex', 'MsgReadIndexResp', 'MsgSnap'],
];

const linkHighs: Readonly<Record<Exclude<keyof LinkSettings, 'dropTypes'>, number>> = {
  ...{ extraDelayUs: maxDelayUs, jitterUs: maxDelayUs, lossPerMille: 1000, duplicatePerMille: 1000 },
  ...{ reorderPerMille: 1000, corruptPerMille: 1000, bytesPerSecond: maxBytes, queueBytes: maxBytes },
  ...{ clogPerMille: 1000, clogMeanUs: maxDelayUs },
};

const memberForms: readonly FaultForm[] = [
  { type: 'profile', fields: [choice('profile', ...hostProfileNames)] },
  {
    type: 'crashPoint',
    fields: [
      choice('point', ...crashPoints),
      choice('file', '', 'wal', 'db', 'snap'),
      number('nth', 'count', 0, maxSteps, 1),
      choice('then', 'powerCut', 'kill'),
    ],
  },
  { type: 'slowCpu', fields: [number('factor', 'times', 1, 1000)] },
  { type: 'clockRate', fields: [number('perMille', 'rate', 10, 100_000, 1000)] },
  { type: 'clockStep', fields: [number('aheadUs', 's', 1, maxStepUs, 10_000_000)] },
  {
    type: 'clockSwing',
    fields: [
      number('perMille', 'share', 0, maxSwingPerMille),
      number('periodUs', 'ms', minSwingUs, maxDelayUs, 2_000_000),
      choice('shape', 'periodic', 'random'),
    ],
  },
  { type: 'memoryLimit', fields: [number('bytes', 'kB', 0, maxBytes)] },
  { type: 'failAllocation', fields: [number('nth', 'count', 0, maxSteps, 1)] },
  { type: 'restartDelay', fields: [number('afterUs', 's', 0, maxRestartUs, 5_000_000)] },
  { type: 'slowDisk', fields: [number('factor', 'times', 1, 1000)] },
  { type: 'disk', fields: (Object.keys(diskBounds) as (keyof DiskSettings)[]).map(diskField) },
  {
    type: 'diskError',
    fields: [
      choice('on', 'sync', 'write', 'read'),
      choice('code', 'EIO', 'ENOSPC'),
      choice('lasts', 'once', 'always', 'never'),
    ],
  },
  { type: 'loseFiles', fields: [choice('file', 'wal', 'db', 'snap')] },
  { type: 'misdirect', fields: [choice('how', 'write', 'lose', 'read')] },
  {
    type: 'bitRot',
    fields: [
      choice('zone', 'leaf', 'branch', 'meta', 'freelist', 'wal', 'snapshot'),
      number('bits', 'count', 1, maxRotBits, 16),
      {
        ...{ kind: 'number', name: 'page', unit: 'count', scale: 1, isOptional: true },
        ...{ low: 0, high: Number.MAX_SAFE_INTEGER, usual: 0 },
      },
    ],
  },
];

const linkForms: readonly FaultForm[] = [
  {
    type: 'link',
    fields: [
      ...Object.entries(linkHighs).map(([name, high]) => number(name, unitOf(name), 0, high)),
      { kind: 'many', name: 'dropTypes', choices: messageTypes },
    ],
  },
  { type: 'flap', fields: [number('upUs', 'ms', 0, maxDelayUs), number('downUs', 'ms', 0, maxDelayUs)] },
];

const messageForms: readonly FaultForm[] = [
  { type: 'message', fields: [number('delayUs', 'ms', 1, maxDelayUs, 10_000)] },
];

/** The forms of a kind of object; none for what has no numbers. */
export function formsOf(kind: 'member' | 'link' | 'message' | 'host'): readonly FaultForm[] {
  return { member: memberForms, link: linkForms, message: messageForms, host: [] }[kind];
}

/**
 * The command that a filled form is.
 * @param values in the command's units; a number out of its bounds is brought into them
 */
export function formAction(form: FaultForm, target: FormTarget, values: FormValues): FaultAction {
  const given = form.fields.flatMap((field): (readonly [string, FormValue])[] => {
    const value = values[field.name] ?? null;
    const isUnnamed = value === null || value === '';
    return isUnnamed ? [] : [[field.name, bounded(field, value)]];
  });
  return { type: form.type, ...target, ...Object.fromEntries(given) } as unknown as FaultAction;
}

function bounded(field: FormField, value: FormValue): FormValue {
  if (field.kind !== 'number' || typeof value !== 'number') return value;
  return Math.min(field.high, Math.max(field.low, Math.round(value)));
}
