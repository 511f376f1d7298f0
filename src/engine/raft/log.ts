/** One node's log: stable storage and the unstable tail seen as one, with its commit and apply positions. */
import { assert, fail } from '../../base/assert.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { type Defects, noDefects } from '../defects.ts';
import { countWithin, entriesSize, noLimit } from './entry-size.ts';
import { RaftError } from './errors.ts';
import type { RaftEvent } from './events.ts';
import { Unstable } from './log-unstable.ts';
import type { Storage } from './storage.ts';
import type { Entry, EntryId, LogIndex, Snapshot, Term } from './types.ts';
import { logIndex, term } from './types.ts';

const noEntries: readonly Entry[] = [];

/**
 * Invariant: applied <= applying <= committed <= lastIndex. An index in (applied, applying] was handed
 * out to be applied and is not acknowledged yet.
 * @source etcd-io/raft log.go
 */
export class RaftLog {
  readonly storage: Storage;
  readonly unstable: Unstable;
  /** The highest index known to be on disk at a quorum. */
  committed: LogIndex;
  applying: LogIndex;
  applied: LogIndex;
  /** Bytes that may be handed out for applying and not be acknowledged. */
  readonly maxApplyingSize: number;
  private applyingSize = 0;
  private applyingPaused = false;
  private readonly trace: Trace<RaftEvent>;
  private readonly defects: Defects;

  constructor(
    storage: Storage,
    maxApplyingSize: number,
    trace: Trace<RaftEvent>,
    defects: Defects = noDefects,
  ) {
    this.defects = defects;
    this.storage = storage;
    this.maxApplyingSize = maxApplyingSize;
    this.trace = trace;
    this.unstable = new Unstable(logIndex(storage.lastIndex() + 1));
    this.committed = logIndex(storage.firstIndex() - 1);
    this.applying = this.committed;
    this.applied = this.committed;
  }

  /**
   * A follower takes a leader's entries if its log holds the entry before them.
   * @param prev the entry that the leader's entries follow
   * @param leaderCommit the leader's commit index
   * @returns the index of the last entry taken, null when the logs do not match at `prev`
   */
  maybeAppend(prev: EntryId, entries: readonly Entry[], leaderCommit: LogIndex): LogIndex | null {
    if (!this.matchTerm(prev.index, prev.term)) return null;
    const lastNew = logIndex(prev.index + entries.length);
    const conflict = this.placeToReplace(entries);
    if (conflict !== null) {
      if (conflict <= this.committed) {
        fail(`entry ${conflict} conflict with committed entry [committed(${this.committed})]`);
      }
      const from = conflict - (prev.index + 1);
      if (from < 0 || from > entries.length) fail(`index, ${from}, is out of range [${entries.length}]`);
      this.append(from === 0 ? entries : entries.slice(from));
    }
    this.commitTo(this.commitOf(leaderCommit, lastNew));
    return lastNew;
  }

  /** From where on a leader's entries take the place of this log's; null where it has them all. */
  private placeToReplace(entries: readonly Entry[]): LogIndex | null {
    const { truncateAlways, keepConflicts } = this.defects;
    if (truncateAlways) return entries.find(({ index }) => index > this.committed)?.index ?? null;
    if (keepConflicts) return entries.find(({ index }) => index > this.lastIndex())?.index ?? null;
    return this.findConflict(entries);
  }

  /** What of the leader's commit index concerns the entries that this log has for sure. */
  private commitOf(leaderCommit: LogIndex, lastNew: LogIndex): LogIndex {
    const known = this.defects.commitUnseen ? this.lastIndex() : lastNew;
    return leaderCommit < known ? leaderCommit : known;
  }

  /** A heartbeat's commit index. */
  commitHeard(leaderCommit: LogIndex): void {
    this.commitTo(this.defects.commitUnseen ? this.commitOf(leaderCommit, this.lastIndex()) : leaderCommit);
  }

  /** Writes entries at their indexes, replacing what stands there and later. Returns the last index. */
  append(entries: readonly Entry[]): LogIndex {
    if (entries.length === 0) return this.lastIndex();
    const after = entries[0].index - 1;
    if (after < this.committed) fail(`after(${after}) is out of range [committed(${this.committed})]`);
    if (this.trace.on) this.appendTraced(entries);
    else this.unstable.truncateAndAppend(entries);
    return this.lastIndex();
  }

  private appendTraced(entries: readonly Entry[]): void {
    const index = entries[0].index;
    const truncated = Math.max(0, this.lastIndex() - index + 1);
    this.unstable.truncateAndAppend(entries);
    const entryTerms = entries.map((entry): number => entry.term);
    this.trace.emit({ type: 'raft.append', index, entryTerms, truncated });
  }

  /**
   * The index of the first given entry that this log lacks or has with another term; null if it has them
   * all.
   */
  findConflict(entries: readonly Entry[]): LogIndex | null {
    for (const entry of entries) {
      if (!this.matchTerm(entry.index, entry.term)) return entry.index;
    }
    return null;
  }

  /**
   * Where this log may still agree with another one, of which only the entry (index, otherTerm) is known: the
   * highest index up to it whose term is not above `otherTerm`. Terms never fall along a log, so all between
   * must differ and need not be probed one by one (Raft thesis section 3.5, fast conflict search).
   * @returns term 0 where the term is unknown because the index is compacted or not there yet
   */
  findConflictByTerm(index: LogIndex, otherTerm: Term): EntryId {
    for (let at = index; at > 0; at = logIndex(at - 1)) {
      const ours = this.term(at);
      if (ours === null) return { index: at, term: term(0) };
      if (ours <= otherTerm) return { index: at, term: ours };
    }
    return { index: logIndex(0), term: term(0) };
  }

  /**
   * Committed entries to hand out for applying.
   * @param allowUnstable with synchronous writes entries may be applied in the same Ready that stores them
   */
  nextCommittedEntries(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommittedEntries(allowUnstable)) return noEntries;
    const room = this.maxApplyingSize - this.applyingSize;
    if (room <= 0)
      fail(`applying entry size (${this.maxApplyingSize}-${this.applyingSize})=${room} not positive`);
    const low = logIndex(this.applying + 1);
    const entries = this.slice(low, logIndex(this.maxAppliable(allowUnstable) + 1), room);
    if (entries === null) fail(`unexpected error when getting unapplied entries: ${low} is compacted`);
    return entries;
  }

  hasNextCommittedEntries(allowUnstable: boolean): boolean {
    // A snapshot that waits comes before any entry.
    if (this.applyingPaused || this.unstable.snapshot !== null) return false;
    return this.applying < this.maxAppliable(allowUnstable);
  }

  private maxAppliable(allowUnstable: boolean): LogIndex {
    const stable = logIndex(this.unstable.offset - 1);
    return allowUnstable || this.committed <= stable ? this.committed : stable;
  }

  hasNextOrInProgressSnapshot(): boolean {
    return this.unstable.snapshot !== null;
  }

  /** The newest snapshot; throws what Storage.snapshot throws. */
  snapshot(): Snapshot {
    return this.unstable.snapshot ?? this.storage.snapshot();
  }

  firstIndex(): LogIndex {
    return this.unstable.maybeFirstIndex() ?? this.storage.firstIndex();
  }

  lastIndex(): LogIndex {
    return this.unstable.maybeLastIndex() ?? this.storage.lastIndex();
  }

  /** Raises the commit index; it never falls. */
  commitTo(index: LogIndex): void {
    if (index <= this.committed) return;
    const last = this.lastIndex();
    if (last < index) {
      fail(
        `tocommit(${index}) is out of range [lastIndex(${last})]. ` +
          'Was the raft log corrupted, truncated, or lost?',
      );
    }
    this.committed = index;
    if (this.trace.on) {
      this.trace.emit({ type: 'raft.commit', term: this.term(index) ?? term(0), index });
    }
  }

  /** The application is done with entries up to `index`, `size` bytes of them. */
  appliedTo(index: LogIndex, size: number): void {
    if (this.committed < index || index < this.applied) {
      fail(`applied(${index}) is out of range [prevApplied(${this.applied}), committed(${this.committed})]`);
    }
    this.applied = index;
    if (this.applying < index) this.applying = index;
    this.applyingSize = Math.max(0, this.applyingSize - size);
    this.applyingPaused = this.applyingSize >= this.maxApplyingSize;
  }

  /**
   * Entries up to `index`, `size` bytes of them, were handed out. No more follow until some are
   * acknowledged when the limit is reached, or when the limit has cut this batch.
   */
  acceptApplying(index: LogIndex, size: number, allowUnstable: boolean): void {
    if (this.committed < index) {
      fail(
        `applying(${index}) is out of range [prevApplying(${this.applying}), committed(${this.committed})]`,
      );
    }
    this.applying = index;
    this.applyingSize += size;
    this.applyingPaused =
      this.applyingSize >= this.maxApplyingSize || index < this.maxAppliable(allowUnstable);
  }

  stableTo(id: EntryId): void {
    const changed = this.unstable.stableTo(id);
    if (changed && tellsAll(this.trace))
      this.trace.emit({ type: 'raft.stable', index: id.index, term: id.term });
  }

  lastEntryId(): EntryId {
    const index = this.lastIndex();
    const lastTerm = this.term(index);
    if (lastTerm === null) fail(`unexpected error when getting the last term at ${index}`);
    return { term: lastTerm, index };
  }

  /**
   * The term at an index; null where it is compacted (but the place before firstIndex is known) or not
   * there.
   */
  term(index: LogIndex): Term | null {
    const unstable = this.unstable.maybeTerm(index);
    if (unstable !== null) return unstable;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return null;
    try {
      return this.storage.term(index);
    } catch (error) {
      if (error instanceof RaftError) return null;
      throw error;
    }
  }

  /** Entries from `index` to the end, cut at `maxSize` bytes; null when `index` is compacted. */
  entries(index: LogIndex, maxSize: number): readonly Entry[] | null {
    const last = this.lastIndex();
    return index > last ? noEntries : this.slice(index, logIndex(last + 1), maxSize);
  }

  allEntries(): readonly Entry[] {
    const entries = this.entries(this.firstIndex(), noLimit);
    assert(entries !== null, 'log: entries from firstIndex on are never compacted');
    return entries;
  }

  matchTerm(index: LogIndex, entryTerm: Term): boolean {
    return this.term(index) === entryTerm;
  }

  /** Starts anew after a received snapshot. */
  restore(snapshot: Snapshot): void {
    const lastBefore = this.lastIndex();
    this.committed = snapshot.index;
    this.unstable.restore(snapshot);
    if (!this.trace.on) return;
    const firstIndex = logIndex(snapshot.index + 1);
    const truncated = Math.max(0, lastBefore - snapshot.index);
    if (truncated > 0) this.trace.emit({ type: 'raft.append', index: firstIndex, entryTerms: [], truncated });
    this.trace.emit({ type: 'raft.compact', firstIndex });
    this.trace.emit({ type: 'raft.commit', term: snapshot.term, index: snapshot.index });
  }

  /** Whether an entry of [low, high) satisfies `matches`; reads at most `pageSize` bytes at a time. */
  some(low: LogIndex, high: LogIndex, pageSize: number, matches: (entry: Entry) => boolean): boolean {
    for (let at = low; at < high;) {
      const entries = this.slice(at, high, pageSize);
      if (entries === null || entries.length === 0) fail(`got 0 entries in [${at}, ${high})`);
      if (entries.some(matches)) return true;
      at = logIndex(at + entries.length);
    }
    return false;
  }

  /** Entries of [low, high), cut at `maxSize` bytes but at least one; null when `low` is compacted. */
  slice(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[] | null {
    if (!this.checkBounds(low, high)) return null;
    if (low === high) return noEntries;
    const { offset, entries: unstable } = this.unstable;
    if (low >= offset) {
      this.unstable.checkBounds(low, high);
      const count = countWithin(unstable, low - offset, high - offset, maxSize);
      return unstable.slice(low - offset, low - offset + count);
    }
    const cut = high < offset ? high : offset;
    const stable = this.stableEntries(low, cut, maxSize);
    if (stable === null || high <= offset || stable.length < cut - low) return stable;
    const room = maxSize - entriesSize(stable);
    if (room <= 0) return stable;
    const count = countWithin(unstable, 0, high - offset, room);
    const more = unstable.slice(0, count);
    // One entry is always returned, also when it is too large; not so beside others.
    if (count === 1 && entriesSize(more) > room) return stable;
    return stable.concat(more);
  }

  private stableEntries(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[] | null {
    try {
      return this.storage.entries(low, high, maxSize);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      if (error.code === 'requested index is unavailable due to compaction') return null;
      return fail(`entries[${low}:${high}) is unavailable from storage`);
    }
  }

  /** False when `low` is compacted; panics when the range is no part of the log. */
  private checkBounds(low: LogIndex, high: LogIndex): boolean {
    if (low > high) fail(`invalid slice ${low} > ${high}`);
    const first = this.firstIndex();
    if (low < first) return false;
    const last = this.lastIndex();
    if (high > last + 1) fail(`slice[${low},${high}) out of bound [${first},${last}]`);
    return true;
  }
}
