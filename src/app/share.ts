/** A run to be given away: the link and the file that bring it back. */
import type { Result, RunFile } from '../host/port.ts';
import { linkOf } from '../host/run-link.ts';
import { readRun, readRunText, runLimits, type Run } from '../host/run-schema.ts';
import { download } from './download.ts';

/** How much of a run is given away where the past is shown: all of it, or up to there. */
export type SharedPart = 'whole' | 'upToHere';

export interface SharedRun {
  readonly actions: number;
  /** Where the run that is given away ends. */
  readonly moment: number;
  /** Where it is looked at; null: at its end. */
  readonly shown: number | null;
  /** Null where the run does not fit into one, or cannot be done again. */
  readonly link: string | null;
  /** Why there is no link; '' where there is. */
  readonly why: string;
  /** Saves the file. */
  readonly save: () => void;
}

/**
 * What may be given away: the whole run and, where its past is shown, the run up to there besides.
 * @param shown the input behind which the run is looked at; null: its end
 * @param page the address that opens it, up to the `#`
 */
export async function shareRun(
  file: RunFile,
  shown: number | null,
  page: string,
): Promise<Readonly<Partial<Record<SharedPart, SharedRun>>>> {
  if (shown === null) return { whole: await sharedOf(file, null, page) };
  // what was done just there is already the next input's
  const interventions = file.interventions.filter(({ moment }) => moment < shown);
  const part = { ...file, moment: shown, chainHash: null, interventions };
  return {
    whole: await sharedOf({ ...file, shown }, shown, page),
    upToHere: await sharedOf(part, null, page),
  };
}

type SharedFile = Omit<RunFile, 'chainHash'> & Pick<Run, 'chainHash' | 'shown'>;

async function sharedOf(file: SharedFile, shown: number | null, page: string): Promise<SharedRun> {
  const read = await readRun(file);
  const made = read.ok ? await linkOf(read.run) : read;
  return {
    actions: file.interventions.length,
    moment: file.moment,
    shown,
    link: made.ok ? `${page}#${made.fragment}` : null,
    why: made.ok ? '' : made.message,
    save: () =>
      download(`run-${file.seed}-${file.moment}.qlrun`, new TextEncoder().encode(JSON.stringify(file))),
  };
}

/** Reads a saved run. @returns or the code 'bad run' */
export async function readRunFile(file: File): Promise<Result<{ run: Run }>> {
  if (file.size > runLimits.textLength) return readRunText('x'.repeat(runLimits.textLength + 1));
  return readRunText(await file.text());
}
