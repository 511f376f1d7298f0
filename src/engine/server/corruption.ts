/**
 * Whether members hold the same data: their hashes at one revision are compared, by a member that starts with
 * those of its peers, and by the leader again and again.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { kept, sharedByForks } from '../../base/fork.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { idToHex } from '../../base/u64.ts';
import type { RevisionHash } from '../mvcc/hash.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { MvccError } from '../mvcc/types.ts';
import { AlarmType, HashKVRequestSchema, HashKVResponseSchema } from '../pb/gen/rpc_pb.ts';
import type { NodeId } from '../raft/types.ts';
import { alarmOf } from './alarms.ts';
import { toNumber } from './apply-kv.ts';
import type { Door } from './door.ts';
import type { WriteRequest } from './entry-data.ts';
import type { MemberId, MemberTable } from './member-id.ts';
import { otherHosts } from './members-told.ts';
import type { Membership } from './membership.ts';
import type { PeerLinks } from './peer-links.ts';
import type { Outbox } from './outbox.ts';
import { encodePeerRequest, peerRequestNames } from './peer-request.ts';
import type { PeerRequest } from './peer-request.ts';
import { requestTimeoutUs } from './proposals.ts';
import type { ReadIndexLoop } from './read-index.ts';
import type { MemberConfig } from './types.ts';
import { BootError } from './wal-storage.ts';
import type { LogOwner } from './wal-storage.ts';

/** The question, for a peer. */
export function hashQuestion(id: bigint, revision: number): PeerRequest {
  const body = create(HashKVRequestSchema, { revision: BigInt(revision) });
  return { kind: 'hashKv', id, body: toBinary(HashKVRequestSchema, body) };
}

/**
 * What a member answers a peer that asks for its hash; null for a question that cannot be read.
 * @source etcd v3.4.23 etcdserver/corrupt.go hashKVHandler
 */
export function hashAnswer(kv: KvStore, { id, body }: PeerRequest): PeerRequest | null {
  try {
    const asked = toNumber(fromBinary(HashKVRequestSchema, body).revision);
    const { hash, currentRevision, compactRevision } = kv.hashByRevision(asked);
    const header = { revision: BigInt(currentRevision) };
    const answer = create(HashKVResponseSchema, { header, hash, compactRevision: BigInt(compactRevision) });
    return { kind: 'hashKvIs', id, body: toBinary(HashKVResponseSchema, answer) };
  } catch (error) {
    if (!(error instanceof MvccError)) return null;
    return { kind: 'hashKvRefused', id, body: encodeUtf8(error.message) };
  }
}

/** Null for what is no answer, or a refusal: the peer is behind, or has compacted what was asked for. */
function readAnswer({ kind, body }: PeerRequest): RevisionHash | null {
  if (kind !== 'hashKvIs') return null;
  try {
    const { hash, compactRevision, header } = fromBinary(HashKVResponseSchema, body);
    return {
      hash,
      currentRevision: toNumber(header?.revision ?? 0n),
      compactRevision: toNumber(compactRevision),
    };
  } catch {
    return null;
  }
}

/** A question to several peers on its way. Who cannot be reached, or says nothing, has no answer. */
export class HashInquiry {
  readonly id: bigint;
  /** This member's own, at the revision that was asked for. */
  readonly own: RevisionHash;
  readonly answers: RevisionHash[] = [];
  private readonly open: Set<NodeId>;
  private readonly endUs: number;

  constructor(id: bigint, own: RevisionHash, peers: readonly NodeId[], endUs: number) {
    this.id = id;
    this.own = own;
    this.open = new Set(peers);
    this.endUs = endUs;
  }

  isOpen(node: NodeId): boolean {
    return this.open.has(node);
  }

  /** The peer has answered. */
  receive(node: NodeId, message: PeerRequest): void {
    if (message.id !== this.id || !this.open.delete(node)) return;
    const answer = readAnswer(message);
    if (answer !== null) this.answers.push(answer);
  }

  /** The peer cannot be reached. */
  lose(node: NodeId): void {
    this.open.delete(node);
  }

  isOver(nowUs: number): boolean {
    return this.open.size === 0 || nowUs >= this.endUs;
  }
}

/**
 * Whether the leader's and its peers' hashes contradict each other: nobody may know of more than the leader
 * does after the answers, and with the same compaction all hashes are equal.
 * @param before the leader's hash when it asked
 * @param after the same, once all that was committed meanwhile is applied
 * @source etcd v3.4.23 etcdserver/corrupt.go checkHashKV
 */
export function isCorrupt(
  before: RevisionHash,
  after: RevisionHash,
  answers: readonly RevisionHash[],
): boolean {
  const isSameState =
    after.currentRevision === before.currentRevision && after.compactRevision === before.compactRevision;
  if (isSameState && after.hash !== before.hash) return true;
  return answers.some(
    ({ hash, currentRevision, compactRevision }) =>
      currentRevision > after.currentRevision ||
      compactRevision > after.compactRevision ||
      (compactRevision === before.compactRevision && hash !== before.hash),
  );
}

export interface InitialHashCheckParts {
  readonly kv: KvStore;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly links: PeerLinks;
}

/**
 * The check at a start, before the member serves anybody. Peers of another compaction, peers that are behind
 * and peers that are not there say nothing.
 * @source etcd v3.4.23 etcdserver/corrupt.go CheckInitialHashKV
 */
export class InitialHashCheck {
  private readonly inquiry: HashInquiry;
  private readonly member: MemberId;
  private readonly send: (to: NodeId, question: PeerRequest) => void;

  /** Asks whom it can reach, and others as soon as their connection stands. */
  constructor(
    config: MemberConfig,
    { kv, membership, table, links }: InitialHashCheckParts,
    member: MemberId,
    send: (to: NodeId, question: PeerRequest) => void,
    nowUs: number,
  ) {
    const own = kv.hashByRevision(0);
    const endUs = nowUs + requestTimeoutUs(config.electionTicks * config.tickUs);
    const peers = otherHosts(membership, member, table, config);
    // what is asked names the question: a late answer to an earlier start's is as good
    this.inquiry = new HashInquiry(BigInt(own.currentRevision), own, peers, endUs);
    this.member = member;
    this.send = send;
    for (const node of peers) if (links.isKnown(node)) this.linkChanged(node, links.isUp(node));
  }

  linkChanged(node: NodeId, isUp: boolean): void {
    if (!this.inquiry.isOpen(node)) return;
    const { id, own } = this.inquiry;
    if (isUp) this.send(node, hashQuestion(id, own.currentRevision));
    else this.inquiry.lose(node);
  }

  receive(from: NodeId, message: PeerRequest): void {
    this.inquiry.receive(from, message);
  }

  /** @returns whether the start may go on @throws BootError where a peer holds something else */
  isDone(nowUs: number): boolean {
    if (!this.inquiry.isOver(nowUs)) return false;
    const { own, answers } = this.inquiry;
    const isDifferent = ({ hash, compactRevision }: RevisionHash): boolean =>
      compactRevision === own.compactRevision && hash !== own.hash;
    if (answers.some(isDifferent))
      throw new BootError(`${idToHex(this.member)} found data inconsistency with peers`);
    return true;
  }
}

const giveUp = sharedByForks(() => {});

/** What a check asks of its member. */
export interface CorruptionPort {
  readonly door: Door;
  readonly reads: ReadIndexLoop;
  /** Proposes as the member itself. */
  propose(write: WriteRequest, nowUs: number): void;
}

export interface CorruptionParts {
  readonly kv: KvStore;
  readonly raft: { readonly isLeader: boolean };
  readonly membership: Membership;
  readonly owner: LogOwner;
  readonly outbox: Outbox;
}

/** The leader's checks, each so long after the one before. @source corrupt.go monitorKVHash */
export class CorruptionMonitor {
  private readonly config: MemberConfig;
  private readonly parts: CorruptionParts;
  private readonly port: CorruptionPort;
  private inquiry: HashInquiry | null = null;

  constructor(config: MemberConfig, parts: CorruptionParts, port: CorruptionPort) {
    this.config = config;
    this.parts = parts;
    this.port = port;
    this.rest();
  }

  /** It is time for the next check. */
  run(nowUs: number): void {
    const { kv, raft, membership, owner } = this.parts;
    if (!raft.isLeader) return this.rest();
    const peers = otherHosts(membership, owner.member, owner.table, this.config);
    const own = kv.hashByRevision(0);
    const endUs = nowUs + requestTimeoutUs(this.config.electionTicks * this.config.tickUs);
    const question = hashQuestion(this.port.door.nextRequestId(), own.currentRevision);
    this.inquiry = new HashInquiry(question.id, own, peers, endUs);
    const bytes = encodePeerRequest(question);
    for (const node of peers) this.port.door.send(node, peerRequestNames.hashKv, bytes, false);
    this.tick(nowUs);
  }

  receive(from: NodeId, message: PeerRequest): void {
    this.inquiry?.receive(from, message);
  }

  /** Where all have answered, or it has taken too long, the answers are compared. */
  tick(nowUs: number): void {
    const inquiry = this.inquiry;
    if (inquiry === null || !inquiry.isOver(nowUs)) return;
    this.inquiry = null;
    this.rest();
    const compare = (self: CorruptionMonitor) => () => self.compare(inquiry, nowUs);
    // where it cannot be found out how far all have come, nothing is compared
    this.port.reads.add({ request: 0, read: kept(compare, this), refuse: giveUp }, nowUs);
  }

  /** Whose copy is wrong is not known: the alarm names nobody. */
  private compare({ own, answers }: HashInquiry, nowUs: number): void {
    const { kv, outbox } = this.parts;
    const corrupt = isCorrupt(own, kv.hashByRevision(0), answers);
    const [revision, peerCount] = [own.currentRevision, answers.length];
    if (outbox.trace.on) outbox.trace.emit({ type: 'server.corruptCheck', revision, peerCount, corrupt });
    if (corrupt) this.port.propose(alarmOf(AlarmType.CORRUPT, 0n), nowUs);
  }

  private rest(): void {
    const { corruptCheckUs = 0 } = this.config;
    if (corruptCheckUs > 0) this.parts.outbox.timer('corruptCheck', corruptCheckUs);
  }
}
