/** The freelist on disk: all free and pending ids, ascending. */
import { readU64le, writeU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import { freelistFlag, pageHeaderBytes, writePageHeader } from './page.ts';
import type { PageSource } from './pager.ts';

/** A count of this much in the header means that the first u64 is the count. */
const countElsewhere = 0xffff;

/** So many ids that can not be free are told; a hostile list may hold nothing else. */
const maxWrongIds = 65536;
/** Ids are read in pieces of so many bytes. */
const pieceBytes = 32768;

/** What a freelist page holds: sorted ids of pages that can be free, and those that can not. */
export interface StoredFreelist {
  readonly ids: Uint32Array;
  /** Ids that no sound file holds: a meta page's, at or above the high water mark, or a second time. */
  readonly wrongIds: readonly number[];
}

/**
 * Reads a freelist. Unsorted ids are accepted, as by bbolt; ids that can not be free are kept apart, so that
 * no allocation ever hands them out.
 * @throws BoltError 'invalid database' where the page is not a freelist or does not hold what it claims
 * @source bbolt v1.3.12 freelist.go read
 */
export function readFreelist(
  source: PageSource,
  pgid: number,
  pageSize: number,
  highWater: number,
): StoredFreelist {
  if (!(pgid >= 2 && pgid < highWater))
    throw new BoltError('invalid database', `freelist page ${pgid} is out of bounds`);
  const { view, at } = source.run(pgid, 1, pageSize);
  const flags = view.getUint16(at + 8, true);
  const overflow = view.getUint32(at + 12, true);
  if ((flags & freelistFlag) === 0)
    throw new BoltError('invalid database', `invalid freelist page: ${pgid}, page type ${flags}`);
  if (pgid + overflow >= highWater)
    throw new BoltError('invalid database', `freelist page ${pgid}: its overflow is out of bounds`);
  const first = pgid * pageSize;
  return soundIds(source, first, first + (overflow + 1) * pageSize, highWater);
}

/**
 * The ids of a freelist's page, sound ones apart from those that no sound file holds. Read in pieces: a list
 * may be as long as the file.
 * @param from where the page begins in the file, and `end` where it ends
 * @throws BoltError 'invalid database' where the ids do not fit into the page, or the page not into the file
 */
export function soundIds(source: PageSource, from: number, end: number, highWater: number): StoredFreelist {
  const { first, count } = idsPlace(source, from, end);
  const ids = new Uint32Array(count);
  let before = 1;
  for (let done = 0; done < count;) {
    const part = Math.min(pieceBytes / 8, count - done);
    const { view, at } = source.run(first + 8 * done, 8 * part, 1);
    for (let i = 0; i < part; i++) {
      const id = view.getUint32(at + 8 * i, true);
      // as bbolt writes them: ascending, so that nothing is left to sort
      if (id <= before || id >= highWater || view.getUint32(at + 8 * i + 4, true) !== 0)
        return sortedIds(source, first, ids, highWater);
      ids[done + i] = id;
      before = id;
    }
    done += part;
  }
  return { ids, wrongIds: [] };
}

/** Where the ids begin in the file and how many there are. */
function idsPlace(
  source: PageSource,
  from: number,
  end: number,
): { readonly first: number; readonly count: number } {
  if (end > source.sizeBytes) throw new BoltError('invalid database', 'the freelist ends behind the file');
  const { view, at } = source.run(from, pageHeaderBytes + 8, 1);
  const short = view.getUint16(at + 10, true);
  const isLong = short === countElsewhere;
  const first = from + pageHeaderBytes + (isLong ? 8 : 0);
  const count = isLong ? readU64le(view, at + pageHeaderBytes) : short;
  if (count > (end - first) / 8)
    throw new BoltError('invalid database', `freelist: ${count} free ids do not fit`);
  return { first, count };
}

/** @param ids room for all of them */
function sortedIds(source: PageSource, first: number, ids: Uint32Array, highWater: number): StoredFreelist {
  const wrongIds: number[] = [];
  const setApart = (id: number): void => {
    if (wrongIds.length < maxWrongIds) wrongIds.push(id);
  };
  let found = 0;
  forEachId(source, first, ids.length, (id) => {
    if (id > 1 && id < highWater) ids[found++] = id;
    else setApart(id);
  });
  const sorted = ids.subarray(0, found).sort();
  let count = 0;
  for (let i = 0; i < found; i++) {
    if (i === 0 || sorted[i] !== sorted[count - 1]) sorted[count++] = sorted[i];
    else setApart(sorted[i]);
  }
  return { ids: sorted.subarray(0, count), wrongIds: wrongIds.sort((a, b) => a - b) };
}

/**
 * Calls for each id of a freelist as bbolt reads it: as many as it claims, whatever the page's length, but
 * not behind the file's end; for none where the page is not in the file or not a freelist.
 */
export function forEachStoredId(
  source: PageSource,
  pgid: number,
  pageSize: number,
  visit: (id: number) => void,
): void {
  const from = pgid * pageSize;
  if (!(from + pageHeaderBytes + 8 <= source.sizeBytes)) return;
  const { view, at } = source.run(from, pageHeaderBytes + 8, 1);
  if ((view.getUint16(at + 8, true) & freelistFlag) === 0) return;
  const short = view.getUint16(at + 10, true);
  const isLong = short === countElsewhere;
  const first = from + pageHeaderBytes + (isLong ? 8 : 0);
  const claimed = isLong ? readU64le(view, at + pageHeaderBytes) : short;
  forEachId(source, first, Math.min(claimed, Math.floor((source.sizeBytes - first) / 8)), visit);
}

/** Calls for each of `count` ids from `first` of the file on, and with the view where it lies at `at`. */
export function forEachId(
  source: PageSource,
  first: number,
  count: number,
  visit: (id: number, view: DataView, at: number) => void,
): void {
  const end = first + 8 * count;
  for (let from = first; from < end; from += pieceBytes) {
    const size = Math.min(pieceBytes, end - from);
    const { view, at } = source.run(from, size, 1);
    for (let i = 0; i < size; i += 8) visit(readU64le(view, at + i), view, at + i);
  }
}

/**
 * Writes a freelist at `at` of zeroed bytes.
 * @param count how many ids `list` writes
 * @param isShort see `Defects.shortFreelistCount`
 */
export function writeFreelist(
  view: DataView,
  at: number,
  pgid: number,
  overflow: number,
  list: { writeIds(view: DataView, at: number): void },
  count: number,
  isShort = false,
): void {
  const long = count >= countElsewhere && !isShort;
  writePageHeader(view, at, {
    id: pgid,
    flags: freelistFlag,
    count: long ? countElsewhere : count % (countElsewhere + 1),
    overflow,
  });
  if (long) writeU64le(view, at + pageHeaderBytes, count);
  list.writeIds(view, at + pageHeaderBytes + (long ? 8 : 0));
}
