/** TimePort: what may be asked of a run's past, and of the timelines that branch off it. */
import type { Answer, LabBatch, LabPort, Place, Query, Result } from './port.ts';

/** An event with its envelope. */
export type Told = LabBatch['events'][number];

/** One history of the run. 0 is the lab that was opened: the root. */
export type TimelineId = number;

/** A timeline, and how far it has come. */
export interface TimelineInfo extends Place {
  readonly id: TimelineId;
  /** Null: the root. */
  readonly parent: TimelineId | null;
  /** Empty until it is given one. */
  readonly name: string;
  /** The moment in the parent after which it goes its own way; 0 for the root. */
  readonly fromMoment: number;
  readonly fromUs: number;
}

/** Where a seek has ended. */
export interface Sought extends Place {
  /** True: the chain hash is the one that the run had there; null: nobody had noted it. False is an error. */
  readonly proven: boolean | null;
  /** Wall milliseconds. */
  readonly tookMs: number;
}

/** The first moment at which two timelines differ, and in each the first event of that input, if any. */
export interface Difference {
  readonly moment: number;
  readonly timeUs: number;
  readonly a: Told | null;
  readonly b: Told | null;
}

/** What of a run's events may be asked for at once. */
export interface Window {
  readonly events: readonly Told[];
  /** Up to here they are whole. */
  readonly toMoment: number;
}

export interface TimeMemory {
  /** What the keyframes take, and the hashes that were noted. */
  readonly bytes: number;
  readonly limit: number;
  readonly keyframes: number;
  /** How far the run has been done again. */
  readonly moment: number;
  /** Why the past cannot be trusted, in a sentence; null: it can. */
  readonly problem: string | null;
}

/** What the past of a run may take: less where the lab is a guest in another page. */
export const pastBytes = (embedded: boolean): number => (embedded ? 48 : 128) * 1024 * 1024;

/** At most so many events are told at once. */
export const largestWindow = 100_000;

/**
 * The past of a lab's run, which is done again beside it. Codes of refusals: 'bad moment' for what is no
 * moment, 'too late' for one that the run has not come to, 'no timeline' for one that there is not,
 * 'internal' where the run done again was another one, or its worker died.
 */
export interface TimePort {
  /** Does the run again up to `moment`: the first end of a plan at or past it. */
  seek(timeline: TimelineId, moment: number): Promise<Result<Sought>>;
  /**
   * The events with `fromMoment` < moment <= `toMoment`, in the order and form in which the lab told them.
   * Only whole moments, as many as `limit` events allow (100,000 at most), but the first in any case.
   */
  window(timeline: TimelineId, fromMoment: number, toMoment: number, limit: number): Promise<Result<Window>>;
  /** As LabPort.inspect, at a moment of the past. */
  inspect(timeline: TimelineId, moment: number, query: Query): Promise<Result<{ answer: Answer }>>;
  /**
   * Opens a branch behind `moment`: a lab of its own, in memory, at rest there, to be driven by its port. At
   * most 8 at a time, else 'too many'. It ends with the past of the run.
   */
  branch(
    timeline: TimelineId,
    moment: number,
    name: string,
  ): Promise<Result<{ timeline: TimelineInfo; port: LabPort }>>;
  /**
   * Ends a branch and lets go of its past: not the root ('the root'), nor what has branches of its own ('has
   * branches').
   */
  end(timeline: TimelineId): Promise<Result<object>>;
  /** Names a timeline: 1 to 200 characters, else 'bad name'. */
  rename(timeline: TimelineId, name: string): Promise<Result<object>>;
  /** Null: equal as far as both go. */
  compare(a: TimelineId, b: TimelineId): Promise<Result<{ difference: Difference | null }>>;
  /** The root first. */
  timelines(): Promise<readonly TimelineInfo[]>;
  memory(): Promise<TimeMemory>;
  close(): Promise<void>;
}
