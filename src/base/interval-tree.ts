/** A red-black tree of ranges of keys, with the furthest end below each node. */
import { assert } from './assert.ts';
import { compareBytes } from './bytes.ts';

/**
 * All keys from `begin` on that are below `end`. An empty bound is past all keys: as an end it is none. An
 * end that is not behind its begin is let in, as etcd does; what then overlaps depends on the tree's shape,
 * so the tree is etcd's own.
 */
export interface AffineInterval {
  readonly begin: Uint8Array;
  readonly end: Uint8Array;
}

interface Node extends AffineInterval {
  max: Uint8Array;
  red: boolean;
  left: Node | null;
  right: Node | null;
  parent: Node | null;
}

function compareBounds(a: Uint8Array, b: Uint8Array): number {
  if (a.length === 0 || b.length === 0) return a.length === b.length ? 0 : a.length === 0 ? 1 : -1;
  return compareBytes(a, b);
}

/**
 * Negative: a is left of b; positive: right of it; zero: they overlap. Odd ones are not symmetrical.
 */
function compareIntervals(a: AffineInterval, b: AffineInterval): number {
  if (compareBounds(a.begin, b.begin) < 0 && compareBounds(a.end, b.begin) <= 0) return -1;
  return compareBounds(a.begin, b.end) >= 0 ? 1 : 0;
}

/** The interval of one key: up to the key that follows it. */
export function affinePoint(key: Uint8Array): AffineInterval {
  const end = new Uint8Array(key.length + 1);
  end.set(key);
  return { begin: key, end };
}

/**
 * @source etcd v3.4.23 pkg/adt/interval_tree.go; Cormen et al., Introduction to Algorithms, chapters 13, 14
 */
export class IntervalTree {
  private root: Node | null = null;

  insert({ begin, end }: AffineInterval): void {
    const node: Node = { begin, end, max: end, red: true, left: null, right: null, parent: null };
    let parent: Node | null = null;
    for (let at = this.root; at !== null; at = isBefore(node, at) ? at.left : at.right) parent = at;
    node.parent = parent;
    if (parent === null) this.root = node;
    else {
      if (isBefore(node, parent)) parent.left = node;
      else parent.right = node;
      updateMax(parent);
    }
    this.repair(node);
  }

  /** Whether some interval overlaps this one. */
  intersects(wanted: AffineInterval): boolean {
    let at = this.root;
    while (at !== null && compareIntervals(wanted, at) !== 0) {
      const goesLeft: boolean = at.left !== null && compareBounds(at.left.max, wanted.begin) > 0;
      at = goesLeft ? at.left : at.right;
    }
    return at !== null;
  }

  /** Whether the intervals cover all of this one together. */
  contains(wanted: AffineInterval): boolean {
    const found = this.overlapping(wanted);
    const [first, ...rest] = found;
    if (first === undefined || compareBounds(first.begin, wanted.begin) > 0) return false;
    let { end } = first;
    for (const interval of rest) {
      if (compareBounds(end, interval.begin) < 0) return false;
      if (compareBounds(interval.end, end) > 0) end = interval.end;
    }
    return compareBounds(end, wanted.end) >= 0;
  }

  /** Those that overlap, by their begin. */
  overlapping(wanted: AffineInterval): AffineInterval[] {
    const found: AffineInterval[] = [];
    visit(this.root, wanted, found);
    return found;
  }

  /** No red node has a red parent: colours move up, and turns end it. */
  private repair(inserted: Node): void {
    let node = inserted;
    for (let parent = node.parent; parent !== null && parent.red; parent = node.parent) {
      const grandparent = parent.parent;
      assert(grandparent !== null, 'interval-tree: the root is black');
      const isLeft = parent === grandparent.left;
      const uncle = isLeft ? grandparent.right : grandparent.left;
      if (uncle !== null && uncle.red) {
        uncle.red = false;
        parent.red = false;
        grandparent.red = true;
        node = grandparent;
        continue;
      }
      if (node === (isLeft ? parent.right : parent.left)) {
        node = parent;
        this.rotate(node, isLeft);
      }
      const top = node.parent;
      assert(top !== null, 'interval-tree: a turned node has a parent');
      top.red = false;
      grandparent.red = true;
      this.rotate(grandparent, !isLeft);
    }
    assert(this.root !== null, 'interval-tree: there is a root after an insertion');
    this.root.red = false;
  }

  /** Turns a node down to the left, its right child up; or the other way round. */
  private rotate(node: Node, toLeft: boolean): void {
    const child = toLeft ? node.right : node.left;
    if (child === null) return;
    const inner = toLeft ? child.left : child.right;
    if (toLeft) node.right = inner;
    else node.left = inner;
    if (inner !== null) inner.parent = node;
    updateMax(node);
    this.replace(node, child);
    if (toLeft) child.left = node;
    else child.right = node;
    updateMax(child);
  }

  private replace(node: Node, child: Node): void {
    const { parent } = node;
    child.parent = parent;
    if (parent === null) this.root = child;
    else {
      if (node === parent.left) parent.left = child;
      else parent.right = child;
      updateMax(parent);
    }
    node.parent = child;
  }
}

function isBefore(a: AffineInterval, b: AffineInterval): boolean {
  return compareBounds(a.begin, b.begin) < 0;
}

function updateMax(from: Node): void {
  for (let node: Node | null = from; node !== null; node = node.parent) {
    let max = node.end;
    for (const child of [node.left, node.right]) {
      if (child !== null && compareBounds(child.max, max) > 0) max = child.max;
    }
    if (compareBounds(node.max, max) === 0) return;
    node.max = max;
  }
}

function visit(node: Node | null, wanted: AffineInterval, found: AffineInterval[]): void {
  if (node === null) return;
  const order = compareIntervals(wanted, node);
  if (order > 0 && compareIntervals({ begin: node.begin, end: node.max }, wanted) !== 0) return;
  visit(node.left, wanted, found);
  if (order < 0) return;
  if (order === 0) found.push(node);
  visit(node.right, wanted, found);
}
