/** Reads any file, damaged or hostile: what is readable, and every fault with its page. */
import { compareBytes } from '../../base/bytes.ts';
import { readU64le } from '../../base/u64.ts';
import { Bitmap } from './freelist/bitmap.ts';
import { spansOf } from './freelist/freelist.ts';
import { readBig64 } from './meta.ts';
import { branchFlag, elementBytes, freelistFlag, leafFlag, pageHeaderBytes } from './page.ts';
import type { PageBytes, Pager } from './pager.ts';
import { chooseXrayMeta } from './xray-meta.ts';
import type { XrayMeta } from './xray-meta.ts';
import { newXrayBucket } from './xray-report.ts';
import type {
  XrayBucket,
  XrayCode,
  XrayFinding,
  XrayPage,
  XrayPageKind,
  XrayReport,
  XrayVisitor,
} from './xray-report.ts';

const maxFindings = 2000;
/** Pages and buckets below one another; no sound file comes near. */
const maxDepth = 400;
const kindCodes: readonly (XrayPageKind | '')[] = ['', 'meta', 'freelist', 'branch', 'leaf', 'invalid'];

interface Walk {
  readonly bucket: XrayBucket;
  lastKey: Uint8Array | null;
}

interface RawPage extends PageBytes {
  readonly end: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

/** One walk over one file. Memory: about three bits and a byte for each page that the file really has. */
class Xray {
  readonly buckets: XrayBucket[] = [];
  readonly findings: XrayFinding[] = [];
  readonly pages: XrayPage[] = [];
  readonly #pager: Pager;
  readonly #visitor: XrayVisitor;
  readonly #pageSize: number;
  readonly #meta: XrayMeta;
  readonly #highWater: number;
  readonly #referenced = new Bitmap();
  readonly #freed = new Bitmap();
  /** Free ids behind the file's end: only as many as the file holds. */
  readonly #freedBehind = new Set<number>();
  readonly #filePages: number;
  readonly #kinds: Uint8Array;
  readonly #invalidFlags = new Map<number, number>();
  readonly #active = new Set<number>();
  #freelistOverflow = 0;
  #depth = 0;
  /**
   * Bytes that may still be looked at, so that pages that overlap or repeat can not cost more than a few
   * files.
   */
  #budget: number;
  freeIds: number[] = [];
  freeCount = 0;
  unreachableCount = 0;

  constructor(pager: Pager, meta: XrayMeta, pageSize: number, visitor: XrayVisitor) {
    this.#pager = pager;
    this.#visitor = visitor;
    this.#meta = meta;
    this.#pageSize = pageSize;
    this.#highWater = Number(meta.highWater);
    this.#filePages = Math.min(this.#highWater, Math.ceil(pager.sizeBytes / pageSize));
    this.#kinds = new Uint8Array(this.#filePages);
    this.#budget = 4 * pager.sizeBytes + 1048576;
  }

  get isFreelistStored(): boolean {
    return this.#meta.freelist !== 0xffffffffffffffffn;
  }

  run(): void {
    this.#readFreelist();
    const root: XrayBucket = newXrayBucket([], this.#meta.root, this.#meta.sequence, false);
    this.#walkBucket(root, null, null);
    for (const id of [0, 1]) {
      this.#referenced.set(id);
      this.#mark(id, 1);
    }
    if (this.isFreelistStored) this.#reference(Number(this.#meta.freelist), this.#freelistOverflow, 2);
    this.#listPages();
  }

  #tell(code: XrayCode, page: number | bigint, message = ''): void {
    if (this.findings.length < maxFindings) this.findings.push({ code, page: String(page), message });
  }

  /** Takes work from the budget. @returns whether there is any left */
  #afford(bytes: number): boolean {
    if (this.#budget < 0) return false;
    this.#budget -= bytes;
    if (this.#budget >= 0) return true;
    this.#tell('work-limit', 0, 'pages overlap so much that the walk was ended');
    return false;
  }

  #page(id: number, exact: bigint | number): RawPage | null {
    if (!(id < this.#highWater)) {
      this.#tell('out-of-range', exact, `page id at or above high water mark ${this.#meta.highWater}`);
      return null;
    }
    if ((id + 1) * this.#pageSize > this.#pager.sizeBytes) {
      this.#tell('past-eof', exact, 'page starts beyond the file');
      return null;
    }
    const head = this.#pager.run(id, 1, this.#pageSize);
    const named = readBig64(head.view, head.at);
    if (named !== BigInt(id)) {
      this.#tell('page-id-mismatch', exact, `header says ${named}`);
      return null;
    }
    const overflow = head.view.getUint32(head.at + 12, true);
    if ((id + overflow + 1) * this.#pageSize > this.#pager.sizeBytes || id + overflow >= this.#highWater) {
      this.#tell('overflow-past-end', exact, `overflow ${overflow}`);
      return null;
    }
    if (!this.#afford((overflow + 1) * this.#pageSize)) return null;
    const place = overflow === 0 ? head : this.#pager.run(id, overflow + 1, this.#pageSize);
    return {
      ...place,
      end: place.at + (overflow + 1) * this.#pageSize,
      overflow,
      flags: place.view.getUint16(place.at + 8, true),
      count: place.view.getUint16(place.at + 10, true),
    };
  }

  #mark(id: number, kind: number): void {
    if (id < this.#kinds.length) this.#kinds[id] = kind;
  }

  /**
   * Counts a reference to each page of a run. A freelist may name any run: what lies behind the file is
   * not kept.
   */
  #reference(id: number, overflow: number, kind: number): void {
    for (let next = id; next <= id + overflow && next < this.#filePages; next++) {
      if (!this.#referenced.set(next)) this.#tell('multiple-references', next);
      if (this.#isFreed(next)) this.#tell('reachable-freed', next);
    }
    this.#mark(id, kind);
  }

  #isFreed(id: number): boolean {
    return id < this.#filePages ? this.#freed.has(id) : this.#freedBehind.has(id);
  }

  /** @returns whether the id was not free before */
  #addFreed(id: number): boolean {
    if (id < this.#filePages) return this.#freed.set(id);
    if (this.#freedBehind.has(id)) return false;
    this.#freedBehind.add(id);
    return true;
  }

  #readFreelist(): void {
    if (!this.isFreelistStored) return;
    const { freelist } = this.#meta;
    const page = this.#page(Number(freelist), freelist);
    if (page === null) return;
    this.#freelistOverflow = page.overflow;
    if (page.flags !== freelistFlag) {
      this.#tell('freelist-flags', freelist, `flags 0x${page.flags.toString(16)}`);
      return;
    }
    const { view } = page;
    let at = page.at + pageHeaderBytes;
    let count = BigInt(page.count);
    if (page.count === 0xffff) {
      count = readBig64(view, at);
      at += 8;
    }
    if (count > BigInt(Math.floor((page.end - at) / 8))) {
      this.#tell('freelist-count', freelist, `count ${count} does not fit`);
      return;
    }
    this.#readIds(view, at, Number(count), freelist);
  }

  #readIds(view: DataView, from: number, count: number, freelist: bigint): void {
    let previous = 0;
    for (let i = 0; i < count; i++) {
      const at = from + 8 * i;
      const id = readU64le(view, at);
      if (id < 2 || id >= this.#highWater)
        this.#tell('freelist-range', freelist, `id ${readBig64(view, at)}`);
      if (i > 0 && id <= previous)
        this.#tell('freelist-order', freelist, `id ${readBig64(view, at)} after ${previous}`);
      previous = id;
      if (!this.#addFreed(id)) this.#tell('freelist-duplicate', readBig64(view, at));
      this.freeIds.push(id);
    }
    this.freeCount = count;
  }

  #walkBucket(bucket: XrayBucket, inline: RawPage | 'short' | null, name: Uint8Array | null): void {
    const walk: Walk = { bucket, lastKey: null };
    this.buckets.push(bucket);
    this.#visitor.enterBucket?.(bucket);
    if (inline === 'short') {
      bucket.depth = 1;
      this.#tell('inline-short', 0);
    } else if (inline !== null) {
      bucket.depth = 1;
      if (inline.flags === leafFlag) this.#walkLeaf(walk, 0, inline, null, null);
      else this.#tell('inline-flags', 0, `flags 0x${inline.flags.toString(16)}`);
    } else this.#walkPage(walk, Number(bucket.root), bucket.root, 1, null, null);
    this.#visitor.leaveBucket?.(bucket, name);
  }

  /** @param low,high what the parent promises about keys: not below, below */
  #walkPage(
    walk: Walk,
    id: number,
    exact: bigint,
    level: number,
    low: Uint8Array | null,
    high: Uint8Array | null,
  ): void {
    if (this.#active.has(id)) {
      this.#tell('cycle', exact);
      return;
    }
    if (this.#depth >= maxDepth) {
      this.#tell('too-deep', exact, `below ${maxDepth} others`);
      return;
    }
    const page = this.#page(id, exact);
    if (page === null) return;
    this.#active.add(id);
    this.#depth++;
    const { bucket } = walk;
    bucket.depth = Math.max(bucket.depth, level);
    if (page.flags === leafFlag) {
      this.#reference(id, page.overflow, 4);
      bucket.leafPages++;
      bucket.leafOverflow += page.overflow;
      this.#walkLeaf(walk, id, page, low, high);
    } else if (page.flags === branchFlag) {
      this.#reference(id, page.overflow, 3);
      bucket.branchPages++;
      bucket.branchOverflow += page.overflow;
      this.#walkBranch(walk, id, page, level, low, high);
    } else {
      this.#reference(id, page.overflow, 5);
      this.#invalidFlags.set(id, page.flags);
      this.#tell('page-flags', id, `flags 0x${page.flags.toString(16)} where a branch or leaf was expected`);
    }
    this.#depth--;
    this.#active.delete(id);
  }

  #walkBranch(
    walk: Walk,
    id: number,
    page: RawPage,
    level: number,
    low: Uint8Array | null,
    high: Uint8Array | null,
  ): void {
    if (page.count === 0) this.#tell('branch-empty', id);
    const keys = this.#branchKeys(id, page);
    if (keys === null) return;
    for (const key of keys) walk.bucket.inuseBytes += elementBytes + key.length;
    walk.bucket.inuseBytes += pageHeaderBytes;
    keys.forEach((key, i) => {
      if (!this.#afford(key.length)) return;
      if (i > 0 && compareBytes(keys[i - 1], key) >= 0) this.#tell('key-order', id, `branch element ${i}`);
      if (low !== null && i === 0 && compareBytes(key, low) < 0)
        this.#tell('key-below-parent', id, 'branch element 0');
      if (high !== null && compareBytes(key, high) >= 0)
        this.#tell('key-above-parent', id, `branch element ${i}`);
      const at = page.at + pageHeaderBytes + elementBytes * i + 8;
      const next = i + 1 < keys.length ? keys[i + 1] : high;
      this.#walkPage(walk, readU64le(page.view, at), readBig64(page.view, at), level + 1, key, next);
    });
  }

  /** A branch's keys; null where one of them can not be read. */
  #branchKeys(id: number, page: RawPage): Uint8Array[] | null {
    if (page.at + pageHeaderBytes + elementBytes * page.count > page.end) {
      this.#tell('element-bounds', id, `count ${page.count}`);
      return null;
    }
    const keys: Uint8Array[] = [];
    for (let i = 0; i < page.count; i++) {
      const element = page.at + pageHeaderBytes + elementBytes * i;
      const position = page.view.getUint32(element, true);
      const size = page.view.getUint32(element + 4, true);
      if (position < elementBytes || element + position + size > page.end) {
        this.#tell('element-bounds', id, `branch element ${i}`);
        return null;
      }
      if (size === 0) this.#tell('zero-key', id, `branch element ${i}`);
      keys.push(page.bytes.subarray(element + position, element + position + size));
    }
    return keys;
  }

  #walkLeaf(walk: Walk, id: number, page: RawPage, low: Uint8Array | null, high: Uint8Array | null): void {
    const { view, bytes } = page;
    if (page.at + pageHeaderBytes + elementBytes * page.count > page.end) {
      this.#tell('element-bounds', id, `count ${page.count}`);
      return;
    }
    let used = pageHeaderBytes;
    for (let i = 0; i < page.count; i++) {
      const element = page.at + pageHeaderBytes + elementBytes * i;
      const position = view.getUint32(element + 4, true);
      const keyAt = element + position;
      const valueAt = keyAt + view.getUint32(element + 8, true);
      const valueEnd = valueAt + view.getUint32(element + 12, true);
      if (position < elementBytes || valueEnd > page.end) {
        this.#tell('element-bounds', id, `leaf element ${i}`);
        return;
      }
      if (!this.#afford(valueEnd - keyAt)) return;
      const key = bytes.subarray(keyAt, valueAt);
      used += elementBytes + valueEnd - keyAt;
      this.#checkLeafKey(walk, id, i, key, low, high);
      walk.lastKey = key;
      this.#walkItem(walk, id, i, view.getUint32(element, true), key, bytes.subarray(valueAt, valueEnd));
    }
    walk.bucket.inuseBytes += used;
  }

  #checkLeafKey(
    walk: Walk,
    id: number,
    index: number,
    key: Uint8Array,
    low: Uint8Array | null,
    high: Uint8Array | null,
  ): void {
    if (key.length === 0) this.#tell('zero-key', id, `leaf element ${index}`);
    if (walk.lastKey !== null && compareBytes(walk.lastKey, key) >= 0)
      this.#tell('key-order', id, `leaf element ${index}`);
    if (low !== null && index === 0 && compareBytes(key, low) < 0)
      this.#tell('key-below-parent', id, 'leaf element 0');
    if (high !== null && compareBytes(key, high) >= 0)
      this.#tell('key-above-parent', id, `leaf element ${index}`);
  }

  #walkItem(walk: Walk, id: number, index: number, flags: number, key: Uint8Array, value: Uint8Array): void {
    const { bucket } = walk;
    if (flags === 0) {
      bucket.keys++;
      this.#visitor.item?.(bucket, key, value);
    } else if (flags !== 1)
      this.#tell('leaf-flags', id, `leaf element ${index} flags 0x${flags.toString(16)}`);
    else {
      bucket.buckets++;
      if (value.length < 16) this.#tell('bucket-short', id, `leaf element ${index}`);
      else this.#walkSubBucket(bucket, id, index, key, value);
    }
  }

  #walkSubBucket(parent: XrayBucket, id: number, index: number, name: Uint8Array, value: Uint8Array): void {
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const root = readBig64(view, 0);
    if (root !== 0n && value.length !== 16) this.#tell('bucket-length', id, `leaf element ${index}`);
    if (this.#depth >= maxDepth) {
      this.#tell('too-deep', id, `below ${maxDepth} others`);
      return;
    }
    this.#depth++;
    const bucket = newXrayBucket([...parent.path, name], root, readBig64(view, 8), root === 0n);
    this.#walkBucket(bucket, root === 0n ? inlinePage(value, view) : null, name);
    this.#depth--;
  }

  #listPages(): void {
    const { sizeBytes } = this.#pager;
    for (let id = 0; id < this.#filePages; id++) {
      const kind = kindCodes[this.#kinds[id]];
      if (kind !== '' && id * this.#pageSize + pageHeaderBytes <= sizeBytes) {
        const { view, at } = this.#pager.run(id * this.#pageSize, pageHeaderBytes, 1);
        const overflow = view.getUint32(at + 12, true);
        const count = view.getUint16(at + 10, true);
        this.pages.push({ pgid: id, kind, flags: this.#invalidFlags.get(id) ?? 0, count, overflow });
        if (overflow > sizeBytes) break;
        id += overflow;
      } else this.#listUnused(id);
    }
    if (!this.isFreelistStored) this.freeCount = this.freeIds.length;
  }

  #listUnused(id: number): void {
    const isReferenced = this.#referenced.has(id);
    if (this.#isFreed(id) || (!this.isFreelistStored && !isReferenced)) {
      if (!this.isFreelistStored) this.freeIds.push(id);
      const last = this.pages[this.pages.length - 1];
      if (last?.kind === 'free') last.overflow++;
      else this.pages.push({ pgid: id, kind: 'free', flags: 0, count: 0, overflow: 0 });
    } else if (!isReferenced) {
      this.unreachableCount++;
      this.#tell('unreachable-unfreed', id);
      this.pages.push({ pgid: id, kind: 'unreachable', flags: 0, count: 0, overflow: 0 });
    }
  }
}

/** The page image behind an inline bucket's header. */
function inlinePage(value: Uint8Array, view: DataView): RawPage | 'short' {
  if (value.length < 16 + pageHeaderBytes) return 'short';
  return {
    view,
    bytes: value,
    at: 16,
    end: value.length,
    overflow: 0,
    flags: view.getUint16(24, true),
    count: view.getUint16(26, true),
  };
}

/**
 * Walks a whole file without trusting any number in it: never throws because of its content, never reads
 * behind its end, and takes no more memory or time than a few times the file's own size.
 */
export function xray(pager: Pager, visitor: XrayVisitor = {}): XrayReport {
  const { metas, chosen } = chooseXrayMeta(pager);
  if (chosen === null) {
    return {
      metas,
      chosen,
      buckets: [],
      isFreelistStored: false,
      free: { starts: [], counts: [] },
      freeCount: 0,
      unreachableCount: 0,
      pages: [],
      findings: [{ code: 'no-valid-meta', page: '0', message: '' }],
    };
  }
  const walk = new Xray(pager, chosen.meta, chosen.pageSize, visitor);
  walk.run();
  return {
    metas,
    chosen,
    buckets: walk.buckets,
    isFreelistStored: walk.isFreelistStored,
    free: spansOf(Float64Array.from(walk.freeIds).sort()),
    freeCount: walk.freeCount,
    unreachableCount: walk.unreachableCount,
    pages: walk.pages,
    findings: walk.findings,
  };
}
