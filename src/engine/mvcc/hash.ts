/** HashKV: one number for all of a store's history up to a revision. */
import { crc32c } from '../../base/checksum.ts';
import type { ReadTx } from '../backend/read-tx.ts';
import { bucketKey } from '../backend/schema.ts';
import { decodeRevision, revisionText } from './revision.ts';
import type { TreeIndex } from './tree-index.ts';
import { MvccError } from './types.ts';

export interface RevisionHash {
  /** u32 */
  readonly hash: number;
  readonly currentRevision: number;
  readonly compactRevision: number;
}

interface Hashed {
  readonly index: TreeIndex;
  readonly revision: number;
  readonly compactRevision: number;
}

/**
 * CRC-32C over the text `key`, then key and value of every record up to the revision. A record at or below
 * the compact revision counts only if compaction keeps it: members agree however far theirs has come.
 * @param revision 0: the newest
 * @throws MvccError 'mvcc: required revision has been compacted' |
 *   'mvcc: required revision is a future revision'
 * @source etcd mvcc/kvstore.go HashByRev
 */
export function hashByRevision(store: Hashed, tx: ReadTx, revision: number): RevisionHash {
  const { revision: currentRevision, compactRevision } = store;
  if (revision > 0 && revision <= compactRevision) {
    throw new MvccError('mvcc: required revision has been compacted');
  }
  if (revision > currentRevision) throw new MvccError('mvcc: required revision is a future revision');
  const upTo = revision === 0 ? currentRevision : revision;
  const kept = store.index.keep(upTo);
  let hash = crc32c(bucketKey('key'));
  tx.forEach('key', (key, value) => {
    const at = decodeRevision(key);
    if (at.main > upTo) return;
    if (at.main <= compactRevision && kept.size > 0 && !kept.has(revisionText(at))) return;
    hash = crc32c(value, crc32c(key, hash));
  });
  return { hash, currentRevision, compactRevision };
}
