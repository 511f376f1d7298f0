/** Runs that come from outside, as files or links: checked in full before anything is done with them. */
import * as v from 'valibot';
import { noDefects } from '../engine/defects.ts';
import { parseCommand } from './commands.ts';
import type { Defect, Result, RunFile } from './port.ts';
import { isSoonParsed } from './run-text.ts';
import { settingsSchema } from './settings-schema.ts';
import { Breath } from './wall-clock.ts';
import type { Action, Intervention, StoreAction } from '../sim/types.ts';

/** What a run from outside may ask for at most: anyone may have made it. */
export const runLimits = { interventions: 10_000, moment: 20_000_000, textLength: 16 * 1024 * 1024 } as const;

type RunFact = 'seed' | 'members' | 'preVote' | 'settings' | 'moment' | 'engine' | 'interventions';

/** As much of a run file as a lab needs to do the run again. */
export type Run = Pick<RunFile, RunFact> & {
  /** Sixteen hex digits: the run's chain hash at `moment`; null where it was not known. */
  readonly chainHash: string | null;
  /** Bugs that were planted in all members. */
  readonly planted: readonly Defect[];
  /** The input behind which the run was looked at when it was given away, `moment` or before; absent: its end. */
  readonly shown?: number | undefined;
};

const whole = (high: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(high));
const defects = Object.keys(noDefects) as readonly Defect[];
const moment = whole(runLimits.moment);
const storeAction = v.strictObject({
  type: v.literal('storeFailed'),
  member: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9)),
  code: v.picklist(['EIO', 'ENOSPC']),
});

const runSchema = v.object({
  format: v.literal('qlrun', 'is not a run of this lab'),
  version: v.literal(1, 'is of another version of run files'),
  engine: v.pipe(v.string(), v.maxLength(100)),
  seed: whole(0xffff_ffff),
  members: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9)),
  preVote: v.boolean(),
  settings: v.optional(settingsSchema, {}),
  boot: whole(Number.MAX_SAFE_INTEGER),
  startedFromStore: v.boolean(),
  moment,
  chainHash: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/, 'is not a chain hash'))),
  planted: v.optional(v.pipe(v.array(v.picklist(defects)), v.maxLength(8)), []),
  shown: v.optional(moment),
  // its length first, what is in it one by one: there may be very many
  interventions: v.custom<readonly unknown[]>(
    (list) => Array.isArray(list) && list.length <= runLimits.interventions,
    `is no list of at most ${runLimits.interventions} actions`,
  ),
});
const interventionSchema = v.strictObject({ moment, action: v.unknown() });

/** The refusal of what is no run. */
export const badRun = (message: string): { ok: false; code: string; message: string } => ({
  ok: false,
  code: 'bad run',
  message,
});

/**
 * Reads a run from outside, a little at a time: whoever shows something meanwhile is not held up.
 * @returns or the code 'bad run' with what is wrong, and where
 */
export async function readRun(value: unknown): Promise<Result<{ run: Run }>> {
  const parsed = v.safeParse(runSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? 'the run';
    return badRun(`${path}: ${issue.message.slice(0, 200)}`);
  }
  const { format: _format, version: _version, boot, startedFromStore, ...run } = parsed.output;
  if (startedFromStore || boot > 1)
    return badRun(
      'It began on files that it does not hold: only a run from its very beginning can be done again.',
    );
  if (run.shown !== undefined && run.shown > run.moment) return badRun('It was looked at past its own end.');
  const interventions: Intervention[] = [];
  const breath = new Breath();
  let last = 0;
  for (const [i, one] of run.interventions.entries()) {
    if (breath.isDue) await breath.take();
    const read = readIntervention(one);
    if (!read.ok) return badRun(`Action ${i + 1}: ${read.message.slice(0, 200)}`);
    const { intervention } = read;
    if (intervention.moment < last || intervention.moment > run.moment)
      return badRun(`Action ${i + 1} is out of order.`);
    last = intervention.moment;
    interventions.push(intervention);
  }
  return { ok: true, run: { ...run, interventions } };
}

function readIntervention(value: unknown): Result<{ intervention: Intervention }> {
  const parsed = v.safeParse(interventionSchema, value);
  if (!parsed.success) return badRun(parsed.issues[0].message);
  const { moment: at, action } = parsed.output;
  const read = readAction(action);
  return read.ok ? { ok: true, intervention: { moment: at, action: read.action } } : read;
}

/** A command, or what the real store had reported. */
function readAction(action: unknown): Result<{ action: Action }> {
  const stored = v.safeParse(storeAction, action);
  return stored.success ? { ok: true, action: stored.output as StoreAction } : parseCommand(action);
}

/** The text of a file or link. @returns or the code 'bad run' */
export async function readRunText(text: string): Promise<Result<{ run: Run }>> {
  if (text.length > runLimits.textLength) return badRun('It is longer than a run may be.');
  if (!(await isSoonParsed(text))) return badRun('It is not a run: its text is too much of a tangle.');
  try {
    return await readRun(JSON.parse(text));
  } catch {
    return badRun('It is not a run: its text is no JSON.');
  }
}
