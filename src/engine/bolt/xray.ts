/** Reads any file, damaged or hostile, of any size: what is readable, and every fault with its page. */
import { maxKeyBytes } from './bucket.ts';
import { readBig64 } from './meta.ts';
import { branchFlag, compareKeys, elementBytes, freelistFlag, leafFlag, pageHeaderBytes } from './page.ts';
import type { PageSource } from './pager.ts';
import { Findings } from './xray-findings.ts';
import { readStoredIds } from './xray-freelist.ts';
import { PageListing } from './xray-list.ts';
import { chooseXrayMeta } from './xray-meta.ts';
import type { XrayMeta } from './xray-meta.ts';
import { PageTable, placeCodes } from './xray-pages.ts';
import { newXrayBucket } from './xray-report.ts';
import type { XrayBucket, XrayReport, XraySpans, XrayValue, XrayVisitor } from './xray-report.ts';

/** Pages and buckets below one another; no sound file comes near. */
const maxDepth = 1000;
/** Pages that the table can hold, and no more, are worth marking a few times over. */
const maxMarks = 268435456;
/** Memory for the buckets that a report holds. */
const maxBucketBytes = 4194304;
const bucketCost = 300;
const comparedBytes = 1024;
const partBytes = 65536;

/** Bytes of the file: a key, or what holds one. */
interface Place {
  readonly at: number;
  readonly size: number;
}

interface BranchElement extends Place {
  readonly child: bigint;
  readonly position: number;
}

/** A page, or the page inside an inline bucket's value, by its place in the file. */
interface RawPage {
  readonly at: number;
  readonly end: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

interface Walk {
  readonly bucket: XrayBucket;
  lastKey: Place | null;
}

/** What the parent promises about a page's keys: not below, below. */
interface Bounds {
  readonly low: Place | null;
  readonly high: Place | null;
}

const unbounded: Bounds = { low: null, high: null };

class ValueInFile implements XrayValue {
  readonly sizeBytes: number;
  private readonly source: PageSource;
  private readonly at: number;

  constructor(source: PageSource, at: number, sizeBytes: number) {
    this.source = source;
    this.at = at;
    this.sizeBytes = sizeBytes;
  }

  part(from: number, length: number): Uint8Array {
    const size = Math.min(length, partBytes, this.sizeBytes - from);
    if (!(size > 0)) return new Uint8Array(0);
    const { bytes, at } = this.source.run(this.at + from, size, 1);
    return bytes.subarray(at, at + size);
  }
}

/** One walk over one file. Its memory is that of the page table, of kept findings, buckets and free runs. */
class Xray {
  readonly buckets: XrayBucket[] = [];
  readonly findings = new Findings();
  readonly table: PageTable;
  private readonly source: PageSource;
  private readonly visitor: XrayVisitor;
  private readonly pageSize: number;
  private readonly meta: XrayMeta;
  private readonly highWater: number;
  private readonly active = new Set<number>();
  private freelistOverflow = 0;
  private depth = 0;
  private bucketRoom = maxBucketBytes;
  /**
   * Work that may still be done: bytes of pages come to, bytes of items looked at, pages marked. Pages that
   * overlap or repeat can not cost more than a few files.
   */
  private pageBudget: number;
  private itemBudget: number;
  private markBudget: number;
  private isTired = false;
  free: XraySpans = { starts: [], counts: [] };
  freeSpanCount = 0;
  bucketCount = 0;
  freeCount = 0;
  unreachableCount = 0;

  constructor(source: PageSource, meta: XrayMeta, pageSize: number, visitor: XrayVisitor) {
    this.source = source;
    this.visitor = visitor;
    this.meta = meta;
    this.pageSize = pageSize;
    this.highWater = Number(meta.highWater);
    this.table = new PageTable(Math.min(this.highWater, Math.ceil(source.sizeBytes / pageSize)));
    this.pageBudget = 2 * source.sizeBytes + 1048576;
    this.itemBudget = 2 * source.sizeBytes + 1048576;
    this.markBudget = Math.min(2 * this.table.pageCount + 4096, maxMarks);
  }

  get isFreelistStored(): boolean {
    return this.meta.freelist !== 0xffffffffffffffffn;
  }

  run(): void {
    this.readFreelist();
    const root: XrayBucket = newXrayBucket([], this.meta.root, this.meta.sequence, false);
    this.walkBucket(root, null, null);
    for (const id of [0, 1]) this.table.setKind(id, placeCodes.meta);
    if (this.isFreelistStored)
      this.reference(Number(this.meta.freelist), this.freelistOverflow, placeCodes.freelist);
    this.listPages();
    if (this.table.isCut) this.findings.tell('page-limit', 0, () => 'more pages than can be kept in mind');
  }

  /** Says once that the walk was ended. */
  private tire(): void {
    if (this.isTired) return;
    this.isTired = true;
    this.findings.tell('work-limit', 0, () => 'pages overlap so much that the walk was ended');
  }

  /** Takes work from the budget for items. @returns whether there is any left */
  private afford(bytes: number): boolean {
    this.itemBudget -= bytes;
    if (this.itemBudget < 0) this.tire();
    return !this.isTired;
  }

  private page(id: number, exact: bigint | number): RawPage | null {
    const { sizeBytes } = this.source;
    const at = id * this.pageSize;
    if (!(id < this.highWater)) {
      this.findings.tell(
        'out-of-range',
        exact,
        () => `page id at or above high water mark ${this.meta.highWater}`,
      );
      return null;
    }
    if (at + this.pageSize > sizeBytes) {
      this.findings.tell('past-eof', exact, () => 'page starts beyond the file');
      return null;
    }
    const head = this.source.run(at, pageHeaderBytes, 1);
    const named = readBig64(head.view, head.at);
    if (named !== BigInt(id)) {
      this.findings.tell('page-id-mismatch', exact, () => `header says ${named}`);
      return null;
    }
    const flags = head.view.getUint16(head.at + 8, true);
    const count = head.view.getUint16(head.at + 10, true);
    const overflow = head.view.getUint32(head.at + 12, true);
    const end = at + (overflow + 1) * this.pageSize;
    if (end > sizeBytes || id + overflow >= this.highWater) {
      this.findings.tell('overflow-past-end', exact, () => `overflow ${overflow}`);
      return null;
    }
    this.pageBudget -= end - at;
    if (this.pageBudget < 0) this.tire();
    return this.isTired ? null : { at, end, flags, count, overflow };
  }

  /**
   * Counts a reference to each page of a run. A freelist may name any run: what lies behind the file is
   * not kept.
   */
  private reference(id: number, overflow: number, kind: number): void {
    const end = Math.min(id + overflow + 1, this.table.pageCount);
    this.markBudget -= Math.max(0, end - id);
    if (this.markBudget < 0) {
      this.tire();
      return;
    }
    for (let next = id; next < end; next++) {
      if (!this.table.setUsed(next)) this.findings.tell('multiple-references', next);
      if (this.table.isFreed(next)) this.findings.tell('reachable-freed', next);
    }
    this.table.setKind(id, kind);
  }

  private readFreelist(): void {
    if (!this.isFreelistStored) return;
    const { freelist } = this.meta;
    const page = this.page(Number(freelist), freelist);
    if (page === null) return;
    this.freelistOverflow = page.overflow;
    if (page.flags !== freelistFlag) {
      this.findings.tell('freelist-flags', freelist, () => `flags 0x${page.flags.toString(16)}`);
      return;
    }
    let at = page.at + pageHeaderBytes;
    let count = BigInt(page.count);
    if (page.count === 0xffff) {
      const place = this.source.run(at, 8, 1);
      count = readBig64(place.view, place.at);
      at += 8;
    }
    if (count > BigInt(Math.floor((page.end - at) / 8))) {
      this.findings.tell('freelist-count', freelist, () => `count ${count} does not fit`);
      return;
    }
    const stored = { at, count: Number(count), highWater: this.highWater, page: freelist };
    const { free, spanCount } = readStoredIds(this.source, stored, this.table, this.findings);
    this.free = free;
    this.freeSpanCount = spanCount;
    this.freeCount = Number(count);
  }

  private walkBucket(bucket: XrayBucket, inline: RawPage | 'short' | null, name: Uint8Array | null): void {
    const walk: Walk = { bucket, lastKey: null };
    this.bucketCount++;
    this.bucketRoom -= bucketCost + 16 * bucket.path.length + (name === null ? 0 : name.length);
    if (this.bucketRoom >= 0) this.buckets.push(bucket);
    this.visitor.enterBucket?.(bucket);
    if (inline === 'short') {
      bucket.depth = 1;
      this.findings.tell('inline-short', 0);
    } else if (inline !== null) {
      bucket.depth = 1;
      if (inline.flags === leafFlag) this.walkLeaf(walk, 0, inline, unbounded);
      else this.findings.tell('inline-flags', 0, () => `flags 0x${inline.flags.toString(16)}`);
    } else this.walkPage(walk, Number(bucket.root), bucket.root, 1, unbounded);
    this.visitor.leaveBucket?.(bucket, name);
  }

  private walkPage(walk: Walk, id: number, exact: bigint, level: number, bounds: Bounds): void {
    if (this.active.has(id)) {
      this.findings.tell('cycle', exact);
      return;
    }
    if (this.depth >= maxDepth) {
      this.findings.tell('too-deep', exact, () => `below ${maxDepth} others`);
      return;
    }
    const page = this.page(id, exact);
    if (page === null) return;
    this.active.add(id);
    this.depth++;
    const { bucket } = walk;
    bucket.depth = Math.max(bucket.depth, level);
    if (page.flags === leafFlag) {
      this.reference(id, page.overflow, placeCodes.leaf);
      bucket.leafPages++;
      bucket.leafOverflow += page.overflow;
      this.walkLeaf(walk, id, page, bounds);
    } else if (page.flags === branchFlag) {
      this.reference(id, page.overflow, placeCodes.branch);
      bucket.branchPages++;
      bucket.branchOverflow += page.overflow;
      this.walkBranch(walk, id, page, level, bounds);
    } else {
      this.reference(id, page.overflow, placeCodes.invalid);
      const flags = `flags 0x${page.flags.toString(16)}`;
      this.findings.tell('page-flags', id, () => `${flags} where a branch or leaf was expected`);
    }
    this.depth--;
    this.active.delete(id);
  }

  private walkBranch(walk: Walk, id: number, page: RawPage, level: number, { low, high }: Bounds): void {
    if (page.count === 0) this.findings.tell('branch-empty', id);
    const keyBytes = this.checkBranchElements(id, page);
    if (keyBytes === null) return;
    walk.bucket.inuseBytes += pageHeaderBytes + elementBytes * page.count + keyBytes;
    let key = page.count > 0 ? this.branchElement(page, 0) : null;
    let previous: Place | null = null;
    for (let i = 0; key !== null && this.afford(key.size); i++) {
      const next: BranchElement | null = i + 1 < page.count ? this.branchElement(page, i + 1) : null;
      if (previous !== null && this.compare(previous, key) >= 0)
        this.findings.tell('key-order', id, () => `branch element ${i}`);
      if (low !== null && i === 0 && this.compare(key, low) < 0)
        this.findings.tell('key-below-parent', id, () => 'branch element 0');
      if (high !== null && this.compare(key, high) >= 0)
        this.findings.tell('key-above-parent', id, () => `branch element ${i}`);
      const bounds = { low: key, high: next ?? high };
      this.walkPage(walk, Number(key.child), key.child, level + 1, bounds);
      previous = key;
      key = next;
    }
  }

  private branchElement(page: RawPage, index: number): BranchElement {
    const element = page.at + pageHeaderBytes + elementBytes * index;
    const { view, at } = this.source.run(element, elementBytes, 1);
    const position = view.getUint32(at, true);
    return {
      at: element + position,
      size: view.getUint32(at + 4, true),
      child: readBig64(view, at + 8),
      position,
    };
  }

  /** All elements of a branch. @returns bytes of their keys; null where one of them can not be read */
  private checkBranchElements(id: number, page: RawPage): number | null {
    if (!this.holdsElements(id, page)) return null;
    let keyBytes = 0;
    for (let i = 0; i < page.count; i++) {
      const { at, size, position } = this.branchElement(page, i);
      if (position < elementBytes || at + size > page.end) {
        this.findings.tell('element-bounds', id, () => `branch element ${i}`);
        return null;
      }
      this.checkKeySize(id, 'branch', i, size);
      keyBytes += size;
    }
    return keyBytes;
  }

  private holdsElements(id: number, page: RawPage): boolean {
    const fits = page.at + pageHeaderBytes + elementBytes * page.count <= page.end;
    if (!fits) this.findings.tell('element-bounds', id, () => `count ${page.count}`);
    return fits;
  }

  private checkKeySize(id: number, kind: 'branch' | 'leaf', index: number, size: number): void {
    if (size === 0) this.findings.tell('zero-key', id, () => `${kind} element ${index}`);
    if (size > maxKeyBytes)
      this.findings.tell('key-too-large', id, () => `${kind} element ${index}: ${size} bytes`);
  }

  private walkLeaf(walk: Walk, id: number, page: RawPage, bounds: Bounds): void {
    if (!this.holdsElements(id, page)) return;
    let used = pageHeaderBytes;
    for (let i = 0; i < page.count; i++) {
      const element = page.at + pageHeaderBytes + elementBytes * i;
      const { view, at } = this.source.run(element, elementBytes, 1);
      const flags = view.getUint32(at, true);
      const position = view.getUint32(at + 4, true);
      const key = { at: element + position, size: view.getUint32(at + 8, true) };
      const value = { at: key.at + key.size, size: view.getUint32(at + 12, true) };
      if (position < elementBytes || value.at + value.size > page.end) {
        this.findings.tell('element-bounds', id, () => `leaf element ${i}`);
        return;
      }
      if (!this.afford(key.size + value.size)) return;
      used += elementBytes + key.size + value.size;
      this.checkLeafKey(walk, id, i, key, bounds);
      walk.lastKey = key;
      this.walkItem(walk, id, i, flags, key, value);
    }
    walk.bucket.inuseBytes += used;
  }

  private checkLeafKey(walk: Walk, id: number, index: number, key: Place, { low, high }: Bounds): void {
    this.checkKeySize(id, 'leaf', index, key.size);
    if (walk.lastKey !== null && this.compare(walk.lastKey, key) >= 0)
      this.findings.tell('key-order', id, () => `leaf element ${index}`);
    if (low !== null && index === 0 && this.compare(key, low) < 0)
      this.findings.tell('key-below-parent', id, () => 'leaf element 0');
    if (high !== null && this.compare(key, high) >= 0)
      this.findings.tell('key-above-parent', id, () => `leaf element ${index}`);
  }

  /** Compares two keys where they lie; of keys too large for any sound file, what a key may have. */
  private compare(a: Place, b: Place): number {
    const aSize = Math.min(a.size, maxKeyBytes);
    const bSize = Math.min(b.size, maxKeyBytes);
    const shared = Math.min(aSize, bSize);
    for (let from = 0; from < shared; from += comparedBytes) {
      const size = Math.min(comparedBytes, shared - from);
      const x = this.source.run(a.at + from, size, 1);
      const y = this.source.run(b.at + from, size, 1);
      const order = compareKeys(x.bytes, x.at, size, y.bytes, y.at, size);
      if (order !== 0) return order;
    }
    return aSize - bSize;
  }

  private walkItem(walk: Walk, id: number, index: number, flags: number, key: Place, value: Place): void {
    const { bucket } = walk;
    if (flags === 0) {
      bucket.keys++;
      if (this.visitor.item === undefined) return;
      this.visitor.item(bucket, this.keyBytes(key), new ValueInFile(this.source, value.at, value.size));
    } else if (flags !== 1)
      this.findings.tell('leaf-flags', id, () => `leaf element ${index} flags 0x${flags.toString(16)}`);
    else {
      bucket.buckets++;
      if (value.size < 16) this.findings.tell('bucket-short', id, () => `leaf element ${index}`);
      else this.walkSubBucket(bucket, id, index, key, value);
    }
  }

  private keyBytes({ at: from, size }: Place): Uint8Array {
    if (size === 0) return new Uint8Array(0);
    const shown = Math.min(size, maxKeyBytes);
    const { bytes, at } = this.source.run(from, shown, 1);
    return bytes.slice(at, at + shown);
  }

  private walkSubBucket(parent: XrayBucket, id: number, index: number, key: Place, value: Place): void {
    const { view, at } = this.source.run(value.at, 16, 1);
    const root = readBig64(view, at);
    const sequence = readBig64(view, at + 8);
    if (root !== 0n && value.size !== 16)
      this.findings.tell('bucket-length', id, () => `leaf element ${index}`);
    if (this.depth >= maxDepth) {
      this.findings.tell('too-deep', id, () => `below ${maxDepth} others`);
      return;
    }
    this.depth++;
    const name = this.keyBytes(key);
    const bucket = newXrayBucket([...parent.path, name], root, sequence, root === 0n);
    this.walkBucket(bucket, root === 0n ? this.inlinePage(value) : null, name);
    this.depth--;
  }

  /** The page image behind an inline bucket's header. */
  private inlinePage(value: Place): RawPage | 'short' {
    if (value.size < 16 + pageHeaderBytes) return 'short';
    const { view, at } = this.source.run(value.at + 16, pageHeaderBytes, 1);
    return {
      at: value.at + 16,
      end: value.at + value.size,
      overflow: 0,
      flags: view.getUint16(at + 8, true),
      count: view.getUint16(at + 10, true),
    };
  }

  private listPages(): void {
    const listing = new PageListing(this.source, this.pageSize, this.visitor, this.findings);
    listing.run(this.table, this.isFreelistStored ? 'unreachable' : 'free');
    this.unreachableCount = listing.unreachableCount;
    if (this.isFreelistStored) return;
    this.free = listing.free;
    this.freeSpanCount = listing.freeSpanCount;
    this.freeCount = listing.freeCount;
  }
}

/**
 * Walks a whole file without trusting any number in it: never throws because of its content, never reads
 * behind its end, does no more work than a few readings of the file take, and needs less than 64 MiB of
 * memory, however large the file.
 */
export function xray(source: PageSource, visitor: XrayVisitor = {}): XrayReport {
  const { metas, chosen } = chooseXrayMeta(source);
  if (chosen === null) {
    const findings = new Findings();
    findings.tell('no-valid-meta', 0);
    return {
      metas,
      chosen,
      buckets: [],
      bucketCount: 0,
      isFreelistStored: false,
      free: { starts: [], counts: [] },
      freeSpanCount: 0,
      freeCount: 0,
      unreachableCount: 0,
      pages: new PageTable(0),
      findings: findings.kept,
      findingCounts: findings.counts,
    };
  }
  const walk = new Xray(source, chosen.meta, chosen.pageSize, visitor);
  walk.run();
  return {
    metas,
    chosen,
    buckets: walk.buckets,
    bucketCount: walk.bucketCount,
    isFreelistStored: walk.isFreelistStored,
    free: walk.free,
    freeSpanCount: walk.freeSpanCount,
    freeCount: walk.freeCount,
    unreachableCount: walk.unreachableCount,
    pages: walk.table,
    findings: walk.findings.kept,
    findingCounts: walk.findings.counts,
  };
}
