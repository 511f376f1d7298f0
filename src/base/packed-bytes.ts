/** Bytes that are seldom read, deflated. */
import { deflateSync, inflateSync } from 'fflate';
import { assert } from './assert.ts';

/**
 * A few packed bytes are a text of one byte a character, which costs an engine far less than an array; more
 * are an array of their own.
 */
export type PackedBytes = string | Uint8Array<ArrayBuffer>;

const mostText = 2048;
/** The fastest that still packs, with a table of hashes that is quickly cleared. */
const fast = { level: 1, mem: 4 } as const;
const scratch = new Uint8Array(mostText);

export function packBytes(bytes: Uint8Array): PackedBytes {
  const packed = deflateSync(bytes, fast);
  return packed.length <= mostText ? String.fromCharCode(...packed) : packed;
}

/** @param size how many bytes were packed */
export function unpackBytes(packed: PackedBytes, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  const bytes = inflateSync(typeof packed === 'string' ? bytesOf(packed) : packed, { out });
  assert(bytes.length === size, 'packed bytes: they are as many as were packed');
  return out;
}

/** What an engine takes for them. */
export const packedSize = (packed: PackedBytes): number =>
  packed.length + (typeof packed === 'string' ? 24 : 200);

function bytesOf(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) scratch[i] = text.charCodeAt(i);
  return scratch.subarray(0, text.length);
}
