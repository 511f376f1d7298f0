/** Checks a database as bbolt's `check` does: every page below the high water mark is used once, or free. */
import { toHex } from '../../base/bytes.ts';
import { readU64le } from '../../base/u64.ts';
import type { SharedFreelist } from './freelist/shared.ts';
import { forEachStoredId } from './freelist-page.ts';
import { metaAt } from './meta.ts';
import {
  branchFlag,
  bucketLeafFlag,
  compareKeys,
  elementBytes,
  freelistFlag,
  leafFlag,
  metaFlag,
  pageHeaderBytes,
} from './page.ts';
import type { PageSource } from './pager.ts';
import type { Meta } from './types.ts';
import { PageTable, placeCodes } from './xray-pages.ts';

export type FindingCode =
  | 'already freed'
  | 'out of bounds'
  | 'multiple references'
  | 'reachable freed'
  | 'invalid type'
  | 'key order'
  | 'unreachable unfreed'
  | 'unreadable'
  | 'wrong meta';

/** Something wrong in a file: `text` in bbolt's words, `pgid` the page it is about. */
export interface Finding {
  readonly code: FindingCode;
  readonly pgid: number;
  readonly text: string;
}

const maxFindings = 2000;
/** Characters of all texts together: a damaged file may have long keys on every page. */
const maxTextLength = 4194304;
/** Longer keys can not be in a sound file. */
const maxKeyBytes = 65536;
/** Pages below one another in a bucket, and buckets in one another. */
const maxDepth = 200;
const maxNesting = 1000;
/** Pages up to this size are looked at where they lie. */
const inPlaceBytes = 65536;
/** Ids behind the file's end that are remembered, to find repetitions among them. */
const maxBehind = 4096;
/** What a visit to a page, to an element and to a page of an overflow counts as, in bytes of work. */
const visitCost = 64;

/** @source bbolt v1.3.12 page.go typ */
function typeName(flags: number): string {
  if (flags & branchFlag) return 'branch';
  if (flags & leafFlag) return 'leaf';
  if (flags & metaFlag) return 'meta';
  if (flags & freelistFlag) return 'freelist';
  return `unknown<${flags.toString(16).padStart(2, '0')}>`;
}

/** The freed ids of a state: those that are in the list more than once, and a test. */
interface FreedPages {
  readonly repeated: readonly number[];
  has(id: number): boolean;
}

/** A page as its header tells; nothing of it is held. */
interface RawPage {
  readonly id: number;
  /** Where it begins and ends in the file; where its overflow leaves the file, the end of its first page. */
  readonly at: number;
  readonly end: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
  readonly isBranch: boolean;
  readonly isLeaf: boolean;
}

interface Key {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly size: number;
}

const order = (a: Key, b: Key): number => compareKeys(a.bytes, a.at, a.size, b.bytes, b.at, b.size);
const hexOf = ({ bytes, at, size }: Key): string => toHex(bytes.subarray(at, at + size));
const copyOf = ({ bytes, at, size }: Key): Key => ({ bytes: bytes.slice(at, at + size), at: 0, size });

/** One check. It holds the way down, a table of pages and the findings, whatever the file's size. */
class Checker {
  readonly findings: Finding[] = [];
  private readonly source: PageSource;
  private readonly pageSize: number;
  private readonly meta: Meta;
  private readonly freed: FreedPages;
  private readonly table: PageTable;
  private readonly limit: number;
  private readonly stack: number[] = [];
  private nesting = 0;
  private textRoom = maxTextLength;
  /** Bytes of work that may still be done: a page may be come to again, but not over and over. */
  private budget: number;
  private isTired = false;

  constructor(source: PageSource, pageSize: number, meta: Meta, freed: FreedPages, table: PageTable) {
    this.source = source;
    this.pageSize = pageSize;
    this.meta = meta;
    this.freed = freed;
    this.table = table;
    this.limit = table.pageCount;
    this.budget = 4 * source.sizeBytes + 1048576;
  }

  /** @param isFreelistKnown without it every page that no bucket reaches is free */
  run(isFreelistKnown: boolean): void {
    for (const id of this.freed.repeated) this.tell('already freed', id, () => `page ${id}: already freed`);
    for (const id of [0, 1]) this.table.setKind(id, placeCodes.meta);
    const { freelist } = this.meta;
    const list = freelist === null ? null : this.page(freelist);
    if (list !== null) this.use(list, () => {});
    this.checkBucket(this.meta.root.root);
    if (this.table.isCut) this.unreadable(this.limit, 'more pages are named than can be kept in mind');
    else if (isFreelistKnown) this.findLost();
    if (this.limit < this.meta.highWater) this.unreadable(this.limit, 'behind the file');
  }

  private findLost(): void {
    for (let id = 0; id < this.limit && this.findings.length < maxFindings; id++) {
      if (this.table.kindOf(id) !== 'unknown' || this.freed.has(id)) continue;
      this.tell('unreachable unfreed', id, () => `page ${id}: unreachable unfreed`);
    }
  }

  private tell(code: FindingCode, pgid: number, textOf: () => string): void {
    if (this.findings.length >= maxFindings || this.textRoom <= 0) return;
    const text = textOf();
    this.textRoom -= text.length;
    this.findings.push({ code, pgid, text });
  }

  private unreadable(id: number, text: string): void {
    this.tell('unreadable', id, () => `page ${id}: ${text}`);
  }

  /** A page with as much of its overflow as the file has; null where it lies outside or makes no sense. */
  private page(id: number): RawPage | null {
    const at = id * this.pageSize;
    const left = this.source.sizeBytes - at;
    if (!(id < this.limit && left >= pageHeaderBytes)) {
      this.unreadable(id, 'is not in the file');
      return null;
    }
    const head = this.source.run(at, pageHeaderBytes, 1);
    const flags = head.view.getUint16(head.at + 8, true);
    const count = head.view.getUint16(head.at + 10, true);
    const overflow = head.view.getUint32(head.at + 12, true);
    const size = (overflow + 1) * this.pageSize;
    const fits = id + overflow < this.limit && size <= left;
    // the file may end inside its last page
    const end = at + (fits ? size : Math.min(left, this.pageSize));
    const [isBranch, isLeaf] = [(flags & branchFlag) !== 0, (flags & leafFlag) !== 0];
    if ((isBranch || isLeaf) && at + pageHeaderBytes + count * elementBytes > end) {
      this.unreadable(id, `${count} elements do not fit`);
      return null;
    }
    return { id, at, end, flags, count, overflow, isBranch, isLeaf };
  }

  /** Marks a page and what the file has of its overflow. @param again is told of those marked before */
  private use({ id, overflow }: RawPage, again: (id: number) => void): void {
    const end = Math.min(id + overflow + 1, this.limit);
    this.afford(id, elementBytes * (end - id));
    for (let next = id; next < end; next++) if (!this.table.setUsed(next)) again(next);
  }

  /** Takes work from the budget. @returns whether there is any left */
  private afford(id: number, bytes: number): boolean {
    this.budget -= bytes;
    if (this.budget < 0 && !this.isTired) {
      this.isTired = true;
      this.unreadable(id, 'is referred to too often');
    }
    return !this.isTired;
  }

  /** A page to go down to: not in a circle, not too deep, not for the thousandth time. */
  private enter(id: number): RawPage | null {
    if (this.stack.includes(id)) this.unreadable(id, 'is below itself');
    else if (this.stack.length >= maxDepth) this.unreadable(id, 'lies too deep');
    else if (this.afford(id, visitCost)) {
      const page = this.page(id);
      return page !== null && this.afford(id, page.count * elementBytes) ? page : null;
    }
    return null;
  }

  /** A bucket's pages, then its keys, then the buckets in it. */
  private checkBucket(root: number): void {
    if (this.nesting >= maxNesting) {
      this.unreadable(root, `more than ${maxNesting} buckets lie in one another`);
      return;
    }
    this.nesting++;
    const hasBuckets = this.checkPages(root);
    this.checkKeys(root, null, null);
    if (hasBuckets) this.checkInner(root, 0);
    this.nesting--;
  }

  /**
   * References of a tree: each page once, none free, each a branch or a leaf.
   * @returns whether it has buckets
   */
  private checkPages(id: number): boolean {
    const page = this.enter(id);
    if (page === null) return false;
    this.stack.push(id);
    const stack = (): string => `(stack: [${this.stack.join(' ')}])`;
    if (id > this.meta.highWater)
      this.tell('out of bounds', id, () => `page ${id}: out of bounds: ${this.meta.highWater} ${stack()}`);
    this.use(page, (next) =>
      this.tell('multiple references', next, () => `page ${next}: multiple references ${stack()}`),
    );
    if (this.freed.has(id)) this.tell('reachable freed', id, () => `page ${id}: reachable freed`);
    else if (!page.isBranch && !page.isLeaf) {
      const text = (): string => `page ${id}: invalid type: ${typeName(page.flags)} ${stack()}`;
      this.tell('invalid type', id, text);
    }
    let hasBuckets = false;
    if (page.isBranch)
      for (let i = 0; i < page.count; i++) hasBuckets = this.checkPages(this.child(page, i)) || hasBuckets;
    else if (page.isLeaf) hasBuckets = this.hasBuckets(page);
    this.stack.pop();
    return hasBuckets;
  }

  private hasBuckets(page: RawPage): boolean {
    const perPiece = inPlaceBytes / elementBytes;
    for (let from = 0; from < page.count; from += perPiece) {
      const count = Math.min(perPiece, page.count - from);
      const at = page.at + pageHeaderBytes + from * elementBytes;
      const place = this.source.run(at, count * elementBytes, 1);
      for (let i = 0; i < count; i++)
        if ((place.view.getUint32(place.at + i * elementBytes, true) & bucketLeafFlag) !== 0) return true;
    }
    return false;
  }

  /** Checks the buckets that a tree's leaves hold, in their order; the tree itself is checked already. */
  private checkInner(id: number, depth: number): void {
    if (depth >= maxDepth || !this.afford(id, visitCost)) return;
    const page = this.page(id);
    if (page === null || !this.afford(id, page.count * elementBytes)) return;
    for (let i = 0; i < page.count && !this.isTired; i++) {
      if (page.isBranch) this.checkInner(this.child(page, i), depth + 1);
      else if (page.isLeaf) this.checkElement(page, i);
    }
  }

  private checkElement(page: RawPage, index: number): void {
    const { view, at } = this.element(page, index);
    if ((view.getUint32(at, true) & bucketLeafFlag) === 0) return;
    const size = view.getUint32(at + 12, true);
    const valueAt = this.keyOffset(page, index) + this.keySize(page, index);
    if (size < 16 || valueAt + 16 > this.source.sizeBytes) {
      this.unreadable(page.id, `element ${index} is no bucket`);
      return;
    }
    const value = this.source.run(valueAt, 16, 1);
    const root = readU64le(value.view, value.at);
    if (root === 0) return;
    // the way down to here is of another bucket
    const way = this.stack.splice(0);
    this.checkBucket(root);
    this.stack.push(...way);
  }

  private element({ at: from }: RawPage, index: number): { readonly view: DataView; readonly at: number } {
    return this.source.run(from + pageHeaderBytes + index * elementBytes, elementBytes, 1);
  }

  private child(page: RawPage, index: number): number {
    const { view, at } = this.element(page, index);
    return readU64le(view, at + 8);
  }

  private keySize(page: RawPage, index: number): number {
    const { view, at } = this.element(page, index);
    return view.getUint32(at + (page.isLeaf ? 8 : 4), true);
  }

  /** Where an element's key begins in the file; a damaged element may name any place. */
  private keyOffset(page: RawPage, index: number): number {
    const { view, at } = this.element(page, index);
    const position = view.getUint32(at + (page.isLeaf ? 4 : 0), true);
    return page.at + pageHeaderBytes + index * elementBytes + position;
  }

  /**
   * Reads a page's keys as bbolt would, through its map of the file: behind the end there are zeros.
   * A key that can not be read is null.
   */
  private keysOf(page: RawPage): (index: number) => Key | null {
    return (page.isLeaf && this.keysInPlace(page)) || ((index) => this.key(page, index));
  }

  private key(page: RawPage, index: number): Key | null {
    const size = this.keySize(page, index);
    const offset = this.keyOffset(page, index);
    if (size > maxKeyBytes || !this.afford(page.id, size)) return null;
    if (size === 0) return { bytes: new Uint8Array(0), at: 0, size };
    if (offset + size <= this.source.sizeBytes) return copyOf({ ...this.source.run(offset, size, 1), size });
    const isBehind = offset >= this.source.sizeBytes && offset < 2 ** 31;
    return isBehind ? { bytes: new Uint8Array(size), at: 0, size } : null;
  }

  /** The keys of a small leaf where they lie, while nothing else is read; null where one lies elsewhere. */
  private keysInPlace({ id, at: from, end, count }: RawPage): ((index: number) => Key | null) | null {
    const length = end - from;
    if (length > inPlaceBytes || !this.afford(id, length)) return null;
    const { bytes, view, at } = this.source.run(from, length, 1);
    const first = at + pageHeaderBytes;
    for (let i = 0; i < count; i++) {
      const element = first + i * elementBytes;
      const size = view.getUint32(element + 8, true);
      if (size > maxKeyBytes || element + view.getUint32(element + 4, true) + size > at + length) return null;
    }
    return (index) => {
      const element = first + index * elementBytes;
      return {
        bytes,
        at: element + view.getUint32(element + 4, true),
        size: view.getUint32(element + 8, true),
      };
    };
  }

  /**
   * Order of keys: ascending on each page, and within what the parent promises.
   * @returns the subtree's last key
   */
  private checkKeys(id: number, low: Key | null, high: Key | null): Key | null {
    const page = this.enter(id);
    if (page === null) return null;
    if (!page.isBranch && !page.isLeaf) {
      this.tell('invalid type', id, () => `unexpected page type for pgId:${id}`);
      return null;
    }
    this.stack.push(id);
    const keyAt = this.keysOf(page);
    let last: Key | null = null;
    let least = low;
    let key = page.count > 0 ? keyAt(0) : null;
    for (let i = 0; i < page.count && key !== null && !this.isTired; i++) {
      const next: Key | null = i + 1 < page.count ? keyAt(i + 1) : high;
      const child = page.isBranch ? this.child(page, i) : id;
      this.checkKey(page.isBranch, child, i, key, least, high);
      last = page.isBranch ? this.checkKeys(child, key, next) : key;
      least = last;
      key = next;
    }
    this.stack.pop();
    return last === null || page.isBranch ? last : copyOf(last);
  }

  private checkKey(
    isBranch: boolean,
    id: number,
    index: number,
    key: Key,
    previous: Key | null,
    high: Key | null,
  ): void {
    const rank = previous === null ? -1 : order(previous, key);
    const isAbove = high !== null && order(key, high) >= 0;
    if (!isAbove && (rank < 0 || (rank === 0 && index === 0))) return;
    const on = (): string =>
      `key[${index}]=(hex)${hexOf(key)} on ${isBranch ? 'branch' : 'leaf'} page(${id})`;
    const before = (): string => (previous === null ? '' : hexOf(previous));
    const stack = (): string => `[${this.stack.join(' ')}]`;
    if (index === 0 && rank > 0) {
      const than = (): string => `the key in the ancestor (${before()}). Stack: ${stack()}`;
      this.tell('key order', id, () => `the first ${on()} needs to be >= ${than()}`);
    }
    if (index > 0 && rank >= 0) {
      const found = rank > 0 ? '<' : '=';
      const than = (): string => `than previous element (hex)${before()}. Stack: ${stack()}`;
      this.tell('key order', id, () => `${on()} needs to be > (found ${found}) ${than()}`);
    }
    if (isAbove) {
      const than = (): string => `than key of the next element in ancestor (hex)${before()}`;
      this.tell('key order', id, () => `${on()} needs to be < ${than()}. Pages stack: ${stack()}`);
    }
  }
}

/** As many pages as the file and the high water mark have. */
const tableOf = (source: PageSource, pageSize: number, { highWater }: Meta): PageTable =>
  new PageTable(Math.min(highWater, Math.ceil(source.sizeBytes / pageSize)));

/**
 * A transaction writes the meta page that its number names: another one there is not bbolt's doing. But a
 * copy has the number of its transaction on page 0 and the one before on page 1, whichever they are, and page
 * 1 keeps it until the second commit after.
 * @source bbolt v1.3.12 tx.go WriteTo
 */
function checkMetas(source: PageSource, pageSize: number): Finding[] {
  const [first, second] = [metaAt(source, 0), metaAt(source, pageSize)];
  const findings: Finding[] = [];
  const tell = (pgid: number, txid: number): void => {
    const text = `page ${pgid}: transaction ${txid} belongs to the other meta page`;
    findings.push({ code: 'wrong meta', pgid, text });
  };
  if (typeof first !== 'string' && typeof second !== 'string') {
    const ahead = first.txid - second.txid;
    if (second.txid % 2 === 0 && (ahead === 1 || ahead === 2)) return [];
  }
  if (typeof first !== 'string' && first.txid % 2 !== 0) tell(0, first.txid);
  if (typeof second !== 'string' && second.txid % 2 !== 1) tell(1, second.txid);
  return findings;
}

/**
 * All that bbolt's `check` reports about a state, in its order and words, and a meta in the wrong place;
 * where bbolt would crash or run for ever, 'unreadable' is reported and the check goes on.
 * @param wrongFreeIds ids of the stored freelist that can not be free
 * @source bbolt v1.3.12 tx_check.go
 */
export function checkState(
  source: PageSource,
  pageSize: number,
  meta: Meta,
  freelist: SharedFreelist,
  wrongFreeIds: readonly number[],
): Finding[] {
  const wrong = new Set(wrongFreeIds);
  const repeated = wrongFreeIds.filter((id) => freelist.isFreed(id));
  const freed = { repeated, has: (id: number) => freelist.isFreed(id) || wrong.has(id) };
  const checker = new Checker(source, pageSize, meta, freed, tableOf(source, pageSize, meta));
  checker.run(true);
  return [...checkMetas(source, pageSize), ...checker.findings];
}

/** Marks the freed pages of a stored list. @returns ids that are in it again, ascending */
function markFreed(source: PageSource, pageSize: number, list: number, table: PageTable): number[] {
  const repeated: number[] = [];
  const behind = new Set<number>();
  forEachStoredId(source, list, pageSize, (id) => {
    const isNew = id < table.pageCount ? table.setFreed(id) : !behind.has(id);
    if (id >= table.pageCount && behind.size < maxBehind) behind.add(id);
    if (!isNew && repeated.length < maxBehind) repeated.push(id);
  });
  return repeated.sort((a, b) => a - b);
}

/**
 * bbolt's findings for a file that may be too damaged to be opened. The freelist is read as bbolt reads it:
 * as many ids as it claims, whatever lies there, up to the file's end. Memory is bounded whatever the file's
 * size: below 40 MiB, and a window's own.
 */
export function checkFile(source: PageSource, pageSize: number, meta: Meta): Finding[] {
  const table = tableOf(source, pageSize, meta);
  const { freelist } = meta;
  const repeated = freelist === null ? [] : markFreed(source, pageSize, freelist, table);
  const checker = new Checker(source, pageSize, meta, { repeated, has: (id) => table.isFreed(id) }, table);
  checker.run(freelist !== null);
  return checker.findings;
}
