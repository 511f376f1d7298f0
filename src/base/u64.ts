/**
 * 64-bit unsigned integers on the wire as two u32 halves; `number` up to 2^53-1, `bigint` only for 64-bit
 * ids.
 */
import { assert } from './assert.ts';

const twoTo32 = 4294967296;

/** Reads a little-endian u64 as a number; the result is past 2^53 (and not exact) only for hostile input. */
export function readU64le(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * twoTo32;
}

/** Writes a safe non-negative integer as a little-endian u64. */
export function writeU64le(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'u64: value is not a safe non-negative integer');
  view.setUint32(at, value % twoTo32, true);
  view.setUint32(at + 4, Math.floor(value / twoTo32), true);
}

/** Reads a big-endian u64 as a number, inexact past 2^53. */
export function readU64be(view: DataView, at: number): number {
  return view.getUint32(at, false) * twoTo32 + view.getUint32(at + 4, false);
}

/** Writes a safe non-negative integer as a big-endian u64. */
export function writeU64be(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'u64: value is not a safe non-negative integer');
  view.setUint32(at, Math.floor(value / twoTo32), false);
  view.setUint32(at + 4, value % twoTo32, false);
}

/** As `writeU64be`, for an array that has no view yet: making one costs more than eight bytes do. */
export function putU64be(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'u64: value is not a safe non-negative integer');
  const high = Math.floor(value / twoTo32);
  for (let i = 0; i < 4; i++) {
    bytes[at + i] = high >>> (24 - 8 * i);
    bytes[at + 4 + i] = value >>> (24 - 8 * i);
  }
}

/** An unsigned 64-bit id in lower-case hex without leading zeros, as etcdctl prints ids. */
export function idToHex(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}

/**
 * Reads a signed 64-bit number in hex, with or without a sign, as Go's strconv.ParseInt(text, 16, 64) does.
 * @returns null for what is no such number, or is out of range
 */
export function int64FromHex(text: string): bigint | null {
  const match = /^([+-]?)([0-9a-fA-F]+)$/.exec(text);
  if (match === null || match[2].length > 64) return null;
  const magnitude = BigInt(`0x${match[2]}`);
  const value = match[1] === '-' ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : null;
}
