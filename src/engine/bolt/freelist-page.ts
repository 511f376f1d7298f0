/** The freelist on disk: all free and pending ids, ascending. */
import { readU64le, writeU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import { freelistFlag, pageHeaderBytes, readPage, writePageHeader } from './page.ts';
import type { Page } from './page.ts';
import type { Pager } from './pager.ts';

/** A count of this much in the header means that the first u64 is the count. */
const countElsewhere = 0xffff;

/** So many ids that can not be free are told; a hostile list may hold nothing else. */
const maxWrongIds = 65536;

/** What a freelist page holds: sorted ids of pages that can be free, and those that can not. */
export interface StoredFreelist {
  readonly ids: Uint32Array;
  /** Ids that no sound file holds: a meta page's, at or above the high water mark, or a second time. */
  readonly wrongIds: readonly number[];
  /** Physical pages of the freelist itself. */
  readonly pageCount: number;
}

/** Where the ids begin and how many there are. */
function idsPlace(page: Page): { readonly at: number; readonly count: number } {
  let at = page.at + pageHeaderBytes;
  let count = page.count;
  if (count === countElsewhere) {
    if (at + 8 > page.end) throw new BoltError('invalid database', `page ${page.id}: the count is cut off`);
    count = readU64le(page.view, at);
    at += 8;
  }
  if (count > (page.end - at) / 8) {
    throw new BoltError('invalid database', `page ${page.id}: ${count} free ids do not fit`);
  }
  return { at, count };
}

/** The ids as they are stored. @throws BoltError 'invalid database' where they do not fit into the page */
export function readIds(page: Page): Float64Array {
  const { at, count } = idsPlace(page);
  const ids = new Float64Array(count);
  for (let i = 0; i < count; i++) ids[i] = readU64le(page.view, at + 8 * i);
  return ids;
}

/**
 * Reads a freelist. Unsorted ids are accepted, as by bbolt; ids that can not be free are kept apart, so that
 * no allocation ever hands them out.
 * @throws BoltError 'invalid database' where the page is not a freelist or does not hold what it claims
 * @source bbolt v1.3.12 freelist.go read
 */
export function readFreelist(
  pager: Pager,
  pgid: number,
  pageSize: number,
  highWater: number,
): StoredFreelist {
  if (!(pgid >= 2 && pgid < highWater))
    throw new BoltError('invalid database', `freelist page ${pgid} is out of bounds`);
  const page = readPage(pager, pgid, pageSize);
  if ((page.flags & freelistFlag) === 0) {
    throw new BoltError('invalid database', `invalid freelist page: ${pgid}, page type ${page.flags}`);
  }
  if (pgid + page.overflow >= highWater) {
    throw new BoltError('invalid database', `freelist page ${pgid}: its overflow is out of bounds`);
  }
  return { ...soundIds(page, highWater), pageCount: page.overflow + 1 };
}

/**
 * The ids of a freelist's page, sound ones apart from those that no sound file holds.
 * @throws BoltError 'invalid database' where the ids do not fit into the page
 */
export function soundIds(page: Page, highWater: number): Omit<StoredFreelist, 'pageCount'> {
  const place = idsPlace(page);
  const ids = new Uint32Array(place.count);
  const { view } = page;
  let before = 1;
  for (let i = 0, at = place.at; i < ids.length; i++, at += 8) {
    const id = view.getUint32(at, true);
    // as bbolt writes them: ascending, so that nothing is left to sort
    if (id <= before || id >= highWater || view.getUint32(at + 4, true) !== 0)
      return sortedIds(readIds(page).sort(), highWater);
    ids[i] = id;
    before = id;
  }
  return { ids, wrongIds: [] };
}

function sortedIds(stored: Float64Array, highWater: number): Omit<StoredFreelist, 'pageCount'> {
  const wrongIds: number[] = [];
  const ids = new Uint32Array(stored.length);
  let count = 0;
  for (let i = 0; i < stored.length; i++) {
    const id = stored[i];
    if (id > 1 && id < highWater && (i === 0 || id !== stored[i - 1])) ids[count++] = id;
    else if (wrongIds.length < maxWrongIds) wrongIds.push(id);
  }
  return { ids: ids.subarray(0, count), wrongIds };
}

/**
 * The ids of a freelist as bbolt reads them, sorted: as many as it claims, whatever the page's length,
 * but not
 * behind the file's end. Null where the page is not in the file or not a freelist.
 */
export function storedIds(pager: Pager, pgid: number, pageSize: number): Float64Array | null {
  const from = pgid * pageSize;
  if (!(from + pageHeaderBytes + 8 <= pager.sizeBytes)) return null;
  const { view, at } = pager.run(from, pageHeaderBytes + 8, 1);
  if ((view.getUint16(at + 8, true) & freelistFlag) === 0) return null;
  const short = view.getUint16(at + 10, true);
  const isLong = short === countElsewhere;
  const first = from + pageHeaderBytes + (isLong ? 8 : 0);
  const claimed = isLong ? readU64le(view, at + pageHeaderBytes) : short;
  const ids = new Float64Array(Math.min(claimed, Math.floor((pager.sizeBytes - first) / 8)));
  if (ids.length === 0) return ids;
  const place = pager.run(first, ids.length * 8, 1);
  for (let i = 0; i < ids.length; i++) ids[i] = readU64le(place.view, place.at + 8 * i);
  return ids.sort();
}

/** Writes a freelist at `at` of zeroed bytes. @param count how many ids `list` writes */
export function writeFreelist(
  view: DataView,
  at: number,
  pgid: number,
  overflow: number,
  list: { writeIds(view: DataView, at: number): void },
  count: number,
): void {
  const long = count >= countElsewhere;
  writePageHeader(view, at, {
    id: pgid,
    flags: freelistFlag,
    count: long ? countElsewhere : count,
    overflow,
  });
  if (long) writeU64le(view, at + pageHeaderBytes, count);
  list.writeIds(view, at + pageHeaderBytes + (long ? 8 : 0));
}
