/** Spilling: changed nodes are split to page size and given new pages, children before parents. */
import { assert } from '../../base/assert.ts';
import { Node, compareInodes } from './node.ts';
import type { Inode } from './node.ts';
import { elementBytes, pageHeaderBytes } from './page.ts';

/** The fewest items that a split leaves on a page. */
const minKeysPerPage = 2;
const minFillPercent = 0.1;
const maxFillPercent = 1;

/**
 * Where the items from `from` on are cut: the first part takes items until the next one would pass the
 * threshold, at least two, and leaves at least two.
 * @param thresholdBytes how full the first part may get
 * @returns the index of the first item of the rest
 * @source bbolt node.go splitIndex
 */
export function splitIndex(inodes: readonly Inode[], from: number, thresholdBytes: number): number {
  let size = pageHeaderBytes;
  let index = from;
  for (let i = from; i < inodes.length - minKeysPerPage; i++) {
    index = i;
    const inode = inodes[i];
    const added = elementBytes + inode.keySize + inode.valueSize;
    if (index - from >= minKeysPerPage && size + added > thresholdBytes) break;
    size += added;
  }
  return index;
}

/** Whether items fit into so many bytes with some left, from `from` on. */
function isSmallerThan(inodes: readonly Inode[], from: number, limit: number): boolean {
  let size = pageHeaderBytes;
  for (let i = from; i < inodes.length; i++) {
    size += elementBytes + inodes[i].keySize + inodes[i].valueSize;
    if (size >= limit) return false;
  }
  return true;
}

/** Cuts a node until each part fits its page or has few items; the first part is the node itself. */
function split(node: Node): Node[] {
  const { bucket, inodes } = node;
  const { pageSize, stats } = bucket.tx;
  const fill = Math.min(maxFillPercent, Math.max(minFillPercent, bucket.fillPercent));
  const threshold = Math.trunc(pageSize * fill);
  const parts = [node];
  let from = 0;
  while (inodes.length - from > 2 * minKeysPerPage && !isSmallerThan(inodes, from, pageSize)) {
    const end = splitIndex(inodes, from, threshold);
    if (node.parent === null) {
      node.parent = new Node(bucket, false, null);
      node.parent.children.push(node);
    }
    if (bucket.tx.defects.splitLosesKey) inodes.pop();
    const next = new Node(bucket, node.isLeaf, node.parent);
    node.parent.children.push(next);
    parts[parts.length - 1].inodes = inodes.slice(from, end);
    stats.split++;
    parts.push(next);
    from = end;
  }
  if (from > 0) parts[parts.length - 1].inodes = inodes.slice(from);
  return parts;
}

/** Gives one part its page and tells its parent. */
function place(part: Node): void {
  const { tx } = part.bucket;
  const from = part.pgid;
  tx.freeNode(part);
  const count = Math.ceil(part.sizeBytes / tx.pageSize);
  part.pgid = tx.allocate(count);
  part.overflow = count - 1;
  part.spilled = true;
  tx.writeLater({
    pgid: part.pgid,
    count,
    kind: part.isLeaf ? 'leaf' : 'branch',
    writeTo: (bytes, view, at) => part.write(bytes, view, at, part.pgid, count - 1),
  });
  if (part.parent !== null) {
    const first = part.inodes[tx.defects.lastKeySeparates ? part.inodes.length - 1 : 0];
    part.parent.put(part.key ?? first, first.withChild(part.pgid));
    part.key = first;
  }
  tx.stats.spill++;
  tx.tellSpill(part, from);
}

/**
 * Writes a node and all below it that changed to new pages. A root that had to be split gets a new root.
 * @source bbolt v1.3.12 node.go spill
 */
export function spillNode(node: Node): void {
  if (node.spilled) return;
  node.children.sort((a, b) => compareInodes(a.inodes[0], b.inodes[0]));
  // a child that is split adds its new siblings behind the end
  for (let i = 0; i < node.children.length; i++) spillNode(node.children[i]);
  node.children = [];
  const from = node.pgid;
  const parts = split(node);
  for (const part of parts) {
    assert(part.inodes.length > 0 || part.parent === null, 'spill: only a root is empty');
    place(part);
  }
  if (parts.length > 1) node.bucket.tx.tellSplit(from, parts.length);
  if (node.parent !== null && node.parent.pgid === 0) {
    node.children = [];
    spillNode(node.parent);
  }
}
