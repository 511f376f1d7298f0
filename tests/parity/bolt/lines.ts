/** Reading conformance folders: JSON lines, gzipped or not, and what results are compared by. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';

export function readMaybeZipped(path: string): Uint8Array {
  const bytes = readFileSync(existsSync(path) ? path : `${path}.gz`);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

/** The objects of a file of JSON lines. */
export function readLines<Line>(path: string): Line[] {
  const text = new TextDecoder().decode(readMaybeZipped(path));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

export const sha256 = (...parts: Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

export const crcText = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, '0');

/** What differs between two results, as one line a field; nothing where they are equal. */
export function differences(expected: object, actual: object): string[] {
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  const found: string[] = [];
  for (const key of keys) {
    const want = stable((expected as Record<string, unknown>)[key]);
    const got = stable((actual as Record<string, unknown>)[key]);
    if (want !== got) found.push(`${key}: expected ${clip(want)}, got ${clip(got)}`);
  }
  return found;
}

/** JSON with sorted keys. */
function stable(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${key}:${stable(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

const clip = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}...` : text);
