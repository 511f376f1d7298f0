/** Text as Go quotes and scans it: what etcdctl takes on the lines of a txn. */
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';

/** Go's `%q` of a text. */
export const quoteGo = (text: string): string => JSON.stringify(text);

const plainEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** How many hexadecimal digits follow. */
const hexDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The bytes of one escape, which begins behind the backslash at `at`, and where it ends; null for none. */
function readEscape(text: string, at: number): { bytes: Uint8Array; next: number } | null {
  const letter = text[at];
  const plain = plainEscapes[letter];
  if (plain !== undefined) return { bytes: encodeUtf8(plain), next: at + 1 };
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at))?.[0];
  if (octal !== undefined) return { bytes: Uint8Array.of(Number.parseInt(octal, 8)), next: at + 3 };
  const count = hexDigits[letter];
  if (count === undefined) return null;
  const digits = text.slice(at + 1, at + 1 + count);
  if (digits.length < count || !/^[0-9a-fA-F]+$/.test(digits)) return null;
  const code = Number.parseInt(digits, 16);
  const next = at + 1 + count;
  if (letter === 'x') return { bytes: Uint8Array.of(code), next };
  const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? { bytes: encodeUtf8(String.fromCodePoint(code)), next } : null;
}

/**
 * Bytes as text; null where they are no UTF-8: what is typed here is text.
 */
export function textOf(bytes: Uint8Array): string | null {
  const text = decodeUtf8(bytes);
  const again = encodeUtf8(text);
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]) ? text : null;
}

export type Scanned =
  | { readonly ok: true; readonly text: string; readonly next: number }
  /** `isText`: false where it is well quoted, but no UTF-8. */
  | { readonly ok: false; readonly isText: boolean };

const noText: Scanned = { ok: false, isText: true };

/**
 * Scans a quoted text at `at`: in double quotes with Go's escapes, or in backquotes as it is.
 * @source Go fmt/scan.go quotedString, strconv/quote.go Unquote
 */
export function scanQuoted(line: string, at: number): Scanned {
  if (line[at] === '`') {
    const end = line.indexOf('`', at + 1);
    return end < 0 ? noText : { ok: true, text: line.slice(at + 1, end), next: end + 1 };
  }
  if (line[at] !== '"') return noText;
  const bytes: number[] = [];
  for (let i = at + 1; i < line.length;) {
    if (line[i] === '"') {
      const text = textOf(Uint8Array.from(bytes));
      return text === null ? { ok: false, isText: false } : { ok: true, text, next: i + 1 };
    }
    if (line[i] === '\\') {
      const escape = readEscape(line, i + 1);
      if (escape === null) return noText;
      bytes.push(...escape.bytes);
      i = escape.next;
    } else {
      const character = String.fromCodePoint(line.codePointAt(i) as number);
      bytes.push(...encodeUtf8(character));
      i += character.length;
    }
  }
  return noText;
}

export interface Argified {
  readonly words: readonly string[];
  /** The words in single quotes that etcdctl 3.4 cuts, as they were written. */
  readonly cut: readonly string[];
}

/**
 * The words of a line, as etcdctl splits those that it reads itself. Of a word in single quotes 3.4 keeps as
 * many bytes as there are words, less two: an error of its own, which is kept here and told in `cut`.
 * @returns null where a word cannot be read
 * @source etcd v3.4.23 etcdctl util.go argify
 */
export function argify(line: string): Argified | null {
  const found = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*[^'"\s]?/g) ?? [];
  const words: string[] = [];
  const cut: string[] = [];
  for (const word of found) {
    if (word.startsWith("'")) {
      const bytes = encodeUtf8(word);
      const end = found.length - 1;
      const kept = end < 1 || end > bytes.length ? null : textOf(bytes.slice(1, end));
      if (kept === null) return null;
      if (kept !== word.slice(1, -1)) cut.push(word);
      words.push(kept);
    } else if (word.startsWith('"')) {
      const scanned = scanQuoted(word, 0);
      if (!scanned.ok) return null;
      words.push(scanned.text);
    } else words.push(word);
  }
  return { words, cut };
}
