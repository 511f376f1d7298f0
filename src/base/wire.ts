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

/** The tag of a field that is a varint. */
export const varintTag = (field: number): number => field * 8 + wireType.varint;
/** The tag of a field that is bytes, text or a message. */
export const bytesTag = (field: number): number => field * 8 + wireType.bytes;

const twoTo32 = 4294967296;

/** How many bytes the varint of a safe non-negative integer takes, 1 to 8. */
export function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16384) return 2;
  let size = 2;
  for (let rest = Math.floor(value / 16384); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** The size of a varint field with a field number below 16. */
export const uintFieldSize = (value: number): number => 1 + varintSize(value);

/** The size of a bytes field with a field number below 16. */
export const bytesFieldSize = (data: Uint8Array): number => 1 + varintSize(data.length) + data.length;

/** The size of a 64-bit integer field with a field number below 16; negative numbers take ten bytes. */
export function int64FieldSize(value: bigint): number {
  const high = highHalf(value);
  if (high === 0) return 1 + varintSize(lowHalf(value));
  return high < 8 ? 6 : 6 + varintSize(high >>> 3);
}

/** The halves of a 64-bit number: shifting those is many times quicker than shifting the whole. */
const lowHalf = (value: bigint): number => Number(BigInt.asUintN(32, value));
const highHalf = (value: bigint): number => Number(BigInt.asUintN(32, value >> 32n));

/** Writes fields into a buffer of the exact size, which the caller has added up. */
export class WireWriter {
  private readonly buffer: Uint8Array;
  private at = 0;

  constructor(sizeBytes: number) {
    this.buffer = new Uint8Array(sizeBytes);
  }

  /** A varint field, written even when it is zero. `value` is a safe non-negative integer. */
  uint(field: number, value: number): void {
    this.varint(varintTag(field));
    this.varint(value);
  }

  /** A 64-bit varint field, signed values as two's complement. */
  int64(field: number, value: bigint): void {
    this.varint(varintTag(field));
    const low = lowHalf(value);
    const high = highHalf(value);
    if (high === 0) return this.varint(low);
    for (let shift = 0; shift < 28; shift += 7) this.buffer[this.at++] = (low >>> shift) | 128;
    const middle = (low >>> 28) | ((high & 7) << 4);
    this.buffer[this.at++] = high < 8 ? middle : middle | 128;
    if (high >= 8) this.varint(high >>> 3);
  }

  bytes(field: number, data: Uint8Array): void {
    this.head(field, data.length);
    this.content(data);
  }

  /** The head of a field of so many bytes, which follow: a message's own fields, or `content`. */
  head(field: number, sizeBytes: number): void {
    this.varint(bytesTag(field));
    this.varint(sizeBytes);
  }

  /** What a field's head has announced, or a part of it. */
  content(data: Uint8Array): void {
    this.buffer.set(data, this.at);
    this.at += data.length;
  }

  /** Four bytes before or behind fields, little-endian. */
  u32le(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.buffer[this.at++] = value >>> shift;
  }

  /** So many zeros. */
  zeros(count: number): void {
    this.at += count;
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
    for (; rest >= 128; rest >>>= 7) this.buffer[this.at++] = (rest & 127) | 128;
    this.buffer[this.at++] = rest;
  }
}

/** Reads the fields of one message in the order in which they stand. Throws WireError. */
export class WireReader {
  private readonly source: Uint8Array;
  private at: number;
  private readonly end: number;

  /** @param from where the message begins in the bytes, `end` where it ends */
  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.source = bytes;
    this.at = from;
    this.end = end;
  }

  /** The next tag, field * 8 + wire type, or 0 at the end. */
  tag(): number {
    if (this.at === this.end) return 0;
    const tag = this.uint();
    if (tag < 8 || tag >= twoTo32) throw new WireError('wire: illegal field', this.at);
    return tag;
  }

  /** A varint that must be a safe non-negative integer. */
  uint(): number {
    const start = this.at;
    let value = this.byte();
    if (value < 128) return value;
    value &= 127;
    let scale = 128;
    for (let i = 1; i < 8; i++) {
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
    // 28 bits each, and what is left
    let [low, middle, high] = [0, 0, 0];
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      if (i < 4) low |= (byte & 127) << (7 * i);
      else if (i < 8) middle |= (byte & 127) << (7 * i - 28);
      else high |= (byte & 127) << (7 * i - 56);
      if (byte >= 128) continue;
      if (i < 7) return BigInt(low + middle * 268435456);
      return (BigInt((middle >>> 4) | (high << 24)) << 32n) | BigInt((low | (middle << 28)) >>> 0);
    }
    throw new WireError('wire: number out of range', start);
  }

  /** A copy of a bytes field's content. */
  bytes(): Uint8Array {
    const end = this.content();
    const data = this.source.slice(this.at, end);
    this.at = end;
    return data;
  }

  /** A bytes field's content in the place where it stands. */
  view(): Uint8Array {
    const end = this.content();
    const data = this.source.subarray(this.at, end);
    this.at = end;
    return data;
  }

  /** Passes over a bytes field whose content is this; else false, and the field is still to be read. */
  skipIf(expected: Uint8Array): boolean {
    const start = this.at;
    const end = this.content();
    let same = end - this.at === expected.length;
    for (let i = 0; same && i < expected.length; i++) same = this.source[this.at + i] === expected[i];
    this.at = same ? end : start;
    return same;
  }

  /** A reader of the message that a field holds. */
  message(): WireReader {
    const end = this.content();
    const reader = new WireReader(this.source, this.at, end);
    this.at = end;
    return reader;
  }

  /** Where a bytes field's content ends. */
  private content(): number {
    const length = this.uint();
    const end = this.at + length;
    if (end > this.end) throw new WireError('wire: unexpected end', this.end);
    return end;
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
    if (this.at > this.end) throw new WireError('wire: unexpected end', this.end);
  }

  private byte(): number {
    if (this.at >= this.end) throw new WireError('wire: unexpected end', this.end);
    return this.source[this.at++];
  }
}
