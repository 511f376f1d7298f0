/**
 * A put's messages by hand, from the client's request over the log's entry to the answer: they are most of
 * what a busy cluster reads and writes. Readers answer null for what they do not know or do not expect, be it
 * an unknown field or damage: the library decides over that.
 */
import { emptyBytes } from '../../base/bytes.ts';
import {
  bytesFieldSize,
  int64FieldSize,
  uintFieldSize,
  varintSize,
  WireError,
  WireReader,
  WireWriter,
  varintTag,
  bytesTag,
} from '../../base/wire.ts';
import type { PutRequest } from './gen/rpc_pb.ts';

/** The fields of a PutRequest, as a message of the library's has them. */
export type PutFields = Omit<PutRequest, '$typeName' | '$unknown'>;

/** An InternalRaftRequest that holds a put of a user without a name. */
export interface LoggedPut {
  readonly id: bigint;
  readonly authRevision: number;
  readonly put: PutRequest;
}

/** A ResponseHeader. */
export interface HeaderFields {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
}

const putField = 4;
const headerField = 100;

/** Null where a message is damaged. */
function readOrNull<Message>(
  bytes: Uint8Array,
  read: (reader: WireReader) => Message | null,
): Message | null {
  try {
    return read(new WireReader(bytes));
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

/** Reads fields that stand once each and in their order; false where they do not, or one is not taken. */
function readFields(reader: WireReader, take: (tag: number) => boolean): boolean {
  let last = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag <= last || !take(tag)) return false;
    last = tag;
  }
  return true;
}

function putFrom(reader: WireReader): PutRequest | null {
  const put: PutRequest = {
    $typeName: 'etcdserverpb.PutRequest',
    key: emptyBytes,
    value: emptyBytes,
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  };
  let last = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag <= last) return null;
    last = tag;
    if (tag === bytesTag(1)) put.key = reader.view();
    else if (tag === bytesTag(2)) put.value = reader.view();
    else if (tag === varintTag(3)) put.lease = reader.int64();
    else if (tag === varintTag(4)) put.prevKv = reader.uint() !== 0;
    else if (tag === varintTag(5)) put.ignoreValue = reader.uint() !== 0;
    else if (tag === varintTag(6)) put.ignoreLease = reader.uint() !== 0;
    else return null;
  }
  return put;
}

/** Reads a PutRequest; key and value are views of the bytes. */
export function readPutRequest(bytes: Uint8Array): PutRequest | null {
  return readOrNull(bytes, putFrom);
}

function putSize({ key, value, lease, prevKv, ignoreValue, ignoreLease }: PutFields): number {
  let size = 0;
  if (key.length > 0) size += bytesFieldSize(key);
  if (value.length > 0) size += bytesFieldSize(value);
  if (lease !== 0n) size += int64FieldSize(lease);
  for (const flag of [prevKv, ignoreValue, ignoreLease]) if (flag) size += 2;
  return size;
}

function writePut(writer: WireWriter, put: PutFields): void {
  if (put.key.length > 0) writer.bytes(1, put.key);
  if (put.value.length > 0) writer.bytes(2, put.value);
  if (put.lease !== 0n) writer.int64(3, put.lease);
  if (put.prevKv) writer.uint(4, 1);
  if (put.ignoreValue) writer.uint(5, 1);
  if (put.ignoreLease) writer.uint(6, 1);
}

export function encodePutRequest(put: PutFields): Uint8Array {
  const writer = new WireWriter(putSize(put));
  writePut(writer, put);
  return writer.finish();
}

/** Encodes an InternalRaftRequest as a user without a name makes it. */
export function encodeLoggedPut(id: bigint, authRevision: number, put: PutFields): Uint8Array {
  const sizeBytes = putSize(put);
  const headerBytes =
    (id === 0n ? 0 : int64FieldSize(id)) + (authRevision === 0 ? 0 : uintFieldSize(authRevision));
  // the header's field number takes two bytes
  const writer = new WireWriter(1 + varintSize(sizeBytes) + sizeBytes + 3 + headerBytes);
  writer.head(putField, sizeBytes);
  writePut(writer, put);
  writer.head(headerField, headerBytes);
  if (id !== 0n) writer.int64(1, id);
  if (authRevision !== 0) writer.uint(3, authRevision);
  return writer.finish();
}

/** Reads an InternalRaftRequest that is a put; null for any other request. */
export function readLoggedPut(bytes: Uint8Array): LoggedPut | null {
  return bytes[0] === bytesTag(putField) ? readOrNull(bytes, loggedPutFrom) : null;
}

function loggedPutFrom(reader: WireReader): LoggedPut | null {
  reader.tag();
  const put = putFrom(reader.message());
  if (put === null || reader.tag() !== bytesTag(headerField)) return null;
  const header = reader.message();
  let id = 0n;
  let authRevision = 0;
  const isKnown = readFields(header, (tag) => {
    if (tag === varintTag(1)) id = BigInt.asUintN(64, header.int64());
    else if (tag === varintTag(3)) authRevision = header.uint();
    else return false;
    return true;
  });
  return isKnown && reader.tag() === 0 ? { id, authRevision, put } : null;
}

/** Encodes a PutResponse without a pair. */
export function encodePutResponse(header: HeaderFields): Uint8Array {
  const { clusterId, memberId, revision, raftTerm } = header;
  let headerBytes = 0;
  if (clusterId !== 0n) headerBytes += int64FieldSize(clusterId);
  if (memberId !== 0n) headerBytes += int64FieldSize(memberId);
  if (revision !== 0) headerBytes += uintFieldSize(revision);
  if (raftTerm !== 0) headerBytes += uintFieldSize(raftTerm);
  const writer = new WireWriter(1 + varintSize(headerBytes) + headerBytes);
  writer.head(1, headerBytes);
  if (clusterId !== 0n) writer.int64(1, clusterId);
  if (memberId !== 0n) writer.int64(2, memberId);
  if (revision !== 0) writer.uint(3, revision);
  if (raftTerm !== 0) writer.uint(4, raftTerm);
  return writer.finish();
}

/** Reads the header of a PutResponse without a pair. */
export function readPutResponse(bytes: Uint8Array): HeaderFields | null {
  return readOrNull(bytes, (reader) => {
    if (reader.tag() !== bytesTag(1)) return null;
    const header = reader.message();
    let [clusterId, memberId, revision, raftTerm] = [0n, 0n, 0, 0];
    const isKnown = readFields(header, (tag) => {
      if (tag === varintTag(1)) clusterId = BigInt.asUintN(64, header.int64());
      else if (tag === varintTag(2)) memberId = BigInt.asUintN(64, header.int64());
      else if (tag === varintTag(3)) revision = header.uint();
      else if (tag === varintTag(4)) raftTerm = header.uint();
      else return false;
      return true;
    });
    return isKnown && reader.tag() === 0 ? { clusterId, memberId, revision, raftTerm } : null;
  });
}
