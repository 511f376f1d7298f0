/** UTF-8 without TextEncoder (the engine's type library has none), and bytes made safe to show as text. */
import { crc32c } from './checksum.ts';

/** A key's text in an event is cut at so many characters. */
const keyTextLimit = 128;

/** Encodes text as UTF-8; a lone surrogate becomes U+FFFD, as TextEncoder does. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encodeAny(text);
    bytes[i] = code;
  }
  return bytes;
}

/** Also of what is not ASCII. */
function encodeAny(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes[at++] = code;
    else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 63);
    } else if (code < 0x10000) {
      bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 63);
      bytes[at++] = 0x80 | (code & 63);
    } else {
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 63);
      bytes[at++] = 0x80 | ((code >> 6) & 63);
      bytes[at++] = 0x80 | (code & 63);
    }
  }
  return bytes.slice(0, at);
}

/**
 * The code point whose encoding starts at `at` and its length in bytes; length 0 where the bytes are not
 * UTF-8.
 */
function readCodePoint(bytes: Uint8Array, at: number): { code: number; length: number } {
  const first = bytes[at];
  if (first < 0x80) return { code: first, length: 1 };
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const invalid = { code: 0xfffd, length: 0 };
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return invalid;
  let code = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i];
    if ((next & 0xc0) !== 0x80) return invalid;
    code = code * 64 + (next & 63);
  }
  const tooShort = (length === 3 && code < 0x800) || (length === 4 && code < 0x10000);
  if (tooShort || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return invalid;
  return { code, length };
}

/** Decodes UTF-8; each byte that is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const { code, length } = readCodePoint(bytes, at);
    text += String.fromCodePoint(code);
    at += length === 0 ? 1 : length;
  }
  return text;
}

/** Control, bidirectional and zero-width characters, which would change or hide the text around them. */
function isUnsafe(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xfeff || code === 0xad) return true;
  return (
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f)
  );
}

/**
 * Bytes as text for a screen: UTF-8 where it is, `\xNN` for other bytes, `\u{N}` for characters that
 * would hide or reorder text, a backslash doubled. Clipped to `limit` characters with an ellipsis.
 */
export function printable(bytes: Uint8Array, limit = 4096): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    if (text.length >= limit) return `${text.slice(0, limit)}…`;
    const { code, length } = readCodePoint(bytes, at);
    if (length === 0) text += `\\x${bytes[at].toString(16).padStart(2, '0')}`;
    else if (code === 0x5c) text += '\\\\';
    else if (code < 0x80 && isUnsafe(code)) text += `\\x${code.toString(16).padStart(2, '0')}`;
    else text += isUnsafe(code) ? `\\u{${code.toString(16)}}` : String.fromCodePoint(code);
    at += length === 0 ? 1 : length;
  }
  return text;
}

/**
 * A key as events and pictures name it: printable text; a long one is cut, and its CRC-32C in hexadecimal
 * stands behind the ellipsis, so that two long keys do not look like one.
 */
export function keyText(key: Uint8Array): string {
  const text = printable(key, keyTextLimit);
  const isCut = text.length > keyTextLimit && text.endsWith('…');
  return isCut ? `${text}${crc32c(key).toString(16).padStart(8, '0')}` : text;
}
