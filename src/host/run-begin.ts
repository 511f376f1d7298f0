/** What a run began with: how its file tells of it, and how a lab comes to begin so again. */
import type { Boot } from '../sim/run.ts';
import type { StoredLab } from './page-store.ts';
import { storeFormat } from './page-store.ts';
import type { RunFile } from './port.ts';
import { redoInPieces } from './redo.ts';
import { packImages } from './run-images.ts';
import type { Run } from './run-schema.ts';
import { noInputs, reachesGenesis } from './stored-inputs.ts';

type Beginning = Pick<RunFile, 'startedFromStore' | 'earlier' | 'images' | 'startUs'>;

const beginnings = new WeakMap<StoredLab, Promise<Beginning>>();

/** What a run file says of the beginning: the boots before, or the files where nobody knows those. */
export function beginningOf(lab: StoredLab): Promise<Beginning> {
  const known = beginnings.get(lab) ?? tell(lab);
  beginnings.set(lab, known);
  return known;
}

async function tell({ inputs, images, record }: StoredLab): Promise<Beginning> {
  const earlier = inputs.boots.slice(0, -1);
  if (reachesGenesis(inputs)) return { startedFromStore: false, ...(earlier.length > 0 && { earlier }) };
  const packed = await packImages(images);
  const startUs = record.timeUs;
  return { startedFromStore: true, ...(packed !== null && { images: packed, startUs }) };
}

/** A lab as it was stored before a run began, in memory. */
export interface Begun {
  readonly lab: StoredLab;
  /** What came out otherwise on the way there; null: nothing. */
  readonly differs: string | null;
}

/**
 * What a run is to begin with: the files that it holds, or those to which the boots before it lead, which are
 * done again.
 * @returns null where it begins with empty disks
 */
export async function begin(run: Run, boot: Boot): Promise<Begun | null> {
  const { seed, members, preVote, settings, earlier, images } = run;
  const facts = { seed, members, preVote, settings };
  const before = { formatVersion: storeFormat, ...facts, boot: run.boot - 1 };
  if (images !== null) {
    const record = { ...before, timeUs: run.startUs };
    return { lab: { record, images, fresh: false, inputs: noInputs }, differs: null };
  }
  if (earlier.length === 0) return null;
  const { timeUs, differs, images: left } = await redoInPieces(facts, earlier, boot);
  const record = { ...before, timeUs };
  return { lab: { record, images: left, fresh: false, inputs: { boots: earlier } }, differs };
}
