/** What is known of a file that a real etcd wrote. Numbers past 2^53 are read as text. */
import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';

export type Facts = Readonly<Record<string, unknown>>;

export interface Manifest extends Facts {
  readonly file: string;
  readonly mvcc?: Facts;
}

export function readManifest(path: string): Manifest {
  const text = readFileSync(path, 'utf8').replace(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  return JSON.parse(text) as Manifest;
}

const isPrintable = (bytes: Uint8Array): boolean => bytes.every((byte) => byte >= 0x20 && byte < 0x7f);

/** Bytes as a manifest shows them: text where all of it is printable ASCII. */
export function shown(bytes: Uint8Array): string {
  return isPrintable(bytes) ? Buffer.from(bytes).toString('latin1') : `hex:${toHex(bytes)}`;
}

/** The bytes that a manifest shows as text. */
export function bytesShown(text: string): Uint8Array {
  return /^hex:([0-9a-f]{2})*$/.test(text) ? fromHex(text.slice(4)) : encodeUtf8(text);
}

/** One comparison. A fact that the manifest does not have is not compared. */
export interface Fact {
  readonly name: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Compares each of the manifest's facts under a name with ours. */
export function factsOf(name: string, expected: unknown, actual: Facts): Fact[] {
  if (typeof expected !== 'object' || expected === null) return [];
  return Object.entries(expected)
    .filter(([key]) => key in actual)
    .map(([key, value]) => ({ name: `${name}.${key}`, expected: value, actual: actual[key] }));
}
