/**
 * Conf changes inside raft: beside the node's number they keep the member's id, which the number does not
 * tell once a host has had two members. The id stands before the context, eight bytes big-endian.
 */
import { fail } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { decodeConfChange } from '../raft/confchange-codec.ts';
import { RaftError } from '../raft/errors.ts';
import type { ConfChange, Entry } from '../raft/types.ts';
import type { MemberId } from './member-id.ts';
import { memberToJson, promotionJson } from './membership.ts';
import type { ClusterMember } from './membership.ts';

const idBytes = 8;

export function tagContext(member: bigint, context: Uint8Array): Uint8Array {
  const tagged = new Uint8Array(idBytes + context.length);
  new DataView(tagged.buffer).setBigUint64(0, BigInt.asUintN(64, member), false);
  tagged.set(context, idBytes);
  return tagged;
}

export function untagContext(tagged: Uint8Array): {
  readonly member: MemberId;
  readonly context: Uint8Array;
} {
  if (tagged.length < idBytes) return fail('conf change: the context does not name its member');
  const view = new DataView(tagged.buffer, tagged.byteOffset, tagged.length);
  return { member: view.getBigUint64(0, false) as MemberId, context: tagged.subarray(idBytes) };
}

/** A change as the log has it. */
export type MemberChange = Pick<ConfChange, 'id' | 'type' | 'nodeId'> & ReturnType<typeof untagContext>;

/** The change in an entry; all members stop at one that cannot be read. */
export function readChange(entry: Entry): MemberChange {
  try {
    const { id, type, nodeId, context } = decodeConfChange(entry.data);
    return { id, type, nodeId, ...untagContext(context) };
  } catch (error) {
    if (error instanceof RaftError) return fail(`apply: entry ${entry.index} holds no configuration change`);
    throw error;
  }
}

/** What a member asks raft to change: etcd's JSON is the context. */
export type ChangeRequest =
  | { readonly kind: 'add' | 'update'; readonly member: ClusterMember }
  | { readonly kind: 'promote' | 'remove'; readonly member: ClusterMember };

/** @source etcd v3.4.23 etcdserver/server.go AddMember, RemoveMember, PromoteMember, UpdateMember */
export function changeOf(id: bigint, node: ConfChange['nodeId'], request: ChangeRequest): ConfChange {
  const { kind, member } = request;
  const text = { add: memberToJson, update: memberToJson, promote: promotionJson, remove: () => '' }[kind](
    member,
  );
  const context = tagContext(member.id, encodeUtf8(text));
  const adds = member.isLearner && kind === 'add' ? 'ConfChangeAddLearnerNode' : 'ConfChangeAddNode';
  const type = kind === 'remove' ? 'ConfChangeRemoveNode' : kind === 'update' ? 'ConfChangeUpdateNode' : adds;
  return { id, type, nodeId: node, context };
}
