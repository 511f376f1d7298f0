/** Clients' requests from the door to the answer: writes through the log, reads through the read index. */
import { create, toBinary } from '@bufbuild/protobuf';
import { emptyBytes } from '../../base/bytes.ts';
import type { Backend } from '../backend/backend.ts';
import type { Lessor } from '../lease/lessor.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import {
  LeaseLeasesResponseSchema,
  LeaseRevokeRequestSchema,
  MemberListResponseSchema,
  StatusResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { RangeRequest } from '../pb/gen/rpc_pb.ts';
import type { Entry, NodeId, ReadState } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import type { Applied, Applier } from './apply.ts';
import { headerOf, readRange } from './apply-kv.ts';
import { encodeV2Put, encodeWrite } from './entry-data.ts';
import type { WriteRequest } from './entry-data.ts';
import { noLeaderText, RpcError, rpcErrors } from './errors.ts';
import { LeaseExpiry } from './lease-expiry.ts';
import { LeaseRequests } from './lease-requests.ts';
import { RequestIdGenerator } from './member-id.ts';
import { attributesPath, attributesToJson } from './membership.ts';
import type { MemberAttributes, Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { Proposals } from './proposals.ts';
import type { Proposal, Proposer } from './proposals.ts';
import type { RaftNode } from './raft.ts';
import { ReadIndexLoop } from './read-index.ts';
import type { Reader } from './read-index.ts';
import { decodeRequest, maxRequestBytes, requestLabel } from './rpc.ts';
import type { RpcRequest } from './rpc.ts';
import type { LogOwner } from './wal-storage.ts';
import type { MemberConfig, RpcMethod } from './types.ts';

/** The version whose behaviour this is. */
const serverVersion = '3.4.23';

/** @source etcd v3.4.23 etcdserver/v3_server.go maxGapBetweenApplyAndCommitIndex */
const maxGapBetweenApplyAndCommit = 5000;

export interface V3ServerParts {
  readonly owner: LogOwner;
  readonly raft: RaftNode;
  readonly applier: Applier;
  readonly backend: Backend;
  readonly kv: KvStore;
  readonly lessor: Lessor;
  readonly membership: Membership;
  readonly outbox: Outbox;
}

/** @source etcd v3.4.23 etcdserver/v3_server.go; server.go publish; api/v3rpc */
export class V3Server {
  readonly #parts: V3ServerParts;
  readonly #ids: RequestIdGenerator;
  readonly #proposals: Proposals;
  readonly #reads: ReadIndexLoop;
  readonly #leaseRequests: LeaseRequests;
  readonly #expiry = new LeaseExpiry();
  readonly #electionUs: number;
  readonly #attributes: MemberAttributes;
  /** When this member last came to lead. */
  #ledSinceUs: number | null = null;

  constructor(config: MemberConfig, parts: V3ServerParts, attributes: MemberAttributes, nowUs: number) {
    const electionUs = config.electionTicks * config.tickUs;
    this.#parts = parts;
    this.#electionUs = electionUs;
    this.#attributes = attributes;
    this.#ids = new RequestIdGenerator(parts.owner.member, nowUs, config.epoch);
    this.#proposals = new Proposals(electionUs);
    this.#reads = new ReadIndexLoop(
      {
        nextRequestId: () => this.#ids.next(),
        sendReadIndex: (context) => parts.raft.readIndex(context),
        answer: ({ request, body }) => this.#answerRange(request, body),
        refuse: ({ request }, error) => this.#refuse(request, error),
      },
      electionUs,
    );
    this.#leaseRequests = this.#makeLeaseRequests();
    this.#publish(nowUs);
  }

  /** Takes a client's request; its answer comes in this step or a later one. */
  handle(request: number, method: RpcMethod, bytes: Uint8Array, nowUs: number): void {
    try {
      const decoded = decodeRequest(method, bytes);
      const { trace } = this.#parts.outbox;
      if (trace.on) trace.emit({ type: 'server.request', request, method, label: requestLabel(decoded) });
      this.#route(request, decoded, nowUs);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#refuse(request, error);
    }
  }

  /** The client no longer waits; a write that was proposed may still be applied. */
  cancel(request: number): void {
    this.#proposals.cancel(request);
    this.#reads.cancel(request);
    this.#leaseRequests.cancel(request);
  }

  /** Time passes: what has waited too long is answered, and the member publishes itself until it succeeds. */
  tick(nowUs: number): void {
    for (const { proposal, error } of this.#proposals.expire(nowUs, this.#ledSinceUs)) {
      if (proposal.proposer === 'publish') this.#publish(nowUs);
      else this.#finish(proposal.proposer, error);
    }
    this.#reads.tick(nowUs);
    this.#leaseRequests.tick(nowUs);
  }

  /** One pass over the leases: the leader revokes, through the log, what has expired. */
  expireLeases(nowUs: number): void {
    this.#expiry.add(this.#parts.lessor.expire(nowUs));
  }

  /** A request of a peer, or its answer to ours. */
  takePeerRequest(from: NodeId, bytes: Uint8Array, nowUs: number): void {
    this.#leaseRequests.receive(from, bytes, nowUs);
  }

  /** @param isNew whether a leader is known that was not known just before */
  leadChanged(isNew: boolean, nowUs: number): void {
    const { raft, lessor } = this.#parts;
    if (!raft.isLeader) {
      lessor.demote();
      this.#expiry.stop();
    }
    if (!isNew) return;
    if (raft.isLeader) this.#ledSinceUs = nowUs;
    this.#reads.leaderChanged(nowUs);
  }

  readConfirmed(states: readonly ReadState[]): void {
    this.#reads.confirm(states);
  }

  /** An entry was applied here: whoever proposed it here gets the answer. */
  applied(entry: Entry, applied: Applied | null, nowUs: number): void {
    if (entry.type === 'EntryNormal' && entry.data.length === 0) this.#firstCommitInTerm(nowUs);
    const proposal = applied === null ? null : this.#proposals.take(applied.id);
    if (applied !== null && proposal !== null) this.#finish(proposal.proposer, applied.outcome);
  }

  /**
   * Does what has become possible: proposes what waited for a leader, answers reads whose index is applied.
   */
  settle(nowUs: number): void {
    this.#reads.advance(this.#parts.applier.index, nowUs);
    this.#leaseRequests.settle(nowUs);
    for (const id of this.#expiry.take()) this.#revokeExpired(id, nowUs);
    if (this.#parts.raft.lead === none) return;
    for (const proposal of this.#proposals.takeWaiting()) this.#propose(proposal);
  }

  #route(request: number, decoded: RpcRequest, nowUs: number): void {
    switch (decoded.kind) {
      case 'put':
      case 'deleteRange':
      case 'leaseRevoke':
        return this.#write(request, decoded, nowUs);
      case 'leaseGrant':
        while (decoded.body.ID === 0n) decoded.body.ID = BigInt.asUintN(63, this.#ids.next());
        return this.#write(request, decoded, nowUs);
      case 'leaseKeepAlive': {
        const ask = { kind: 'renew', id: decoded.body.ID, header: this.#header() } as const;
        return this.#leaseRequests.add(request, ask, nowUs);
      }
      case 'leaseTimeToLive': {
        const { ID: id, keys } = decoded.body;
        return this.#leaseRequests.add(request, { kind: 'timeToLive', id, keys }, nowUs);
      }
      case 'leaseLeases':
        return this.#answer(request, this.#leaseList());
      case 'range':
        if (decoded.body.serializable) this.#answerRange(request, decoded.body);
        else this.#reads.add({ request, body: decoded.body } satisfies Reader, nowUs);
        return;
      case 'memberList':
        return this.#answer(request, this.#memberList());
      case 'status':
        return this.#answer(request, this.#status());
    }
  }

  #write(request: number, write: WriteRequest & RpcRequest, nowUs: number): void {
    const { raft, applier, outbox } = this.#parts;
    if (raft.status().commit > applier.index + maxGapBetweenApplyAndCommit) throw rpcErrors.tooManyRequests;
    const id = this.#ids.next();
    const data = encodeWrite(id, write);
    if (data.length > maxRequestBytes) throw rpcErrors.requestTooLarge;
    const label = outbox.trace.on ? requestLabel(write) : '';
    this.#proposals.add({ id, proposer: { request }, data, label, startUs: nowUs });
  }

  /** Tells the cluster this member's name and client URLs, as a 3.4 server does at each start. */
  #publish(nowUs: number): void {
    const id = this.#ids.next();
    const path = attributesPath(this.#parts.owner.member);
    const data = encodeV2Put(id, path, attributesToJson(this.#attributes));
    this.#proposals.add({ id, proposer: 'publish', data, label: '', startUs: nowUs });
  }

  /**
   * What raft drops is refused at once; the member's own attributes are tried again when their time is over.
   * The event comes first, so that a reader of the trace sees raft act on it.
   */
  #propose({ id, proposer, data, label }: Proposal): void {
    const { raft, outbox } = this.#parts;
    if (proposer === 'publish') {
      raft.propose(data);
      return;
    }
    const request = proposer === 'leaseExpiry' ? 0 : proposer.request;
    if (outbox.trace.on) outbox.trace.emit({ type: 'server.propose', request, label });
    if (raft.propose(data)) return;
    this.#proposals.take(id);
    this.#finish(proposer, rpcErrors.proposalDropped);
  }

  /** Tells whoever proposed an entry what came of it. */
  #finish(proposer: Proposer, outcome: Uint8Array | RpcError): void {
    if (proposer === 'leaseExpiry') return this.#expiry.done();
    if (proposer === 'publish') return;
    if (outcome instanceof RpcError) this.#refuse(proposer.request, outcome);
    else this.#answer(proposer.request, outcome);
  }

  /**
   * The leader has applied all that earlier terms have left: from now on its clock counts for the leases.
   * @source etcd v3.4.23 etcdserver/server.go applyEntryNormal
   */
  #firstCommitInTerm(nowUs: number): void {
    this.#reads.firstCommitInTerm(nowUs);
    if (this.#parts.raft.isLeader) this.#parts.lessor.promote(this.#electionUs, nowUs);
  }

  #revokeExpired(lease: bigint, startUs: number): void {
    const id = this.#ids.next();
    const request = { kind: 'leaseRevoke', body: create(LeaseRevokeRequestSchema, { ID: lease }) } as const;
    const label = requestLabel(request);
    this.#proposals.add({ id, proposer: 'leaseExpiry', data: encodeWrite(id, request), label, startUs });
  }

  #makeLeaseRequests(): LeaseRequests {
    const { lessor, raft, outbox } = this.#parts;
    return new LeaseRequests(
      {
        lessor,
        raft,
        nextRequestId: () => this.#ids.next(),
        header: () => this.#header(),
        answer: (request, bytes) => this.#answer(request, bytes),
        refuse: (request, error) => this.#refuse(request, error),
        send: (to, messageType, bytes, reject) =>
          outbox.send({ to, bytes, messageType, term: raft.status().term, index: 0, entryCount: 0, reject }),
      },
      this.#electionUs,
    );
  }

  /** The leases as this member knows them. @source etcd v3.4.23 etcdserver/v3_server.go LeaseLeases */
  #leaseList(): Uint8Array {
    const leases = this.#parts.lessor.leases().map(({ id }) => ({ ID: id }));
    const response = create(LeaseLeasesResponseSchema, { header: this.#header(), leases });
    return toBinary(LeaseLeasesResponseSchema, response);
  }

  /** Of an answer that tells of now. */
  #header(): ReturnType<typeof headerOf> {
    const { owner, applier, kv } = this.#parts;
    return headerOf(owner, applier.term, kv.revision);
  }

  #answerRange(request: number, body: RangeRequest): void {
    const { kv, owner, applier } = this.#parts;
    try {
      this.#answer(request, readRange({ kv, head: owner, term: applier.term }, body));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#refuse(request, error);
    }
  }

  /** The members as this one knows them: 3.4 asks nobody. Its header has no revision. */
  #memberList(): Uint8Array {
    const { membership, owner, applier } = this.#parts;
    const members = membership.members().map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
      ID: id,
      name,
      peerURLs: [...peerUrls],
      clientURLs: [...clientUrls],
      isLearner,
    }));
    const header = headerOf(owner, applier.term, 0);
    return toBinary(MemberListResponseSchema, create(MemberListResponseSchema, { header, members }));
  }

  /** @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go Status */
  #status(): Uint8Array {
    const { raft, applier, backend, kv, owner, membership } = this.#parts;
    const isLeaderless = raft.lead === none;
    return toBinary(
      StatusResponseSchema,
      create(StatusResponseSchema, {
        header: headerOf(owner, applier.term, kv.revision),
        version: serverVersion,
        leader: owner.table.memberOf(raft.lead),
        raftIndex: BigInt(raft.status().commit),
        raftAppliedIndex: BigInt(applier.index),
        raftTerm: BigInt(applier.term),
        dbSize: BigInt(backend.sizeBytes),
        dbSizeInUse: BigInt(backend.sizeInUseBytes),
        isLearner: membership.member(owner.member)?.isLearner ?? false,
        errors: isLeaderless ? [noLeaderText] : [],
      }),
    );
  }

  #answer(request: number, bytes: Uint8Array): void {
    this.#parts.outbox.reply({ request, code: 0, message: '', bytes });
  }

  #refuse(request: number, { code, message }: RpcError): void {
    this.#parts.outbox.reply({ request, code, message, bytes: emptyBytes });
  }
}
