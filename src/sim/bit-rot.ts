/** Bit rot: which bytes of a member's files are in a zone, and which of their bits change. */
import { MemoryPager } from '../engine/bolt/pager.ts';
import { elementBytes, pageHeaderBytes } from '../engine/bolt/page.ts';
import { xray } from '../engine/bolt/xray.ts';
import { decodeFrameSize, frameHeaderBytes } from '../engine/wal/record.ts';
import { backendFile } from '../engine/server/disk.ts';
import type { Prng } from '../base/prng.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { RotZone } from './fault-types.ts';

/** Bytes [from, to) of a file, all of which mean something. */
interface Span {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

export interface Flip {
  readonly file: string;
  readonly offset: number;
  readonly bits: number;
}

const silentSink = { write: () => {}, sync: () => {}, truncate: () => {} };
const metaBodyBytes = 64;
const freelistIdBytes = 8;

/**
 * Draws bits of the zone: each bit at a place of its own, as far as there is room.
 * @param page of the store; null: any of the zone
 * @returns empty where the disk holds nothing of the kind
 */
export function drawFlips(
  draws: Prng,
  files: DiskImage,
  zone: RotZone,
  bitCount: number,
  page: number | null,
): Flip[] {
  const spans = spansOf(files, zone, page);
  if (spans.length === 0) return [];
  const { file, from, to } = spans[draws.below(spans.length)];
  const flips = new Map<number, number>();
  for (let i = 0; i < bitCount; i++) {
    const bit = draws.below((to - from) * 8);
    const offset = from + Math.floor(bit / 8);
    flips.set(offset, (flips.get(offset) ?? 0) | (1 << (bit % 8)));
  }
  return [...flips].sort(([a], [b]) => a - b).map(([offset, bits]) => ({ file, offset, bits }));
}

function spansOf(files: DiskImage, zone: RotZone, page: number | null): Span[] {
  if (zone === 'wal') {
    const isLog = (file: string): boolean => file.startsWith('member/wal/') && file.endsWith('.wal');
    return newest(files, isLog).flatMap((span) => recordSpans(files, span));
  }
  if (zone === 'snapshot') return newest(files, (file) => file.endsWith('.snap'));
  const image = files.get(backendFile);
  return image === undefined || image.length === 0 ? [] : pageSpans(image, zone, page);
}

/** What was written of the last of these files by name: zeros at its end are room. */
function newest(files: DiskImage, isKind: (file: string) => boolean): Span[] {
  const names = [...files.keys()].filter(isKind).sort();
  const file = names[names.length - 1];
  const bytes = file === undefined ? undefined : files.get(file);
  if (file === undefined || bytes === undefined) return [];
  let to = bytes.length;
  while (to > 0 && bytes[to - 1] === 0) to--;
  return to === 0 ? [] : [{ file, from: 0, to }];
}

/**
 * The log's records without their lengths: a length that is off reads as a write that was never finished, in
 * etcd too, and the log ends there without a word.
 */
function recordSpans(files: DiskImage, { file, to: end }: Span): Span[] {
  const bytes = files.get(file) as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const spans: Span[] = [];
  for (let at = 0; at + frameHeaderBytes < end;) {
    const { size, padding } = decodeFrameSize(view, at);
    const from = at + frameHeaderBytes;
    if (size === 0 || from + size > bytes.length) break;
    spans.push({ file, from, to: from + size });
    at = from + size + padding;
  }
  return spans;
}

function pageSpans(image: Uint8Array, zone: RotZone, wanted: number | null): Span[] {
  const spans: Span[] = [];
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const found: { pgid: number; count: number }[] = [];
  const report = xray(new MemoryPager(image, silentSink), {
    page: ({ pgid, kind, count }) => {
      if (kind === zone && (wanted === null || wanted === pgid)) found.push({ pgid, count });
    },
  });
  const pageSize = report.chosen?.pageSize ?? 0;
  for (const { pgid, count } of pageSize === 0 ? [] : found) {
    const from = pgid * pageSize;
    const to = from + pageHeaderBytes + usedBytes(view, from + pageHeaderBytes, zone, count);
    spans.push({ file: backendFile, from, to: Math.min(to, image.length) });
  }
  return spans;
}

/** How many bytes after its header a page of the kind uses. */
function usedBytes(view: DataView, at: number, zone: RotZone, count: number): number {
  if (zone === 'meta') return metaBodyBytes;
  if (zone === 'freelist') return count * freelistIdBytes;
  if (count === 0) return 0;
  const last = (count - 1) * elementBytes;
  const word = (i: number): number => view.getUint32(at + last + 4 * i, true);
  // a leaf's element: flags, position, key size, value size; a branch's: position, key size, child
  return last + (zone === 'leaf' ? word(1) + word(2) + word(3) : word(0) + word(1));
}
