/** What a write on its way to the disk holds: records of the log, pages of the store. */
import { emptyBytes } from '../base/bytes.ts';
import { WireError } from '../base/wire.ts';
import { branchFlag, freelistFlag, leafFlag, metaFlag, pageHeaderBytes } from '../engine/bolt/page.ts';
import { backendFile } from '../engine/server/disk.ts';
import { decodeEntry, decodeFrameSize, decodeHardState, decodeRecordAtStart } from '../engine/wal/record.ts';
import { decodeSnapshot, frameHeaderBytes, recordType } from '../engine/wal/record.ts';
import type { PageKind } from '../engine/bolt/types.ts';
import type { WalRecord } from '../engine/wal/record.ts';

export type ChangeContent =
  | { readonly kind: 'page'; readonly page: PageKind | 'unknown'; readonly pgid: number }
  /** A record of the log. `index` and `term` are 0 where it has none; a state's index is its commit. */
  | {
      readonly kind: 'record';
      readonly record: keyof typeof recordType;
      readonly index: number;
      readonly term: number;
    };

/** All pages here are of this size. */
const pageBytes = 4096;
/** More are not told. */
const mostContents = 64;

/** @param file the data directory's name for it; other files than the log and the store have no contents */
export function contentsOf(file: string, offset: number, data: Uint8Array): ChangeContent[] {
  if (file === backendFile) return pagesOf(offset, data);
  return file.endsWith('.wal') ? recordsOf(data) : [];
}

const kinds: ReadonlyMap<number, PageKind> = new Map([
  [branchFlag, 'branch'],
  [leafFlag, 'leaf'],
  [metaFlag, 'meta'],
  [freelistFlag, 'freelist'],
]);

/** A write of the store is a page with the pages that it overflows into, or several of them. */
function pagesOf(offset: number, data: Uint8Array): ChangeContent[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const pages: ChangeContent[] = [];
  for (let at = 0; at + pageHeaderBytes <= data.length && pages.length < mostContents;) {
    const page = kinds.get(view.getUint16(at + 8, true)) ?? 'unknown';
    pages.push({ kind: 'page', page, pgid: Math.floor((offset + at) / pageBytes) });
    at += pageBytes * (1 + view.getUint32(at + 12, true));
  }
  return pages;
}

/** A write of the log begins with a record's frame. */
function recordsOf(data: Uint8Array): ChangeContent[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const records: ChangeContent[] = [];
  for (let at = 0; at + frameHeaderBytes <= data.length && records.length < mostContents;) {
    const { size, padding } = decodeFrameSize(view, at);
    const from = at + frameHeaderBytes;
    const record = size === 0 ? null : decodeRecordAtStart(data.subarray(from, from + size));
    const told = record === null ? null : recordContent(record);
    if (told === null) break;
    records.push(told);
    at = from + size + padding;
  }
  return records;
}

function recordContent({ type, data }: WalRecord): ChangeContent | null {
  const bytes = data ?? emptyBytes;
  try {
    switch (type) {
      case recordType.entry: {
        const { index, term } = decodeEntry(bytes);
        return { kind: 'record', record: 'entry', index, term };
      }
      case recordType.state: {
        const { commit, term } = decodeHardState(bytes);
        return { kind: 'record', record: 'state', index: commit, term };
      }
      case recordType.snapshot:
        return { kind: 'record', record: 'snapshot', ...decodeSnapshot(bytes) };
      case recordType.metadata:
        return { kind: 'record', record: 'metadata', index: 0, term: 0 };
      case recordType.crc:
        return { kind: 'record', record: 'crc', index: 0, term: 0 };
      default:
        return null;
    }
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
