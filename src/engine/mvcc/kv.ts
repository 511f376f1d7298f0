/** What may be asked of the store: reads, writes, and transactions of them. */
import type { KeyValue } from '../pb/hot.ts';
import type { RangeOptions, RangeResult } from './types.ts';

export interface ReadView {
  /** The oldest revision that can still be read, or -1 where nothing was ever compacted. */
  readonly firstRevision: number;
  /** The revision of the state that is read. */
  readonly revision: number;
  /**
   * @param end null: the one key; empty: all keys from `key` on; else the first key past the range
   * @throws MvccError 'mvcc: required revision has been compacted' |
   *   'mvcc: required revision is a future revision'
   */
  range(key: Uint8Array, end: Uint8Array | null, options: RangeOptions): RangeResult;
}

export interface Deleted {
  /** How many keys there were. */
  readonly deleted: number;
  /** The store's revision after it. */
  readonly revision: number;
}

export interface WriteView {
  deleteRange(key: Uint8Array, end: Uint8Array | null): Deleted;
  /**
   * Key and value are taken over: the caller changes them no more.
   * @param lease 0n for none
   * @returns the store's revision after it
   */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): number;
}

export interface ReadTxn extends ReadView {
  end(): void;
}

/** All changes of one transaction share a main revision, one above that at which it began. */
export interface WriteTxn extends ReadTxn, WriteView {
  /** What it has changed so far, in order; a deletion has a key and its modRevision alone. */
  readonly changes: readonly KeyValue[];
}
