/**
 * The 64-bit ids of members, clusters and requests, and their place in one cluster's table of node numbers.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import type { Brand } from '../../base/brand.ts';
import { compareBytes, concatBytes } from '../../base/bytes.ts';
import { idToHex } from '../../base/u64.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { none } from '../raft/types.ts';
import type { NodeId } from '../raft/types.ts';
import type { PeerConfig } from './types.ts';

export type MemberId = Brand<bigint, 'MemberId'>;
export type ClusterId = Brand<bigint, 'ClusterId'>;

const noMember = 0n as MemberId;

/** The first eight bytes, big-endian. */
function leadingU64(hash: Uint8Array): bigint {
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0, false);
}

function u64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, false);
  return bytes;
}

/**
 * The id of a member of a new cluster: from its peer URLs, bytewise ascending, and the cluster's token.
 * @source etcd v3.4.23 etcdserver/api/membership/member.go newMember
 */
export function memberIdOf(peerUrls: readonly string[], clusterToken: string): MemberId {
  const urls = peerUrls.map(encodeUtf8).sort(compareBytes);
  return leadingU64(sha1(concatBytes([...urls, encodeUtf8(clusterToken)]))) as MemberId;
}

/** @source etcd v3.4.23 etcdserver/api/membership/cluster.go genID */
export function clusterIdOf(memberIds: readonly MemberId[]): ClusterId {
  return leadingU64(sha1(concatBytes([...memberIds].sort(compareIds).map(u64Bytes)))) as ClusterId;
}

export function compareIds(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The id of a member that is added to a running cluster: from its peer URLs and the second of its addition.
 * @source etcd v3.4.23 etcdserver/api/membership/member.go newMember; v3rpc/member.go MemberAdd
 */
export function addedMemberIdOf(peerUrls: readonly string[], nowUs: number): MemberId {
  const urls = peerUrls.map(encodeUtf8).sort(compareBytes);
  const seconds = encodeUtf8(String(Math.floor(nowUs / 1_000_000)));
  return leadingU64(sha1(concatBytes([...urls, seconds]))) as MemberId;
}

/** Node numbers of members whose address is no host's begin here: nobody can be reached there. */
export const firstUnreachableNode = 1000;
const unreachableNodes = 1_000_003n;

/**
 * Which member has which node number. Raft counts in small numbers; the wire and the log carry member ids.
 * A node number is its host's, so a member that takes the place of a removed one on the same host has a new
 * id and the same number: the ids that had it before are `retired`, and nothing of theirs is taken any more.
 * Only another one on this process's own host gets a number of nobody: its vote is not this member's.
 */
export class MemberTable {
  /** Whose messages a node sends and receives now. */
  private readonly members = new Map<NodeId, MemberId>([[none, noMember]]);
  /** Of every id ever seen. */
  private readonly nodes = new Map<bigint, NodeId>([[noMember, none]]);
  private readonly retired = new Set<bigint>();
  /** Who is there now by its own word or another member's, and not by what the log says of the past. */
  private readonly present = new Set<bigint>();
  /** Whose process this is; null where it is nobody's yet. */
  private own: MemberId | null = null;
  private readonly hosts: readonly PeerConfig[];

  /**
   * @param peers the first members
   * @param hosts all hosts there are, by their first addresses; absent: those of the peers
   */
  constructor(
    peers: readonly PeerConfig[],
    clusterToken: string,
    hosts: readonly PeerConfig[] | undefined = peers,
  ) {
    this.hosts = hosts;
    for (const peer of peers) this.seat(memberIdOf([peer.peerUrl], clusterToken), peer.nodeId);
  }

  /** 0 for no node, and for raft's local threads. */
  memberOf(node: NodeId): MemberId {
    return this.members.get(node) ?? noMember;
  }

  /** Null for an id that was never seen, or is retired. */
  nodeOf(member: bigint): NodeId | null {
    return this.retired.has(member) ? null : (this.nodes.get(member) ?? null);
  }

  /** The node number of a member in the log, be it long gone. One that is seen for the first time gets it. */
  numberOf(member: bigint, peerUrls: readonly string[] = []): NodeId {
    const known = this.nodes.get(member);
    const at = isPlaced(known) ? null : this.nodeAt(peerUrls);
    const isOnOwnHost = at !== null && this.own !== null && this.members.get(at) === this.own;
    if (isOnOwnHost) this.retired.add(member);
    const host = isOnOwnHost ? null : at;
    if (known !== undefined && host === null) return known;
    const node = host ?? unreachable(member);
    this.nodes.set(member, node);
    if (!this.members.has(node)) this.members.set(node, member as MemberId);
    return node;
  }

  /** The host with one of these addresses; null where none has. */
  nodeAt(peerUrls: readonly string[]): NodeId | null {
    return this.hosts.find(({ peerUrl }) => peerUrls.includes(peerUrl))?.nodeId ?? null;
  }

  /** The node as a host; null where there is no host of that number. */
  hostNode(node: NodeId): NodeId | null {
    return this.hosts.some(({ nodeId }) => nodeId === node) ? node : null;
  }

  /** This process is the member. */
  seatOwn(member: MemberId, node: NodeId): void {
    this.own = member;
    this.meet(member, node);
  }

  /** The member is known to be on this node now; who was there before is retired. */
  meet(member: MemberId, node: NodeId): void {
    this.present.add(member);
    this.place(member, node);
  }

  /** The log has added the member: it speaks from now on, unless another one is known to be there. */
  seat(member: MemberId, node: NodeId): void {
    const holder = this.members.get(node);
    const isPast = holder !== undefined && holder !== member && this.present.has(holder);
    if (!isPast || this.retired.has(holder)) return this.place(member, node);
    this.nodes.set(member, node);
    this.retired.add(member);
  }

  private place(member: MemberId, node: NodeId): void {
    const before = this.members.get(node);
    if (before !== undefined && before !== member) this.retired.add(before);
    this.members.set(node, member);
    this.nodes.set(member, node);
  }

  /**
   * A message came from a host and names this member as its sender: one that is new there is seated, for a
   * member that lags behind hears of another's addition from itself. So is one of which only the id was
   * known: the vote of who has just joined is all that its log holds when it starts again.
   * @returns the node; null for a retired member
   */
  accept(member: bigint, host: NodeId): NodeId | null {
    if (this.retired.has(member)) return null;
    const known = this.nodes.get(member);
    if (known !== undefined && isPlaced(known) && this.members.get(known) === member) return known;
    const node = known !== undefined && isPlaced(known) ? known : host;
    this.meet(member as MemberId, node);
    return node;
  }

  retire(member: MemberId): void {
    this.retired.add(member);
  }

  /** A host's name; for other nodes the member's id in hex, or the name that a number makes. */
  nameOf(node: NodeId): string {
    const host = this.hosts.find(({ nodeId }) => nodeId === node);
    if (host !== undefined) return host.name;
    const member = this.members.get(node);
    return member === undefined || isPlaced(node) ? `m${node}` : idToHex(member);
  }

  /** The name of its host, or the id in hex for a member that was never seen. */
  nameOfMember(member: MemberId): string {
    const node = this.nodes.get(member);
    return node === undefined ? idToHex(member) : this.nameOf(node);
  }
}

/** Whether a node number is a host's. */
const isPlaced = (node: NodeId | undefined): boolean => node !== undefined && node < firstUnreachableNode;

function unreachable(member: bigint): NodeId {
  return (firstUnreachableNode + Number(BigInt.asUintN(64, member) % unreachableNodes)) as NodeId;
}

/** Counts of requests beyond 2^48 would start again; none of our runs gets there. */
const suffixLimit = 281474976710656;

/**
 * Ids that name a member's requests: two bytes of the member id, five of the time in milliseconds, one that
 * counts; the count may run over into the time. `epoch` is added to the time, so that a member that starts
 * twice
 * within a millisecond does not give an id twice.
 * @source etcd v3.4.23 pkg/idutil/id.go
 */
export class RequestIdGenerator {
  private readonly prefix: bigint;
  private suffix: number;

  constructor(member: MemberId, nowUs: number, epoch: number) {
    this.prefix = (member & 0xffffn) << 48n;
    this.suffix = ((Math.floor(nowUs / 1000) + epoch) % 1099511627776) * 256;
  }

  next(): bigint {
    this.suffix = (this.suffix + 1) % suffixLimit;
    return this.prefix | BigInt(this.suffix);
  }
}
