/** A page as bytes: its header, its table of elements, and the keys and values behind it. */
import { readU64le, writeU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import type { PageBytes, Pager } from './pager.ts';
import type { PageKind } from './types.ts';

export const pageHeaderBytes = 16;
/** A leaf's and a branch's element are equally long. */
export const elementBytes = 16;

export const branchFlag = 1;
export const leafFlag = 2;
export const metaFlag = 4;
export const freelistFlag = 16;
/** On a leaf element: the value is a bucket. */
export const bucketLeafFlag = 1;

/** Page kinds as small numbers, in events and typed arrays. */
export const pageKindCodes: Readonly<Record<PageKind, number>> = {
  meta: 0,
  freelist: 1,
  branch: 2,
  leaf: 3,
  free: 4,
  pending: 5,
};
export const pageKinds: readonly PageKind[] = ['meta', 'freelist', 'branch', 'leaf', 'free', 'pending'];

/**
 * Compares two keys where they lie, bytewise; a prefix comes before what it begins.
 * @returns a negative, zero or positive number
 */
export function compareKeys(
  a: Uint8Array,
  aAt: number,
  aSize: number,
  b: Uint8Array,
  bAt: number,
  bSize: number,
): number {
  const shared = aSize < bSize ? aSize : bSize;
  for (let i = 0; i < shared; i++) {
    const difference = a[aAt + i] - b[bAt + i];
    if (difference !== 0) return difference;
  }
  return aSize - bSize;
}

/** Longer keys are compared bytewise behind so many of their words. */
const soughtWords = 64;
/** The key that a search is for, in whole big-endian words: of one search at a time. */
const sought = new Uint32Array(soughtWords);

/** Makes a key ready for `compareWithSought`. @returns how many words it has there */
export function prepareSought(key: Uint8Array): number {
  const words = Math.min(key.length >>> 2, soughtWords);
  for (let word = 0, at = 0; word < words; word++, at += 4)
    sought[word] = (key[at] << 24) | (key[at + 1] << 16) | (key[at + 2] << 8) | key[at + 3];
  return words;
}

/**
 * `compareKeys` of a key at `at` and of the prepared one, four bytes at a time.
 * @param words what `prepareSought` returned for `key`
 */
export function compareWithSought(
  view: DataView,
  at: number,
  size: number,
  key: Uint8Array,
  words: number,
): number {
  const shared = size < key.length ? size : key.length;
  const whole = shared >>> 2 < words ? shared >>> 2 : words;
  for (let word = 0; word < whole; word++) {
    const theirs = view.getUint32(at + 4 * word);
    if (theirs !== sought[word]) return theirs < sought[word] ? -1 : 1;
  }
  for (let i = 4 * whole; i < shared; i++) {
    const difference = view.getUint8(at + i) - key[i];
    if (difference !== 0) return difference;
  }
  return size - key.length;
}

/**
 * Writes a page's header.
 *   0 id u64 | 8 flags u16 | 10 count u16 | 12 overflow u32, further physical pages of this logical page
 */
export function writePageHeader(
  view: DataView,
  at: number,
  header: { id: number; flags: number; count: number; overflow: number },
): void {
  writeU64le(view, at, header.id);
  view.setUint16(at + 8, header.flags, true);
  view.setUint16(at + 10, header.count, true);
  view.setUint32(at + 12, header.overflow, true);
}

/**
 * A view of a logical page, or of the page image inside an inline bucket's value. Elements are read where
 * they lie and checked against the page's end when they are read:
 *   leaf:   0 flags u32 | 4 pos u32 | 8 ksize u32 | 12 vsize u32
 *   branch: 0 pos u32 | 4 ksize u32 | 8 pgid u64
 * `pos` counts from the element's own first byte to its key; a leaf's value follows its key.
 * @source bbolt page.go
 */
export class Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;

  /** @throws BoltError 'invalid database' where the table of elements ends behind the page */
  constructor(place: PageBytes, end: number) {
    const { view, at } = place;
    this.bytes = place.bytes;
    this.view = view;
    this.at = at;
    this.end = end;
    this.flags = view.getUint16(at + 8, true);
    this.count = view.getUint16(at + 10, true);
    this.overflow = view.getUint32(at + 12, true);
    if (
      (this.flags & (branchFlag | leafFlag)) !== 0 &&
      at + pageHeaderBytes + this.count * elementBytes > end
    ) {
      throw new BoltError('invalid database', `page ${this.id}: ${this.count} elements do not fit`);
    }
  }

  get id(): number {
    return readU64le(this.view, this.at);
  }

  get isLeaf(): boolean {
    return (this.flags & leafFlag) !== 0;
  }

  get isBranch(): boolean {
    return (this.flags & branchFlag) !== 0;
  }

  elementFlags(index: number): number {
    return this.view.getUint32(this.at + pageHeaderBytes + index * elementBytes, true);
  }

  /**
   * Where the key of an element begins in `bytes`.
   * @throws BoltError 'invalid database' behind the page's end
   */
  keyAt(index: number): number {
    const element = this.at + pageHeaderBytes + index * elementBytes;
    const view = this.view;
    const leaf = (this.flags & leafFlag) !== 0;
    const at = element + view.getUint32(leaf ? element + 4 : element, true);
    const size = leaf
      ? view.getUint32(element + 8, true) + view.getUint32(element + 12, true)
      : view.getUint32(element + 4, true);
    if (at + size > this.end) this.tooLong(index);
    return at;
  }

  keySize(index: number): number {
    const element = this.at + pageHeaderBytes + index * elementBytes;
    return this.view.getUint32((this.flags & leafFlag) !== 0 ? element + 8 : element + 4, true);
  }

  /** Bytes of the value behind a leaf's key. */
  valueSize(index: number): number {
    return this.view.getUint32(this.at + pageHeaderBytes + index * elementBytes + 12, true);
  }

  /** A branch's child; past 2^53 only in a damaged file. */
  child(index: number): number {
    return readU64le(this.view, this.at + pageHeaderBytes + index * elementBytes + 8);
  }

  key(index: number): Uint8Array {
    const at = this.keyAt(index);
    return bytesAt(this.bytes, at, this.keySize(index));
  }

  value(index: number): Uint8Array {
    const at = this.keyAt(index) + this.keySize(index);
    return bytesAt(this.bytes, at, this.valueSize(index));
  }

  /** A leaf's element: its value is null where it is a bucket. */
  item(index: number): { readonly key: Uint8Array; readonly value: Uint8Array | null } {
    const { view, bytes } = this;
    const element = this.at + pageHeaderBytes + index * elementBytes;
    const isBucket = (view.getUint32(element, true) & bucketLeafFlag) !== 0;
    const at = element + view.getUint32(element + 4, true);
    const keySize = view.getUint32(element + 8, true);
    const valueSize = view.getUint32(element + 12, true);
    if (at + keySize + valueSize > this.end) this.tooLong(index);
    const key = bytesAt(bytes, at, keySize);
    return { key, value: isBucket ? null : bytesAt(bytes, at + keySize, valueSize) };
  }

  /** The first element whose key is not below `key`. */
  search(key: Uint8Array): number {
    return this.searchWords(key, prepareSought(key));
  }

  /** Whether there is an element and its key is this one. */
  isAt(index: number, key: Uint8Array): boolean {
    if (index >= this.count || this.keySize(index) !== key.length) return false;
    return compareKeys(this.bytes, this.keyAt(index), key.length, key, 0, key.length) === 0;
  }

  /** The element with a key; -1 for none. */
  find(key: Uint8Array): number {
    const words = prepareSought(key);
    const index = this.searchWords(key, words);
    return index < this.count && this.compare(index, key, words) === 0 ? index : -1;
  }

  /** The branch element under which `key` belongs: the last whose key is not above it, or the first. */
  searchChild(key: Uint8Array): number {
    const words = prepareSought(key);
    const index = this.searchWords(key, words);
    const isExact = index === 0 || (index < this.count && this.compare(index, key, words) === 0);
    return isExact ? index : index - 1;
  }

  private searchWords(key: Uint8Array, words: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, key, words) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Compares an element's key with the prepared one. */
  private compare(index: number, key: Uint8Array, words: number): number {
    const { view } = this;
    const element = this.at + pageHeaderBytes + index * elementBytes;
    // where the key's place and size are
    const field = element + ((this.flags & leafFlag) !== 0 ? 4 : 0);
    const at = element + view.getUint32(field, true);
    const size = view.getUint32(field + 4, true);
    if (at + size > this.end) this.tooLong(index);
    return compareWithSought(view, at, size, key, words);
  }

  private tooLong(index: number): never {
    throw new BoltError('invalid database', `page ${this.id}: element ${index} ends behind the page`);
  }
}

/**
 * Reads a logical page with the pages it overflows into.
 * @throws BoltError 'invalid database' where it ends behind the file
 */
export function readPage(pager: Pager, pgid: number, pageSize: number): Page {
  const first = pager.run(pgid, 1, pageSize);
  const overflow = first.view.getUint32(first.at + 12, true);
  if (overflow === 0) return new Page(first, first.at + pageSize);
  const place = pager.run(pgid, overflow + 1, pageSize);
  return new Page(place, place.at + (overflow + 1) * pageSize);
}

/** Bytes where they lie: as `subarray`, which takes twice as long. */
export function bytesAt(bytes: Uint8Array, at: number, size: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, size);
}
