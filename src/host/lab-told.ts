/** What a lab tells its page: events, packed; and what it notes of them for itself. */
import type { EngineEvent, Envelope } from '../engine/events.ts';
import type { Intervention, LabEvent } from '../sim/types.ts';
import type { MemberNotes } from './notes.ts';
import { isEnding, noNotes, noteEvent } from './notes.ts';
import type { Pace } from './pace.ts';
import { StepCounts } from './step-units.ts';
import type { TraceChunk } from './trace-codec.ts';
import { TraceEncoder } from './trace-codec.ts';

/** What members' workers send beside a plan's results. */
export interface MemberTold {
  readonly chunk: TraceChunk | null;
  readonly notes: MemberNotes;
}

export class LabTold {
  readonly counts = new StepCounts();
  readonly #encoder = new TraceEncoder(0);
  #chunks: TraceChunk[] = [];
  #pace: Pace | null = null;
  #sentInterventions = 0;

  /** A run begins with members of which so much is known. */
  begin(notes: readonly MemberNotes[], pace: Pace): void {
    this.counts.begin(notes);
    this.#pace = pace;
    this.#sentInterventions = 0;
  }

  /** @param isFar members' events come packed from their workers; their twins' are for the checkers */
  emit(at: Envelope, event: LabEvent, isFar: boolean): void {
    if (isFar && !event.type.startsWith('sim.')) return;
    this.#encoder.add(at, event);
    if (event.type.startsWith('sim.')) {
      this.#pace?.observe(at.timeUs, event);
      this.counts.tell(at.moment, event.type);
      if (isEnding(event.type)) this.counts.note(noNotes(at.member));
      return;
    }
    const notes = this.counts.noteOf(at.member);
    const noted = noteEvent(notes, event as EngineEvent, at.moment);
    if (noted !== notes) this.counts.note(noted);
  }

  /** What a member's worker sent. */
  take({ chunk, notes }: MemberTold): void {
    if (chunk !== null) this.#chunks.push(chunk);
    this.counts.note(notes);
  }

  /** All since the last call: it belongs to plans that are merged. */
  flush(all: readonly Intervention[]): { chunks: TraceChunk[]; interventions: readonly Intervention[] } {
    const own = this.#encoder.take();
    const chunks = own === null ? this.#chunks : [...this.#chunks, own];
    this.#chunks = [];
    const interventions = all.slice(this.#sentInterventions);
    this.#sentInterventions += interventions.length;
    return { chunks, interventions };
  }
}
