/** Where a run's marks stand along the scrubber: those too close together to be told apart stand as one. */
import type { MarkKind, RunMark } from '../run-mark.ts';
import { markKinds } from '../run-mark.ts';

export interface PlacedMark {
  readonly kind: MarkKind;
  /** From 0, the first step that can be shown, to 1, now. */
  readonly at: number;
  /** The newest of those that stand here. */
  readonly step: number;
  readonly sentence: string;
  readonly count: number;
}

/** @param places how many marks of a kind may stand side by side */
export function placeMarks(
  marks: readonly RunMark[],
  firstStep: number,
  stepCount: number,
  places: number,
): readonly PlacedMark[] {
  const span = Math.max(1, stepCount - firstStep);
  const placed = new Map<number, PlacedMark>();
  for (const { kind, step, sentence } of marks) {
    if (step <= firstStep) continue;
    const at = (step - firstStep) / span;
    const place = Math.floor(at * places) * markKinds.length + markKinds.indexOf(kind);
    const count = (placed.get(place)?.count ?? 0) + 1;
    placed.set(place, { kind, at, step, sentence, count });
  }
  return [...placed.values()];
}
