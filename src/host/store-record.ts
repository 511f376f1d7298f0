/**
 * The packed form of a write to a store, commits with the inputs that led to them: one exactly sized record a
 * transaction, checked when read.
 */
import { crc32c } from '../base/checksum.ts';
import { emptyBytes } from '../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { nodeId } from '../engine/raft/types.ts';
import type { StoreCommit, StoreOp } from '../sim/types.ts';
import { StoreError } from './page-store.ts';
import type { InputsPart } from './stored-inputs.ts';
import { checkPart, parsedJson } from './stored-inputs.ts';

/** "QLR2", little-endian; "QLR1" is a record of the first format, which holds commits alone. */
const magic = 0x32524c51;
const firstMagic = 0x31524c51;
const headerBytes = 12;
const opCodes = { write: 1, truncate: 2, rename: 3, remove: 4 } as const;

/** No file of a lab grows past this; a record that says otherwise is damaged. */
export const largestFileBytes = 1024 * 1024 * 1024;
/** In UTF-16 units. */
export const longestName = 255;

/** One write: the commits of a transaction. `inputs` null: nobody knows how they came about. */
export interface StoreWrite {
  readonly commits: readonly StoreCommit[];
  readonly inputs: InputsPart | null;
}

/**
 * Packs a write, little-endian: magic u32 | CRC-32C of all that follows u32 | inputs, JSON as a text, empty
 * where there are none | commit count u32 | commits. A commit: member u32 | commit f64 | time f64, virtual us
 * | op count u32 | ops. An op: kind u32 (1 write, 2 truncate, 3 rename, 4 remove) | file, text | write:
 * offset f64, length u32, bytes; truncate: size f64; rename: to, text. A text: length u32 | UTF-8.
 */
export function packWrite({ commits, inputs }: StoreWrite): ArrayBuffer {
  const names = new Map<string, Uint8Array>();
  const encoded = (name: string): Uint8Array => {
    const bytes = names.get(name) ?? encodeUtf8(name);
    names.set(name, bytes);
    return bytes;
  };
  const text = inputs === null ? emptyBytes : encodeUtf8(JSON.stringify(inputs));
  let size = headerBytes + 4 + text.length;
  for (const commit of commits) {
    size += 24;
    for (const op of commit.ops) size += opBytes(op, encoded);
  }
  const writer = new Writer(new Uint8Array(size));
  writer.u32(magic);
  writer.u32(0);
  writer.sized(text);
  writer.u32(commits.length);
  for (const commit of commits) packCommit(writer, commit, encoded);
  writer.view.setUint32(4, crc32c(writer.bytes, 0, 8), true);
  return writer.bytes.buffer;
}

function opBytes(op: StoreOp, encoded: (name: string) => Uint8Array): number {
  const named = 8 + encoded(op.file).length;
  switch (op.kind) {
    case 'write':
      return named + 12 + op.data.length;
    case 'truncate':
      return named + 8;
    case 'rename':
      return named + 4 + encoded(op.to).length;
    case 'remove':
      return named;
    default:
      return op satisfies never;
  }
}

function packCommit(writer: Writer, commit: StoreCommit, encoded: (name: string) => Uint8Array): void {
  writer.u32(commit.member);
  writer.f64(commit.commit);
  writer.f64(commit.timeUs);
  writer.u32(commit.ops.length);
  for (const op of commit.ops) {
    writer.u32(opCodes[op.kind]);
    writer.sized(encoded(op.file));
    if (op.kind === 'write') {
      writer.f64(op.offset);
      writer.sized(op.data);
    } else if (op.kind === 'truncate') writer.f64(op.sizeBytes);
    else if (op.kind === 'rename') writer.sized(encoded(op.to));
  }
}

/**
 * Unpacks a record. The commits' data are views into it.
 * @param members the lab's member count: a commit of any other member is damage
 * @throws StoreError 'store damaged' on anything that `packWrite` would not have made, now or in the first
 *   format
 */
export function unpackWrite(record: unknown, members: number): StoreWrite {
  if (!(record instanceof ArrayBuffer) || record.byteLength < headerBytes)
    damaged('a record of the log is no record');
  const reader = new Reader(new Uint8Array(record));
  const format = reader.u32();
  if (format !== magic && format !== firstMagic) damaged('a record of the log has a wrong magic number');
  if (reader.u32() !== crc32c(reader.bytes, 0, 8)) damaged('a record of the log fails its checksum');
  const text = format === magic ? reader.sized() : emptyBytes;
  const inputs = text.length === 0 ? null : checkPart(parsedJson(text));
  const commits: StoreCommit[] = [];
  for (let count = reader.u32(); count > 0; count--) commits.push(unpackCommit(reader, members));
  if (!reader.done) damaged('a record of the log is too long');
  return { commits, inputs };
}

function unpackCommit(reader: Reader, members: number): StoreCommit {
  const member = reader.u32();
  if (member < 1 || member > members) damaged(`a record of the log names member ${member}`);
  const commit = reader.integer(Number.MAX_SAFE_INTEGER);
  const timeUs = reader.integer(Number.MAX_SAFE_INTEGER);
  const ops: StoreOp[] = [];
  for (let count = reader.u32(); count > 0; count--) ops.push(unpackOp(reader));
  return { member: nodeId(member), commit, timeUs, urgent: true, ops };
}

function unpackOp(reader: Reader): StoreOp {
  const code = reader.u32();
  const file = reader.name();
  switch (code) {
    case opCodes.write: {
      const offset = reader.integer(largestFileBytes);
      const data = reader.sized();
      if (offset + data.length > largestFileBytes)
        damaged('a record of the log writes past the largest file');
      return { kind: 'write', file, offset, data };
    }
    case opCodes.truncate:
      return { kind: 'truncate', file, sizeBytes: reader.integer(largestFileBytes) };
    case opCodes.rename:
      return { kind: 'rename', file, to: reader.name() };
    case opCodes.remove:
      return { kind: 'remove', file };
    default:
      return damaged(`a record of the log holds an operation ${code}`);
  }
}

/** Throws what an open tells of stored data that are not as the lab writes them. */
export function damaged(what: string): never {
  throw new StoreError(
    'store damaged',
    `The stored lab is damaged: ${what}. Delete the stored data to begin anew.`,
  );
}

class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  u32(value: number): void {
    this.view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  f64(value: number): void {
    this.view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  get done(): boolean {
    return this.#at === this.bytes.length;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A double that is an integer from 0 to `max`. */
  integer(max: number): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (!Number.isSafeInteger(value) || value < 0 || value > max)
      damaged('a record of the log holds a wrong number');
    return value;
  }

  sized(): Uint8Array {
    const length = this.u32();
    const from = this.#take(length);
    return this.bytes.subarray(from, from + length);
  }

  name(): string {
    const name = decodeUtf8(this.sized());
    if (name === '' || name.length > longestName) damaged('a record of the log names no proper file');
    return name;
  }

  #take(count: number): number {
    const from = this.#at;
    if (from + count > this.bytes.length) damaged('a record of the log ends too early');
    this.#at += count;
    return from;
  }
}
