/** What a log's records add up to at a start. */
import { equalBytes } from '../../base/bytes.ts';
import { WireError } from '../../base/wire.ts';
import type { Decoder } from './decoder.ts';
import { WalError } from './errors.ts';
import { decodeEntry, decodeHardState, decodeSnapshot, recordType } from './record.ts';
import type { WalEntry, WalHardState, WalRecord, WalSnapshot } from './record.ts';

export interface Replay {
  readonly metadata: Uint8Array;
  /** The last hard state; null when none was written. */
  readonly hardState: WalHardState | null;
  /** The entries after the snapshot, without those that later ones replaced. */
  readonly entries: readonly WalEntry[];
  /** The index of the last entry or snapshot that was written. */
  readonly lastIndex: number;
}

/**
 * Reads all records from the decoder.
 * @param start where the state machine's snapshot stands; the log must have a mark of it
 * @throws WalError 'wal: conflicting metadata found' | 'wal: slice bounds out of range' |
 *   'wal: snapshot mismatch' | 'wal: snapshot not found' | 'unexpected block type', and what `decoder` throws
 * @source etcd wal/wal.go ReadAll
 */
export function replay(decoder: Decoder, start: WalSnapshot): Replay {
  const reading = new Reading(start);
  for (let record = decoder.next(); record !== null; record = decoder.next()) {
    const taken = record;
    asRecord(() => reading.take(taken));
  }
  return reading.finish();
}

/** @throws WalError 'wal: bad record' where what a record holds is not of its type */
export function asRecord<Result>(decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) throw new WalError('wal: bad record', error.message);
    throw error;
  }
}

class Reading {
  private readonly start: WalSnapshot;
  private readonly entries: WalEntry[] = [];
  private metadata: Uint8Array | null = null;
  private hardState: WalHardState | null = null;
  private lastIndex = 0;
  private matched = false;

  constructor(start: WalSnapshot) {
    this.start = start;
  }

  take({ type, data }: WalRecord): void {
    const content = data ?? new Uint8Array(0);
    if (type === recordType.entry) this.entry(decodeEntry(content));
    else if (type === recordType.state) this.state(decodeHardState(content));
    else if (type === recordType.metadata) this.head(content);
    else if (type === recordType.snapshot) this.mark(decodeSnapshot(content));
    else if (type !== recordType.crc) throw new WalError('unexpected block type', `${type}`);
  }

  finish(): Replay {
    if (!this.matched || this.metadata === null) {
      throw new WalError('wal: snapshot not found', `no mark of snapshot ${this.start.index}`);
    }
    const [metadata, hardState] = [this.metadata, this.hardState];
    return { metadata, hardState, entries: this.entries, lastIndex: this.lastIndex };
  }

  /** An entry replaces what stood at its index and after it: raft had withdrawn that. */
  private entry(entry: WalEntry): void {
    // the checksum does not cover the record's type: a state may stand here
    if (entry.type > 2 || entry.term < 1) throw new WalError('wal: bad record', 'it holds no entry');
    if (entry.index > this.start.index) {
      const place = entry.index - this.start.index - 1;
      if (place > this.entries.length) {
        throw new WalError('wal: slice bounds out of range', `entry ${entry.index} follows a gap`);
      }
      this.entries.length = place;
      this.entries.push(entry);
    }
    this.lastIndex = entry.index;
  }

  private state(hardState: WalHardState): void {
    if (hardState.term < (this.hardState?.term ?? 0))
      throw new WalError('wal: bad record', 'a term goes back');
    this.hardState = hardState;
  }

  private head(metadata: Uint8Array): void {
    if (this.metadata !== null && !equalBytes(this.metadata, metadata)) {
      throw new WalError('wal: conflicting metadata found');
    }
    this.metadata = metadata;
  }

  private mark(snapshot: WalSnapshot): void {
    this.lastIndex = Math.max(this.lastIndex, snapshot.index);
    if (snapshot.index !== this.start.index) return;
    if (snapshot.term !== this.start.term) {
      throw new WalError('wal: snapshot mismatch', `snapshot ${snapshot.index} is of term ${snapshot.term}`);
    }
    this.matched = true;
  }
}
