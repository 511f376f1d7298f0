/** A bucket: keys with values, and nested buckets. */
import { assert } from '../../base/assert.ts';
import { readU64le, writeU64le } from '../../base/u64.ts';
import { Cursor } from './cursor.ts';
import { BoltError } from './errors.ts';
import { readBig64, writeBig64 } from './meta.ts';
import { Node } from './node.ts';
import type { Inode } from './node.ts';
import { Page, bucketLeafFlag, elementBytes, leafFlag, pageHeaderBytes, writePageHeader } from './page.ts';
import { rebalanceNode } from './rebalance.ts';
import { spillNode } from './spill.ts';
import type { Tx } from './tx.ts';
import { pgid } from './types.ts';
import type { Pgid } from './types.ts';

/** Root and sequence in front of a bucket's value, u64 each. */
export const bucketHeaderBytes = 16;
export const maxKeyBytes = 32768;
export const maxValueBytes = 2 ** 31 - 2;
const defaultFillPercent = 0.5;
/** Buckets in one another, the root included: a damaged file's may run in a circle. */
const maxNesting = 256;

/** A name as text of one character a byte, which sorts as the bytes do. */
function nameText(name: Uint8Array): string {
  let text = '';
  for (const byte of name) text += String.fromCharCode(byte);
  return text;
}

function nameBytes(text: string): Uint8Array {
  const name = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) name[i] = text.charCodeAt(i);
  return name;
}

/** The value of a new bucket: inline and empty. */
function emptyBucketValue(): Uint8Array {
  const value = new Uint8Array(bucketHeaderBytes + pageHeaderBytes);
  writePageHeader(new DataView(value.buffer), bucketHeaderBytes, {
    id: 0,
    flags: leafFlag,
    count: 0,
    overflow: 0,
  });
  return value;
}

/**
 * A bucket as one transaction sees it; valid until that transaction ends. Keys and values that it returns are
 * views into pages: valid as long, never to be changed, to be copied by who keeps them. Keys and values given
 * to it are copied. A write bucket holds the nodes that were opened for change, by page id.
 * @source bbolt v1.3.12 bucket.go
 */
export class Bucket {
  readonly tx: Tx;
  /** How full a split leaves pages, 0.1 to 1; for this transaction only. */
  fillPercent = defaultFillPercent;
  /** @internal The root's page, 0 while the bucket is inline. */
  rootPgid: number;
  /** @internal The page image in the parent's value, for an inline bucket that was not opened for change. */
  page: Page | null = null;
  /** @internal */
  rootNode: Node | null = null;
  /** @internal */
  readonly nodes = new Map<number, Node>();
  private readonly buckets = new Map<string, Bucket>();
  /** How many buckets this one is in. */
  private readonly depth: number;
  private lastSequence: bigint;

  constructor(tx: Tx, rootPgid: number, sequence: bigint, depth = 0) {
    this.tx = tx;
    this.rootPgid = rootPgid;
    this.lastSequence = sequence;
    this.depth = depth;
  }

  /** The root's page; 0 for an inline bucket. */
  get root(): Pgid {
    return pgid(this.rootPgid);
  }

  get sequence(): bigint {
    return this.lastSequence;
  }

  /** @throws BoltError 'tx closed' | 'tx not writable' */
  setSequence(value: bigint): void {
    this.tx.requireWritable();
    if (this.rootNode === null) this.node(this.rootPgid, null);
    this.lastSequence = BigInt.asUintN(64, value);
  }

  /** Adds one to the sequence and returns it. @throws BoltError 'tx closed' | 'tx not writable' */
  nextSequence(): bigint {
    this.setSequence(this.lastSequence + 1n);
    return this.lastSequence;
  }

  cursor(): Cursor {
    this.tx.requireOpen();
    this.tx.stats.cursorCount++;
    return new Cursor(this);
  }

  /** The value of a key; null where there is none, or where the key is a nested bucket's name. */
  get(key: Uint8Array): Uint8Array | null {
    this.tx.requireOpen();
    this.tx.stats.cursorCount++;
    // the way down without a cursor's memory of it: most reads of a database are these
    if (this.nodes.size === 0 && this.rootPgid !== 0) return this.getFrom(key);
    let place = this.pageNode(this.rootPgid);
    for (let depth = 1; !place.isLeaf; depth++) place = this.pageNode(this.tx.childOf(place, key, depth));
    const index = place.search(key);
    if (!place.isAt(index, key) || (place.elementFlags(index) & bucketLeafFlag) !== 0) return null;
    return place.value(index);
  }

  /**
   * Sets the value of a key.
   * @throws BoltError 'tx closed' | 'tx not writable' | 'key required' | 'key too large' | 'value too large'
   *   | 'incompatible value' (the key is a nested bucket's name), tested in this order
   */
  put(key: Uint8Array, value: Uint8Array): void {
    this.tx.requireWritable();
    if (key.length === 0) throw new BoltError('key required');
    if (key.length > maxKeyBytes) throw new BoltError('key too large');
    if (value.length > maxValueBytes) throw new BoltError('value too large');
    const leaf = this.openLeaf(key);
    if (leaf !== null) {
      this.tx.stats.cursorCount++;
      const index = leaf.search(key);
      const exact = leaf.isAt(index, key);
      if (exact && (leaf.elementFlags(index) & bucketLeafFlag) !== 0)
        throw new BoltError('incompatible value');
      leaf.putAt(index, exact, this.tx.arena.item(key, value, 0));
      return;
    }
    const cursor = this.cursor();
    if (cursor.seekExact(key) && cursor.isBucket) throw new BoltError('incompatible value');
    this.putItem(cursor, this.tx.arena.item(key, value, 0));
  }

  private getFrom(key: Uint8Array): Uint8Array | null {
    const leaf = this.tx.leafOf(this.rootPgid, key);
    const index = leaf.find(key);
    return index < 0 || (leaf.elementFlags(index) & bucketLeafFlag) !== 0 ? null : leaf.value(index);
  }

  /**
   * The leaf where a key belongs, if it and the way to it are open for change already.
   * @throws BoltError 'invalid database' where the way has no end
   */
  private openLeaf(key: Uint8Array): Node | null {
    let node = this.rootNode;
    for (let depth = 1; node !== null && !node.isLeaf; depth++) {
      // open nodes of a damaged tree may lead back to one another
      this.tx.checkDepth(depth);
      if (node.count === 0) return null;
      node = this.nodes.get(node.child(node.searchChild(key))) ?? null;
    }
    return node;
  }

  private putItem(cursor: Cursor, item: Inode): void {
    cursor.node().put(item, item);
  }

  /**
   * Removes a key; nothing where there is none.
   * @throws BoltError 'incompatible value' for a nested bucket's name
   */
  delete(key: Uint8Array): void {
    this.tx.requireWritable();
    const cursor = this.cursor();
    if (!cursor.seekExact(key)) return;
    if (cursor.isBucket) throw new BoltError('incompatible value');
    cursor.node().remove(key);
  }

  /** The nested bucket of a name, or null. */
  bucket(name: Uint8Array): Bucket | null {
    const text = nameText(name);
    const open = this.buckets.get(text);
    if (open !== undefined) return open;
    const cursor = this.cursor();
    if (!cursor.seekExact(name) || !cursor.isBucket) return null;
    const child = this.openValue(cursor.value);
    this.buckets.set(text, child);
    return child;
  }

  /**
   * @throws BoltError 'tx closed' | 'tx not writable' | 'bucket name required' | 'bucket already exists'
   *   | 'incompatible value' (the name is a key with a value)
   */
  createBucket(name: Uint8Array): Bucket {
    const cursor = this.seekName(name);
    if (cursor.isFound)
      throw new BoltError(cursor.at.isBucket ? 'bucket already exists' : 'incompatible value');
    return this.insertBucket(cursor.at, name);
  }

  /** @throws BoltError as createBucket, but for a bucket that is there: it is returned */
  createBucketIfNotExists(name: Uint8Array): Bucket {
    const cursor = this.seekName(name);
    if (!cursor.isFound) return this.insertBucket(cursor.at, name);
    const child = cursor.at.isBucket ? this.bucket(name) : null;
    if (child === null) throw new BoltError('incompatible value');
    return child;
  }

  private seekName(name: Uint8Array): { readonly at: Cursor; readonly isFound: boolean } {
    this.tx.requireWritable();
    if (name.length === 0) throw new BoltError('bucket name required');
    const at = this.cursor();
    return { at, isFound: at.seekExact(name) };
  }

  private insertBucket(cursor: Cursor, name: Uint8Array): Bucket {
    this.putItem(cursor, this.tx.arena.item(name, emptyBucketValue(), bucketLeafFlag));
    // a bucket with buckets in it is not inline, whatever it was when it was read
    this.page = null;
    const child = this.bucket(name);
    // only where keys are out of order does a search miss what has just been put in its place
    if (child === null) throw new BoltError('invalid database', 'keys are out of order about a new bucket');
    return child;
  }

  /**
   * Removes a nested bucket with all that is in it, and frees its pages.
   * @throws BoltError 'tx closed' | 'tx not writable' | 'bucket not found' | 'incompatible value'
   */
  deleteBucket(name: Uint8Array): void {
    this.tx.requireWritable();
    const cursor = this.cursor();
    if (!cursor.seekExact(name)) throw new BoltError('bucket not found');
    if (!cursor.isBucket) throw new BoltError('incompatible value');
    const child = this.bucket(name);
    assert(child !== null, 'bucket: a bucket under the cursor opens');
    // the names first: deleting moves the items that a walk would come to
    const names: Uint8Array[] = [];
    child.forEach((inner, value) => {
      // bbolt 1.3.6 takes a cursor for each item
      if (this.tx.rules === '1.3.6') this.tx.stats.cursorCount++;
      if (value === null) names.push(inner);
    });
    for (const inner of names) child.deleteBucket(inner);
    this.buckets.delete(nameText(name));
    child.nodes.clear();
    child.rootNode = null;
    child.freePages();
    cursor.node().remove(name);
  }

  /**
   * Moves a nested bucket into another bucket of the same transaction.
   * @throws BoltError 'tx closed' | 'tx not writable' | 'the source and target are the same bucket'
   *   | 'bucket not found' | 'incompatible value' | 'bucket already exists'
   * @source bbolt v1.4 bucket.go MoveBucket
   */
  moveBucket(name: Uint8Array, target: Bucket): void {
    this.tx.requireWritable();
    target.tx.requireWritable();
    if (target.tx !== this.tx)
      throw new BoltError('the source and target buckets are in different database files');
    const cursor = this.cursor();
    if (!cursor.seekExact(name)) throw new BoltError('bucket not found');
    if (!cursor.isBucket) throw new BoltError('incompatible value');
    if (target === this) throw new BoltError('the source and target are the same bucket');
    const place = target.cursor();
    if (place.seekExact(name))
      throw new BoltError(place.isBucket ? 'bucket already exists' : 'incompatible value');
    const child = this.bucket(name);
    assert(child !== null, 'bucket: a bucket under the cursor opens');
    if (child.holds(target))
      throw new BoltError('the source and target are the same bucket', 'one holds the other');
    const item = this.tx.arena.item(name, cursor.value, bucketLeafFlag);
    // the open bucket moves along, so that what this transaction changed in it is not lost
    this.buckets.delete(nameText(name));
    target.buckets.set(nameText(name), child);
    cursor.node().remove(name);
    place.node().put(item, item);
  }

  /** Visits items in key order; `value` is null for a nested bucket. The visitor changes nothing in here. */
  forEach(visit: (key: Uint8Array, value: Uint8Array | null) => void): void {
    const cursor = this.cursor();
    for (let item = cursor.first(); item !== null; item = cursor.next()) visit(item.key, item.value);
  }

  /** Visits the names of nested buckets in order. */
  forEachBucket(visit: (name: Uint8Array) => void): void {
    const cursor = this.cursor();
    for (let item = cursor.first(); item !== null; item = cursor.next())
      if (item.value === null) visit(item.key);
  }

  /**
   * @internal The bucket that a leaf's value describes.
   * @throws BoltError 'invalid database' where it is too short, leads to no page, or lies too deep
   */
  openValue(value: Uint8Array): Bucket {
    if (value.length < bucketHeaderBytes)
      throw new BoltError('invalid database', "a bucket's header is cut off");
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const root = readU64le(view, 0);
    if (this.depth + 1 >= maxNesting)
      throw new BoltError('invalid database', `more than ${maxNesting} buckets lie in one another`);
    const child = new Bucket(this.tx, root, readBig64(view, 8), this.depth + 1);
    if (root !== 0) {
      if (!(root >= 2 && root < this.tx.meta.highWater))
        throw new BoltError('invalid database', `a bucket's root, page ${root}, is out of bounds`);
      return child;
    }
    if (value.length < bucketHeaderBytes + pageHeaderBytes) {
      throw new BoltError('invalid database', "an inline bucket's page is cut off");
    }
    const page = new Page({ view, bytes: value, at: bucketHeaderBytes }, value.length);
    if (!page.isLeaf || page.isBranch)
      throw new BoltError('invalid database', `an inline bucket's page has flags ${page.flags}`);
    child.page = page;
    return child;
  }

  /** @internal The node of a page, opened if it was not. */
  node(id: number, parent: Node | null): Node {
    const open = this.nodes.get(id);
    if (open !== undefined) return open;
    const page = this.page ?? this.tx.page(id);
    if (page.count === 0 && parent !== null) {
      throw new BoltError('invalid database', `page ${id}: an empty page that is not a root`);
    }
    const node = new Node(this, true, parent);
    node.read(page, this.page === null ? id : 0);
    if (parent === null) this.rootNode = node;
    else parent.children.push(node);
    this.nodes.set(id, node);
    this.tx.stats.nodeCount++;
    return node;
  }

  /** @internal The open node of a page, else the page. */
  pageNode(id: number): Page | Node {
    if (this.rootPgid === 0) {
      const place = this.rootNode ?? this.page;
      assert(place !== null, 'bucket: an inline bucket has a page or a node');
      return place;
    }
    return this.nodes.get(id) ?? this.tx.page(id);
  }

  /** @internal Merges nodes that deletions made too small: by page id, then in nested buckets by name. */
  rebalance(): void {
    for (const id of [...this.nodes.keys()].sort((a, b) => a - b)) {
      const node = this.nodes.get(id);
      if (node !== undefined) rebalanceNode(node);
    }
    for (const name of [...this.buckets.keys()].sort()) this.buckets.get(name)?.rebalance();
  }

  /** @internal Gives changed nodes new pages, nested buckets first, by name. */
  spill(): void {
    for (const name of [...this.buckets.keys()].sort())
      this.spillChild(name, this.buckets.get(name) as Bucket);
    if (this.rootNode === null) return;
    spillNode(this.rootNode);
    this.rootNode = this.rootNode.root();
    this.rootPgid = this.rootNode.pgid;
  }

  /** @internal Frees all pages of the tree. */
  freePages(): void {
    if (this.rootPgid === 0) return;
    this.freeTree(this.rootPgid, 0);
    this.rootPgid = 0;
  }

  /** @internal Open nodes of this bucket and those in it, as a move of the map would copy them. */
  openNodeCount(): number {
    let count = 0;
    const stack = this.rootNode === null ? [] : [this.rootNode.root()];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      count++;
      stack.push(...node.children);
    }
    for (const child of this.buckets.values()) count += child.openNodeCount();
    return count;
  }

  /** Whether a bucket is this one or one in it that is open. */
  private holds(bucket: Bucket): boolean {
    return bucket === this || [...this.buckets.values()].some((child) => child.holds(bucket));
  }

  private spillChild(name: string, child: Bucket): void {
    let value: Uint8Array;
    if (child.isInlineable()) {
      child.freePages();
      value = child.inlineValue();
    } else {
      child.spill();
      value = new Uint8Array(bucketHeaderBytes);
      child.writeHeader(new DataView(value.buffer));
    }
    if (child.rootNode === null) return;
    const key = nameBytes(name);
    const cursor = this.cursor();
    if (!cursor.seekExact(key) || !cursor.isBucket)
      throw new BoltError('invalid database', 'misplaced bucket header');
    this.putItem(cursor, this.tx.arena.item(key, value, bucketLeafFlag));
  }

  /**
   * Whether the bucket fits into its parent's leaf: one leaf without buckets, at most a quarter of a
   * page.
   */
  private isInlineable(): boolean {
    const node = this.rootNode;
    if (node === null || !node.isLeaf) return false;
    const limit = Math.floor(this.tx.pageSize / 4);
    let size = pageHeaderBytes;
    for (const inode of node.inodes) {
      size += elementBytes + inode.keySize + inode.valueSize;
      if ((inode.flags & bucketLeafFlag) !== 0 || size > limit) return false;
    }
    return true;
  }

  private inlineValue(): Uint8Array {
    const node = this.rootNode as Node;
    const value = new Uint8Array(bucketHeaderBytes + node.sizeBytes);
    const view = new DataView(value.buffer);
    this.writeHeader(view);
    node.write(value, view, bucketHeaderBytes, 0, 0);
    return value;
  }

  private writeHeader(view: DataView): void {
    writeU64le(view, 0, this.rootPgid);
    writeBig64(view, 8, this.lastSequence);
  }

  private freeTree(id: number, depth: number): void {
    this.tx.checkDepth(depth);
    const place = this.pageNode(id);
    if (place instanceof Node) {
      this.tx.freeNode(place);
      if (!place.isLeaf) for (const inode of place.inodes) this.freeTree(inode.pgid, depth + 1);
      return;
    }
    this.tx.free(id, place.overflow + 1);
    if (place.isLeaf) return;
    for (let i = 0; i < place.count; i++) this.freeTree(this.tx.checkChild(place, i), depth + 1);
  }
}
