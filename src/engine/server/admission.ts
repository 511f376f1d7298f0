/**
 * The question that a member with an empty data directory asks before it starts: who is in the cluster? A
 * member of a new cluster must not have been there before; one that joins learns its id.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { idToHex } from '../../base/u64.ts';
import { MemberListResponseSchema } from '../pb/gen/rpc_pb.ts';
import type { NodeId } from '../raft/types.ts';
import type { ClusterId, MemberId } from './member-id.ts';
import { clusterIdOf, compareIds, memberIdOf } from './member-id.ts';
import type { ClusterMember, Membership } from './membership.ts';
import type { MemberConfig, PeerConfig } from './types.ts';
import { BootError } from './wal-storage.ts';

/** Who this member is, and whom it knows from the start. */
export interface Admitted {
  readonly member: MemberId;
  readonly cluster: ClusterId;
  /** The members of a cluster that was there before; null: the cluster is new. */
  readonly existing: readonly ClusterMember[] | null;
}

/** What a peer answers. */
interface PeersView {
  readonly cluster: ClusterId;
  readonly members: readonly ClusterMember[];
}

export function encodeMembers(cluster: ClusterId, membership: Membership): Uint8Array {
  const members = membership.members().map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
    ID: id,
    name,
    peerURLs: [...peerUrls],
    clientURLs: [...clientUrls],
    isLearner,
  }));
  const response = create(MemberListResponseSchema, { header: { clusterId: cluster }, members });
  return toBinary(MemberListResponseSchema, response);
}

/** Null for bytes that are no list of members, or an empty one. */
function decodeMembers(bytes: Uint8Array): PeersView | null {
  try {
    const { header, members } = fromBinary(MemberListResponseSchema, bytes);
    if (members.length === 0) return null;
    return {
      cluster: (header?.clusterId ?? 0n) as ClusterId,
      members: members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
        id: ID as MemberId,
        name,
        peerUrls: peerURLs,
        clientUrls: clientURLs,
        isLearner,
      })),
    };
  } catch {
    return null;
  }
}

/** @source etcd v3.4.23 etcdserver/cluster_util.go isMemberBootstrapped, GetClusterFromRemotePeers */
export class Admission {
  private readonly config: MemberConfig;
  private readonly ask: (node: NodeId) => void;
  private readonly startUs: number;
  private readonly timeoutUs: number;
  /** Peers that have not answered, refused or gone. */
  private readonly open: Set<NodeId>;
  private answer: PeersView | null = null;
  private isLate = false;

  /** @param ask sends the question to a peer, whose connection stands */
  constructor(config: MemberConfig, ask: (node: NodeId) => void, nowUs: number) {
    this.config = config;
    this.ask = ask;
    this.startUs = nowUs;
    this.timeoutUs = 1_000_000 + config.electionTicks * config.tickUs;
    const others = config.peers.filter(({ nodeId }) => nodeId !== config.nodeId);
    this.open = new Set(others.map(({ nodeId }) => nodeId));
  }

  linkChanged(node: NodeId, isUp: boolean): void {
    if (!this.open.has(node)) return;
    if (isUp) this.ask(node);
    else this.open.delete(node);
  }

  /** @param body null: the peer cannot say, for it starts itself */
  answered(node: NodeId, body: Uint8Array | null): void {
    if (!this.open.delete(node) || body === null) return;
    this.answer ??= decodeMembers(body);
  }

  tick(nowUs: number): void {
    if (nowUs - this.startUs >= this.timeoutUs) this.isLate = true;
  }

  /**
   * Null while the question is open.
   * @throws BootError when the member may not start
   */
  decide(): Admitted | null {
    if (this.answer === null && this.open.size > 0 && !this.isLate) return null;
    return this.config.initialClusterState === 'existing' ? this.join() : this.begin();
  }

  private begin(): Admitted {
    const { peers, clusterToken, nodeId } = this.config;
    const idOf = ({ peerUrl }: PeerConfig): MemberId => memberIdOf([peerUrl], clusterToken);
    const self = peers.find((peer) => peer.nodeId === nodeId) as PeerConfig;
    const member = idOf(self);
    const seen = this.answer?.members.find(({ id }) => id === member);
    const isKnown = seen !== undefined && seen.clientUrls.length > 0;
    if (isKnown && this.config.defects?.wipedKeepsId !== true) {
      throw new BootError(`member ${idToHex(member)} has already been bootstrapped`);
    }
    return { member, cluster: clusterIdOf(peers.map(idOf)), existing: null };
  }

  private join(): Admitted {
    if (this.answer === null) {
      throw new BootError(
        'cannot fetch cluster info from peer urls: ' +
          'could not retrieve cluster information from the given URLs',
      );
    }
    const { cluster, members } = this.answer;
    const { peers, nodeId } = this.config;
    const problem = mismatch(members, peers);
    if (problem !== null) {
      throw new BootError(`error validating peerURLs ${describe(this.answer)}: ${problem}`);
    }
    const self = peers.find((peer) => peer.nodeId === nodeId) as PeerConfig;
    const own = members.find(({ peerUrls }) => peerUrls.includes(self.peerUrl)) as ClusterMember;
    return { member: own.id, cluster, existing: members };
  }
}

/** @source etcd v3.4.23 etcdserver/api/membership/cluster.go ValidateClusterAndAssignIDs */
function mismatch(members: readonly ClusterMember[], peers: readonly PeerConfig[]): string | null {
  if (members.length !== peers.length) return 'member count is unequal';
  const lost = [...members]
    .sort((a, b) => compareIds(a.id, b.id))
    .find(({ peerUrls }) => !peers.some(({ peerUrl }) => peerUrls.includes(peerUrl)));
  if (lost === undefined) return null;
  const urls = lost.peerUrls.join(' ');
  return `PeerURLs: no match found for existing member (${idToHex(lost.id)}, [${urls}])`;
}

function describe({ cluster, members }: PeersView): string {
  const each = members.map(
    ({ id, peerUrls, isLearner, name, clientUrls }) =>
      `&{ID:${idToHex(id)} RaftAttributes:{PeerURLs:[${peerUrls.join(' ')}] IsLearner:${isLearner}} ` +
      `Attributes:{Name:${name} ClientURLs:[${clientUrls.join(' ')}]}}`,
  );
  return `{ClusterID:${idToHex(cluster)} Members:[${each.join(' ')}] RemovedMemberIDs:[]}`;
}
