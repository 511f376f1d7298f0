/** A page opened for change: its items in order, its place in the tree, and its form on disk. */
import { writeU64le } from '../../base/u64.ts';
import { assert } from '../../base/assert.ts';
import type { Bucket } from './bucket.ts';
import {
  branchFlag,
  bytesAt,
  compareKeys,
  compareWithSought,
  elementBytes,
  leafFlag,
  pageHeaderBytes,
  prepareSought,
  writePageHeader,
} from './page.ts';
import type { Page } from './page.ts';
import type { PageBytes } from './pager.ts';

/**
 * One item of a node: key and value lie behind one another in `bytes`, as on a page, so that an item read
 * from a page is a reference and not a copy. `view` shows the same bytes. Never changed once made.
 */
export class Inode {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly flags: number;
  /** The child; 0 in a leaf. */
  readonly pgid: number;

  constructor(place: PageBytes, at: number, keySize: number, valueSize: number, flags: number, pgid: number) {
    this.bytes = place.bytes;
    this.view = place.view;
    this.at = at;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.flags = flags;
    this.pgid = pgid;
  }

  get key(): Uint8Array {
    return bytesAt(this.bytes, this.at, this.keySize);
  }

  get value(): Uint8Array {
    return bytesAt(this.bytes, this.at + this.keySize, this.valueSize);
  }

  /** This key, leading to another child. */
  withChild(pgid: number): Inode {
    return new Inode(this, this.at, this.keySize, 0, 0, pgid);
  }
}

export function compareInodes(a: Inode, b: Inode): number {
  const shared = a.keySize < b.keySize ? a.keySize : b.keySize;
  let i = 0;
  for (; i + 4 <= shared; i += 4) {
    const word = a.view.getUint32(a.at + i);
    const other = b.view.getUint32(b.at + i);
    if (word !== other) return word < other ? -1 : 1;
  }
  for (; i < shared; i++) {
    const difference = a.bytes[a.at + i] - b.bytes[b.at + i];
    if (difference !== 0) return difference;
  }
  return a.keySize - b.keySize;
}

const isBelow = (inode: Inode, key: Uint8Array, words: number): boolean =>
  compareWithSought(inode.view, inode.at, inode.keySize, key, words) < 0;

/** The most items a page can count; bbolt refuses to write more. */
const maxInodes = 0xfffe;

/**
 * A node of a bucket's tree in memory. `key` is the key under which its parent knows it: the first key as of
 * the last read or spill, null for a new node. `pgid` is the page it was read from or written to, 0 for none.
 * @source bbolt v1.3.12 node.go
 */
export class Node {
  readonly bucket: Bucket;
  isLeaf: boolean;
  unbalanced = false;
  spilled = false;
  key: Inode | null = null;
  pgid = 0;
  /** Further physical pages of the page it was read from. */
  overflow = 0;
  parent: Node | null;
  children: Node[] = [];
  inodes: Inode[] = [];

  constructor(bucket: Bucket, isLeaf: boolean, parent: Node | null) {
    this.bucket = bucket;
    this.isLeaf = isLeaf;
    this.parent = parent;
  }

  root(): Node {
    let node: Node = this;
    while (node.parent !== null) node = node.parent;
    return node;
  }

  get minKeys(): number {
    return this.isLeaf ? 1 : 2;
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    let size = pageHeaderBytes;
    for (const inode of this.inodes) size += elementBytes + inode.keySize + inode.valueSize;
    return size;
  }

  /** Whether `sizeBytes` is below a limit, without adding up the rest. */
  isSmallerThan(limit: number): boolean {
    let size = pageHeaderBytes;
    for (const inode of this.inodes) {
      size += elementBytes + inode.keySize + inode.valueSize;
      if (size >= limit) return false;
    }
    return true;
  }

  compareKey(index: number, key: Uint8Array): number {
    const inode = this.inodes[index];
    return compareKeys(inode.bytes, inode.at, inode.keySize, key, 0, key.length);
  }

  /** The first item whose key is not below `key`. */
  search(key: Uint8Array): number {
    const { inodes } = this;
    const words = prepareSought(key);
    let low = 0;
    let high = inodes.length;
    // keys that come in order go behind the last
    if (high > 0 && isBelow(inodes[high - 1], key, words)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBelow(inodes[middle], key, words)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether there is an item and its key is this one. */
  isAt(index: number, key: Uint8Array): boolean {
    return index < this.inodes.length && this.compareKey(index, key) === 0;
  }

  elementFlags(index: number): number {
    return this.inodes[index].flags;
  }

  value(index: number): Uint8Array {
    return this.inodes[index].value;
  }

  /** How many items there are. */
  get count(): number {
    return this.inodes.length;
  }

  /** A branch's child. */
  child(index: number): number {
    return this.inodes[index].pgid;
  }

  /** The item under which `key` belongs in a branch: the last whose key is not above it, or the first. */
  searchChild(key: Uint8Array): number {
    const index = this.search(key);
    const exact = index < this.inodes.length && this.compareKey(index, key) === 0;
    return exact || index === 0 ? index : index - 1;
  }

  /** The first item whose key is not below that of another item. */
  indexOf(item: Inode): number {
    let low = 0;
    let high = this.inodes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareInodes(this.inodes[middle], item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The index of a child in this branch. */
  childIndex(child: Node): number {
    assert(child.key !== null, 'node: a child without a key has no place in its parent');
    return this.indexOf(child.key);
  }

  childAt(index: number): Node {
    assert(!this.isLeaf, 'node: a leaf has no children');
    const item = this.inodes[index];
    const isOpen = this.bucket.nodes.has(item.pgid);
    const child = this.bucket.node(item.pgid, this);
    // the child's first key in every file that bbolt wrote; in others, what leads to the child
    if (!isOpen) child.key = item;
    return child;
  }

  /** Puts `item` in the place of the item with `oldKey`'s key, or inserts it there. */
  put(oldKey: Inode, item: Inode): void {
    const index = this.indexOf(oldKey);
    const exact = index < this.inodes.length && compareInodes(this.inodes[index], oldKey) === 0;
    this.putAt(index, exact, item);
  }

  /** Puts an item in the place of the one at `index`, or before it. */
  putAt(index: number, replaces: boolean, item: Inode): void {
    const { inodes } = this;
    if (replaces) inodes[index] = item;
    else if (index === inodes.length) inodes.push(item);
    else inodes.splice(index, 0, item);
  }

  /** Removes the item with a key, if there is one: the node may then be too small. */
  remove(key: Uint8Array): void {
    const index = this.search(key);
    if (index >= this.inodes.length || this.compareKey(index, key) !== 0) return;
    this.inodes.splice(index, 1);
    this.unbalanced = true;
  }

  /** Removes the item under which this branch knows a child. */
  removeItemOf(child: Node): void {
    assert(child.key !== null, 'node: a child without a key has no place in its parent');
    const index = this.indexOf(child.key);
    if (index >= this.inodes.length || compareInodes(this.inodes[index], child.key) !== 0) return;
    this.inodes.splice(index, 1);
    this.unbalanced = true;
  }

  removeChild(child: Node): void {
    const index = this.children.indexOf(child);
    if (index >= 0) this.children.splice(index, 1);
  }

  /**
   * Takes the items of page `id` over, as references.
   * @throws BoltError 'invalid database' on a damaged page
   */
  read(page: Page, id: number): void {
    this.pgid = id;
    this.overflow = page.overflow;
    this.isLeaf = page.isLeaf;
    const { count, isLeaf } = page;
    const inodes: Inode[] = [];
    for (let i = 0; i < count; i++) {
      const at = page.keyAt(i);
      inodes.push(
        isLeaf
          ? new Inode(page, at, page.keySize(i), page.valueSize(i), page.elementFlags(i), 0)
          : new Inode(page, at, page.keySize(i), 0, 0, this.bucket.tx.checkChild(page, i)),
      );
    }
    this.inodes = inodes;
    this.key = count > 0 ? inodes[0] : null;
  }

  /**
   * Writes header, elements, then keys and values without gaps, at `at` of zeroed bytes.
   * @param id the page's number, 0 inside an inline bucket
   */
  write(bytes: Uint8Array, view: DataView, at: number, id: number, overflow: number): void {
    const { inodes, isLeaf } = this;
    assert(inodes.length <= maxInodes, 'node: more items than a page can count');
    writePageHeader(view, at, { id, flags: isLeaf ? leafFlag : branchFlag, count: inodes.length, overflow });
    let element = at + pageHeaderBytes;
    let data = element + inodes.length * elementBytes;
    for (const inode of inodes) {
      if (isLeaf) {
        view.setUint32(element, inode.flags, true);
        view.setUint32(element + 4, data - element, true);
        view.setUint32(element + 8, inode.keySize, true);
        view.setUint32(element + 12, inode.valueSize, true);
      } else {
        view.setUint32(element, data - element, true);
        view.setUint32(element + 4, inode.keySize, true);
        writeU64le(view, element + 8, inode.pgid);
      }
      element += elementBytes;
      data += inode.keySize + inode.valueSize;
    }
    copyData(inodes, bytes, element);
  }
}

/** Copies keys and values behind one another; neighbours that already lie so are copied in one piece. */
function copyData(inodes: readonly Inode[], bytes: Uint8Array, at: number): void {
  let source: Uint8Array | null = null;
  let from = 0;
  let to = 0;
  let target = at;
  for (const inode of inodes) {
    if (inode.bytes !== source || inode.at !== to) {
      if (source !== null) target = copyPiece(source, from, to, bytes, target);
      source = inode.bytes;
      from = inode.at;
    }
    to = inode.at + inode.keySize + inode.valueSize;
  }
  if (source !== null) copyPiece(source, from, to, bytes, target);
}

/** @returns where the next piece goes */
function copyPiece(source: Uint8Array, from: number, to: number, bytes: Uint8Array, target: number): number {
  // a short piece is cheaper byte by byte than through a view made for it
  if (to - from <= 48) {
    for (let i = from; i < to; i++) bytes[target + i - from] = source[i];
  } else {
    bytes.set(bytesAt(source, from, to - from), target);
  }
  return target + to - from;
}
