/** A B-tree: items in key order, found, added and removed in logarithmic time. */
import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { beforeFork, SharedPart } from '../../base/fork.ts';
import type { Below } from '../../base/fork.ts';
import type { Owner } from '../../base/shared-table.ts';

/** What has its place by a key that never changes. */
export interface Keyed {
  readonly key: Uint8Array;
}

class Node<Item> extends SharedPart {
  readonly owner: Owner;
  /** Ascending by key; child i holds what lies before item i, the last child what lies behind all. */
  readonly items: Item[];
  /** Empty in a leaf, else one more than items. */
  readonly children: Node<Item>[];

  constructor(owner: Owner, items: Item[], children: Node<Item>[]) {
    super();
    this.owner = owner;
    this.items = items;
    this.children = children;
  }

  measure(visit: (below: Below) => void): number {
    for (const child of this.children) visit(child);
    for (const item of this.items) if (item instanceof SharedPart) visit(item);
    return 120 + 8 * (this.items.length + this.children.length);
  }
}

/** etcd's degree: a node has at most 63 items, all but the root at least 31. @source etcd mvcc/index.go */
const defaultDegree = 32;

/**
 * An ordered set of keyed items. All leaves are equally deep.
 * Adding splits full nodes on the way down, removing fills poor nodes on the way down: one pass each
 * (Cormen et al., Introduction to Algorithms, chapter 18).
 * A copied tree shares its nodes with the first one, and each copies a node before it changes it; items are
 * the same in both: who changes them in place asks whose they are.
 */
export class Btree<Item extends Keyed> {
  private readonly maxItems: number;
  private readonly minItems: number;
  private present: Owner = {};
  private root = new Node<Item>(this.present, [], []);
  private itemCount = 0;

  /** @param degree 2 or more: children of a node are from `degree` to `2 * degree` */
  constructor(degree = defaultDegree) {
    assert(degree >= 2, 'btree: the degree is at least 2');
    this.maxItems = 2 * degree - 1;
    this.minItems = degree - 1;
  }

  /** What marks nodes and items that no copy shares. */
  get owner(): Owner {
    return this.present;
  }

  /** From now on each node is copied before it is changed. */
  [beforeFork](): void {
    this.present = {};
  }

  get size(): number {
    return this.itemCount;
  }

  get(key: Uint8Array): Item | undefined {
    let node = this.root;
    for (;;) {
      const { at, found } = search(node, key);
      if (found) return node.items[at];
      if (node.children.length === 0) return undefined;
      node = node.children[at];
    }
  }

  /** Adds an item; its key must be a new one. */
  insert(item: Item): void {
    if (this.root.items.length === this.maxItems) {
      this.root = new Node(this.present, [], [this.root]);
      this.split(this.root, 0);
    }
    let node = this.ownRoot();
    while (node.children.length > 0) {
      let at = placeOf(node, item.key);
      if (node.children[at].items.length === this.maxItems) {
        this.split(node, at);
        at = placeOf(node, item.key);
      }
      node = this.ownChild(node, at);
    }
    node.items.splice(placeOf(node, item.key), 0, item);
    this.itemCount++;
  }

  /** Puts an item in the place of the one with its key. */
  replace(item: Item): void {
    let node = this.ownRoot();
    for (;;) {
      const { at, found } = search(node, item.key);
      if (found) {
        node.items[at] = item;
        return;
      }
      assert(node.children.length > 0, 'btree: an item is replaced that is there');
      node = this.ownChild(node, at);
    }
  }

  /** @returns the item that was removed, if the key was there */
  delete(key: Uint8Array): Item | undefined {
    const removed = this.remove(this.ownRoot(), key);
    if (removed !== undefined) this.itemCount--;
    const [onlyChild] = this.root.children;
    if (this.root.items.length === 0 && onlyChild !== undefined) this.root = onlyChild;
    return removed;
  }

  /** Visits the items from `from` on in order, until the visitor answers false. Nothing changes meanwhile. */
  ascend(from: Uint8Array, visit: (item: Item) => boolean): void {
    ascendNode(this.root, from, visit);
  }

  /** Checks order, sizes and depth. Throws InvariantError. */
  check(): void {
    const depths = new Set<number>();
    this.checkNode(this.root, 0, depths);
    assert(depths.size === 1, 'btree: all leaves are equally deep');
    let previous: Uint8Array | null = null;
    let count = 0;
    this.ascend(new Uint8Array(0), ({ key }) => {
      assert(previous === null || compareBytes(previous, key) < 0, 'btree: keys ascend');
      previous = key;
      count++;
      return true;
    });
    assert(count === this.itemCount, 'btree: the size is the number of items');
  }

  private checkNode(node: Node<Item>, depth: number, depths: Set<number>): void {
    const { items, children } = node;
    assert(items.length <= this.maxItems, 'btree: no node is too full');
    assert(depth === 0 || items.length >= this.minItems, 'btree: no node but the root is too poor');
    const surround = children.length === 0 || children.length === items.length + 1;
    assert(surround, 'btree: children surround the items');
    if (children.length === 0) depths.add(depth);
    for (const child of children) this.checkNode(child, depth + 1, depths);
  }

  /** Splits a full child; its middle item comes up into the parent. */
  private split(parent: Node<Item>, at: number): void {
    const left = this.ownChild(parent, at);
    const items = left.items.splice(this.minItems + 1);
    const right = new Node(this.present, items, left.children.splice(this.minItems + 1));
    const middle = left.items.pop();
    assert(middle !== undefined, 'btree: only a full node is split');
    parent.items.splice(at, 0, middle);
    parent.children.splice(at + 1, 0, right);
  }

  /** The root, which may be changed. */
  private ownRoot(): Node<Item> {
    return (this.root = this.own(this.root));
  }

  /** A child of a node that may be changed, which may then be changed too. */
  private ownChild(parent: Node<Item>, at: number): Node<Item> {
    return (parent.children[at] = this.own(parent.children[at]));
  }

  private own(node: Node<Item>): Node<Item> {
    if (node.owner === this.present) return node;
    return new Node(this.present, node.items.slice(), node.children.slice());
  }

  private remove(start: Node<Item>, key: Uint8Array): Item | undefined {
    let node = start;
    for (;;) {
      const { at, found } = search(node, key);
      if (node.children.length === 0) return found ? node.items.splice(at, 1)[0] : undefined;
      if (found) return this.removeInner(node, at, key);
      node = this.enrich(node, at);
    }
  }

  /** Replaces an item of an inner node by its neighbour in a leaf, or moves it down and removes it there. */
  private removeInner(node: Node<Item>, at: number, key: Uint8Array): Item | undefined {
    const item = node.items[at];
    const [left, right] = [this.ownChild(node, at), this.ownChild(node, at + 1)];
    if (left.items.length > this.minItems) node.items[at] = this.removeLast(left);
    else if (right.items.length > this.minItems) node.items[at] = this.removeFirst(right);
    else {
      this.merge(node, at);
      return this.remove(this.ownChild(node, at), key);
    }
    return item;
  }

  private removeLast(start: Node<Item>): Item {
    let node = start;
    while (node.children.length > 0) node = this.enrich(node, node.children.length - 1);
    const item = node.items.pop();
    assert(item !== undefined, 'btree: no leaf below the root is empty');
    return item;
  }

  private removeFirst(start: Node<Item>): Item {
    let node = start;
    while (node.children.length > 0) node = this.enrich(node, 0);
    const item = node.items.shift();
    assert(item !== undefined, 'btree: no leaf below the root is empty');
    return item;
  }

  /** Makes sure that a child can lose an item; returns the child, which may have been merged into another. */
  private enrich(parent: Node<Item>, at: number): Node<Item> {
    const child = this.ownChild(parent, at);
    if (child.items.length > this.minItems) return child;
    const left = parent.children[at - 1] as Node<Item> | undefined;
    const right = parent.children[at + 1] as Node<Item> | undefined;
    if (left !== undefined && left.items.length > this.minItems) {
      this.ownChild(parent, at - 1);
      rotateRight(parent, at - 1);
    } else if (right !== undefined && right.items.length > this.minItems) {
      this.ownChild(parent, at + 1);
      rotateLeft(parent, at);
    } else if (right !== undefined) this.merge(parent, at);
    else {
      this.merge(parent, at - 1);
      return parent.children[at - 1];
    }
    return child;
  }

  /** Puts an item and the child after it into the child before it. */
  private merge(parent: Node<Item>, at: number): void {
    const [item] = parent.items.splice(at, 1);
    const [right] = parent.children.splice(at + 1, 1);
    const left = this.ownChild(parent, at);
    left.items.push(item, ...right.items);
    left.children.push(...right.children);
  }
}

function search<Item extends Keyed>(node: Node<Item>, key: Uint8Array): { at: number; found: boolean } {
  const { items } = node;
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareBytes(items[middle].key, key);
    if (order === 0) return { at: middle, found: true };
    if (order > 0) high = middle;
    else low = middle + 1;
  }
  return { at: low, found: false };
}

/** Where a new key goes. */
function placeOf<Item extends Keyed>(node: Node<Item>, key: Uint8Array): number {
  const { at, found } = search(node, key);
  assert(!found, 'btree: a key is added once');
  return at;
}

/** @returns false when the visitor wants no more */
function ascendNode<Item extends Keyed>(
  node: Node<Item>,
  from: Uint8Array,
  visit: (item: Item) => boolean,
): boolean {
  const { at } = search(node, from);
  for (let i = at; i <= node.items.length; i++) {
    const child = node.children[i] as Node<Item> | undefined;
    if (child !== undefined && !ascendNode(child, from, visit)) return false;
    if (i < node.items.length && !visit(node.items[i])) return false;
  }
  return true;
}

/** Moves the last item of the left child up, and the parent's item down to the front of the right child. */
function rotateRight<Item>(parent: Node<Item>, at: number): void {
  const [left, right] = [parent.children[at], parent.children[at + 1]];
  right.items.unshift(parent.items[at]);
  parent.items.splice(at, 1, ...left.items.splice(-1));
  right.children.unshift(...left.children.splice(left.items.length + 1));
}

/** Moves the first item of the right child up, and the parent's item down to the end of the left child. */
function rotateLeft<Item>(parent: Node<Item>, at: number): void {
  const [left, right] = [parent.children[at], parent.children[at + 1]];
  left.items.push(parent.items[at]);
  parent.items.splice(at, 1, ...right.items.splice(0, 1));
  left.children.push(...right.children.splice(0, left.children.length > 0 ? 1 : 0));
}
