/** What a run is stepped by, and how far it has come in each. */
import type { MemberNotes } from './notes.ts';
import { noNotes } from './notes.ts';
import type { StepUnit } from './port.ts';

/** Counts what steps are measured by; the members' notes, which commits follow from, are kept here too. */
export class StepCounts {
  notes: MemberNotes[] = [];
  deliveries = 0;
  private commits = 0;

  /** A member's notes are others now. */
  note(notes: MemberNotes): void {
    const before = Math.max(...this.notes.map(({ commitIndex }) => commitIndex));
    this.notes[notes.member - 1] = notes;
    if (notes.commitIndex > before) this.commits++;
  }

  noteOf(member: number): MemberNotes {
    return this.notes[member - 1] ?? noNotes(member);
  }

  /**
   * How far the run has come in a unit; null where it is none.
   * @param moment how far it has come in inputs
   */
  measure(unit: StepUnit, moment: () => number): (() => number) | null {
    const measures: Readonly<Record<StepUnit, () => number>> = {
      input: moment,
      message: () => this.deliveries,
      commit: () => this.commits,
    };
    return Object.hasOwn(measures, unit) ? measures[unit] : null;
  }
}
