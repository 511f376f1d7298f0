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
 * Which member has which node number. Raft counts in small numbers; the wire and the log carry member ids.
 */
export class MemberTable {
  readonly #members = new Map<NodeId, MemberId>([[none, noMember]]);
  readonly #nodes = new Map<bigint, NodeId>([[noMember, none]]);
  readonly #names = new Map<NodeId, string>();

  constructor(peers: readonly PeerConfig[], clusterToken: string) {
    for (const peer of peers) {
      const member = memberIdOf([peer.peerUrl], clusterToken);
      this.#members.set(peer.nodeId, member);
      this.#nodes.set(member, peer.nodeId);
      this.#names.set(peer.nodeId, peer.name);
    }
  }

  /** 0 for no node, and for raft's local threads. */
  memberOf(node: NodeId): MemberId {
    return this.#members.get(node) ?? noMember;
  }

  /** Null for a member that is not in the table. */
  nodeOf(member: bigint): NodeId | null {
    return this.#nodes.get(member) ?? null;
  }

  nameOf(node: NodeId): string {
    return this.#names.get(node) ?? '';
  }

  /** The name, or the id in hex for a member that is not in the table. */
  nameOfMember(member: MemberId): string {
    const node = this.nodeOf(member);
    return node === null ? idToHex(member) : this.nameOf(node);
  }
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
  readonly #prefix: bigint;
  #suffix: number;

  constructor(member: MemberId, nowUs: number, epoch: number) {
    this.#prefix = (member & 0xffffn) << 48n;
    this.#suffix = ((Math.floor(nowUs / 1000) + epoch) % 1099511627776) * 256;
  }

  next(): bigint {
    this.#suffix = (this.#suffix + 1) % suffixLimit;
    return this.#prefix | BigInt(this.#suffix);
  }
}
