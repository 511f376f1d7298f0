/** What a member answers its peers at once, whatever else it does. */
import { emptyBytes } from '../../base/bytes.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { encodeMembers } from './admission.ts';
import { versionAnswer } from './cluster-version.ts';
import { hashAnswer } from './corruption.ts';
import type { Membership } from './membership.ts';
import type { PeerRequest } from './peer-request.ts';
import type { LogOwner } from './wal-storage.ts';

/**
 * Null for what is no such question, and for one that cannot be read.
 * @param owner null while this member only starts
 */
export function answerTo(
  message: PeerRequest,
  kv: KvStore,
  membership: Membership,
  owner: LogOwner | null,
): PeerRequest | null {
  const { id } = message;
  switch (message.kind) {
    case 'hashKv':
      return hashAnswer(kv, message);
    case 'version':
      return versionAnswer(membership, message);
    case 'probe':
      return { kind: 'probed', id, body: emptyBytes };
    case 'members': {
      const body = owner === null ? null : encodeMembers(owner.cluster, membership);
      return body === null ? { kind: 'notYet', id, body: emptyBytes } : { kind: 'membersAre', id, body };
    }
    default:
      return null;
  }
}
