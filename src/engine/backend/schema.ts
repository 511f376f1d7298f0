/** The buckets of a member's database and what the backend itself keeps in them. */
import { assert } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { readU64be, writeU64be } from '../../base/u64.ts';

/** etcd's buckets in the order of their creation: all are there from the first start on, even if empty. */
export const bucketNames = [
  'key',
  'meta',
  'lease',
  'alarm',
  'cluster',
  'members',
  'members_removed',
  'auth',
  'authUsers',
  'authRoles',
] as const;

export type BucketName = (typeof bucketNames)[number];

const nameBytes = new Map<BucketName, Uint8Array>(bucketNames.map((name) => [name, encodeUtf8(name)]));

/** A bucket's name in the file. */
export function bucketKey(name: BucketName): Uint8Array {
  const bytes = nameBytes.get(name);
  assert(bytes !== undefined, 'schema: the bucket has a name');
  return bytes;
}

/** Keys of the bucket `meta`. */
export const metaKeys = {
  /** The last applied entry of the raft log: u64 big-endian. */
  consistentIndex: encodeUtf8('consistent_index'),
  /** A revision key: the compaction that was ordered, and the one that was carried out. */
  scheduledCompactRevision: encodeUtf8('scheduledCompactRev'),
  finishedCompactRevision: encodeUtf8('finishedCompactRev'),
} as const;

/** A log index as `meta` stores it: 8 bytes, big-endian. */
export function encodeConsistentIndex(index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64be(new DataView(bytes.buffer), 0, index);
  return bytes;
}

/** @returns 0 where none is stored */
export function decodeConsistentIndex(bytes: Uint8Array | null): number {
  if (bytes === null || bytes.length < 8) return 0;
  return readU64be(new DataView(bytes.buffer, bytes.byteOffset, 8), 0);
}
