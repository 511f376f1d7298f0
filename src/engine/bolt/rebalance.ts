/** Rebalancing: a node that deletions made too small joins a sibling; a root with one child becomes it. */
import { BoltError } from './errors.ts';
import type { Node } from './node.ts';

/** In a damaged tree an open node may be come to on two ways: as a child of both it would close a circle. */
function requireChild(node: Node, parent: Node): void {
  if (node.parent !== parent)
    throw new BoltError('invalid database', `page ${node.pgid}: two elements lead here`);
}

/** A root branch with one child becomes that child. */
function collapseRoot(root: Node): void {
  if (root.isLeaf || root.inodes.length !== 1) return;
  const { bucket } = root;
  const child = bucket.node(root.inodes[0].pgid, root);
  requireChild(child, root);
  root.isLeaf = child.isLeaf;
  root.inodes = child.inodes.slice();
  root.children = child.children;
  for (const inode of root.inodes) {
    const inner = root.isLeaf ? undefined : bucket.nodes.get(inode.pgid);
    if (inner === undefined) continue;
    requireChild(inner, child);
    inner.parent = root;
  }
  child.parent = null;
  bucket.nodes.delete(child.pgid);
  bucket.tx.tellMerge(root, child);
  bucket.tx.freeNode(child);
}

/** Takes a node out of its parent and frees its page. */
function removeNode(node: Node, parent: Node): void {
  parent.removeItemOf(node);
  parent.removeChild(node);
  node.bucket.nodes.delete(node.pgid);
  node.bucket.tx.freeNode(node);
}

/** Moves all items of the right node behind those of the left. */
function merge(left: Node, right: Node, parent: Node): void {
  if (left === right) throw new BoltError('invalid database', `page ${left.pgid}: two elements lead here`);
  const { nodes } = left.bucket;
  for (const inode of right.inodes) {
    const inner = right.isLeaf ? undefined : nodes.get(inode.pgid);
    if (inner === undefined) continue;
    requireChild(inner, right);
    right.removeChild(inner);
    inner.parent = left;
    left.children.push(inner);
  }
  for (const inode of right.inodes) left.inodes.push(inode);
  left.bucket.tx.tellMerge(left, right);
  removeNode(right, parent);
}

/**
 * How small a node may get before it is merged, in bytes.
 * @source bbolt node.go rebalance, before and since v1.4
 */
function thresholdBytes(node: Node): number {
  const { pageSize, rules } = node.bucket.tx;
  if (rules !== '1.4') return Math.floor(pageSize / 4);
  return Math.floor(Math.trunc(pageSize * node.bucket.fillPercent) / 2);
}

/**
 * Merges a node from which keys were deleted, if it is now too small, with its left sibling (the first child
 * with its right one), whatever the sibling's size: the spill splits again what became too large.
 * @source bbolt v1.3.12 node.go rebalance
 */
export function rebalanceNode(node: Node): void {
  if (!node.unbalanced) return;
  node.unbalanced = false;
  const { tx } = node.bucket;
  tx.stats.rebalance++;
  tx.tellRebalance(node);
  if (!node.isSmallerThan(thresholdBytes(node) + 1) && node.inodes.length > node.minKeys) return;
  const { parent } = node;
  if (parent === null) {
    collapseRoot(node);
    return;
  }
  if (node.inodes.length === 0) {
    removeNode(node, parent);
    rebalanceNode(parent);
    return;
  }
  if (parent.inodes.length < 2) {
    throw new BoltError(
      'invalid database',
      `page ${parent.pgid}: a branch with one child that is not a root`,
    );
  }
  const index = parent.childIndex(node);
  if (index === 0) merge(node, parent.childAt(1), parent);
  else merge(parent.childAt(index - 1), node, parent);
  rebalanceNode(parent);
}
