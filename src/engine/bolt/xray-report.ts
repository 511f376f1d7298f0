/** What a walk over a file of unknown soundness tells. */
import type { XrayMeta } from './xray-meta.ts';
import type { PageTable } from './xray-pages.ts';

export type XrayCode =
  | 'no-valid-meta'
  | 'out-of-range'
  | 'past-eof'
  | 'page-id-mismatch'
  | 'overflow-past-end'
  | 'multiple-references'
  | 'reachable-freed'
  | 'freelist-flags'
  | 'freelist-count'
  | 'freelist-range'
  | 'freelist-order'
  | 'freelist-duplicate'
  | 'inline-short'
  | 'inline-flags'
  | 'cycle'
  | 'branch-empty'
  | 'element-bounds'
  | 'zero-key'
  | 'key-too-large'
  | 'key-order'
  | 'key-below-parent'
  | 'key-above-parent'
  | 'page-flags'
  | 'bucket-short'
  | 'bucket-length'
  | 'leaf-flags'
  | 'unreachable-unfreed'
  | 'too-deep'
  | 'work-limit'
  | 'page-limit';

/** A fault; `page` in decimal, as it may be any 64-bit number. */
export interface XrayFinding {
  readonly code: XrayCode;
  readonly page: string;
  readonly message: string;
}

export interface XrayBucket {
  /** The names from the root on; empty for the root bucket. */
  readonly path: readonly Uint8Array[];
  readonly root: bigint;
  readonly isInline: boolean;
  readonly sequence: bigint;
  keys: number;
  buckets: number;
  depth: number;
  leafPages: number;
  leafOverflow: number;
  branchPages: number;
  branchOverflow: number;
  inuseBytes: number;
}

export type XrayPageKind = 'meta' | 'freelist' | 'branch' | 'leaf' | 'free' | 'unreachable' | 'invalid';

/** A logical page; neighbouring free or unreachable pages are one, `overflow` counts the further ones. */
export interface XrayPage {
  readonly pgid: number;
  readonly kind: XrayPageKind;
  /** Of an invalid page. */
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

/** Runs of page ids, ascending: run i is `starts[i]`, `starts[i] + 1`, ... of `counts[i]` pages. */
export interface XraySpans {
  readonly starts: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

export interface XrayReport {
  readonly metas: readonly [XrayMeta, XrayMeta];
  /** The meta in force and the page size; null where no meta is valid: then nothing else is known. */
  readonly chosen: { readonly meta: XrayMeta; readonly pageSize: number } | null;
  /** The first buckets of the walk, as many as fit into a few MiB; a visitor hears of all. */
  readonly buckets: readonly XrayBucket[];
  readonly bucketCount: number;
  readonly isFreelistStored: boolean;
  /** The first 262,144 runs of free pages. */
  readonly free: XraySpans;
  readonly freeSpanCount: number;
  readonly freeCount: number;
  readonly unreachableCount: number;
  /** What each page is. */
  readonly pages: PageTable;
  /** The first 2,000. */
  readonly findings: readonly XrayFinding[];
  /** How many findings there are of each kind, told or not. */
  readonly findingCounts: ReadonlyMap<XrayCode, number>;
}

/** A value where it lies in the file: it may be larger than memory. */
export interface XrayValue {
  readonly sizeBytes: number;
  /**
   * A part of it, valid during the visit until three further parts were read.
   * @param length at most 64 KiB, cut at the value's end
   */
  part(from: number, length: number): Uint8Array;
}

/** Is told of what a walk comes to, in its order; bytes are valid during the call only. */
export interface XrayVisitor {
  enterBucket?(bucket: XrayBucket): void;
  /** @param key its first 32 KiB, which is all of it in a sound file */
  item?(bucket: XrayBucket, key: Uint8Array, value: XrayValue): void;
  /** After all of a bucket's items. @param name null for the root bucket */
  leaveBucket?(bucket: XrayBucket, name: Uint8Array | null): void;
  /** In the end, all pages in order. */
  page?(page: XrayPage): void;
}

/** A bucket before its items were counted. */
export function newXrayBucket(
  path: readonly Uint8Array[],
  root: bigint,
  sequence: bigint,
  isInline: boolean,
): XrayBucket {
  return {
    path,
    root,
    sequence,
    isInline,
    keys: 0,
    buckets: 0,
    depth: 0,
    leafPages: 0,
    leafOverflow: 0,
    branchPages: 0,
    branchOverflow: 0,
    inuseBytes: 0,
  };
}
