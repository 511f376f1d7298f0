/** One member's raft as its events tell of it: its log, what of it is durable, and what it has promised. */

export interface Voters {
  readonly voters: readonly number[];
  readonly votersOutgoing: readonly number[];
}

/** A member's raft as it is, where nobody has heard how it came to that. */
export interface RaftKnown {
  readonly term: number;
  readonly commit: number;
  readonly leads: boolean;
  readonly config: Voters;
  readonly firstIndex: number;
  /** Of the entries from `firstIndex` on. */
  readonly entryTerms: readonly number[];
}

/** Lives through restarts, for promises must. */
export class RaftMirror {
  readonly member: number;
  /** The id that it booted with. */
  id = '';
  term = 0;
  leads = false;
  commit = 0;
  applied = 0;
  config: Voters = { voters: [], votersOutgoing: [] };
  /** Where the last conf change stands that it proposed as the leader. */
  changeIndex = 0;
  firstIndex = 1;
  /** Of the entries from `firstIndex` on. */
  terms: number[] = [];
  /** The last entry on its disk for sure. */
  durable = 0;
  /** The highest term that it has named in an answer, and the last entry that it has acknowledged. */
  promisedTerm = 0;
  acknowledged = 0;
  /** Who has its vote, by term. */
  readonly votes = new Map<number, number>();
  private written = 0;
  private syncing: number[] = [];

  constructor(member: number) {
    this.member = member;
  }

  get lastIndex(): number {
    return this.firstIndex + this.terms.length - 1;
  }

  /** -1 where it has no such entry; null for one that is compacted. */
  termAt(index: number): number | null {
    return index < this.firstIndex ? null : (this.terms[index - this.firstIndex] ?? -1);
  }

  /** Whether its disk holds the entry, or a snapshot behind it. */
  holds(index: number, term: number): boolean {
    const own = this.termAt(index);
    return own === null || (own === term && this.durable >= index);
  }

  /** Another member is on this host now. */
  replace(id: string): void {
    this.id = id;
    this.promisedTerm = 0;
    this.acknowledged = 0;
    this.votes.clear();
    this.firstIndex = 1;
    this.terms = [];
    this.durable = 0;
  }

  /** A process begins with what its disk holds; all of it was made durable before. */
  start({ term, commit, firstIndex, entryTerms }: Omit<RaftKnown, 'leads' | 'config'>): void {
    this.term = term;
    this.commit = commit;
    this.firstIndex = firstIndex;
    this.terms = [...entryTerms];
    this.leads = false;
    this.applied = 0;
    this.changeIndex = 0;
    this.durable = this.lastIndex;
    this.written = this.lastIndex;
    this.syncing = [];
  }

  /**
   * Nobody has heard of it so far. What it has promised and what of its log is durable is not known, and
   * taken for right.
   * @param known null: its log is not known either, until it starts
   */
  enter(known: RaftKnown | null): void {
    if (known === null) this.firstIndex = Number.MAX_SAFE_INTEGER;
    else {
      this.start(known);
      this.leads = known.leads;
      this.config = known.config;
    }
  }

  append(index: number, terms: readonly number[]): void {
    const kept = Math.max(0, index - this.firstIndex);
    if (kept < this.terms.length) this.terms.length = kept;
    this.terms.push(...terms);
    this.cutTo(index - 1);
    this.acknowledged = Math.min(this.acknowledged, index - 1);
  }

  compact(firstIndex: number): void {
    if (firstIndex > this.lastIndex) this.terms = [];
    else this.terms.splice(0, Math.max(0, firstIndex - this.firstIndex));
    this.firstIndex = Math.max(this.firstIndex, firstIndex);
  }

  walAppended(firstIndex: number, count: number): void {
    if (count === 0) return;
    this.cutTo(firstIndex - 1);
    this.written = firstIndex + count - 1;
  }

  walSyncing(): void {
    this.syncing.push(this.written);
  }

  walSynced(): void {
    this.durable = Math.max(this.durable, this.syncing.shift() ?? 0);
  }

  private cutTo(index: number): void {
    if (index >= this.written && index >= this.durable) return;
    this.durable = Math.min(this.durable, index);
    this.written = Math.min(this.written, index);
    this.syncing = this.syncing.map((written) => Math.min(written, index));
  }
}
