/** What a checker is: it watches a run and says, with evidence, what must not be. */
import type { Entry } from '../../engine/raft/types.ts';
import type { Envelope } from '../../engine/events.ts';
import type { Store } from '../../engine/server/store.ts';
import type { LabEvent } from '../types.ts';

export type Property = 'C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8' | 'C9';

/** What a violation is about, so that a picture can mark it. Without a member: wherever it is. */
export type Accused =
  | { readonly kind: 'member'; readonly member: number }
  | { readonly kind: 'entry'; readonly index: number; readonly member?: number }
  | { readonly kind: 'key'; readonly key: string; readonly member?: number }
  | { readonly kind: 'page'; readonly page: number; readonly member: number }
  /** In hex. */
  | { readonly kind: 'lease'; readonly lease: string }
  | { readonly kind: 'watcher'; readonly watcher: number; readonly member: number }
  | { readonly kind: 'message'; readonly message: number; readonly from: number; readonly to: number };

/** What speaks against a property: in words, and with what it is about beside the members that it names. */
export type Evidence = string | Finding;

export interface Finding {
  readonly text: string;
  readonly about: readonly Accused[];
}

export const finding = (text: string, ...about: readonly Accused[]): Finding => ({ text, about });

/** Something happened that must not. `moment`: the input after which it was seen. */
export interface Violation {
  readonly property: Property;
  readonly sentence: string;
  readonly evidence: string;
  /** The members that the evidence names are the first ones. */
  readonly about: readonly Accused[];
  readonly moment: number;
}

/** A running member from inside. Nothing of it may be changed. */
export interface MemberState {
  readonly store: Store;
  /** The last entry applied. */
  readonly applied: number;
  /** Whether the store is what follows from the entries up to `applied`: not so while a start goes on. */
  readonly isCurrent: boolean;
  /** See `Applier.records`. */
  readonly records: readonly [number, number];
  entries(from: number, limit: number): readonly Entry[];
}

/** The members' states, for checks that look deeper than events go. */
export interface Inspected {
  readonly nowUs: number;
  /** Of those with a process, ascending. */
  readonly members: readonly number[];
  /** Null where no process runs, or raft does not run in it yet. */
  state(member: number): MemberState | null;
}

/** The events of some types. */
export type Read<Types extends readonly LabEvent['type'][]> = Extract<
  LabEvent,
  { readonly type: Types[number] }
>;

/**
 * Each method answers with the evidence against its property, or null. `observe` sees the events of the types
 * that it `reads` and must be cheap; a brief trace tells of these. `after` is called after each plan with the
 * members that took part. `whole` looks at everything, now and then and at the end.
 */
export interface Checker {
  readonly property: Property;
  readonly sentence: string;
  readonly reads: readonly LabEvent['type'][];
  observe?(at: Envelope, event: LabEvent): Evidence | null;
  /** An event of this input that any checker reads. */
  count?(moment: number): Evidence | null;
  after?(world: Inspected, members: readonly number[]): Evidence | null;
  whole?(world: Inspected): Evidence | null;
  /** How much it has looked at so far, by name; no number is kept for show alone. */
  counts?(): Counts;
}

export type Counts = Readonly<Record<string, number>>;
