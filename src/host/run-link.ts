/** A run as a text short enough for an address: its few facts, squeezed and spelled in letters. */
import type { Result } from './port.ts';
import { badRun, readRunText, type Run } from './run-schema.ts';
import { fromLetters, squeezed, toLetters, unfolded } from './squeeze.ts';

/** Longer texts are no links; what they unfold to may not be longer than this either. */
const mostLetters = 8192;
const mostBytes = 1024 * 1024;

/** The part of an address after `#`. */
const prefix = 'run=';

/**
 * A run as the part of an address after `#`.
 * @returns or the code 'bad run' where it does not fit into one
 */
export async function linkOf(run: Run): Promise<Result<{ fragment: string }>> {
  if (run.images !== null)
    return badRun('This run began with files, which no link holds: save it as a file.');
  const { interventions, images: _, ...facts } = run;
  const whole = { format: 'qlrun', version: 1, startedFromStore: false, ...facts, interventions };
  const bytes = await squeezed(new TextEncoder().encode(JSON.stringify(whole)), mostBytes);
  const letters = await toLetters(bytes ?? new Uint8Array(0));
  if (bytes === null || letters.length > mostLetters)
    return badRun('This run has too many actions for a link: save it as a file.');
  return { ok: true, fragment: prefix + letters };
}

/**
 * Reads what `linkOf` made; whatever it is given, it ends soon and takes little memory.
 * @param fragment the address from `#` on
 * @returns or the code 'bad run'
 */
export async function readLink(fragment: string): Promise<Result<{ run: Run }>> {
  const letters = fragment.replace(/^#/, '').slice(prefix.length);
  const small = letters.length > mostLetters || letters === '' ? null : await fromLetters(letters);
  if (small === null) return badRun('The link is damaged: it is no text of a run.');
  const bytes = await unfolded(small, mostBytes);
  if (bytes === null) return badRun('The link is damaged, or unfolds to more than a run may be.');
  return readRunText(new TextDecoder().decode(bytes));
}
