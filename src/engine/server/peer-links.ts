/** Which hosts this member is connected to, and since when: guards of changes ask. And where members are. */
import type { NodeId } from '../raft/types.ts';
import type { MemberTable } from './member-id.ts';
import type { Membership } from './membership.ts';

/** @source etcd v3.4.23 etcdserver/server.go HealthInterval */
const healthIntervalUs = 5_000_000;

/** @source etcd v3.4.23 etcdserver/util.go; rafthttp/peer_status.go */
export class PeerLinks {
  private readonly upSinceUs = new Map<NodeId, number>();
  private readonly known = new Set<NodeId>();

  set(node: NodeId, isUp: boolean, nowUs: number): void {
    this.known.add(node);
    if (!isUp) this.upSinceUs.delete(node);
    else if (!this.upSinceUs.has(node)) this.upSinceUs.set(node, nowUs);
  }

  /** Whether it was ever told how the connection is. */
  isKnown(node: NodeId): boolean {
    return this.known.has(node);
  }

  isUp(node: NodeId): boolean {
    return this.upSinceUs.has(node);
  }

  /** Of the nodes the one that has been connected the longest, the first of several; null where none is. */
  longestConnected(nodes: readonly NodeId[], hostOf: (node: NodeId) => NodeId | null): NodeId | null {
    let [longest, oldestUs]: [NodeId | null, number] = [null, Infinity];
    for (const node of nodes) {
      const host = hostOf(node);
      const sinceUs = (host === null ? undefined : this.upSinceUs.get(host)) ?? Infinity;
      if (sinceUs < oldestUs) [longest, oldestUs] = [node, sinceUs];
    }
    return longest;
  }

  /** How many of the nodes have been connected for 5 s; this member itself is one of them. */
  steadyCount(nodes: readonly (NodeId | null)[], self: NodeId, nowUs: number): number {
    return this.connectedCount(nodes, self, nowUs - healthIntervalUs);
  }

  /** How many of the nodes were connected at that time already, and are still; this member itself is one. */
  connectedCount(nodes: readonly (NodeId | null)[], self: NodeId, atUs: number): number {
    return nodes.filter((node) => {
      if (node === self) return true;
      const sinceUs = node === null ? undefined : this.upSinceUs.get(node);
      return sinceUs !== undefined && sinceUs < atUs;
    }).length;
  }
}

/** Where a member is: at its address, or while that is not known, at its node's own host. */
export class MemberHosts {
  private readonly table: MemberTable;
  private readonly membership: Membership;
  private readonly known = new Map<NodeId, NodeId | null>();

  constructor(table: MemberTable, membership: Membership) {
    this.table = table;
    this.membership = membership;
  }

  /** Null where no host has the member's address. */
  of(node: NodeId): NodeId | null {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    const member = this.membership.member(this.table.memberOf(node));
    const host = this.table.nodeAt(member?.peerUrls ?? []);
    const found = member === null ? this.table.hostNode(node) : host;
    this.known.set(node, found);
    return found;
  }

  /** Members have changed. */
  clear(): void {
    this.known.clear();
  }
}
