/** The multi-version store's data: revisions, what a read asks for and what it gets. */
import type { KeyValue } from '../pb/hot.ts';

/** A change's place in the store's history: `main` counts write transactions, `sub` changes within one. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

export interface RangeOptions {
  /** At most so many pairs; 0 and below: all. The count ignores it. */
  readonly limit?: number;
  /** As of this main revision; 0 and below: the newest. */
  readonly revision?: number;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  /** Keys in the range, whatever the limit left out. */
  readonly count: number;
  /** The store's revision as the transaction sees it. */
  readonly revision: number;
}

/** The last of the key's changes up to some revision, by the index alone. */
export interface Found {
  readonly modified: Revision;
  readonly created: Revision;
  readonly version: number;
}

export type MvccErrorCode =
  | 'mvcc: required revision has been compacted'
  | 'mvcc: required revision is a future revision'
  /** A record of the bucket `key` is not a KeyValue under a revision. */
  | 'mvcc: bad record';

/** A request for a revision that is not there, or a damaged file. */
export class MvccError extends Error {
  override readonly name = 'MvccError';
  readonly code: MvccErrorCode;

  constructor(code: MvccErrorCode, detail = '') {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
