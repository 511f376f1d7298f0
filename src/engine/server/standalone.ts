/** A member that is started with --force-new-cluster: its log makes it the only one of its cluster. */
import { emptyBytes } from '../../base/bytes.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { encodeConfChange } from '../raft/confchange-codec.ts';
import { logIndex, term } from '../raft/types.ts';
import type { ConfChangeType, Entry, Snapshot } from '../raft/types.ts';
import type { WalHardState } from '../wal/record.ts';
import { readChange, tagContext } from './conf-change-data.ts';
import type { MemberId, MemberTable } from './member-id.ts';
import { compareIds } from './member-id.ts';
import { memberToJson } from './membership.ts';

/** What the member believes to be its address where nothing that is left says so. */
const lostPeerUrl = 'http://localhost:2380';

/** The log from the snapshot on as a member alone goes on from it. */
export interface StandaloneLog {
  /** What was committed; whatever came after it is dropped. */
  readonly kept: readonly Entry[];
  /** The changes that take out all others: they count as committed. */
  readonly added: readonly Entry[];
}

/**
 * Nobody else is asked whether they are to go, and what was not known to be committed here is lost.
 * @source etcd v3.4.23 etcdserver/raft.go restartAsStandaloneNode, createConfigChangeEnts
 */
export function standaloneLog(
  self: MemberId,
  snapshot: Snapshot | null,
  entries: readonly Entry[],
  state: WalHardState,
  table: MemberTable,
): StandaloneLog {
  const kept = entries.filter(({ index }) => index <= state.commit);
  const ids = membersIn(snapshot, kept, table);
  const changes = ids.filter((id) => id !== self).map((id) => removal(id, table));
  // raft has always a voter: first it is there, then the others go
  if (!ids.includes(self)) changes.unshift(addition(self, table));
  const added = changes.map((data, i): Entry => ({
    term: term(state.term),
    index: logIndex(state.commit + 1 + i),
    type: 'EntryConfChange',
    data,
  }));
  return { kept, added };
}

/** Ascending. Learners in a snapshot are passed over, as 3.4 does. @source etcdserver/raft.go getIDs */
function membersIn(snapshot: Snapshot | null, entries: readonly Entry[], table: MemberTable): MemberId[] {
  const ids = new Set<MemberId>(snapshot?.confState.voters.map((node) => table.memberOf(node)));
  for (const entry of entries) {
    if (entry.type !== 'EntryConfChange') continue;
    const { type, member } = readChange(entry);
    if (type === 'ConfChangeAddNode' || type === 'ConfChangeAddLearnerNode') ids.add(member);
    else if (type === 'ConfChangeRemoveNode') ids.delete(member);
  }
  return [...ids].sort(compareIds);
}

const removal = (id: MemberId, table: MemberTable): Uint8Array =>
  changeData('ConfChangeRemoveNode', id, emptyBytes, table);

function addition(id: MemberId, table: MemberTable): Uint8Array {
  const member = { id, peerUrls: [lostPeerUrl], isLearner: false, name: '', clientUrls: [] };
  return changeData('ConfChangeAddNode', id, encodeUtf8(memberToJson(member)), table);
}

function changeData(type: ConfChangeType, id: MemberId, context: Uint8Array, table: MemberTable): Uint8Array {
  return encodeConfChange({ id: 0n, type, nodeId: table.numberOf(id), context: tagContext(id, context) });
}
