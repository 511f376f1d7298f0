/** Byte strings: compare, concatenate, hex. Keys order bytewise, as Go's bytes.Compare does. */

export const emptyBytes: Uint8Array = new Uint8Array(0);

/**
 * Compares bytewise; the shorter of two equal prefixes comes first. Returns a negative, zero or positive
 * number.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i] - b[i];
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const hexDigits = '0123456789abcdef';

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexDigits[byte >> 4] + hexDigits[byte & 15];
  return text;
}

/** Reads hex of even length; throws RangeError on any other character or an odd length. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new RangeError(`hex text has an odd length: ${text.length}`);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigits.indexOf(text[2 * i].toLowerCase());
    const low = hexDigits.indexOf(text[2 * i + 1].toLowerCase());
    if (high < 0 || low < 0) throw new RangeError(`not a hex digit at ${2 * i}`);
    bytes[i] = high * 16 + low;
  }
  return bytes;
}
