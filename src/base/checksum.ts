/** FNV-1a 64 (bbolt's meta pages) and CRC-32C (WAL, HashKV). */

/**
 * FNV-1a, 64 bits: offset basis cbf29ce484222325, prime 100000001b3, as Go's hash/fnv New64a.
 * The state is four 16-bit limbs, so that every product stays a safe integer without bigint.
 * @returns [low u32, high u32]
 */
export function fnv1a64(bytes: Uint8Array, from = 0, to = bytes.length): [number, number] {
  let a = 0x2325;
  let b = 0x8422;
  let c = 0x9ce4;
  let d = 0xcbf2;
  for (let i = from; i < to; i++) {
    a ^= bytes[i];
    // times 0x1b3, plus the state shifted left by 40 bits (the prime is 2^40 + 0x1b3)
    const a2 = a * 0x1b3;
    const b2 = b * 0x1b3 + (a2 >>> 16);
    const c2 = c * 0x1b3 + (b2 >>> 16) + ((a << 8) & 0xffff);
    const d2 = d * 0x1b3 + (c2 >>> 16) + (((b << 8) | (a >>> 8)) & 0xffff);
    a = a2 & 0xffff;
    b = b2 & 0xffff;
    c = c2 & 0xffff;
    d = d2 & 0xffff;
  }
  return [((b << 16) | a) >>> 0, ((d << 16) | c) >>> 0];
}

const crcTables: readonly Uint32Array[] = makeCrcTables();

function makeCrcTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc >>> 0;
  }
  const tables = [first];
  for (let k = 1; k < 8; k++) {
    const previous = tables[k - 1];
    tables.push(previous.map((crc) => ((crc >>> 8) ^ first[crc & 255]) >>> 0));
  }
  return tables;
}

/**
 * CRC-32 with Castagnoli's polynomial, eight bytes a turn (slicing-by-8).
 * @param crc the checksum so far: `crc32c(b, crc32c(a))` equals the checksum of a and b together,
 *   as Go's crc32.Update does.
 */
export function crc32c(bytes: Uint8Array, crc = 0, from = 0, to = bytes.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables;
  let state = ~crc;
  let i = from;
  for (; i + 8 <= to; i += 8) {
    state ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    state =
      t7[state & 255] ^
      t6[(state >>> 8) & 255] ^
      t5[(state >>> 16) & 255] ^
      t4[state >>> 24] ^
      t3[bytes[i + 4]] ^
      t2[bytes[i + 5]] ^
      t1[bytes[i + 6]] ^
      t0[bytes[i + 7]];
  }
  for (; i < to; i++) state = (state >>> 8) ^ t0[(state ^ bytes[i]) & 255];
  return ~state >>> 0;
}
