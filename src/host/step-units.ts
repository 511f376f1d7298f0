/** What a run is stepped by, and how far it has come in each. */
import type { LabEvent } from '../sim/types.ts';
import type { MemberNotes } from './notes.ts';
import { noNotes } from './notes.ts';
import type { StepUnit } from './port.ts';

/** In words, for a refusal. */
export const unitWords = 'input, tick, message, raft, commit, page or command';

/** The units that the world tells of; the others follow from the members' notes. */
const worldUnits: Readonly<Partial<Record<LabEvent['type'], StepUnit>>> = {
  'sim.tick': 'tick',
  'sim.deliver': 'message',
  'sim.clientSend': 'command',
  'sim.clientDone': 'command',
};

/**
 * Counts what steps are measured by: the inputs that ended a unit. The members' notes, which much of it
 * follows from, are kept here too.
 */
export class StepCounts {
  notes: MemberNotes[] = [];
  private readonly inputs = { tick: 0, message: 0, raft: 0, commit: 0, page: 0, command: 0 };
  /** The last input in which a client's request was sent or ended: one input may do both. */
  private commandMoment = -1;
  /** The highest index that any member has known as committed. */
  private committed = 0;

  /** A run begins, with members of which so much is known. */
  begin(notes: readonly MemberNotes[]): void {
    this.notes = [...notes];
    this.committed = Math.max(0, ...notes.map(({ commitIndex }) => commitIndex));
  }

  /** The world told of something that input number `moment` brought about. */
  tell(moment: number, type: LabEvent['type']): void {
    const unit = worldUnits[type];
    if (unit === undefined || unit === 'input') return;
    if (unit === 'command' && this.commandMoment === moment) return;
    if (unit === 'command') this.commandMoment = moment;
    this.inputs[unit]++;
  }

  /** A member's notes are others now: later ones of its process, or those of another one. */
  note(notes: MemberNotes): void {
    const before = this.noteOf(notes.member);
    this.notes[notes.member - 1] = notes;
    this.inputs.raft += since(before.raftInputs, notes.raftInputs);
    this.inputs.page += since(before.pageInputs, notes.pageInputs);
    if (notes.commitIndex <= this.committed) return;
    this.committed = notes.commitIndex;
    this.inputs.commit++;
  }

  noteOf(member: number): MemberNotes {
    return this.notes[member - 1] ?? noNotes(member);
  }

  /**
   * How far the run has come in a unit; null where it is none.
   * @param moment how far it has come in inputs
   */
  measure(unit: StepUnit, moment: () => number): (() => number) | null {
    if (unit === 'input') return moment;
    return Object.hasOwn(this.inputs, unit) ? () => this.inputs[unit] : null;
  }
}

/** What a count has grown by; a process that began anew counts from 0. */
const since = (before: number, now: number): number => (now < before ? now : now - before);
