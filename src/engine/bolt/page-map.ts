/** What each page of a file is for: found by walking all buckets. */
import { readU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import { Bitmap } from './freelist/bitmap.ts';
import type { SharedFreelist } from './freelist/shared.ts';
import { bucketLeafFlag, pageHeaderBytes, pageKindCodes, pageKinds, readPage, Page } from './page.ts';
import type { Pager } from './pager.ts';
import { pgid } from './types.ts';
import type { Meta, PageRun } from './types.ts';

/** Calls for each page that a leaf's buckets have as root. */
function forEachRoot(page: Page, visit: (root: number) => void): void {
  for (let i = 0; i < page.count; i++) {
    if ((page.elementFlags(i) & bucketLeafFlag) === 0) continue;
    const at = page.keyAt(i) + page.keySize(i);
    const size = page.valueSize(i);
    if (size < 16) continue;
    const root = readU64le(page.view, at);
    if (root !== 0) visit(root);
    else if (size >= 16 + pageHeaderBytes) {
      const inline = new Page({ view: page.view, bytes: page.bytes, at: at + 16 }, at + size);
      if (inline.isLeaf) forEachRoot(inline, visit);
    }
  }
}

/**
 * Visits every branch and leaf page of all buckets once.
 * @throws BoltError 'invalid database' where a page lies outside or is neither branch nor leaf
 */
export function forEachTreePage(
  pager: Pager,
  pageSize: number,
  meta: Meta,
  visit: (id: number, page: Page) => void,
): void {
  const seen = new Bitmap();
  const stack: number[] = [meta.root.root];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (id < 2 || id >= meta.highWater)
      throw new BoltError('invalid database', `page ${id} is out of bounds`);
    if (!seen.set(id)) continue;
    const page = readPage(pager, id, pageSize);
    visit(id, page);
    if (page.isLeaf) forEachRoot(page, (root) => stack.push(root));
    else if (page.isBranch) for (let i = 0; i < page.count; i++) stack.push(page.child(i));
    else throw new BoltError('invalid database', `page ${id}: invalid page type ${page.flags}`);
  }
}

/**
 * The free pages of a file that stores no freelist: all that no bucket reaches.
 * @source bbolt v1.3.12 db.go freepages
 */
export function findFreeIds(pager: Pager, pageSize: number, meta: Meta): Uint32Array {
  const used = new Bitmap();
  forEachTreePage(pager, pageSize, meta, (id, page) => {
    used.setRun(id, Math.min(page.overflow + 1, meta.highWater - id));
  });
  const ids = new Uint32Array(Math.max(0, meta.highWater - 2 - used.count));
  let count = 0;
  for (let id = 2; id < meta.highWater; id++) if (!used.has(id)) ids[count++] = id;
  return ids;
}

/**
 * All pages below the high water mark as runs: each logical page is one, neighbouring free pages are one,
 * neighbouring pending pages are one. Pages that nothing knows (leaked by a damaged file) show as free.
 */
export function pageRuns(pager: Pager, pageSize: number, meta: Meta, freelist: SharedFreelist): PageRun[] {
  const kinds = new Uint8Array(meta.highWater).fill(pageKindCodes.free);
  const firsts = new Bitmap();
  const mark = (id: number, count: number, kind: number): void => {
    kinds.fill(kind, id, id + count);
    firsts.set(id);
  };
  mark(0, 1, pageKindCodes.meta);
  mark(1, 1, pageKindCodes.meta);
  for (const spans of freelist.pendingSpans().values()) {
    spans.starts.forEach((start, i) => kinds.fill(pageKindCodes.pending, start, start + spans.counts[i]));
  }
  if (meta.freelist !== null) {
    mark(meta.freelist, readPage(pager, meta.freelist, pageSize).overflow + 1, pageKindCodes.freelist);
  }
  forEachTreePage(pager, pageSize, meta, (id, page) => {
    mark(id, page.overflow + 1, page.isLeaf ? pageKindCodes.leaf : pageKindCodes.branch);
  });
  const runs: PageRun[] = [];
  for (let id = 0; id < kinds.length;) {
    const from = id;
    do id++;
    while (id < kinds.length && kinds[id] === kinds[from] && !firsts.has(id));
    runs.push({ kind: pageKinds[kinds[from]], pgid: pgid(from), count: id - from });
  }
  return runs;
}
