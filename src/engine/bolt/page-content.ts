/** What pages hold, as events tell it: read from the bytes that are, or will be, on the disk. */
import { readU64le } from '../../base/u64.ts';
import { printable } from '../../base/utf8.ts';
import type { BoltEvent, PageContent } from './events.ts';
import { bucketLeafFlag, elementBytes, freelistFlag, pageHeaderBytes } from './page.ts';
import type { Page } from './page.ts';
import { forEachTreePage } from './page-map.ts';
import type { Pager } from './pager.ts';
import { pgid } from './types.ts';
import type { Meta, Pgid } from './types.ts';

/** A count that a freelist page's header can not hold stands in front of its ids. */
const countInIds = 0xffff;
const nameLimit = 120;

/** @throws BoltError 'invalid database' on a damaged page */
export function contentOf(page: Page): PageContent {
  if ((page.flags & freelistFlag) !== 0) return freelistContent(page);
  let usedBytes = pageHeaderBytes + page.count * elementBytes;
  const children: Pgid[] = [];
  const buckets: string[] = [];
  const bucketRoots: Pgid[] = [];
  for (let i = 0; i < page.count; i++) {
    usedBytes += page.keySize(i);
    if (!page.isLeaf) {
      children.push(pgid(page.child(i)));
      continue;
    }
    usedBytes += page.valueSize(i);
    if ((page.elementFlags(i) & bucketLeafFlag) === 0) continue;
    buckets.push(printable(page.key(i), nameLimit));
    bucketRoots.push(pgid(rootOf(page, i)));
  }
  return { itemCount: page.count, usedBytes, children, buckets, bucketRoots };
}

/** The root page that a leaf's bucket element names. */
function rootOf(page: Page, index: number): number {
  return page.valueSize(index) < 8 ? 0 : readU64le(page.view, page.keyAt(index) + page.keySize(index));
}

function freelistContent(page: Page): PageContent {
  const isLong = page.count === countInIds;
  const itemCount = isLong ? readU64le(page.view, page.at + pageHeaderBytes) : page.count;
  const usedBytes = pageHeaderBytes + 8 * (isLong ? itemCount + 1 : itemCount);
  return { itemCount, usedBytes, children: [], buckets: [], bucketRoots: [] };
}

/** All trees of a file as one event. @throws BoltError 'invalid database' on a damaged tree */
export function treeEvent(
  pager: Pager,
  pageSize: number,
  meta: Meta,
): Extract<BoltEvent, { type: 'bolt.tree' }> {
  const pgids: number[] = [];
  const pageCounts: number[] = [];
  const contents: PageContent[] = [];
  forEachTreePage(pager, pageSize, meta, (id, page) => {
    pgids.push(id);
    pageCounts.push(page.overflow + 1);
    contents.push(contentOf(page));
  });
  return {
    type: 'bolt.tree',
    pgids,
    pageCounts,
    itemCounts: contents.map(({ itemCount }) => itemCount),
    usedBytes: contents.map(({ usedBytes }) => usedBytes),
    childCounts: contents.map(({ children }) => children.length),
    children: contents.flatMap(({ children }) => children),
    bucketCounts: contents.map(({ buckets }) => buckets.length),
    buckets: contents.flatMap(({ buckets }) => buckets),
    bucketRoots: contents.flatMap(({ bucketRoots }) => bucketRoots),
  };
}
