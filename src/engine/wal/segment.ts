/** The log's files: their names and which of them a start needs. */
import { WalError } from './errors.ts';

export const walFolder = 'member/wal/';

/** A segment is full at 64 million bytes (not 64 MiB). @source etcd wal/wal.go SegmentSizeBytes */
export const segmentSizeBytes = 64_000_000;

export interface Segment {
  /** Path within the data directory. */
  readonly file: string;
  /** The segment's number, from 0 without gaps. */
  readonly sequence: number;
  /** The first entry that can be in it. */
  readonly firstIndex: number;
}

/** A segment by its numbers; each is 16 hex digits in the file's name. */
export function segmentOf(sequence: number, firstIndex: number): Segment {
  return { file: `${walFolder}${hex16(sequence)}-${hex16(firstIndex)}.wal`, sequence, firstIndex };
}

const hex16 = (value: number): string => value.toString(16).padStart(16, '0');

const namePattern = /^member\/wal\/([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/** The segments among a data directory's files, in order; others, as etcd's spare `0.tmp`, are left out. */
export function listSegments(files: Iterable<string>): Segment[] {
  const segments: Segment[] = [];
  for (const file of files) {
    const match = namePattern.exec(file);
    if (match === null) continue;
    segments.push({ file, sequence: parseInt(match[1], 16), firstIndex: parseInt(match[2], 16) });
  }
  return segments.sort((a, b) => a.sequence - b.sequence || a.firstIndex - b.firstIndex);
}

/**
 * The segments from the last one that can hold the entry after `index`.
 * @throws WalError 'wal: file not found' when none starts that early or their numbers have a gap
 * @source etcd wal/wal.go selectWALFiles
 */
export function selectSegments(segments: readonly Segment[], index: number): readonly Segment[] {
  const from = segments.findLastIndex((segment) => segment.firstIndex <= index);
  if (from < 0) throw new WalError('wal: file not found', `no segment holds entry ${index}`);
  const selected = segments.slice(from);
  const hasGap = selected.some((segment, i) => segment.sequence !== selected[0].sequence + i);
  if (hasGap) throw new WalError('wal: file not found', 'the segments are not numbered without gaps');
  return selected;
}
