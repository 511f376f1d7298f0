/** Requests that change who is in the cluster, with the guards that keep a quorum. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeUtf8, decodeUtf8 } from '../../base/utf8.ts';
import {
  MemberAddResponseSchema,
  MemberPromoteRequestSchema,
  MemberPromoteResponseSchema,
  MemberRemoveResponseSchema,
  MemberUpdateResponseSchema,
  MoveLeaderResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { MemberUpdateRequest } from '../pb/gen/rpc_pb.ts';
import type { NodeId } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import type { AuthStore } from '../auth/store.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { kept } from '../../base/fork.ts';
import { refusalOf } from './apply-auth.ts';
import { changeOf } from './conf-change-data.ts';
import type { ChangeRequest } from './conf-change-data.ts';
import type { Call, Finish } from './calls.ts';
import { rpcErrors } from './errors.ts';
import { RpcError } from './errors.ts';
import { addedMemberIdOf } from './member-id.ts';
import type { MemberId } from './member-id.ts';
import { askerOf } from './kv-reads.ts';
import type { Outbox } from './outbox.ts';
import type { Proposal } from './proposals.ts';
import type { RpcRequest } from './rpc.ts';
import type { LogOwner } from './wal-storage.ts';
import type { ClusterMember, Membership } from './membership.ts';
import type { PeerLinks } from './peer-links.ts';
import type { Door } from './door.ts';
import { encodePeerRequest, peerRequestNames } from './peer-request.ts';
import type { PeerRequest, PeerRequestKind } from './peer-request.ts';
import { requestTimeoutUs } from './proposals.ts';
import type { RaftNode } from './raft.ts';

export interface MemberRequestsPort {
  readonly owner: LogOwner;
  /** This member's. */
  readonly node: NodeId;
  readonly raft: RaftNode;
  readonly membership: Membership;
  readonly links: PeerLinks;
  readonly auth: AuthStore;
  readonly outbox: Outbox;
  readonly door: Door;
  readonly proposals: { add(proposal: Proposal): void };
}

/** A client, or a peer whose client asked for a promotion. */
type Asker =
  | { readonly kind: 'client'; readonly request: number }
  | { readonly kind: 'peer'; readonly node: NodeId; readonly id: bigint };

type MemberChangeRequest = Extract<
  RpcRequest,
  { kind: 'memberAdd' | 'memberRemove' | 'memberUpdate' | 'memberPromote' }
>;

interface Promotion {
  readonly request: number;
  readonly member: MemberId;
  readonly startUs: number;
  sent: { readonly id: bigint; readonly lead: NodeId; readonly atUs: number } | null;
}

interface Move {
  readonly request: number;
  readonly to: NodeId;
  readonly startUs: number;
}

/** A learner may vote with nine tenths of the leader's log. @source etcdserver/server.go readyPercent */
const isCaughtUp = (learnerMatch: number, leaderMatch: number): boolean =>
  learnerMatch * 10 >= leaderMatch * 9;

/** Refusals of the leader's that whoever asked on tells its client; others are asked again. */
const finalRefusals: readonly RpcError[] = [
  rpcErrors.learnerNotReady,
  rpcErrors.memberNotFound,
  rpcErrors.memberNotLearner,
];
const retryUs = 100_000;

const membersOf = (membership: Membership) =>
  membership.members().map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
    ID: id,
    name,
    peerURLs: [...peerUrls],
    clientURLs: [...clientUrls],
    isLearner,
  }));

/**
 * @source etcd v3.4.23 etcdserver/server.go AddMember, RemoveMember, PromoteMember, UpdateMember, MoveLeader;
 * api/v3rpc/member.go, maintenance.go
 */
export class MemberRequests {
  private readonly port: MemberRequestsPort;
  private readonly timeoutUs: number;
  private promotions: Promotion[] = [];
  private moves: Move[] = [];

  constructor(port: MemberRequestsPort, electionUs: number) {
    this.port = port;
    this.timeoutUs = requestTimeoutUs(electionUs);
  }

  /** Only administrators may change the members: 3.4 asks for that here, at the door. @throws RpcError */
  handle({ request, token, nowUs }: Call, { kind, body }: MemberChangeRequest): void {
    const { auth } = this.port;
    const peerUrls = kind === 'memberAdd' ? checkUrls(body.peerURLs) : [];
    const refusal = refusalOf(() => auth.checkAdmin(askerOf(auth, token, nowUs)));
    if (refusal !== null) throw refusal;
    if (kind === 'memberAdd') this.add(request, peerUrls, body.isLearner, nowUs);
    else if (kind === 'memberUpdate') this.update(request, body, nowUs);
    else if (kind === 'memberRemove') this.remove(request, body.ID as MemberId, nowUs);
    else this.askPromotion(request, body.ID as MemberId, nowUs);
  }

  private add(request: number, peerUrls: string[], isLearner: boolean, nowUs: number): void {
    const { membership, owner } = this.port;
    const { table } = owner;
    const id = addedMemberIdOf(peerUrls, nowUs);
    const member: ClusterMember = { id, peerUrls, isLearner, name: '', clientUrls: [] };
    if (!isLearner && !membership.isReadyToAdd()) throw rpcErrors.notEnoughStarted;
    if (!this.isFullyConnected(nowUs)) throw rpcErrors.unhealthy;
    const node = table.numberOf(id, peerUrls);
    const holder = table.memberOf(node);
    if (holder !== id && membership.member(holder) !== null) throw rpcErrors.peerUrlExists;
    this.propose({ kind: 'client', request }, { kind: 'add', member }, nowUs);
  }

  private remove(request: number, id: MemberId, nowUs: number): void {
    this.checkRemoval(id, nowUs);
    const member = this.memberOr(id);
    this.propose({ kind: 'client', request }, { kind: 'remove', member }, nowUs);
  }

  private update(request: number, { ID, peerURLs }: MemberUpdateRequest, nowUs: number): void {
    const member = { id: ID as MemberId, peerUrls: peerURLs, isLearner: false, name: '', clientUrls: [] };
    this.propose({ kind: 'client', request }, { kind: 'update', member }, nowUs);
  }

  /** Only the leader knows how far a learner has come: others ask it. */
  private askPromotion(request: number, id: MemberId, nowUs: number): void {
    if (this.port.raft.isLeader) return this.promote({ kind: 'client', request }, id, nowUs);
    this.promotions.push({ request, member: id, startUs: nowUs, sent: null });
  }

  /** @throws RpcError */
  moveLeader(request: number, id: bigint, nowUs: number): void {
    const { raft, membership, owner, outbox } = this.port;
    if (!raft.isLeader) throw rpcErrors.notLeader;
    const member = membership.member(id as MemberId);
    if (member === null || member.isLearner) throw rpcErrors.badLeaderTransferee;
    const to = owner.table.numberOf(id);
    if (outbox.trace.on) outbox.trace.emit({ type: 'server.moveLeader', to });
    raft.transferLeader(to);
    this.moves.push({ request, to, startUs: nowUs });
  }

  cancel(request: number): void {
    this.promotions = this.promotions.filter((promotion) => promotion.request !== request);
    this.moves = this.moves.filter((move) => move.request !== request);
  }

  /** A peer asks for a promotion, or answers ours. @returns whether the message is about one */
  receive(from: NodeId, message: PeerRequest, nowUs: number): boolean {
    const isAbout = ['promote', 'promoted', 'promoteRefused'].includes(message.kind);
    if (isAbout) this.take(from, message, nowUs);
    return isAbout;
  }

  private take(from: NodeId, { kind, id, body }: PeerRequest, nowUs: number): void {
    if (kind === 'promote') return this.promoteForPeer({ kind: 'peer', node: from, id }, body, nowUs);
    const promotion = this.promotions.find(({ sent }) => sent?.id === id && sent.lead === from);
    if (promotion === undefined) return;
    if (kind === 'promoted') {
      this.cancel(promotion.request);
      return this.port.door.answer(promotion.request, body);
    }
    const text = decodeUtf8(body);
    const refusal = finalRefusals.find(({ message }) => message === text);
    if (refusal === undefined) return;
    this.cancel(promotion.request);
    this.port.door.refuse(promotion.request, refusal);
  }

  settle(nowUs: number): void {
    const { raft } = this.port;
    if (this.moves.length > 0) this.settleMoves();
    for (const promotion of this.promotions) {
      if (raft.isLeader) this.promoteOwn(promotion, nowUs);
      else if (raft.lead !== none && !isAsked(promotion, raft.lead, nowUs)) this.askLeader(promotion, nowUs);
    }
  }

  tick(nowUs: number): void {
    const isLate = ({ startUs }: { readonly startUs: number }): boolean => nowUs - startUs >= this.timeoutUs;
    for (const { request } of this.promotions.filter(isLate)) {
      this.cancel(request);
      this.port.door.refuse(request, rpcErrors.timeout);
    }
    for (const { request } of this.moves.filter(isLate)) {
      this.cancel(request);
      this.port.door.refuse(request, rpcErrors.timeoutLeaderTransfer);
    }
  }

  /** The answer to a peer that asked for a promotion. */
  private tellPeer({ node, id }: Extract<Asker, { kind: 'peer' }>, outcome: Uint8Array | RpcError): void {
    if (!(outcome instanceof RpcError)) return this.send(node, { kind: 'promoted', id, body: outcome });
    this.send(node, { kind: 'promoteRefused', id, body: encodeUtf8(outcome.message) });
  }

  private settleMoves(): void {
    for (const { request, to } of this.moves.filter((move) => move.to === this.port.raft.lead)) {
      this.moves = this.moves.filter((move) => move.to !== to || move.request !== request);
      this.port.door.answer(request, toBinary(MoveLeaderResponseSchema, create(MoveLeaderResponseSchema)));
    }
  }

  private promoteOwn({ request, member }: Promotion, nowUs: number): void {
    this.cancel(request);
    try {
      this.promote({ kind: 'client', request }, member, nowUs);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.port.door.refuse(request, error);
    }
  }

  private promoteForPeer(asker: Extract<Asker, { kind: 'peer' }>, body: Uint8Array, nowUs: number): void {
    try {
      if (!this.port.raft.isLeader) throw rpcErrors.notLeader;
      this.promote(asker, fromBinary(MemberPromoteRequestSchema, body).ID as MemberId, nowUs);
    } catch (error) {
      if (!(error instanceof RpcError)) return;
      this.tellPeer(asker, error);
    }
  }

  /** @throws RpcError */
  private promote(asker: Asker, id: MemberId, nowUs: number): void {
    const refusal = this.promotionRefusal(id);
    if (refusal !== null) {
      this.port.outbox.meter.promotionFailed(refusal.message);
      throw refusal;
    }
    const member = this.memberOr(id);
    this.propose(asker, { kind: 'promote', member }, nowUs);
  }

  private promotionRefusal(id: MemberId): RpcError | null {
    if (!this.isReady(id)) return rpcErrors.learnerNotReady;
    return this.port.membership.isReadyToPromote() ? null : rpcErrors.notEnoughStarted;
  }

  /** Who is no member is found out when the change is applied. @source etcdserver/server.go isLearnerReady */
  private isReady(id: MemberId): boolean {
    const { raft, owner, node: self, membership } = this.port;
    if (membership.member(id) === null) return true;
    const { progress } = raft.fullStatus();
    const matchOf = (node: NodeId): number | undefined => progress.find((each) => each.id === node)?.match;
    const match = matchOf(owner.table.numberOf(id));
    return match === undefined || isCaughtUp(match, matchOf(self) ?? 0);
  }

  /** @source etcd v3.4.23 etcdserver/server.go mayRemoveMember */
  private checkRemoval(id: MemberId, nowUs: number): void {
    const { membership, links, owner, node } = this.port;
    const member = membership.member(id);
    if (member?.isLearner === true) return;
    if (!membership.isReadyToRemove(id)) throw rpcErrors.notEnoughStarted;
    const host = member === null ? null : this.hostOf(member);
    const isDown = host === null || !links.isUp(host);
    if (id !== owner.member && isDown) return;
    const voters = membership.votingMembers();
    const steady = links.steadyCount(
      voters.map((voter) => this.hostOf(voter)),
      node,
      nowUs,
    );
    if (steady - 1 < 1 + Math.floor((voters.length - 1) / 2)) throw rpcErrors.unhealthy;
  }

  private isFullyConnected(nowUs: number): boolean {
    const { membership, links, node } = this.port;
    const hosts = membership.votingMembers().map((voter) => this.hostOf(voter));
    return links.steadyCount(hosts, node, nowUs) === hosts.length;
  }

  private hostOf({ id, peerUrls }: ClusterMember): NodeId | null {
    const { owner, node } = this.port;
    return id === owner.member ? node : owner.table.nodeAt(peerUrls);
  }

  /** The member, or one with nothing but the id: that there is none is found out when it is applied. */
  private memberOr(id: MemberId): ClusterMember {
    const unknown = { id, peerUrls: [], isLearner: false, name: '', clientUrls: [] };
    return this.port.membership.member(id) ?? unknown;
  }

  private propose(asker: Asker, request: ChangeRequest, nowUs: number): void {
    const { owner } = this.port;
    const { id: member, peerUrls } = request.member;
    const node = owner.table.numberOf(member, peerUrls);
    const id = this.port.door.nextRequestId();
    const change = changeOf(id, node, request);
    const label = `conf change ${request.kind} ${owner.table.nameOf(node)}`;
    const isClient = asker.kind === 'client';
    const finish =
      (self: MemberRequests): Finish =>
      (outcome) =>
        self.finish(asker, outcome instanceof RpcError ? outcome : self.response(request));
    const proposer = { request: isClient ? asker.request : 0, finish: kept(finish, this) };
    this.port.proposals.add({ id, proposer, data: emptyBytes, change, label, startUs: nowUs });
  }

  private finish(asker: Asker, told: Uint8Array | RpcError): void {
    if (asker.kind === 'client') this.port.door.tell(asker.request, told);
    else this.tellPeer(asker, told);
  }

  /** Made once the change is applied. */
  private response({ kind, member }: ChangeRequest): Uint8Array {
    const { door, membership } = this.port;
    const response = { header: door.memberHeader(), members: membersOf(membership) };
    switch (kind) {
      case 'add': {
        const added = { ID: member.id, peerURLs: [...member.peerUrls], isLearner: member.isLearner };
        const all = create(MemberAddResponseSchema, { ...response, member: added });
        return toBinary(MemberAddResponseSchema, all);
      }
      case 'remove':
        return toBinary(MemberRemoveResponseSchema, create(MemberRemoveResponseSchema, response));
      case 'update':
        return toBinary(MemberUpdateResponseSchema, create(MemberUpdateResponseSchema, response));
      case 'promote':
        this.port.outbox.meter.learnersPromoted++;
        return toBinary(MemberPromoteResponseSchema, create(MemberPromoteResponseSchema, response));
    }
  }

  private askLeader(promotion: Promotion, nowUs: number): void {
    const { lead } = this.port.raft;
    const id = this.port.door.nextRequestId();
    promotion.sent = { id, lead, atUs: nowUs };
    const request = create(MemberPromoteRequestSchema, { ID: promotion.member });
    this.send(lead, { kind: 'promote', id, body: toBinary(MemberPromoteRequestSchema, request) });
  }

  private send(to: NodeId, message: PeerRequest & { readonly kind: PeerRequestKind }): void {
    const reject = message.kind === 'promoteRefused';
    this.port.door.send(to, peerRequestNames[message.kind], encodePeerRequest(message), reject);
  }
}

function isAsked({ sent }: Promotion, lead: NodeId, nowUs: number): boolean {
  return sent !== null && sent.lead === lead && nowUs - sent.atUs < retryUs;
}

/**
 * Peer URLs as etcd takes them: scheme, host and port (which may be empty), no path; sorted.
 * @throws RpcError 'etcdserver: given member URLs are invalid'
 * @source etcd v3.4.23 pkg/types/urls.go NewURLs
 */
function checkUrls(urls: readonly string[]): string[] {
  const trimmed = urls.map((url) => url.trim());
  const host = String.raw`(\[[^\]\s/?#]*\]|[^\[\]\s/?#:@<>"%^\\{}|]*):\d*`;
  const pattern = new RegExp(String.raw`^(https?|unixs?)://([^\s/?#@]*@)?${host}([?#]\S*)?$`, 'i');
  if (trimmed.length === 0 || !trimmed.every((url) => pattern.test(url))) throw rpcErrors.memberBadUrls;
  return trimmed.sort();
}
