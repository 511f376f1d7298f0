/** The stored freelist of a file of unknown soundness, read piece by piece. */
import { spansOf } from './freelist/freelist.ts';
import { forEachId } from './freelist-page.ts';
import { readBig64 } from './meta.ts';
import type { PageSource } from './pager.ts';
import type { Findings } from './xray-findings.ts';
import { SpanList } from './xray-pages.ts';
import type { PageTable } from './xray-pages.ts';
import type { XraySpans } from './xray-report.ts';

export const maxFreeSpans = 262144;
/** So many ids of a list out of order are put in order; a longer one is shown as it lies. */
const maxSortedIds = 1048576;
/** Ids behind the file's end that are remembered, to find repetitions among them. */
const maxBehind = 4096;

/** Where the ids lie in the file. */
export interface StoredIds {
  readonly at: number;
  readonly count: number;
  readonly highWater: number;
  /** The freelist's page, for findings. */
  readonly page: bigint;
}

/**
 * Reads the ids into the table of pages and tells what is wrong with them.
 * @returns runs of ids, ascending
 */
export function readStoredIds(
  source: PageSource,
  ids: StoredIds,
  table: PageTable,
  findings: Findings,
): { readonly free: XraySpans; readonly spanCount: number } {
  const spans = new SpanList(maxFreeSpans);
  const behind = new Set<number>();
  let previous = -1;
  let isInOrder = true;
  const isNew = (id: number): boolean => {
    if (id < table.pageCount) return table.setFreed(id);
    if (behind.has(id)) return false;
    if (behind.size < maxBehind) behind.add(id);
    return id !== previous;
  };
  forEachId(source, ids.at, ids.count, (id, view, at) => {
    if (id < 2 || id >= ids.highWater)
      findings.tell('freelist-range', ids.page, () => `id ${readBig64(view, at)}`);
    if (id <= previous) {
      isInOrder = false;
      const before = previous;
      findings.tell('freelist-order', ids.page, () => `id ${readBig64(view, at)} after ${before}`);
    }
    if (!isNew(id)) findings.tell('freelist-duplicate', readBig64(view, at));
    previous = id;
    spans.add(id, 1);
  });
  if (isInOrder || ids.count > maxSortedIds) return { free: spans.spans, spanCount: spans.spanCount };
  const sorted = new Float64Array(ids.count);
  let count = 0;
  forEachId(source, ids.at, ids.count, (id) => {
    sorted[count++] = id;
  });
  const free = spansOf(sorted.sort());
  return { free, spanCount: free.starts.length };
}
