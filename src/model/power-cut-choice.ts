/** What the preview of a power cut asks for: the cut by the dice, or by fates that were chosen. */
import type { FaultAction } from '../sim/types.ts';

/** A fate for each change of a file; how many of the directory's changes arrive, null: all. */
export interface CutChoice {
  readonly fates: readonly string[];
  readonly names: number | null;
}

/** @param choice null: the dice decide */
export function cutAction(
  member: number,
  choice: CutChoice | null,
): Extract<FaultAction, { type: 'powerCut' }> {
  if (choice === null) return { type: 'powerCut', member };
  const { fates, names } = choice;
  return { type: 'powerCut', member, fates, ...(names !== null && { names }) };
}
