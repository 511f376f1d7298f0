/**
 * Requests between members that are not raft's messages: a renewal or a look at a lease, which only the
 * leader can answer, a learner's promotion, a snapshot with its database, the list of members. etcd sends
 * them as HTTP requests to the peer port; here they travel over the same links as raft's
 * messages: a zero byte, which begins no raftpb.Message, the kind, an id of 8 bytes big-endian, the body.
 * @source etcd v3.4.23 lease/leasehttp/http.go
 */
import { assert } from '../../base/assert.ts';

/** With the number that stands for it in the second byte. */
const kinds = [
  'renew',
  'renewed',
  'timeToLive',
  'timeLeft',
  'notFound',
  'failed',
  'members',
  'membersAre',
  'notYet',
  'gone',
  'snapshot',
  'snapshotPart',
  'snapshotSaved',
  'snapshotRefused',
  'promote',
  'promoted',
  'promoteRefused',
  'hashKv',
  'hashKvIs',
  'hashKvRefused',
  'version',
  'versionIs',
  'probe',
  'probed',
] as const;

/**
 * `renew` and `timeToLive` ask, with the protobuf body of the client's request. `renewed` and `timeLeft`
 * answer, with that of the response; `notFound` has none, nor has `failed`: the asked one does not lead.
 * `members` asks who is in the cluster: `membersAre` answers, `notYet` where the asked one only starts.
 * `gone` tells a removed member, by its id, that it is removed. `snapshot` is a piece of a stream,
 * `snapshotPart` how much of it has come, `snapshotSaved` and `snapshotRefused` how it ended. `promote` asks
 * the leader on; `promoted` and `promoteRefused` answer, the latter with etcd's text. `hashKv` asks for the
 * hash at a revision; `hashKvIs` answers, `hashKvRefused` where the revision is gone or has not come.
 * `version` asks what a member speaks; `versionIs` answers with the JSON text of `/version`.
 * `probe` is answered with `probed`, to see how long that takes.
 */
export type PeerRequestKind = (typeof kinds)[number];

/** What the network's trace calls them. */
export const peerRequestNames: Readonly<Record<PeerRequestKind, string>> = {
  renew: 'LeaseRenew',
  renewed: 'LeaseRenewResp',
  timeToLive: 'LeaseTimeToLive',
  timeLeft: 'LeaseTimeToLiveResp',
  notFound: 'LeaseResp',
  failed: 'LeaseResp',
  members: 'Members',
  membersAre: 'MembersResp',
  notYet: 'MembersResp',
  gone: 'MemberGone',
  snapshot: 'MsgSnap',
  snapshotPart: 'SnapshotAck',
  snapshotSaved: 'SnapshotResp',
  snapshotRefused: 'SnapshotResp',
  promote: 'MemberPromote',
  promoted: 'MemberPromoteResp',
  promoteRefused: 'MemberPromoteResp',
  hashKv: 'HashKV',
  hashKvIs: 'HashKVResp',
  hashKvRefused: 'HashKVResp',
  version: 'Version',
  versionIs: 'VersionResp',
  probe: 'Probe',
  probed: 'ProbeResp',
};

export interface PeerRequest {
  readonly kind: PeerRequestKind;
  /** Chosen by who asks, never twice; the answer has it too. */
  readonly id: bigint;
  readonly body: Uint8Array;
}

const mark = 0;
const headerBytes = 10;

export function isPeerRequest(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] === mark;
}

export function encodePeerRequest({ kind, id, body }: PeerRequest): Uint8Array {
  const bytes = new Uint8Array(headerBytes + body.length);
  bytes[0] = mark;
  bytes[1] = kinds.indexOf(kind);
  new DataView(bytes.buffer).setBigUint64(2, id, false);
  bytes.set(body, headerBytes);
  return bytes;
}

/** @returns null for bytes that are cut short or of an unknown kind */
export function decodePeerRequest(bytes: Uint8Array): PeerRequest | null {
  assert(isPeerRequest(bytes), 'peer-request: the bytes are a raft message');
  const kind = kinds[bytes[1]] as PeerRequestKind | undefined;
  if (kind === undefined || bytes.length < headerBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  return { kind, id: view.getBigUint64(2, false), body: bytes.slice(headerBytes) };
}
