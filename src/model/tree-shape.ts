/** The part of a file's trees that a picture has room for: from the root bucket's page down to the leaves. */
import type { FileView } from './file-view.ts';
import { treePage, type TreePage } from './tree-pages.ts';

export interface PageNode {
  readonly kind: 'page';
  readonly id: string;
  readonly page: TreePage;
  /** The bucket whose root this page is; null for a page further down. */
  readonly bucket: string | null;
  readonly children: readonly TreeNode[];
}

/** The buckets that are stored in a leaf itself. */
export interface InlineNode {
  readonly kind: 'inline';
  readonly id: string;
  readonly leaf: number;
  readonly names: readonly string[];
  readonly children: readonly [];
}

/** Children of a branch that are not drawn. */
export interface MoreNode {
  readonly kind: 'more';
  readonly id: string;
  readonly branch: number;
  /** Places among the branch's children. */
  readonly from: number;
  readonly count: number;
  readonly children: readonly [];
}

export type TreeNode = PageNode | InlineNode | MoreNode;

export interface ShapeOptions {
  /** At most so many places for the children of a branch of the newest commit. */
  readonly limit: number;
  /** The same for all other branches; 0: their children are only counted. */
  readonly otherLimit: number;
  /** Pages that are drawn before others: those of the newest commit. */
  readonly lit: ReadonlyMap<number, unknown>;
  /** Where a reader opened a branch: the first child to draw, by the branch's lowest child. */
  readonly opened: ReadonlyMap<number, number>;
}

/** No sound tree is deeper. */
const mostLevels = 64;

/** Null where the root is not known. */
export function shapeOf(file: FileView, root: number | null, options: ShapeOptions): PageNode | null {
  return root === null ? null : pageNode(file, root, '/', options, 0);
}

function pageNode(
  file: FileView,
  pgid: number,
  bucket: string | null,
  options: ShapeOptions,
  depth: number,
): PageNode | null {
  const page = treePage(file.pages, pgid);
  if (page === null || depth > mostLevels) return null;
  const children = page.kind === 'branch' ? childNodes(file, page, options, depth) : bucketNodes();
  return { kind: 'page', id: `page-${pgid}`, page, bucket, children };

  function bucketNodes(): TreeNode[] {
    if (page === null || page.buckets.length === 0) return [];
    const paged = page.buckets.flatMap((name, i) => {
      const node = pageNode(file, page.bucketRoots[i] ?? 0, name, options, depth + 1);
      return node === null ? [] : [node];
    });
    const names = page.buckets.filter((_, i) => page.bucketRoots[i] === 0);
    const id = `inline-${pgid}`;
    return names.length === 0 ? paged : [...paged, { kind: 'inline', id, leaf: pgid, names, children: [] }];
  }
}

function childNodes(file: FileView, page: TreePage, options: ShapeOptions, depth: number): TreeNode[] {
  const { lit } = options;
  const isLit = lit.has(page.pgid) || lit.size === 0;
  const shown = shownChildren(page.children, isLit ? options : { ...options, limit: options.otherLimit });
  const nodes: TreeNode[] = [];
  let at = 0;
  const skip = (to: number): void => {
    if (to > at) {
      const id = `more-${page.pgid}-${at}`;
      nodes.push({ kind: 'more', id, branch: page.pgid, from: at, count: to - at, children: [] });
    }
  };
  for (const index of shown) {
    skip(index);
    const node = pageNode(file, page.children[index] ?? 0, null, options, depth + 1);
    if (node !== null) nodes.push(node);
    at = index + 1;
  }
  skip(page.children.length);
  return nodes;
}

/** Which children are drawn, ascending: all, an opened window, or the lit ones and those at the ends. */
export function shownChildren(children: readonly number[], options: ShapeOptions): readonly number[] {
  const { limit, lit, opened } = options;
  const count = children.length;
  const all = children.map((_, i) => i);
  if (count <= limit) return all;
  const from = opened.get(children[0] ?? 0);
  if (from !== undefined) {
    const length = Math.max(2, limit - 2);
    const first = Math.max(0, Math.min(from, count - length));
    return all.slice(first, first + length);
  }
  if (limit === 0) return [];
  const wanted = [...all.filter((i) => lit.has(children[i] ?? 0)).reverse(), count - 1, 0, ...all.reverse()];
  const chosen = new Set<number>();
  for (const index of wanted) {
    if (chosen.has(index)) continue;
    chosen.add(index);
    if (placeCount(chosen, count) > limit && chosen.size > 1) chosen.delete(index);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** Drawn children, and one place for each gap between them. */
function placeCount(chosen: ReadonlySet<number>, count: number): number {
  let places = 0;
  let at = -1;
  for (const index of [...chosen].sort((a, b) => a - b)) {
    places += index > at + 1 ? 2 : 1;
    at = index;
  }
  return at < count - 1 ? places + 1 : places;
}

/** Where a page stands in the trees. */
export interface PagePlace {
  /** Names from the root bucket down; empty for the root bucket itself. */
  readonly buckets: readonly string[];
  /** The page that points to it; null for the root bucket's page, which a meta page points to. */
  readonly parent: number | null;
}

/** Where each page stands that is reached from the root down. */
export function placesOf(file: FileView, root: number | null): ReadonlyMap<number, PagePlace> {
  const places = new Map<number, PagePlace>();
  const stack: number[] = [];
  const reach = (pgid: number, place: PagePlace): void => {
    if (places.has(pgid)) return;
    places.set(pgid, place);
    stack.push(pgid);
  };
  if (root !== null) reach(root, { parent: null, buckets: [] });
  for (let pgid = stack.pop(); pgid !== undefined; pgid = stack.pop()) {
    const page = treePage(file.pages, pgid);
    const buckets = places.get(pgid)?.buckets ?? [];
    for (const child of page?.children ?? []) reach(child, { parent: pgid, buckets });
    page?.bucketRoots.forEach((child, i) => {
      const name = page.buckets[i] ?? '';
      if (child !== 0) reach(child, { parent: page.pgid, buckets: [...buckets, name] });
    });
  }
  return places;
}
