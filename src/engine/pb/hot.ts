/** mvccpb.KeyValue and raftpb.Entry by hand: the two messages that every write touches many times. */
import { emptyBytes } from '../../base/bytes.ts';
import {
  bytesFieldSize,
  int64FieldSize,
  uintFieldSize,
  WireReader,
  WireWriter,
  varintTag,
  bytesTag,
} from '../../base/wire.ts';

/** A key's state at one revision. A tombstone has a key alone; its other fields are zero or empty. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  /** 0n: none. */
  readonly lease: bigint;
}

/** raftpb.Entry with plain numbers; `data` null is Go's nil: the field is not written. */
export interface EntryRecord {
  readonly type: number;
  readonly term: number;
  readonly index: number;
  readonly data: Uint8Array | null;
}

/** Encodes a KeyValue in field order, zero and empty fields omitted, as proto3 does. */
export function encodeKeyValue(kv: KeyValue): Uint8Array {
  let size = 0;
  if (kv.key.length > 0) size += bytesFieldSize(kv.key);
  if (kv.createRevision !== 0) size += uintFieldSize(kv.createRevision);
  if (kv.modRevision !== 0) size += uintFieldSize(kv.modRevision);
  if (kv.version !== 0) size += uintFieldSize(kv.version);
  if (kv.value.length > 0) size += bytesFieldSize(kv.value);
  if (kv.lease !== 0n) size += int64FieldSize(kv.lease);
  const writer = new WireWriter(size);
  if (kv.key.length > 0) writer.bytes(1, kv.key);
  if (kv.createRevision !== 0) writer.uint(2, kv.createRevision);
  if (kv.modRevision !== 0) writer.uint(3, kv.modRevision);
  if (kv.version !== 0) writer.uint(4, kv.version);
  if (kv.value.length > 0) writer.bytes(5, kv.value);
  if (kv.lease !== 0n) writer.int64(6, kv.lease);
  return writer.finish();
}

/**
 * Decodes a KeyValue; the last of a repeated field counts and unknown fields are passed over.
 * @returns copies of the key and the value
 * @throws WireError when the bytes are no message, or a revision is negative or past 2^53
 */
export function decodeKeyValue(bytes: Uint8Array): KeyValue {
  const kv = { key: emptyBytes, createRevision: 0, modRevision: 0, version: 0, value: emptyBytes, lease: 0n };
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === bytesTag(1)) kv.key = reader.bytes();
    else if (tag === varintTag(2)) kv.createRevision = reader.uint();
    else if (tag === varintTag(3)) kv.modRevision = reader.uint();
    else if (tag === varintTag(4)) kv.version = reader.uint();
    else if (tag === bytesTag(5)) kv.value = reader.bytes();
    else if (tag === varintTag(6)) kv.lease = reader.int64();
    else reader.skip(tag);
  }
  return kv;
}

/** The size of an encoded Entry in bytes. */
export function entrySize({ type, term, index, data }: EntryRecord): number {
  const numbersSize = uintFieldSize(type) + uintFieldSize(term) + uintFieldSize(index);
  return numbersSize + (data === null ? 0 : bytesFieldSize(data));
}

/** Writes an Entry's fields: as the message itself, or in a message that holds it. */
export function writeEntry(writer: WireWriter, { type, term, index, data }: EntryRecord): void {
  writer.uint(1, type);
  writer.uint(2, term);
  writer.uint(3, index);
  if (data !== null) writer.bytes(4, data);
}

/**
 * Encodes an Entry with its type, term and index even when they are zero: the bytes of etcd up to 3.6,
 * whose generated code knows no field presence for them.
 */
export function encodeEntry(entry: EntryRecord): Uint8Array {
  const writer = new WireWriter(entrySize(entry));
  writeEntry(writer, entry);
  return writer.finish();
}

/** As `readEntry`, of bytes that are one whole message. */
export function decodeEntry(bytes: Uint8Array): EntryRecord {
  return readEntry(new WireReader(bytes));
}

/**
 * Reads an Entry; unknown fields are passed over.
 * @throws WireError when the bytes are no message or a number is past 2^53
 */
export function readEntry(reader: WireReader): EntryRecord {
  const entry: { type: number; term: number; index: number; data: Uint8Array | null } = {
    type: 0,
    term: 0,
    index: 0,
    data: null,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) entry.type = reader.uint();
    else if (tag === varintTag(2)) entry.term = reader.uint();
    else if (tag === varintTag(3)) entry.index = reader.uint();
    else if (tag === bytesTag(4)) entry.data = reader.bytes();
    else reader.skip(tag);
  }
  return entry;
}
