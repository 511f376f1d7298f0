/** Sizes of entries in bytes, for the limits on messages, on applying and on uncommitted data. */
import type { Entry } from './types.ts';

/** No limit at all. */
export const noLimit = Infinity;

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/**
 * The length of an entry as a raftpb.Entry on the wire: a byte of tag and a varint each for term and
 * index, tag, length and bytes of data if there are any, and two bytes of type for conf changes. An
 * EntryNormal counts no type: the current raftpb leaves it out, while the older generated code wrote its
 * zero (two bytes more).
 * @source etcd-io/raft util.go entsSize
 */
export function entrySize(entry: Entry): number {
  let size = 2 + varintLength(entry.term) + varintLength(entry.index);
  if (entry.type !== 'EntryNormal') size += 2;
  const dataLength = entry.data.length;
  if (dataLength > 0) size += 1 + varintLength(dataLength) + dataLength;
  return size;
}

export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entrySize(entry);
  return size;
}

/** How many entries from `from` on, before `to`, fit into `maxSize` bytes: at least one if there is one. */
export function countWithin(entries: readonly Entry[], from: number, to: number, maxSize: number): number {
  if (maxSize === noLimit || to - from <= 1) return to - from;
  let size = entrySize(entries[from]);
  for (let at = from + 1; at < to; at++) {
    size += entrySize(entries[at]);
    if (size > maxSize) return at - from;
  }
  return to - from;
}

/** Bytes of data alone; empty entries, as a new leader's first one, count nothing. */
export function payloadsSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.data.length;
  return size;
}
