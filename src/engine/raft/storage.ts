/** What raft asks of its stable storage, and an implementation in memory. */
import { emptyBytes } from '../../base/bytes.ts';
import { fail } from '../../base/assert.ts';
import { countWithin } from './entry-size.ts';
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
 * A log in an array. `#entries[0]` is a dummy: it stands at the index of the snapshot or of the last
 * compaction and keeps the term of that place, which the first real entry is matched against.
 * @source etcd-io/raft storage.go MemoryStorage
 */
export class MemoryStorage implements Storage {
  private hardState: HardState | null = null;
  private newestSnapshot: Snapshot = emptySnapshot;
  private log: Entry[] = [dummyEntry(logIndex(0), term(0))];

  initialState(): { hardState: HardState | null; confState: ConfState } {
    return { hardState: this.hardState, confState: this.newestSnapshot.confState };
  }

  setHardState(hardState: HardState): void {
    this.hardState = hardState;
  }

  entries(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[] {
    const offset = this.log[0].index;
    if (low <= offset) throw new RaftError('requested index is unavailable due to compaction');
    if (high > this.lastIndex() + 1) {
      fail(`entries' hi(${high}) is out of bound lastindex(${this.lastIndex()})`);
    }
    if (this.log.length === 1) throw new RaftError('requested entry at index is unavailable');
    const count = countWithin(this.log, low - offset, high - offset, maxSize);
    return this.log.slice(low - offset, low - offset + count);
  }

  term(index: LogIndex): Term {
    const at = index - this.log[0].index;
    if (at < 0) throw new RaftError('requested index is unavailable due to compaction');
    if (at >= this.log.length) throw new RaftError('requested entry at index is unavailable');
    return this.log[at].term;
  }

  lastIndex(): LogIndex {
    return logIndex(this.log[0].index + this.log.length - 1);
  }

  firstIndex(): LogIndex {
    return logIndex(this.log[0].index + 1);
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
    this.log = [dummyEntry(snapshot.index, snapshot.term)];
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
    if (index > this.lastIndex()) fail(`snapshot ${index} is out of bound lastindex(${this.lastIndex()})`);
    this.newestSnapshot = {
      data,
      index,
      term: this.log[index - this.log[0].index].term,
      confState: confState ?? this.newestSnapshot.confState,
    };
    return this.newestSnapshot;
  }

  /**
   * Drops the entries up to `index`, which must be applied.
   * @throws RaftError 'requested index is unavailable due to compaction' when it is gone already
   */
  compact(index: LogIndex): void {
    const offset = this.log[0].index;
    if (index <= offset) throw new RaftError('requested index is unavailable due to compaction');
    if (index > this.lastIndex()) fail(`compact ${index} is out of bound lastindex(${this.lastIndex()})`);
    const kept = this.log.slice(index - offset);
    kept[0] = dummyEntry(index, kept[0].term);
    this.log = kept;
  }

  /** Writes entries at their indexes; later ones are dropped, those already compacted are skipped. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = this.firstIndex();
    if (entries[0].index + entries.length - 1 < first) return;
    const skipped = Math.max(0, first - entries[0].index);
    const at = entries[skipped].index - this.log[0].index;
    if (at > this.log.length) {
      fail(`missing log entry [last: ${this.lastIndex()}, append at: ${entries[skipped].index}]`);
    }
    this.log.length = at;
    for (let i = skipped; i < entries.length; i++) this.log.push(entries[i]);
  }
}

function dummyEntry(index: LogIndex, entryTerm: Term): Entry {
  return { term: entryTerm, index, type: 'EntryNormal', data: emptyBytes };
}
