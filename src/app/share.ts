/** A run to be given away: the link and the file that bring it back. */
import type { Result, RunFile } from '../host/port.ts';
import { linkOf } from '../host/run-link.ts';
import { readRun, readRunText, runLimits, type Run } from '../host/run-schema.ts';
import { download } from './download.ts';

export interface SharedRun {
  readonly actions: number;
  readonly moment: number;
  readonly isPast: boolean;
  /** Null where the run does not fit into one, or cannot be done again. */
  readonly link: string | null;
  /** Why there is no link; '' where there is. */
  readonly why: string;
  /** Saves the file. */
  readonly save: () => void;
}

/** @param moment the input up to which the run is shared; null: all of it */
export async function shareRun(file: RunFile, moment: number | null): Promise<SharedRun> {
  const interventions = file.interventions.filter((one) => moment === null || one.moment <= moment);
  const part = moment === null ? file : { ...file, moment, chainHash: null, interventions };
  const read = await readRun(part);
  const made = read.ok ? await linkOf(read.run) : read;
  const { origin, pathname, search } = location;
  return {
    actions: interventions.length,
    moment: part.moment,
    isPast: moment !== null,
    link: made.ok ? `${origin}${pathname}${search}#${made.fragment}` : null,
    why: made.ok ? '' : made.message,
    save: () =>
      download(`run-${file.seed}-${part.moment}.qlrun`, new TextEncoder().encode(JSON.stringify(part))),
  };
}

/** Reads a saved run. @returns or the code 'bad run' */
export async function readRunFile(file: File): Promise<Result<{ run: Run }>> {
  if (file.size > runLimits.textLength) return readRunText('x'.repeat(runLimits.textLength + 1));
  return readRunText(await file.text());
}
