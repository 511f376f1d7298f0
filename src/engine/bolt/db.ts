/** A database over a pager: the signatures that others build on. */
import type { Trace } from '../../base/trace.ts';
import type { BoltEvent } from './events.ts';
import type { Pager } from './pager.ts';
import type { Tx } from './tx.ts';
import type { FreelistType, PageRun } from './types.ts';

/** Whose rules a commit follows where versions differ in memory: bbolt 1.3.x (etcd 3.4, 3.5) or 1.4 and later. */
export type Rules = '1.3' | '1.4';

export interface DbOptions {
  /** Bytes, a power of two from 512 to 65536; only for a new file. Default 4096. */
  readonly pageSize?: number;
  /** Default 'array'. */
  readonly freelistType?: FreelistType;
  readonly noFreelistSync?: boolean;
  /** Default '1.3'. */
  readonly rules?: Rules;
  readonly trace?: Trace<BoltEvent>;
}

export interface Db {
  beginWrite(): Tx;
  beginRead(): Tx;
  pageRuns(): PageRun[];
  readonly sizeBytes: number;
  readonly freePageCount: number;
}

/** `Db.open` of the class to come: opens the file in the pager, or makes a new one in an empty pager. */
export type OpenDb = (pager: Pager, options?: DbOptions) => Db;
