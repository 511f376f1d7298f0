/** etcdctl's member commands and move-leader as gRPC bodies, and the answers back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { printable, encodeUtf8 } from '../base/utf8.ts';
import {
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  MemberListRequestSchema,
  MemberListResponseSchema,
  MemberPromoteRequestSchema,
  MemberPromoteResponseSchema,
  MemberRemoveRequestSchema,
  MemberRemoveResponseSchema,
  MemberUpdateRequestSchema,
  MemberUpdateResponseSchema,
  MoveLeaderRequestSchema,
} from '../engine/pb/gen/rpc_pb.ts';
import type { Member } from '../engine/pb/gen/rpc_pb.ts';
import type { RpcMethod } from '../engine/server/types.ts';
import type { ClientAction, ClientOutcome, MemberView } from './types.ts';

export type MemberAction = Extract<
  ClientAction,
  { type: 'memberList' | 'memberAdd' | 'memberPromote' | 'memberRemove' | 'memberUpdate' }
>;
type MoveLeader = Extract<ClientAction, { type: 'moveLeader' }>;

/** A body, and whether clientv3 tries it again after a failure that may pass. */
export interface MemberBody {
  readonly method: RpcMethod;
  readonly bytes: Uint8Array;
  readonly repeatable: boolean;
}

export function isMemberAction(action: ClientAction): action is MemberAction {
  switch (action.type) {
    case 'memberList':
    case 'memberAdd':
    case 'memberPromote':
    case 'memberRemove':
    case 'memberUpdate':
      return true;
    default:
      return false;
  }
}

/** An id in hex, as etcdctl takes it; null where the text is none. */
export function memberIdOf(text: string): bigint | null {
  return /^[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(`0x${text}`) : null;
}

/** Why the id of a member is none; null where it is one. @source etcd v3.4 etcdctl member_command.go */
export function memberIdProblem(action: ClientAction): string | null {
  if (!('id' in action) || (!isMemberAction(action) && action.type !== 'moveLeader')) return null;
  if (memberIdOf(action.id) !== null) return null;
  return `bad member ID arg (${JSON.stringify(action.id)} is no number in hex), expecting ID in Hex`;
}

const idIn = ({ id }: { readonly id: string }): bigint => memberIdOf(id) ?? 0n;

export function memberBody(action: MemberAction): MemberBody {
  switch (action.type) {
    case 'memberList': {
      const bytes = toBinary(MemberListRequestSchema, create(MemberListRequestSchema));
      return { method: 'etcdserverpb.Cluster/MemberList', bytes, repeatable: true };
    }
    case 'memberAdd': {
      const body = { peerURLs: [...action.peerUrls], isLearner: action.learner ?? false };
      const bytes = toBinary(MemberAddRequestSchema, create(MemberAddRequestSchema, body));
      return { method: 'etcdserverpb.Cluster/MemberAdd', bytes, repeatable: false };
    }
    case 'memberPromote': {
      const bytes = toBinary(
        MemberPromoteRequestSchema,
        create(MemberPromoteRequestSchema, { ID: idIn(action) }),
      );
      return { method: 'etcdserverpb.Cluster/MemberPromote', bytes, repeatable: false };
    }
    case 'memberRemove': {
      const bytes = toBinary(
        MemberRemoveRequestSchema,
        create(MemberRemoveRequestSchema, { ID: idIn(action) }),
      );
      return { method: 'etcdserverpb.Cluster/MemberRemove', bytes, repeatable: false };
    }
    case 'memberUpdate': {
      const body = { ID: idIn(action), peerURLs: [...action.peerUrls] };
      const bytes = toBinary(MemberUpdateRequestSchema, create(MemberUpdateRequestSchema, body));
      return { method: 'etcdserverpb.Cluster/MemberUpdate', bytes, repeatable: false };
    }
    default:
      return action satisfies never;
  }
}

/** What the leader is asked for, once it is found. */
export function moveLeaderBody(action: MoveLeader): MemberBody {
  const bytes = toBinary(
    MoveLeaderRequestSchema,
    create(MoveLeaderRequestSchema, { targetID: idIn(action) }),
  );
  return { method: 'etcdserverpb.Maintenance/MoveLeader', bytes, repeatable: true };
}

export function memberLabel(action: MemberAction): string {
  switch (action.type) {
    case 'memberList':
      return 'member list';
    case 'memberAdd':
      return `member add ${printable(encodeUtf8(action.name), 40)}${action.learner ? ' --learner' : ''}`;
    case 'memberPromote':
      return `member promote ${action.id}`;
    case 'memberRemove':
      return `member remove ${action.id}`;
    case 'memberUpdate':
      return `member update ${action.id}`;
    default:
      return action satisfies never;
  }
}

/** Bytes that are no such answer are a bug of a member's, and throw. */
export function decodeMemberAnswer(action: MemberAction, bytes: Uint8Array): ClientOutcome {
  if (action.type === 'memberList') {
    const { members } = fromBinary(MemberListResponseSchema, bytes);
    return { ok: true, type: 'memberList', members: members.map(viewOf) };
  }
  const { header, members, id } = readChange(action, bytes);
  const clusterId = header?.clusterId ?? 0n;
  return { ok: true, type: action.type, id, clusterId, members: members.map(viewOf) };
}

type Change = Exclude<MemberAction, { type: 'memberList' }>;
interface ChangeAnswer {
  readonly header?: { readonly clusterId: bigint } | undefined;
  readonly members: readonly Member[];
  readonly id: bigint;
}

function readChange(action: Change, bytes: Uint8Array): ChangeAnswer {
  switch (action.type) {
    case 'memberAdd': {
      const answer = fromBinary(MemberAddResponseSchema, bytes);
      return { ...answer, id: answer.member?.ID ?? 0n };
    }
    case 'memberPromote':
      return { ...fromBinary(MemberPromoteResponseSchema, bytes), id: idIn(action) };
    case 'memberRemove':
      return { ...fromBinary(MemberRemoveResponseSchema, bytes), id: idIn(action) };
    case 'memberUpdate':
      return { ...fromBinary(MemberUpdateResponseSchema, bytes), id: idIn(action) };
    default:
      return action satisfies never;
  }
}

function viewOf({ ID, name, peerURLs, clientURLs, isLearner }: Member): MemberView {
  return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}
