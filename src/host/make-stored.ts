/** Makes another timeline the stored one: its lab takes the place of what the store holds. */
import type { LabPort, Result } from './port.ts';

/**
 * Hands the store of one timeline's lab over to another's, which is in memory. First the stored run is
 * whole in the store and let go of; then one durable step puts the other in its place. So whatever ends in
 * between, pages, workers or the machine, the store holds the one run whole or the other. Where the other
 * cannot be stored, the first takes its store back. Another tab that had the store in between keeps what it
 * did there: neither of the two replaces that.
 * @returns or the code of `release` or `adopt` that stood in the way
 */
export async function makeStored(from: LabPort, to: LabPort): Promise<Result<object>> {
  const released = await from.release();
  if (!released.ok) return released;
  const adopted = await to.adopt(released.where);
  if (adopted.ok) return { ok: true };
  const back = await from.adopt(released.where);
  if (back.ok) return adopted;
  const both = `${adopted.message} The run that was stored goes on in memory: ${back.message}`;
  return { ...adopted, message: both };
}
