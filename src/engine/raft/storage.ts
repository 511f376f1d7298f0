/** What raft asks of its stable storage, and an implementation in memory. */
import { emptyBytes } from '../../base/bytes.ts';
import { fail } from '../../base/assert.ts';
import { SharedTable } from '../../base/shared-table.ts';
import { entrySize, noLimit } from './entry-size.ts';
import { RaftError } from './errors.ts';
import type { ConfState, Entry, HardState, LogIndex, Snapshot, Term } from './types.ts';
import { logIndex, term } from './types.ts';

/**
 * The stable log as raft reads it; the application writes it from Ready or MsgStorageAppend.
 * @source etcd-io/raft storage.go Storage; Raft thesis sections 3.8, 5.1
 */
export interface Storage {
  /**
   * What was saved before a restart. `confState` must be the configuration at the index given as
   * `applied`: with a later entry applied twice, a change out of a joint configuration would break an
   * invariant.
   */
  initialState(): { readonly hardState: HardState | null; readonly confState: ConfState };
  /**
   * Entries of [low, high), cut at `maxSize` bytes but at least one.
   * @throws RaftError 'requested index is unavailable due to compaction' when `low` is compacted,
   *   'requested entry at index is unavailable' when the log does not reach that far
   */
  entries(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[];
  /** The term at an index of [firstIndex - 1, lastIndex]. @throws RaftError as `entries` does */
  term(index: LogIndex): Term;
  lastIndex(): LogIndex;
  /** The first index that `entries` may return; all before it are in the snapshot. */
  firstIndex(): LogIndex;
  /** The newest snapshot. @throws RaftError 'snapshot is temporarily unavailable': raft asks again later */
  snapshot(): Snapshot;
}

export const emptyConfState: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

export const emptySnapshot: Snapshot = {
  data: emptyBytes,
  confState: emptyConfState,
  index: logIndex(0),
  term: term(0),
};

/**
 * A log in memory, which copies share. Its place `offset` is that of the snapshot or of the last compaction;
 * the term of that place is kept, for the first real entry is matched against it.
 * @source etcd-io/raft storage.go MemoryStorage
 */
export class MemoryStorage implements Storage {
  private hardState: HardState | null = null;
  private newestSnapshot: Snapshot = emptySnapshot;
  /** By index, counted from the last snapshot that replaced everything. */
  private log = new SharedTable<Entry>();
  private start = 0;
  private offset = 0;
  private offsetTerm: Term = term(0);
  private last = 0;

  initialState(): { hardState: HardState | null; confState: ConfState } {
    return { hardState: this.hardState, confState: this.newestSnapshot.confState };
  }

  setHardState(hardState: HardState): void {
    this.hardState = hardState;
  }

  entries(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[] {
    if (low <= this.offset) throw new RaftError('requested index is unavailable due to compaction');
    if (high > this.last + 1) {
      fail(`entries' hi(${high}) is out of bound lastindex(${this.last})`);
    }
    if (this.last === this.offset) throw new RaftError('requested entry at index is unavailable');
    const entries: Entry[] = [];
    let size = 0;
    for (let index: number = low; index < high; index++) {
      const entry = this.entry(index);
      if (maxSize !== noLimit) size += entrySize(entry);
      if (size > maxSize && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  term(index: LogIndex): Term {
    if (index < this.offset) throw new RaftError('requested index is unavailable due to compaction');
    if (index === this.offset) return this.offsetTerm;
    if (index > this.last) throw new RaftError('requested entry at index is unavailable');
    return this.entry(index).term;
  }

  lastIndex(): LogIndex {
    return logIndex(this.last);
  }

  firstIndex(): LogIndex {
    return logIndex(this.offset + 1);
  }

  snapshot(): Snapshot {
    return this.newestSnapshot;
  }

  /**
   * Replaces everything by a snapshot.
   * @throws RaftError 'requested index is older than the existing snapshot'
   */
  applySnapshot(snapshot: Snapshot): void {
    if (this.newestSnapshot.index !== 0 && this.newestSnapshot.index >= snapshot.index) {
      throw new RaftError('requested index is older than the existing snapshot');
    }
    this.newestSnapshot = snapshot;
    this.log.cut(0);
    this.start = this.offset = this.last = snapshot.index;
    this.offsetTerm = snapshot.term;
  }

  /**
   * Makes the snapshot of the state at `index`, an entry of the log.
   * @param confState the configuration there; null keeps the last snapshot's
   * @throws RaftError 'requested index is older than the existing snapshot'
   */
  createSnapshot(index: LogIndex, confState: ConfState | null, data: Uint8Array): Snapshot {
    if (index <= this.newestSnapshot.index) {
      throw new RaftError('requested index is older than the existing snapshot');
    }
    if (index > this.last) fail(`snapshot ${index} is out of bound lastindex(${this.last})`);
    const state = confState ?? this.newestSnapshot.confState;
    this.newestSnapshot = { data, index, term: this.term(index), confState: state };
    return this.newestSnapshot;
  }

  /**
   * Drops the entries up to `index`, which must be applied.
   * @throws RaftError 'requested index is unavailable due to compaction' when it is gone already
   */
  compact(index: LogIndex): void {
    if (index <= this.offset) throw new RaftError('requested index is unavailable due to compaction');
    if (index > this.last) fail(`compact ${index} is out of bound lastindex(${this.last})`);
    this.offsetTerm = this.entry(index).term;
    this.offset = index;
    this.log.forget(index - this.start);
  }

  /** Writes entries at their indexes; later ones are dropped, those already compacted are skipped. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = this.offset + 1;
    if (entries[0].index + entries.length - 1 < first) return;
    const skipped = Math.max(0, first - entries[0].index);
    const from = entries[skipped].index;
    if (from > this.last + 1) fail(`missing log entry [last: ${this.last}, append at: ${from}]`);
    if (from <= this.last) this.log.cut(from - this.start);
    for (let i = skipped; i < entries.length; i++) this.log.set(from + i - skipped - this.start, entries[i]);
    this.last = from + entries.length - skipped - 1;
  }

  private entry(index: number): Entry {
    return this.log.get(index - this.start) ?? fail(`storage: no entry at ${index}`);
  }
}
