/** One record of the log: its frame, its checksum chain and what it holds, in etcd 3.4's bytes. */
import { emptyBytes } from '../../base/bytes.ts';
import {
  int64FieldSize,
  uintFieldSize,
  varintSize,
  WireError,
  WireReader,
  WireWriter,
  varintTag,
  bytesTag,
} from '../../base/wire.ts';

/** @source etcd wal/wal.go, the record types */
export const recordType = { metadata: 1, entry: 2, state: 3, crc: 4, snapshot: 5 } as const;

export interface WalRecord {
  readonly type: number;
  /** CRC-32C over the data of all records up to this one; of a crc record: where the chain goes on from. */
  readonly crc: number;
  readonly data: Uint8Array | null;
}

/** An entry of the raft log. `data` is empty in the entry that opens a leader's term. */
export interface WalEntry {
  /** 0 normal, 1 configuration change, 2 configuration change of version 2. */
  readonly type: number;
  readonly term: number;
  readonly index: number;
  readonly data: Uint8Array;
}

/** Raft's hard state. `vote` is a 64-bit member id, 0n for none. */
export interface WalHardState {
  readonly term: number;
  readonly vote: bigint;
  readonly commit: number;
}

/** Where a snapshot stands in the log; (0, 0) is the empty one before the first entry. */
export interface WalSnapshot {
  readonly index: number;
  readonly term: number;
}

export const frameHeaderBytes = 8;

/** A record that is to be written. `tail`: what follows `data`, so that nobody has to put them together. */
export interface RecordParts {
  readonly type: number;
  readonly data: Uint8Array | null;
  readonly tail?: Uint8Array | undefined;
}

export interface SummedRecord extends RecordParts {
  /** As in `WalRecord`. */
  readonly crc: number;
}

/** The length of a record with its frame, in bytes. */
export function frameSize(record: SummedRecord): number {
  const size = recordSize(record);
  return frameHeaderBytes + size + paddingOf(size);
}

/** So many zeros follow a record of that length. */
const paddingOf = (size: number): number => (8 - (size % 8)) % 8;

/**
 * Writes a record in its frame: length u64 little-endian, then the record, then zeros up to a multiple of 8,
 * so that no length is ever torn across sectors. The length's low 56 bits count the record's bytes; with
 * padding the top byte is 0x80 plus the number of padding bytes.
 * @source etcd wal/encoder.go encodeFrameSize
 */
export function writeFrame(writer: WireWriter, record: SummedRecord): void {
  const { type, crc, data, tail } = record;
  const size = recordSize(record);
  const padding = paddingOf(size);
  writer.u32le(size);
  writer.u32le(padding > 0 ? ((0x80 | padding) << 24) >>> 0 : 0);
  writer.uint(1, type);
  writer.uint(2, crc);
  if (data !== null) {
    writer.head(3, dataSize(data, tail));
    writer.content(data);
    if (tail !== undefined) writer.content(tail);
  }
  writer.zeros(padding);
}

/** The sizes in a frame's header, in bytes. `size` is past 2^53 only in a damaged file. */
export function decodeFrameSize(view: DataView, at: number): { size: number; padding: number } {
  const high = view.getUint32(at + 4, true);
  const top = high >>> 24;
  const size = view.getUint32(at, true) + (high & 0xffffff) * 4294967296;
  return { size, padding: top >= 0x80 ? top & 7 : 0 };
}

/** The length of a record without its frame, in bytes. */
export function recordSize({ type, crc, data, tail }: SummedRecord): number {
  const numbersSize = uintFieldSize(type) + uintFieldSize(crc);
  if (data === null) return numbersSize;
  const size = dataSize(data, tail);
  return numbersSize + 1 + varintSize(size) + size;
}

const dataSize = (data: Uint8Array, tail: Uint8Array | undefined): number =>
  data.length + (tail === undefined ? 0 : tail.length);

/** @throws WireError when the bytes are no record */
export function decodeRecord(bytes: Uint8Array): WalRecord {
  const record: { type: number; crc: number; data: Uint8Array | null } = { type: 0, crc: 0, data: null };
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) record.type = reader.uint();
    else if (tag === varintTag(2)) record.crc = reader.uint();
    else if (tag === bytesTag(3)) record.data = reader.bytes();
    else reader.skip(tag);
  }
  return record;
}

/** The record that some bytes begin with, whatever follows it; null where they begin with none. */
export function decodeRecordAtStart(bytes: Uint8Array): WalRecord | null {
  try {
    const reader = new WireReader(bytes);
    if (reader.tag() !== varintTag(1)) return null;
    const type = reader.uint();
    if (reader.tag() !== varintTag(2)) return null;
    const crc = reader.uint();
    const hasData = type !== recordType.crc;
    if (hasData && reader.tag() !== bytesTag(3)) return null;
    return { type, crc, data: hasData ? reader.bytes() : null };
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

/** raftpb.Entry: every number is written, empty data are not. Its data, its last field, are the tail. */
export function entryRecord(entry: WalEntry): RecordParts {
  const { type, term, index, data: tail } = entry;
  const numbersSize = uintFieldSize(type) + uintFieldSize(term) + uintFieldSize(index);
  const hasData = tail.length > 0;
  const writer = new WireWriter(numbersSize + (hasData ? 1 + varintSize(tail.length) : 0));
  writer.uint(1, type);
  writer.uint(2, term);
  writer.uint(3, index);
  if (hasData) writer.head(4, tail.length);
  const data = writer.finish();
  return hasData ? { type: recordType.entry, data, tail } : { type: recordType.entry, data };
}

/** @throws WireError when the bytes are no entry */
export function decodeEntry(bytes: Uint8Array): WalEntry {
  const entry = { type: 0, term: 0, index: 0, data: emptyBytes };
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) entry.type = reader.uint();
    else if (tag === varintTag(2)) entry.term = reader.uint();
    else if (tag === varintTag(3)) entry.index = reader.uint();
    else if (tag === bytesTag(4)) entry.data = reader.bytes();
    else reader.skip(tag);
  }
  return entry;
}

/** raftpb.HardState, every number written. */
export function encodeHardState(state: WalHardState): Uint8Array {
  const size = uintFieldSize(state.term) + int64FieldSize(state.vote) + uintFieldSize(state.commit);
  const writer = new WireWriter(size);
  writer.uint(1, state.term);
  writer.int64(2, state.vote);
  writer.uint(3, state.commit);
  return writer.finish();
}

/** @throws WireError when the bytes are no hard state */
export function decodeHardState(bytes: Uint8Array): WalHardState {
  const state = { term: 0, vote: 0n, commit: 0 };
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) state.term = reader.uint();
    else if (tag === varintTag(2)) state.vote = BigInt.asUintN(64, reader.int64());
    else if (tag === varintTag(3)) state.commit = reader.uint();
    else reader.skip(tag);
  }
  return state;
}

/** walpb.Snapshot, every number written. */
export function encodeSnapshot(snapshot: WalSnapshot): Uint8Array {
  const writer = new WireWriter(uintFieldSize(snapshot.index) + uintFieldSize(snapshot.term));
  writer.uint(1, snapshot.index);
  writer.uint(2, snapshot.term);
  return writer.finish();
}

/** @throws WireError when the bytes are no snapshot mark */
export function decodeSnapshot(bytes: Uint8Array): WalSnapshot {
  const snapshot = { index: 0, term: 0 };
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) snapshot.index = reader.uint();
    else if (tag === varintTag(2)) snapshot.term = reader.uint();
    else reader.skip(tag);
  }
  return snapshot;
}
