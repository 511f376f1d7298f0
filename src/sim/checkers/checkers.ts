/** All checkers of a run: a trace that passes everything on, and stops at the first violation. */
import { InvariantError } from '../../base/assert.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent, LabTrace } from '../types.ts';
import type { Accused, Checker, Evidence, Inspected, Property, Violation } from './checker.ts';

/**
 * Give it to a cluster as its trace. A loop that runs the cluster asks `violation` between two plans, and
 * stops there: so does the lab in the browser, which has the events alone. A run that is to show what one
 * checker sees, whoever else sees something before it, heeds that one alone; the others' finds are `noted`.
 */
export class Checkers implements LabTrace {
  readonly on = true;
  /** Where nobody else wants the events, only those are wanted that a checker reads. */
  readonly brief: boolean;
  private readonly checkers: readonly Checker[];
  private readonly readers: ReadonlyMap<LabEvent['type'], readonly Reader[]>;
  private readonly counting: readonly Counting[];
  private readonly next: LabTrace | null;
  private readonly heeds: readonly Property[] | null;
  /** Of each property that is not heeded the first one. */
  readonly noted: Violation[] = [];
  private found: Violation | null = null;
  private moment = 0;

  /**
   * @param heeds the properties whose violation ends the run; null: each
   * @param next who else wants the events
   */
  constructor(
    checkers: readonly Checker[],
    heeds: readonly Property[] | null = null,
    next: LabTrace | null = null,
  ) {
    this.checkers = checkers;
    this.heeds = heeds;
    this.readers = readersOf(checkers);
    this.counting = checkers.filter((checker): checker is Counting => checker.count !== undefined);
    this.next = next;
    this.brief = next === null || next.brief === true;
  }

  get all(): readonly Checker[] {
    return this.checkers;
  }

  /** The first one; null while all is well. */
  get violation(): Violation | null {
    return this.found;
  }

  emit(at: Envelope, event: LabEvent): void {
    this.moment = at.moment;
    if (this.next?.on === true) this.next.emit(at, event);
    if (this.found !== null) return;
    const readers = this.readers.get(event.type);
    if (readers === undefined) return;
    for (const reader of readers) {
      const against = reader.observe(at, event);
      if (against !== null) this.take(reader, against);
    }
    for (const counting of this.counting) {
      const against = counting.count(at.moment);
      if (against !== null) this.take(counting, against);
    }
  }

  /** Whether any checker reads events of this type. */
  reads(type: LabEvent['type']): boolean {
    return this.readers.has(type);
  }

  /** A plan was merged in which these members took part. */
  after(world: Inspected, members: readonly number[]): void {
    for (const checker of this.checkers) {
      if (this.found !== null) return;
      if (checker.after !== undefined) this.take(checker, checker.after(world, members));
    }
  }

  /** Looks at everything. */
  whole(world: Inspected): void {
    for (const checker of this.checkers) {
      if (this.found !== null) return;
      if (checker.whole !== undefined)
        this.take(
          checker,
          lookAt(() => checker.whole?.(world) ?? null),
        );
    }
  }

  /** What one of them has found by other means. */
  report(checker: Checker, evidence: Evidence): void {
    this.take(checker, evidence);
  }

  private take({ property, sentence }: Checker, against: Evidence | null): void {
    if (against === null || this.found !== null) return;
    const { text: evidence, about } = typeof against === 'string' ? { text: against, about: [] } : against;
    const named = once([...membersIn(evidence), ...about]);
    const found = { property, sentence, evidence, about: named, moment: this.moment };
    if (this.heeds === null || this.heeds.includes(property)) this.found = found;
    else if (!this.noted.some((each) => each.property === property)) this.noted.push(found);
  }
}

/** Each where it is named first. */
function once(all: readonly Accused[]): Accused[] {
  const texts = all.map((one) => JSON.stringify(one));
  return all.filter((_, place) => texts.indexOf(texts[place]) === place);
}

type Reader = Checker & Required<Pick<Checker, 'observe'>>;
type Counting = Checker & Required<Pick<Checker, 'count'>>;

function readersOf(checkers: readonly Checker[]): Map<LabEvent['type'], Reader[]> {
  const readers = new Map<LabEvent['type'], Reader[]>();
  for (const checker of checkers) {
    if (checker.observe === undefined) continue;
    for (const type of checker.reads) readers.set(type, [...(readers.get(type) ?? []), checker as Reader]);
  }
  return readers;
}

/** The members that a text names, in its order. */
function membersIn(text: string): Accused[] {
  const members = [...text.matchAll(/\bm([1-9])\b/g)].map((match) => Number(match[1]));
  return [...new Set(members)].map((member) => ({ kind: 'member', member }));
}

/** A state so broken that reading it fails is evidence, too. */
function lookAt(look: () => Evidence | null): Evidence | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    throw error;
  }
}
