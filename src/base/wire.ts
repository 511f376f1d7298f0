/** The protobuf wire format by hand, for the few records that are read and written all the time. */
import { assert } from './assert.ts';

export type WireErrorCode = 'wire: unexpected end' | 'wire: number out of range' | 'wire: illegal field';

/** Bytes that are not a well-formed protobuf message. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;
  constructor(code: WireErrorCode, at: number) {
    super(`${code} at byte ${at}`);
    this.code = code;
  }
}

/** Wire types, the low three bits of a tag. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const twoTo32 = 4294967296;

/** How many bytes the varint of a safe non-negative integer takes, 1 to 8. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** The size of a varint field with a field number below 16. */
export const uintFieldSize = (value: number): number => 1 + varintSize(value);

/** The size of a bytes field with a field number below 16. */
export const bytesFieldSize = (data: Uint8Array): number => 1 + varintSize(data.length) + data.length;

/** The size of a 64-bit integer field with a field number below 16; negative numbers take ten bytes. */
export function int64FieldSize(value: bigint): number {
  let size = 2;
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) size++;
  return size;
}

/** Writes fields into a buffer of the exact size, which the caller has added up. */
export class WireWriter {
  private readonly buffer: Uint8Array;
  private at = 0;

  constructor(sizeBytes: number) {
    this.buffer = new Uint8Array(sizeBytes);
  }

  /** A varint field, written even when it is zero. `value` is a safe non-negative integer. */
  uint(field: number, value: number): void {
    this.varint(field * 8 + wireType.varint);
    this.varint(value);
  }

  /** A 64-bit varint field, signed values as two's complement. */
  int64(field: number, value: bigint): void {
    this.varint(field * 8 + wireType.varint);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 128n; rest >>= 7n) this.buffer[this.at++] = Number(rest & 127n) | 128;
    this.buffer[this.at++] = Number(rest);
  }

  bytes(field: number, data: Uint8Array): void {
    this.varint(field * 8 + wireType.bytes);
    this.varint(data.length);
    this.buffer.set(data, this.at);
    this.at += data.length;
  }

  /** The message; everything announced must have been written. */
  finish(): Uint8Array {
    assert(this.at === this.buffer.length, 'wire: the message is not as long as was announced');
    return this.buffer;
  }

  private varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'wire: value is not a safe non-negative integer');
    let rest = value;
    for (; rest >= twoTo32; rest = Math.floor(rest / 128)) this.buffer[this.at++] = (rest % 128) | 128;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.at++] = (rest & 127) | 128;
    this.buffer[this.at++] = rest;
  }
}

/** Reads the fields of one message in the order in which they stand. Throws WireError. */
export class WireReader {
  private readonly source: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.source = bytes;
  }

  /** The next tag, field * 8 + wire type, or 0 at the end. */
  tag(): number {
    if (this.at === this.source.length) return 0;
    const tag = this.uint();
    if (tag < 8 || tag >= twoTo32) throw new WireError('wire: illegal field', this.at);
    return tag;
  }

  /** A varint that must be a safe non-negative integer. */
  uint(): number {
    const start = this.at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 128;
    }
    throw new WireError('wire: number out of range', start);
  }

  /** A varint of 64 bits as a signed number. */
  int64(): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw new WireError('wire: number out of range', start);
  }

  /** A copy of a bytes field's content. */
  bytes(): Uint8Array {
    const length = this.uint();
    const end = this.at + length;
    if (end > this.source.length) throw new WireError('wire: unexpected end', this.source.length);
    const data = this.source.slice(this.at, end);
    this.at = end;
    return data;
  }

  /** Passes over a field that the caller does not know. */
  skip(tag: number): void {
    const type = tag % 8;
    if (type === wireType.varint) while (this.byte() >= 128);
    else if (type === wireType.fixed64) this.at += 8;
    else if (type === wireType.bytes) {
      const length = this.uint();
      this.at += length;
    } else if (type === wireType.fixed32) this.at += 4;
    else throw new WireError('wire: illegal field', this.at);
    if (this.at > this.source.length) throw new WireError('wire: unexpected end', this.source.length);
  }

  private byte(): number {
    if (this.at >= this.source.length) throw new WireError('wire: unexpected end', this.source.length);
    return this.source[this.at++];
  }
}
