/** The part of the log, and the snapshot, that are not yet known to be on disk. */
import { fail } from '../../base/assert.ts';
import type { Entry, EntryId, LogIndex, Snapshot, Term } from './types.ts';
import { logIndex } from './types.ts';

const noEntries: readonly Entry[] = [];

/**
 * Holds entries from their arrival until storage is known to return them. Three bounds cut it:
 *
 *     offset             offsetInProgress        offset + entries.length
 *       | being written         | not yet handed out      |
 *
 * `offset` may lie below the last index of storage: the next write then overwrites what storage has from
 * there.
 * @source etcd-io/raft log_unstable.go; Raft thesis section 3.8
 */
export class Unstable {
  /** A snapshot received and not yet stored; the log then starts after it. */
  snapshot: Snapshot | null = null;
  snapshotInProgress = false;
  /** entries[i] has the index offset + i. */
  entries: Entry[] = [];
  offset: LogIndex;
  /** The first index that was not handed out for writing. Invariant: offset <= offsetInProgress. */
  offsetInProgress: LogIndex;

  constructor(offset: LogIndex) {
    this.offset = offset;
    this.offsetInProgress = offset;
  }

  /** The log's first index, where the unstable snapshot decides it. */
  maybeFirstIndex(): LogIndex | null {
    return this.snapshot === null ? null : logIndex(this.snapshot.index + 1);
  }

  /** The log's last index, where entries or snapshot decide it. */
  maybeLastIndex(): LogIndex | null {
    const count = this.entries.length;
    if (count > 0) return logIndex(this.offset + count - 1);
    return this.snapshot === null ? null : this.snapshot.index;
  }

  maybeTerm(index: LogIndex): Term | null {
    if (index >= this.offset) {
      const at = index - this.offset;
      return at < this.entries.length ? this.entries[at].term : null;
    }
    return this.snapshot !== null && this.snapshot.index === index ? this.snapshot.term : null;
  }

  hasNextEntries(): boolean {
    const inProgress = this.offsetInProgress - this.offset;
    if (inProgress > this.entries.length) {
      // Only a message whose entries have gaps between them leads here.
      fail(
        `${inProgress} unstable entries from ${this.offset} on are in progress, of ${this.entries.length}`,
      );
    }
    return this.entries.length > inProgress;
  }

  /** What is to be written and was not handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries() ? this.entries.slice(this.offsetInProgress - this.offset) : noEntries;
  }

  nextSnapshot(): Snapshot | null {
    return this.snapshotInProgress ? null : this.snapshot;
  }

  /** All there is has been handed out for writing. */
  acceptInProgress(): void {
    if (this.entries.length > 0) this.offsetInProgress = logIndex(this.offset + this.entries.length);
    if (this.snapshot !== null) this.snapshotInProgress = true;
  }

  /**
   * Entries up to `id` are on disk and no write under way will replace them: forget them here. Does
   * nothing when the entry at that index is another one by now, or is not here.
   * @returns whether anything was forgotten
   */
  stableTo(id: EntryId): boolean {
    if (id.index < this.offset || this.maybeTerm(id.index) !== id.term) return false;
    const count = id.index + 1 - this.offset;
    this.entries = count === this.entries.length ? [] : this.entries.slice(count);
    this.offset = logIndex(id.index + 1);
    if (this.offsetInProgress < this.offset) this.offsetInProgress = this.offset;
    return true;
  }

  stableSnapTo(index: LogIndex): void {
    if (this.snapshot === null || this.snapshot.index !== index) return;
    this.snapshot = null;
    this.snapshotInProgress = false;
  }

  /** Starts anew after a snapshot. */
  restore(snapshot: Snapshot): void {
    this.offset = logIndex(snapshot.index + 1);
    this.offsetInProgress = this.offset;
    this.entries = [];
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Puts entries at their indexes; whatever stood there or later is gone. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = entries[0].index;
    if (from === this.offset + this.entries.length) {
      for (const entry of entries) this.entries.push(entry);
    } else if (from <= this.offset) {
      this.entries = entries.slice();
      this.offset = from;
      this.offsetInProgress = from;
    } else {
      this.checkBounds(this.offset, from);
      this.entries.length = from - this.offset;
      for (const entry of entries) this.entries.push(entry);
      if (this.offsetInProgress > from) this.offsetInProgress = from;
    }
  }

  /** Panics unless [low, high) lies within the unstable entries. */
  checkBounds(low: LogIndex, high: LogIndex): void {
    if (low > high) fail(`invalid unstable.slice ${low} > ${high}`);
    const upper = this.offset + this.entries.length;
    if (low < this.offset || high > upper) {
      fail(`unstable.slice[${low},${high}) out of bound [${this.offset},${upper}]`);
    }
  }
}
