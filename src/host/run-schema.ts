/** Runs that come from outside, as files or links: checked in full before anything is done with them. */
import * as v from 'valibot';
import { noDefects } from '../engine/defects.ts';
import { parseCommand } from './commands.ts';
import type { Defect, Result, RunFile } from './port.ts';
import { unpackImages } from './run-images.ts';
import { isSoonParsed } from './run-text.ts';
import { settingsSchema } from './settings-schema.ts';
import type { BootInputs } from './stored-inputs.ts';
import { inputLimits } from './stored-inputs.ts';
import { Breath } from './wall-clock.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { Action, Intervention, StoreAction } from '../sim/types.ts';

/** What a run from outside may ask for at most: anyone may have made it. */
export const runLimits = { interventions: 10_000, moment: 20_000_000, textLength: 16 * 1024 * 1024 } as const;

type RunFact = 'seed' | 'members' | 'preVote' | 'settings' | 'boot' | 'moment' | 'engine' | 'interventions';

/** As much of a run file as a lab needs to do the run again. */
export type Run = Pick<RunFile, RunFact> & {
  /** Sixteen hex digits: the run's chain hash at `moment`; null where it was not known. */
  readonly chainHash: string | null;
  /** Bugs that were planted in all members. */
  readonly planted: readonly Defect[];
  /** The lab's boots before this one, from its first on: what they stored is what this one begins with. */
  readonly earlier: readonly BootInputs[];
  /** What it begins with, where no boots before it tell; null: that, or empty disks. */
  readonly images: readonly DiskImage[] | null;
  /** Virtual microseconds at which it begins; 0 where boots before it tell. */
  readonly startUs: number;
  /** The input behind which the run was looked at when given away, `moment` or before; absent: its end. */
  readonly shown?: number | undefined;
};

/** Boots are counted in one word of a stream's name; a clock has room for more than a century. */
const mostBoots = 0xffff_ffff;
const latestUs = 2 ** 52;
/** Firsts and lasts of the commits that were stored, of one member in one boot. */
const mostSpanEnds = 4096;

const whole = (high: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(high));
const defects = Object.keys(noDefects) as readonly Defect[];
const moment = whole(runLimits.moment);
// its length first, what is in it one by one: there may be very many
const interventions = v.custom<readonly unknown[]>(
  (list) => Array.isArray(list) && list.length <= runLimits.interventions,
  `is no list of at most ${runLimits.interventions} actions`,
);
const chainHash = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/, 'is not a chain hash'));
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
  boot: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostBoots)),
  startedFromStore: v.boolean(),
  startUs: v.optional(whole(latestUs), 0),
  images: v.optional(v.string()),
  earlier: v.optional(
    v.custom<readonly unknown[]>(
      (list) => Array.isArray(list) && list.length <= inputLimits.boots,
      `is no list of at most ${inputLimits.boots} boots`,
    ),
    [],
  ),
  moment,
  chainHash: v.nullable(chainHash),
  planted: v.optional(v.pipe(v.array(v.picklist(defects)), v.maxLength(8)), []),
  shown: v.optional(moment),
  interventions,
});
const interventionSchema = v.strictObject({ moment, action: v.unknown() });

/** Firsts and lasts of spans, ascending. */
const isSpans = (spans: unknown): boolean =>
  Array.isArray(spans) &&
  spans.length <= mostSpanEnds &&
  spans.length % 2 === 0 &&
  spans.every(
    (at, i) => Number.isSafeInteger(at) && at >= (i === 0 ? 0 : spans[i - 1] + (i % 2 === 0 ? 1 : 0)),
  );
const bootSchema = v.strictObject({
  boot: whole(mostBoots),
  startUs: whole(latestUs),
  files: whole(0xffff_ffff),
  interventions,
  end: v.strictObject({
    moment,
    chainHash,
    stored: v.custom<readonly (readonly number[])[]>(
      (all) => Array.isArray(all) && all.length <= 9 && all.every(isSpans),
      'is no list of commits that were stored',
    ),
  }),
});

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
  const { format: _format, version: _version, startedFromStore, images, earlier, ...run } = parsed.output;
  if (run.shown !== undefined && run.shown > run.moment) return badRun('It was looked at past its own end.');
  const isBegun = earlier.length > 0 || run.boot === 1;
  if (startedFromStore ? images === undefined : !isBegun)
    return badRun('It began on files that it does not hold: nobody can do it again.');
  if (startedFromStore ? earlier.length > 0 : images !== undefined || run.startUs > 0)
    return badRun('It tells of two beginnings.');
  const breath = new Breath();
  const own = await readInterventions(run.interventions, run.moment, breath);
  if (!own.ok) return own;
  const boots = await readBoots(earlier, run, breath);
  if (!boots.ok) return boots;
  const unpacked = images === undefined ? null : await unpackImages(images, run.members);
  if (unpacked !== null && !unpacked.ok) return unpacked;
  const begin = { earlier: boots.earlier, images: unpacked?.images ?? null };
  return { ok: true, run: { ...run, ...begin, interventions: own.interventions } };
}

async function readInterventions(
  list: readonly unknown[],
  end: number,
  breath: Breath,
): Promise<Result<{ interventions: Intervention[] }>> {
  const interventions: Intervention[] = [];
  let last = 0;
  for (const [i, one] of list.entries()) {
    if (breath.isDue) await breath.take();
    const read = readIntervention(one);
    if (!read.ok) return badRun(`Action ${i + 1}: ${read.message.slice(0, 200)}`);
    const { intervention } = read;
    if (intervention.moment < last || intervention.moment > end)
      return badRun(`Action ${i + 1} is out of order.`);
    last = intervention.moment;
    interventions.push(intervention);
  }
  return { ok: true, interventions };
}

/** The boots before a run: from the first on, and all together within what one run may ask for. */
async function readBoots(
  list: readonly unknown[],
  run: { readonly boot: number; readonly moment: number; readonly interventions: readonly unknown[] },
  breath: Breath,
): Promise<Result<{ earlier: BootInputs[] }>> {
  const earlier: BootInputs[] = [];
  let [moments, actions] = [run.moment, run.interventions.length];
  for (const [i, one] of list.entries()) {
    if (breath.isDue) await breath.take();
    const parsed = v.safeParse(bootSchema, one);
    if (!parsed.success) return badRun(`Boot ${i + 1}: ${parsed.issues[0].message.slice(0, 200)}`);
    const { boot, end } = parsed.output;
    const isFirst = i === 0;
    if (boot >= run.boot || (isFirst ? boot !== 1 : boot <= earlier[i - 1].boot))
      return badRun(`Boot ${boot} is out of order.`);
    moments += end.moment;
    actions += parsed.output.interventions.length;
    if (moments > runLimits.moment || actions > runLimits.interventions)
      return badRun('All its boots together are longer than a run may be.');
    const read = await readInterventions(parsed.output.interventions, end.moment, breath);
    if (!read.ok) return badRun(`Boot ${boot}: ${read.message}`);
    earlier.push({ ...parsed.output, interventions: read.interventions });
  }
  return { ok: true, earlier };
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
