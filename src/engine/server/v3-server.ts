/** Clients' requests from the door to the answer: writes through the log, reads through the read index. */
import { kept, sharedByForks } from '../../base/fork.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Backend } from '../backend/backend.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import type { WatchableStore } from '../mvcc/watchable-store.ts';
import type { AuthenticateRequest } from '../pb/gen/rpc_pb.ts';
import type { Entry, NodeId, ReadState } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import { AlarmRequests } from './alarm-requests.ts';
import { Announcements } from './announcements.ts';
import { leaseList, memberList, memberStatus } from './answers.ts';
import type { AnswerParts } from './answers.ts';
import type { Applied, Applier } from './apply.ts';
import { isReadOnly } from './apply-txn.ts';
import { AuthRequests } from './auth-requests.ts';
import type { Call, Finish } from './calls.ts';
import { CompactionServer } from './compaction-server.ts';
import { CorruptionMonitor } from './corruption.ts';
import { Door } from './door.ts';
import { encodeWrite, writeLabel } from './entry-data.ts';
import type { WriteRequest } from './entry-data.ts';
import { RpcError, rpcErrors } from './errors.ts';
import { askerOf, KvReads, rootOf } from './kv-reads.ts';
import { HttpRequests, isHttp } from './http-requests.ts';
import { LeaseExpiry } from './lease-expiry.ts';
import { checkpointOf, LeaseRequests, revocationOf } from './lease-requests.ts';
import { Maintenance } from './maintenance.ts';
import type { MaintenanceParts } from './maintenance.ts';
import { RequestIdGenerator } from './member-id.ts';
import { MemberRequests } from './member-requests.ts';
import type { MemberAttributes } from './membership.ts';
import { metricsText } from './metrics.ts';
import type { PeerLinks } from './peer-links.ts';
import type { PeerRequest } from './peer-request.ts';
import { maxGapBetweenApplyAndCommit, Proposals } from './proposals.ts';
import type { Proposal, Proposer } from './proposals.ts';
import type { Quota } from './quota.ts';
import { ReadIndexLoop } from './read-index.ts';
import { decodeRequest, defaultMaxRequestBytes, requestLabel } from './rpc.ts';
import type { RpcRequest } from './rpc.ts';
import { checkKey, checkPut, checkTxn, defaultMaxTxnOps, checkLearner } from './rpc-check.ts';
import { TickAdvance } from './tick-advance.ts';
import type { LogOwner } from './wal-storage.ts';
import { openWatchServer } from './watch-port.ts';
import type { WatchServer } from './watch-server.ts';
import type { MemberConfig, MemberInput, TimerName } from './types.ts';

type ClientRequest = Extract<MemberInput, { kind: 'request' }>;

/** The timers that this layer asks for. */
export type V3Timer = Exclude<TimerName, 'raftTick' | 'backendCommit' | 'leaseExpiry'>;

export interface V3ServerParts extends AnswerParts, MaintenanceParts {
  readonly owner: LogOwner;
  readonly applier: Applier;
  readonly backend: Backend;
  readonly kv: KvStore;
  readonly quota: Quota;
  readonly watchable: WatchableStore;
  readonly links: PeerLinks;
}

/** Proposes a write as the member itself. */
type ProposeOwn = (write: WriteRequest, nowUs: number, finish?: Finish) => void;

const unheard: Finish = sharedByForks(() => {});

/** @source etcd v3.4.23 etcdserver/v3_server.go; server.go publish; api/v3rpc */
export class V3Server {
  private readonly parts: V3ServerParts;
  private readonly ids: RequestIdGenerator;
  private readonly door: Door;
  private readonly proposals: Proposals;
  private readonly reads: ReadIndexLoop;
  private readonly kvReads: KvReads;
  private readonly leaseRequests: LeaseRequests;
  private readonly memberRequests: MemberRequests;
  private readonly authRequests: AuthRequests;
  private readonly watch: WatchServer;
  private readonly announcements: Announcements;
  private readonly maintenance: Maintenance;
  private readonly compactions: CompactionServer;
  private readonly alarms: AlarmRequests;
  private readonly http: HttpRequests;
  private readonly corruption: CorruptionMonitor;
  private readonly expiry = new LeaseExpiry();
  private readonly electionUs: number;
  private readonly maxTxnOps: number;
  private readonly maxRequestBytes: number;
  private readonly proposesAgain: boolean;
  private readonly tickAdvance: TickAdvance;
  private published = false;
  /** When this member last came to lead. */
  private ledSinceUs: number | null = null;

  constructor(config: MemberConfig, parts: V3ServerParts, attributes: MemberAttributes, nowUs: number) {
    const electionUs = config.electionTicks * config.tickUs;
    this.parts = parts;
    this.electionUs = electionUs;
    this.maxTxnOps = config.maxTxnOps ?? defaultMaxTxnOps;
    this.proposesAgain = config.defects?.proposeAgain === true;
    this.maxRequestBytes = config.maxRequestBytes ?? defaultMaxRequestBytes;
    this.ids = new RequestIdGenerator(parts.owner.member, nowUs, config.epoch);
    this.proposals = new Proposals(electionUs);
    const door = new Door(parts, this.ids);
    const own =
      (self: V3Server): ProposeOwn =>
      (write, atUs, finish) =>
        self.proposeOwn(write, atUs, finish);
    const propose = kept(own, this);
    const port = { ...parts, door, propose };
    this.door = door;
    this.reads = new ReadIndexLoop(port, electionUs);
    this.kvReads = new KvReads({ ...port, reads: this.reads });
    this.leaseRequests = new LeaseRequests(port, electionUs);
    const memberPort = { ...port, node: config.nodeId, proposals: this.proposals };
    this.memberRequests = new MemberRequests(memberPort, electionUs);
    this.authRequests = this.makeAuthRequests(config);
    this.watch = openWatchServer(config, parts, door);
    this.maintenance = new Maintenance(parts);
    this.compactions = new CompactionServer(port, config.autoCompaction, nowUs);
    this.alarms = this.makeAlarmRequests(propose);
    this.http = this.makeHttpRequests();
    this.corruption = new CorruptionMonitor(config, parts, { door, reads: this.reads, propose });
    const announcing = { door, proposals: this.proposals };
    this.announcements = new Announcements(parts, announcing, attributes, electionUs, nowUs);
    this.announcements.publish(nowUs);
    this.tickAdvance = new TickAdvance(config, parts, nowUs);
  }

  /** This member's name and addresses have gone through the log since it started. */
  get isPublished(): boolean {
    return this.published;
  }

  /** Takes a client's request; its answer comes in this step or a later one. */
  handle({ request, method, bytes, token, requireLeader }: ClientRequest, nowUs: number): void {
    try {
      if (isHttp(method)) return this.http.handle({ request, token, nowUs }, method, bytes);
      checkLearner(this.parts, method);
      if (requireLeader === true && this.parts.raft.lead === none) throw rpcErrors.noLeader;
      if (method === 'etcdserverpb.Watch/Watch')
        return this.watch.open(request, bytes, { token, requireLeader }, nowUs);
      const decoded = decodeRequest(method, bytes, this.maxRequestBytes);
      const { trace } = this.parts.outbox;
      if (tellsAll(trace))
        trace.emit({ type: 'server.request', request, method, label: requestLabel(decoded) });
      checkLearner(this.parts, decoded);
      this.route({ request, token, nowUs }, decoded);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.door.refuse(request, error);
    }
  }

  /** The member is about to end: who comes now is turned away. */
  turnAway(request: number): void {
    this.door.refuse(request, rpcErrors.stopped);
  }

  /** The member ends: who still waits for the log or the read index hears so. */
  stop(): void {
    for (const { proposer } of this.proposals.takeAll()) {
      if (typeof proposer !== 'string') this.finish(proposer, rpcErrors.stopped);
    }
    this.reads.stop();
  }

  /** A further message of a client on its stream. */
  receive(request: number, bytes: Uint8Array, nowUs: number): void {
    this.watch.receive(request, bytes, nowUs);
  }

  /** A client takes no more on its stream for now, or does again. */
  flow(request: number, open: boolean): void {
    this.watch.flow(request, open);
  }

  takeTimer(timer: V3Timer, nowUs: number): void {
    if (timer === 'compaction' || timer === 'autoCompaction') this.compactions.takeTimer(timer, nowUs);
    else if (timer === 'password') this.authRequests.runJob();
    else if (timer === 'corruptCheck') this.corruption.run(nowUs);
    else this.watch.takeTimer(timer, nowUs);
  }

  /** The client no longer waits; a write that was proposed may still be applied. */
  cancel(request: number): void {
    this.proposals.cancel(request);
    this.reads.cancel(request);
    this.leaseRequests.cancel(request);
    this.memberRequests.cancel(request);
    this.authRequests.cancel(request);
    this.maintenance.cancel(request);
    this.http.cancel(request);
    this.watch.close(request);
  }

  /** Time passes: what has waited too long is answered, and the member publishes itself until it succeeds. */
  tick(nowUs: number): void {
    this.tickAdvance.tick(nowUs);
    const isLost = (startUs: number): boolean => this.isConnectionLost(startUs);
    for (const { proposal, error } of this.proposals.expire(nowUs, this.ledSinceUs, isLost)) {
      if (proposal.proposer === 'publish') this.announcements.publish(nowUs);
      else this.finish(proposal.proposer, error);
      this.parts.outbox.meter.proposalsFailed++;
    }
    this.reads.tick(nowUs);
    this.leaseRequests.tick(nowUs);
    this.memberRequests.tick(nowUs);
    this.corruption.tick(nowUs);
    this.http.tick(nowUs);
    this.watch.tick(this.parts.raft.lead !== none, nowUs);
    this.announcements.tick(nowUs);
  }

  /**
   * Whether the leader that a proposal went to, or the majority that a leader needs, was out of reach since.
   * @source etcd v3.4.23 etcdserver/server.go parseProposeCtxErr
   */
  private isConnectionLost(startUs: number): boolean {
    const { raft, links, membership, owner } = this.parts;
    const self = owner.table.numberOf(owner.member);
    if (raft.lead === none) return false;
    if (!raft.isLeader) return links.connectedCount([raft.hostOf(raft.lead)], self, startUs) === 0;
    const hosts = membership.members().map(({ id }) => raft.hostOf(owner.table.numberOf(id)));
    return links.connectedCount(hosts, self, startUs) < Math.floor(hosts.length / 2) + 1;
  }

  /** One pass over the leases: the leader revokes, through the log, what has expired. */
  expireLeases(nowUs: number): void {
    this.expiry.add(this.parts.lessor.expire(nowUs));
    const batches = this.parts.lessor.takeCheckpoints(nowUs);
    for (const batch of batches) this.proposeOwn(checkpointOf(batch), nowUs);
  }

  /** A request of a peer, or its answer to ours. */
  takePeerRequest(from: NodeId, message: PeerRequest, nowUs: number): void {
    if (this.memberRequests.receive(from, message, nowUs)) return;
    this.corruption.receive(from, message);
    this.announcements.receive(from, message, nowUs);
    this.leaseRequests.receive(from, message, nowUs);
  }

  nextRequestId(): bigint {
    return this.ids.next();
  }

  /** @param isNew whether a leader is known that was not known just before */
  leadChanged(isNew: boolean, nowUs: number): void {
    const { raft, lessor } = this.parts;
    if (!raft.isLeader) {
      lessor.demote();
      this.expiry.stop();
    }
    if (!isNew) return;
    this.parts.outbox.meter.leaderChanges++;
    if (this.proposesAgain) this.proposals.again();
    if (raft.isLeader) this.ledSinceUs = nowUs;
    this.reads.leaderChanged(nowUs);
  }

  readConfirmed(states: readonly ReadState[]): void {
    this.reads.confirm(states);
  }

  /** An entry was applied here: whoever proposed it here gets the answer. */
  applied(entry: Entry, applied: Applied | null, nowUs: number): void {
    if (entry.type === 'EntryNormal' && entry.data.length === 0) this.firstCommitInTerm(nowUs);
    if (applied === null) return;
    if (!this.alarms.isDue(applied.outcome)) return this.tellApplied(applied);
    const tell = (self: V3Server) => () => self.tellApplied(applied);
    this.alarms.raise(nowUs, kept(tell, this));
  }

  private tellApplied({ id, outcome }: Applied): void {
    const proposal = this.proposals.take(id);
    if (proposal !== null) this.finish(proposal.proposer, outcome);
  }

  /**
   * Does what has become possible: proposes what waited for a leader, answers reads whose index is applied.
   */
  settle(nowUs: number): void {
    this.reads.advance(this.parts.applier.index, nowUs);
    this.leaseRequests.settle(nowUs);
    this.memberRequests.settle(nowUs);
    for (const id of this.expiry.take()) this.revokeExpired(id, nowUs);
    this.compactions.settle();
    this.watch.settle();
    this.maintenance.settle();
    if (this.parts.raft.lead === none) return;
    for (const proposal of this.proposals.takeWaiting()) this.propose(proposal);
  }

  private route(call: Call, decoded: RpcRequest): void {
    const { request, nowUs } = call;
    switch (decoded.kind) {
      case 'range':
        checkKey(decoded.body);
        return this.kvReads.range(call, decoded.body);
      case 'put':
        if (!this.alarms.hasSpace(call, decoded)) return;
        checkPut(decoded.body);
        return this.write(call, decoded);
      case 'deleteRange':
        checkKey(decoded.body);
        return this.write(call, decoded);
      case 'txn':
        if (!this.alarms.hasSpace(call, decoded)) return;
        checkTxn(decoded.body, this.maxTxnOps);
        if (isReadOnly(decoded.body)) return this.kvReads.txn(call, decoded.body);
        return this.write(call, decoded);
      case 'compaction':
        return this.compact(call, decoded);
      case 'alarm':
        return this.alarms.order(call, decoded);
      case 'leaseGrant':
        if (!this.alarms.hasSpace(call, decoded)) return;
        while (decoded.body.ID === 0n) decoded.body.ID = BigInt.asUintN(63, this.ids.next());
        return this.write(call, decoded);
      case 'leaseKeepAlive': {
        const ask = { kind: 'renew', id: decoded.body.ID, header: this.door.header() } as const;
        return this.leaseRequests.add(request, ask, nowUs);
      }
      case 'leaseTimeToLive': {
        const { ID: id, keys } = decoded.body;
        return this.leaseRequests.add(request, { kind: 'timeToLive', id, keys }, nowUs);
      }
      case 'leaseLeases':
        return this.door.answer(request, leaseList(this.parts));
      case 'memberList':
        return this.door.answer(request, memberList(this.parts));
      case 'memberAdd':
      case 'memberRemove':
      case 'memberUpdate':
      case 'memberPromote':
        return this.memberRequests.handle(call, decoded);
      case 'moveLeader':
        return this.memberRequests.moveLeader(request, decoded.body.targetID, nowUs);
      case 'status':
        return this.door.answer(request, memberStatus(this.parts));
      case 'hash':
      case 'hashKv':
      case 'defragment':
      case 'snapshot':
        return this.maintenance.handle(call, decoded);
      case 'authenticate':
        return this.authenticate(call, decoded.body);
      case 'authUserAdd':
        return this.authRequests.addUser(call, decoded.body);
      case 'authUserChangePassword':
        return this.authRequests.changePassword(call, decoded.body);
      default:
        return this.write(call, decoded);
    }
  }

  /** @param finish gets the outcome in place of the client @throws RpcError */
  private write({ request, token, nowUs }: Call, write: WriteRequest, finish?: Finish): void {
    const { raft, applier } = this.parts;
    if (raft.status().commit > applier.index + maxGapBetweenApplyAndCommit) throw rpcErrors.tooManyRequests;
    const id = this.ids.next();
    const data = encodeWrite(id, write, askerOf(this.parts.auth, token, nowUs));
    if (data.length > this.maxRequestBytes) throw rpcErrors.requestTooLarge;
    // somebody may hear from now on, before it is proposed
    const label = writeLabel(write);
    const proposer = finish === undefined ? { request } : { request, finish };
    this.proposals.add({ id, proposer, data, label, startUs: nowUs });
  }

  private compact(call: Call, write: Extract<RpcRequest, { kind: 'compaction' }>): void {
    const finish = (self: V3Server) => (outcome: Uint8Array | RpcError) => {
      const tell = (door: Door) => () => door.tell(call.request, outcome);
      self.compactions.finish(write.body, kept(tell, self.door));
    };
    this.write(call, write, kept(finish, this));
  }

  private authenticate(call: Call, body: AuthenticateRequest): void {
    const read = (requests: AuthRequests) => () => requests.authenticate(call, body);
    this.reads.add({ request: call.request, read: kept(read, this.authRequests) }, call.nowUs);
  }

  /**
   * What raft drops is refused at once; the member's own attributes are tried again when their time is over.
   * The event comes first, so that a reader of the trace sees raft act on it.
   */
  private propose({ id, proposer, data, change, label }: Proposal): void {
    const { raft, outbox } = this.parts;
    if (proposer === 'publish' || proposer === 'clusterVersion') return void raft.propose(data);
    const request = proposer === 'leaseExpiry' ? 0 : proposer.request;
    // what a client asks for is read by nobody but pictures; what the lessor asks for, by a checker
    const isWanted = request === 0 ? outbox.trace.on : tellsAll(outbox.trace);
    if (isWanted) outbox.trace.emit({ type: 'server.propose', request, label });
    if (change === undefined ? raft.propose(data) : raft.proposeChange(change)) return;
    this.proposals.take(id);
    this.finish(proposer, rpcErrors.proposalDropped);
  }

  /** Tells whoever proposed an entry what came of it. */
  private finish(proposer: Proposer, outcome: Uint8Array | RpcError): void {
    if (proposer === 'leaseExpiry') {
      if (!(outcome instanceof RpcError)) this.parts.outbox.meter.leasesExpired++;
      return this.expiry.done();
    }
    if (proposer === 'publish') this.published = true;
    if (proposer === 'publish' || proposer === 'clusterVersion') return;
    if (proposer.finish !== undefined) return proposer.finish(outcome);
    this.door.tell(proposer.request, outcome);
  }

  /**
   * The leader has applied all that earlier terms have left: from now on its clock counts for the leases.
   * @source etcd v3.4.23 etcdserver/server.go applyEntryNormal
   */
  private firstCommitInTerm(nowUs: number): void {
    this.reads.firstCommitInTerm(nowUs);
    this.announcements.firstCommitInTerm(nowUs);
    if (this.parts.raft.isLeader) this.parts.lessor.promote(this.electionUs, nowUs);
  }

  private revokeExpired(lease: bigint, startUs: number): void {
    const id = this.ids.next();
    const request = revocationOf(lease);
    const label = writeLabel(request);
    const data = encodeWrite(id, request, rootOf(this.parts.auth));
    this.proposals.add({ id, proposer: 'leaseExpiry', data, label, startUs });
  }

  private makeAuthRequests(config: MemberConfig): AuthRequests {
    const { auth, outbox } = this.parts;
    const propose = (self: V3Server) => (call: Call, write: WriteRequest, finish?: Finish) =>
      self.tryWrite(call, write, finish);
    return new AuthRequests(config, { auth, outbox, door: this.door, propose: kept(propose, this) });
  }

  /** As `write`, where nobody is there to catch a refusal. */
  private tryWrite(call: Call, write: WriteRequest, finish?: Finish): void {
    try {
      this.write(call, write, finish);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (finish === undefined) this.door.refuse(call.request, error);
      else finish(error);
    }
  }

  /** Proposes as the member itself. */
  private proposeOwn(write: WriteRequest, nowUs: number, finish: Finish = unheard): void {
    this.tryWrite({ request: 0, token: undefined, nowUs }, write, finish);
  }

  private makeAlarmRequests(propose: ProposeOwn): AlarmRequests {
    const { auth, alarms, quota, owner } = this.parts;
    const write = (self: V3Server) => (call: Call, order: WriteRequest, finish: Finish) =>
      self.write(call, order, finish);
    const door = this.door;
    return new AlarmRequests({ auth, alarms, quota, owner, write: kept(write, this), propose, door });
  }

  private makeHttpRequests(): HttpRequests {
    const { meter } = this.parts.outbox;
    const metrics = (self: V3Server) => () =>
      metricsText({ ...self.parts, meter: self.parts.outbox.meter, ...self.sizes() });
    const port = { ...this.parts, meter, reads: this.reads, door: this.door };
    return new HttpRequests({ ...port, metrics: kept(metrics, this) });
  }

  private sizes() {
    const { streamCount: watchStreams, pendingEventCount: pendingEvents } = this.watch;
    return { proposalsPending: this.proposals.size, watchStreams, pendingEvents };
  }
}
