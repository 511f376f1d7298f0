/** What a walk over a file of unknown soundness tells. */
import type { Spans } from './freelist/freelist.ts';
import type { XrayMeta } from './xray-meta.ts';

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
  | 'key-order'
  | 'key-below-parent'
  | 'key-above-parent'
  | 'page-flags'
  | 'bucket-short'
  | 'bucket-length'
  | 'leaf-flags'
  | 'unreachable-unfreed'
  | 'too-deep'
  | 'work-limit';

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

/** A logical page; neighbouring free pages are one entry, whose `overflow` counts the further ones. */
export interface XrayPage {
  readonly pgid: number;
  readonly kind: XrayPageKind;
  /** Of an invalid page. */
  readonly flags: number;
  readonly count: number;
  overflow: number;
}

export interface XrayReport {
  readonly metas: readonly [XrayMeta, XrayMeta];
  /** The meta in force and the page size; null where no meta is valid: then nothing else is known. */
  readonly chosen: { readonly meta: XrayMeta; readonly pageSize: number } | null;
  readonly buckets: readonly XrayBucket[];
  readonly isFreelistStored: boolean;
  readonly free: Spans;
  readonly freeCount: number;
  readonly unreachableCount: number;
  readonly pages: readonly XrayPage[];
  /** At most 2,000. */
  readonly findings: readonly XrayFinding[];
}

/** Is told of items in the order of a walk; bytes are views, to be copied by who keeps them. */
export interface XrayVisitor {
  enterBucket?(bucket: XrayBucket): void;
  item?(bucket: XrayBucket, key: Uint8Array, value: Uint8Array): void;
  /** After all of a bucket's items. @param name null for the root bucket */
  leaveBucket?(bucket: XrayBucket, name: Uint8Array | null): void;
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
