/** Revisions as keys of the bucket `key`: their byte order is the order of history. */
import { putU64be, readU64be } from '../../base/u64.ts';
import { MvccError } from './types.ts';
import type { Revision } from './types.ts';

/** main u64 big-endian | '_' | sub u64 big-endian. */
const revisionBytes = 17;
/** The same, then 't': the change is a deletion. */
const tombstoneBytes = 18;
const separator = 0x5f;
const tombstoneMark = 0x74;

/** @source etcd mvcc/revision.go revToBytes, kvstore.go appendMarkTombstone */
export function encodeRevision(revision: Revision, tombstone = false): Uint8Array {
  const bytes = new Uint8Array(tombstone ? tombstoneBytes : revisionBytes);
  putU64be(bytes, 0, revision.main);
  bytes[8] = separator;
  putU64be(bytes, 9, revision.sub);
  if (tombstone) bytes[17] = tombstoneMark;
  return bytes;
}

/** @throws MvccError 'mvcc: bad record' when the key is not a revision's */
export function decodeRevision(key: Uint8Array): Revision {
  const isRevision = key[8] === separator && (key.length === revisionBytes || isTombstone(key));
  if (!isRevision) throw new MvccError('mvcc: bad record', `a key of ${key.length} bytes is not a revision`);
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const revision = { main: readU64be(view, 0), sub: readU64be(view, 9) };
  if (!Number.isSafeInteger(revision.main) || !Number.isSafeInteger(revision.sub)) {
    throw new MvccError('mvcc: bad record', 'a revision is past 2^53');
  }
  return revision;
}

export function isTombstone(key: Uint8Array): boolean {
  return key.length === tombstoneBytes && key[17] === tombstoneMark;
}

/** Negative, zero or positive as a comes before, is, or comes after b. */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.main === b.main ? a.sub - b.sub : a.main - b.main;
}

/** A revision as a map's key. */
export const revisionText = (revision: Revision): string => `${revision.main}_${revision.sub}`;
