/** bbolt's numbers and meta page. */
import type { Brand } from '../../base/brand.ts';

/** A page's number: page n is at n * pageSize in the file. */
export type Pgid = Brand<number, 'Pgid'>;
/** A write transaction's number. */
export type Txid = Brand<number, 'Txid'>;

/** Pages are counted in 32 bits here, bbolt's in 64: 16 TiB with pages of 4 KiB. */
export const maxPageCount = 4294967295;

export const pgid = (value: number): Pgid => value as Pgid;
export const txid = (value: number): Txid => value as Txid;

/** The root of a bucket and its sequence, 16 bytes on disk. */
export interface InBucket {
  readonly root: Pgid;
  readonly sequence: bigint;
}

/**
 * The 64 bytes of a meta page after its header; `freelist` null means that none is stored (NoFreelistSync).
 */
export interface Meta {
  readonly pageSize: number;
  readonly flags: number;
  readonly root: InBucket;
  readonly freelist: Pgid | null;
  /** The first page that was never used, in pages. */
  readonly highWater: Pgid;
  readonly txid: Txid;
}

export type PageKind = 'meta' | 'freelist' | 'branch' | 'leaf' | 'free' | 'pending';
/**
 * A run of physical pages of one kind; a logical page of n pages and the pages it overflows into are one
 * run.
 */
export interface PageRun {
  readonly kind: PageKind;
  readonly pgid: Pgid;
  readonly count: number;
}

export type FreelistType = 'array' | 'hashmap';
