/** Walks over a bucket's items in key order. */
import { assert } from '../../base/assert.ts';
import type { Bucket } from './bucket.ts';
import { BoltError } from './errors.ts';
import { Node } from './node.ts';
import { bucketLeafFlag } from './page.ts';
import type { Page } from './page.ts';

/**
 * An item under a cursor; `value` is null for a nested bucket. Both are views into pages: valid until the
 * transaction ends, never to be changed. Who keeps them longer copies them.
 */
export interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** An element of a page or node on the way from the root to the item. */
interface ElementRef {
  readonly place: Page | Node;
  index: number;
}

/**
 * A position in a bucket. A change of the bucket leaves the position undefined: seek again. After
 * `delete` the
 * cursor stands on the next item, so that `next` would skip it (as bbolt's).
 * @source bbolt v1.3.12 cursor.go
 */
export class Cursor {
  readonly bucket: Bucket;
  private stack: ElementRef[] = [];

  constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  first(): Item | null {
    this.bucket.tx.requireOpen();
    this.stack = [{ place: this.bucket.pageNode(this.bucket.rootPgid), index: 0 }];
    this.goToFirst();
    if (this.top.index >= this.top.place.count) return this.advance();
    return this.item();
  }

  last(): Item | null {
    this.bucket.tx.requireOpen();
    const place = this.bucket.pageNode(this.bucket.rootPgid);
    this.stack = [{ place, index: place.count - 1 }];
    this.goToLast();
    if (this.top.place.count === 0 && !this.retreat()) return null;
    return this.item();
  }

  /** The first item whose key is not below `key`. */
  seek(key: Uint8Array): Item | null {
    this.search(key);
    if (this.top.index >= this.top.place.count) return this.advance();
    return this.item();
  }

  /** The next item; at the end null, and the cursor stays on the last. */
  next(): Item | null {
    this.bucket.tx.requireOpen();
    return this.advance();
  }

  /** The item before; at the beginning null, and the cursor stays on the first. */
  prev(): Item | null {
    this.bucket.tx.requireOpen();
    if (this.stack.length === 0) return null;
    if (this.retreat()) return this.item();
    this.first();
    return null;
  }

  /**
   * Removes the item under the cursor.
   * @throws BoltError 'tx closed' | 'tx not writable' | 'incompatible value' for a nested bucket
   */
  delete(): void {
    this.bucket.tx.requireWritable();
    const item = this.item();
    if (item === null) return;
    if (item.value === null) throw new BoltError('incompatible value');
    this.node().remove(item.key);
  }

  /** @internal Goes to a key. @returns whether it is there */
  seekExact(key: Uint8Array): boolean {
    this.search(key);
    const { place, index } = this.top;
    return place.isAt(index, key);
  }

  /** @internal Whether the item under the cursor is a bucket. */
  get isBucket(): boolean {
    const { place, index } = this.top;
    return (place.elementFlags(index) & bucketLeafFlag) !== 0;
  }

  /** @internal The value under the cursor, a bucket's included. */
  get value(): Uint8Array {
    const { place, index } = this.top;
    return place.value(index);
  }

  /** @internal The leaf under the cursor, opened for change together with the way to it. */
  node(): Node {
    const top = this.top.place;
    if (top instanceof Node && top.isLeaf) return top;
    const root = this.stack[0].place;
    let node = root instanceof Node ? root : this.bucket.node(this.bucket.rootPgid, null);
    for (let i = 0; i < this.stack.length - 1; i++) node = node.childAt(this.stack[i].index);
    assert(node.isLeaf, 'cursor: the way ends in a leaf');
    return node;
  }

  private get top(): ElementRef {
    assert(this.stack.length > 0, 'cursor: it stands nowhere yet');
    return this.stack[this.stack.length - 1];
  }

  private item(): Item | null {
    const { place, index } = this.top;
    if (index < 0 || index >= place.count) return null;
    if (place instanceof Node) {
      const inode = place.inodes[index];
      return { key: inode.key, value: (inode.flags & bucketLeafFlag) !== 0 ? null : inode.value };
    }
    return place.item(index);
  }

  private search(key: Uint8Array): void {
    this.bucket.tx.requireOpen();
    this.stack = [];
    let id = this.bucket.rootPgid;
    for (;;) {
      const place = this.bucket.pageNode(id);
      if (place.isLeaf) {
        this.stack.push({ place, index: place.search(key) });
        return;
      }
      this.requireBranch(place);
      const index = place.searchChild(key);
      this.stack.push({ place, index });
      id = this.child(place, index);
    }
  }

  /** Moves one item on. */
  private advance(): Item | null {
    const top = this.stack.length > 0 ? this.stack[this.stack.length - 1] : null;
    if (top !== null && top.place.isLeaf && top.index < top.place.count - 1) {
      top.index++;
      return this.item();
    }
    for (;;) {
      let level = this.stack.length - 1;
      while (level >= 0 && this.stack[level].index >= this.stack[level].place.count - 1) level--;
      if (level < 0) return null;
      this.stack[level].index++;
      this.stack.length = level + 1;
      this.goToFirst();
      // a transaction may have emptied the leaf
      if (this.top.place.count > 0) return this.item();
    }
  }

  /** Moves one item back. @returns whether there was one */
  private retreat(): boolean {
    for (;;) {
      let level = this.stack.length - 1;
      while (level >= 0 && this.stack[level].index <= 0) level--;
      if (level < 0) return false;
      this.stack[level].index--;
      this.stack.length = level + 1;
      this.goToLast();
      if (this.top.place.count > 0) return true;
    }
  }

  private goToFirst(): void {
    for (let top = this.top; !top.place.isLeaf; top = this.top) {
      this.requireBranch(top.place);
      this.stack.push({ place: this.bucket.pageNode(this.child(top.place, top.index)), index: 0 });
    }
  }

  private goToLast(): void {
    for (let top = this.top; !top.place.isLeaf; top = this.top) {
      this.requireBranch(top.place);
      const place = this.bucket.pageNode(this.child(top.place, top.index));
      this.stack.push({ place, index: place.count - 1 });
    }
  }

  private child(place: Page | Node, index: number): number {
    return place instanceof Node ? place.inodes[index].pgid : this.bucket.tx.checkChild(place, index);
  }

  /**
   * @throws BoltError 'invalid database' where a page is neither leaf nor branch, is empty, or lies too
   * deep
   */
  private requireBranch(place: Page | Node): void {
    this.bucket.tx.checkDepth(this.stack.length);
    if (place instanceof Node) return;
    if (place.count === 0)
      throw new BoltError('invalid database', `page ${place.id}: a branch without children`);
  }
}
