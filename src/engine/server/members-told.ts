/** The members in the forms others need: the first entries of a log, an event; and whose a log is. */
import { idToHex } from '../../base/u64.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { NodeId, Peer } from '../raft/types.ts';
import type { Admitted } from './admission.ts';
import { checkClusterVersion } from './cluster-version.ts';
import { tagContext } from './conf-change-data.ts';
import type { MemberId, MemberTable } from './member-id.ts';
import { compareIds, memberIdOf } from './member-id.ts';
import { memberToJson } from './membership.ts';
import type { ClusterMember, Membership } from './membership.ts';
import type { ServerEvent } from './events.ts';
import { quotaOf } from './quota.ts';
import type { MemberConfig, PeerConfig } from './types.ts';
import { decodeV2Store } from './v2-store.ts';
import { BootError } from './wal-storage.ts';

/** Ascending by id as etcd has them, each with its JSON as the change's context. They are seated. */
export function firstPeers(
  { peers, clusterToken }: Pick<MemberConfig, 'peers' | 'clusterToken'>,
  table: MemberTable,
): Peer[] {
  const members = peers.map(({ nodeId, name, peerUrl }) => ({
    node: nodeId,
    id: memberIdOf([peerUrl], clusterToken),
    name,
    peerUrls: [peerUrl],
    clientUrls: [],
    isLearner: false,
  }));
  members.sort((a, b) => compareIds(a.id, b.id));
  for (const { id, node } of members) table.seat(id, node);
  return members.map((member) => ({
    id: member.node,
    context: tagContext(member.id, encodeUtf8(memberToJson(member))),
  }));
}

/**
 * A log that is another first member's is refused; etcd would run under that identity.
 * @throws BootError
 */
export function checkOwner({ peers, clusterToken, nodeId }: MemberConfig, member: MemberId): void {
  const owner = peers.find(({ peerUrl }) => memberIdOf([peerUrl], clusterToken) === member);
  if (owner === undefined || owner.nodeId === nodeId) return;
  throw new BootError(
    `the log belongs to member ${idToHex(member)}, which is ${owner.name}: ` +
      'start it with its own name, peer URLs and token',
  );
}

/** Who is in the cluster, for the views. */
export function membersEvent(
  membership: Membership,
  table: MemberTable,
): Extract<ServerEvent, { type: 'server.members' }> {
  const members = membership.members();
  const nodeOf = ({ id }: ClusterMember): number => table.numberOf(id);
  return {
    type: 'server.members',
    nodes: members.map(nodeOf),
    ids: members.map(({ id }) => idToHex(id)),
    names: members.map(({ name }) => name),
    peerUrls: members.map(({ peerUrls }) => peerUrls.join(',')),
    learners: members.filter(({ isLearner }) => isLearner).map(nodeOf),
    removedIds: membership.removedIds().map(idToHex),
  };
}

/** @param fresh whether the member has no log yet */
export function bootEvent(config: MemberConfig, { member, cluster }: Admitted, fresh: boolean): ServerEvent {
  return {
    type: 'server.boot',
    name: selfOf(config).name,
    memberId: idToHex(member),
    clusterId: idToHex(cluster),
    fresh,
    tickUs: config.tickUs,
    quotaBytes: quotaOf(config.quotaBytes),
  };
}

/** @throws BootError when the configuration does not name this member */
export function selfOf(config: MemberConfig): PeerConfig {
  const self = config.peers.find((peer) => peer.nodeId === config.nodeId);
  if (self === undefined)
    throw new BootError(`member ${config.nodeId} is not among the peers of its configuration`);
  return self;
}

/** Takes up who a snapshot says is in the cluster. @throws BootError when it does not */
export function restoreMembership(data: Uint8Array, membership: Membership, table: MemberTable): void {
  const stored = decodeV2Store(data);
  if (stored === null) throw new BootError('the snapshot does not say who is in the cluster');
  if (stored.version !== null) checkClusterVersion(stored.version);
  membership.reset(stored.members, stored.removed, stored.version);
  for (const id of stored.removed) table.retire(id);
  for (const { id, peerUrls } of stored.members) table.seat(id, table.numberOf(id, peerUrls));
}

/**
 * Where the other members are, as far as is known at a start: a log without a snapshot names nobody yet, and
 * the configuration is asked.
 */
export function otherHosts(
  membership: Membership,
  self: MemberId,
  table: MemberTable,
  config: MemberConfig,
): NodeId[] {
  const members = membership.members();
  if (members.length === 0) {
    return config.peers.map(({ nodeId }) => nodeId).filter((node) => node !== config.nodeId);
  }
  const hosts = members.filter(({ id }) => id !== self).map(({ peerUrls }) => table.nodeAt(peerUrls));
  return hosts.filter((node) => node !== null);
}
