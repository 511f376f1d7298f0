/** One etcd server: raft, its log, the store and the clients' door, put together. */
import { emptyBytes } from '../../base/bytes.ts';
import { stream } from '../../base/prng.ts';
import { fail } from '../../base/assert.ts';
import { WireError } from '../../base/wire.ts';
import { kept } from '../../base/fork.ts';
import { expiryIntervalUs } from '../lease/lessor.ts';
import type { Status } from '../raft/status.ts';
import type { Entry, NodeId, Snapshot } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import { Admission } from './admission.ts';
import type { Admitted } from './admission.ts';
import type { Applier } from './apply.ts';
import { InitialHashCheck } from './corruption.ts';
import { memberDigest } from './digest.ts';
import { Disk, diskFailure } from './disk.ts';
import { StopError } from './errors.ts';
import { readFound } from './found.ts';
import type { Found } from './found.ts';
import {
  bootEvent,
  checkOwner,
  firstPeers,
  membersEvent,
  restoreMembership,
  selfOf,
} from './members-told.ts';
import { MemberTable } from './member-id.ts';
import { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { MemberHosts, PeerLinks } from './peer-links.ts';
import { answerTo } from './peer-answers.ts';
import { decodePeerRequest, encodePeerRequest, isPeerRequest, peerRequestNames } from './peer-request.ts';
import type { PeerRequest } from './peer-request.ts';
import { Probes } from './probes.ts';
import { decodeMessage, RaftWireError, senderOf } from './raft-codec.ts';
import type { RaftNode, RaftPort } from './raft.ts';
import { assemble } from './running.ts';
import type { Running } from './running.ts';
import { Stopping } from './stopping.ts';
import { Store } from './store.ts';
import type { DiskImage, MemberConfig, MemberInput, PeerConfig, TimerName } from './types.ts';
import { walOptionsOf, WalStorage } from './wal-storage.ts';
import type { LogOwner } from './wal-storage.ts';

type ClientInput = Extract<MemberInput, { kind: 'request' | 'stream' | 'flow' | 'cancel' }>;

const removedText = 'the member has been permanently removed from the cluster';
/** A member that has applied its own removal ends so much later. @source server.go stopWithDelay */
const removalDelayUs = 1_000_000;

/**
 * A start has three steps. A member without a log asks the others who is in the cluster. Then the files that
 * were read, or made, become durable: nothing may build upon what a power cut could still take away. Then
 * raft goes on from the log, or begins with a new one.
 * @source etcd v3.4.23 etcdserver/server.go NewServer; raft.go startNode, restartNode
 */
export class EtcdServer {
  private readonly config: MemberConfig;
  private readonly self: PeerConfig;
  private readonly outbox: Outbox;
  private readonly disk: Disk;
  readonly table: MemberTable;
  /** Without its files once the member runs. */
  private found: Found;
  readonly store: Store;
  private readonly walOptions: ReturnType<typeof walOptionsOf>;
  private readonly membership = new Membership();
  private readonly links = new PeerLinks();
  private readonly probes: Probes;
  /** Null for a new member until it makes its log. */
  private storage: WalStorage | null;
  /** Null where nobody has to be asked. */
  private admission: Admission | null = null;
  /** Null until a start that compares hashes does so. */
  private hashCheck: InitialHashCheck | null = null;
  /** Who this member is; null until it is known. */
  private admitted: Admitted | null = null;
  private running: Running | null = null;
  /** Clients that came before the start was over. */
  private readonly held: ClientInput[] = [];
  private nowUs: number;
  /** Whether the log was made at this start. */
  private isFresh = false;
  private readonly hosts: MemberHosts;
  /** When a member that was removed ends. */
  private endsUs = Infinity;
  private stopping: Stopping | null = null;
  private stopped = false;

  /**
   * @param files what the disk holds; a log without a first hard state counts as none, and is started anew
   * @throws BootError | WalError | RaftWireError | BoltError | LeaseError | MvccError when the files cannot
   * be taken up
   */
  constructor(config: MemberConfig, files: DiskImage, outbox: Outbox, nowUs: number) {
    this.config = config;
    this.self = selfOf(config);
    this.outbox = outbox;
    this.nowUs = nowUs;
    const ask = (self: EtcdServer) => (to: NodeId, asked: PeerRequest) => self.sendRequest(to, asked);
    this.probes = new Probes(this.links, outbox.meter.peers, kept(ask, this), nowUs);
    this.disk = new Disk(outbox);
    this.table = new MemberTable([], config.clusterToken, config.hosts ?? config.peers);
    this.hosts = new MemberHosts(this.table, this.membership);
    const found = readFound(files, this.table, this.disk, config.nodeId);
    this.found = found;
    if (found.snapshot !== null) restoreMembership(found.snapshot.data, this.membership, this.table);
    this.walOptions = walOptionsOf(config, outbox.trace);
    const alone = config.forceNewCluster === true ? (found.owner?.member ?? null) : null;
    this.storage = WalStorage.open(this.table, this.disk, this.walOptions, files, found.snapshot, alone);
    this.store = new Store(config, found, this.storage === null, this.disk, outbox);
    this.setTimers();
    this.identify();
  }

  /**
   * Takes an input and does all that follows from it. @throws StopError when the disk has failed or the
   * member was removed; BootError when it may not start; InvariantError for a bug of ours
   */
  take(input: MemberInput, nowUs: number): void {
    this.nowUs = nowUs;
    if (this.stopping?.isClosing !== true) this.takeAny(input, nowUs);
    else if (input.kind === 'diskDone') this.takeDiskDone(input);
    if (this.stopping?.isClosing !== true) this.settle(nowUs);
    if (this.stopping?.isDone === true) this.stopped = true;
  }

  /** It was asked to stop, and has done all that it does before it ends. */
  get isStopped(): boolean {
    return this.stopped;
  }

  private takeAny(input: MemberInput, nowUs: number): void {
    switch (input.kind) {
      case 'timer':
        this.takeTimer(input.timer, nowUs);
        break;
      case 'message':
        this.takeMessage(input, nowUs);
        break;
      case 'request':
      case 'stream':
      case 'flow':
      case 'cancel':
        this.takeClient(input, nowUs);
        break;
      case 'link':
        this.takeLink(input.node, input.up, nowUs);
        break;
      case 'diskDone':
        this.takeDiskDone(input);
        break;
      case 'stop':
        this.stop(nowUs);
        break;
    }
  }

  /** A member that is still starting has nothing to hand over or to close. */
  private stop(nowUs: number): void {
    const { running, links, membership, table, disk, outbox } = this;
    if (running === null) this.stopped = true;
    if (running === null || this.stopping !== null) return;
    const { raft, v3 } = running;
    const parts = { raft, v3, membership, table, links, backend: this.store.backend, disk, outbox };
    this.stopping = new Stopping(parts, this.config.electionTicks * this.config.tickUs, nowUs);
  }

  entries(from: number, limit: number): readonly Entry[] {
    return this.storage?.entries(from, limit) ?? [];
  }

  /** Null before raft runs. */
  raftStatus(): Status | null {
    return this.running?.raft.fullStatus() ?? null;
  }

  /** Null before raft runs. */
  get applier(): Applier | null {
    return this.running?.applier ?? null;
  }

  digest(): [number, number] {
    const { raft, applier } = this.running ?? {};
    const lastTerm = this.storage?.lastTerm ?? 0;
    return memberDigest(raft?.status() ?? null, lastTerm, applier ?? null, this.store.digest());
  }

  /** The first tick comes after a drawn part of a tick, so that members do not tick in step. */
  private setTimers(): void {
    const { seed, nodeId: node, epoch, tickUs, batchIntervalUs } = this.config;
    this.outbox.timer('raftTick', stream(seed, 'tick', node, epoch).between(1, tickUs));
    this.outbox.timer('backendCommit', batchIntervalUs);
    this.outbox.timer('leaseExpiry', expiryIntervalUs);
  }

  /**
   * Who a log belongs to is known. Without one the others are asked; a log that never came to its first hard
   * state has asked them before, unless it is one that joins, which must know them.
   */
  private identify(): void {
    const { owner } = this.found;
    if (owner !== null) checkOwner(this.config, owner.member);
    const joins = this.config.initialClusterState === 'existing';
    if (owner !== null && (this.storage !== null || !joins)) {
      this.admit({ ...owner, existing: null });
      return;
    }
    const ask = (self: EtcdServer) => (node: NodeId) =>
      self.sendRequest(node, { kind: 'members', id: 0n, body: emptyBytes });
    this.admission = new Admission(this.config, kept(ask, this), this.nowUs);
    this.tryAdmission();
  }

  private tryAdmission(): void {
    const admitted = this.admission?.decide() ?? null;
    if (admitted === null) return;
    this.admission = null;
    this.admit(admitted);
  }

  private admit(admitted: Admitted): void {
    this.admitted = admitted;
    this.table.seatOwn(admitted.member, this.config.nodeId);
    for (const { id, peerUrls } of admitted.existing ?? []) {
      this.table.meet(id, this.table.numberOf(id, peerUrls));
    }
    const { trace } = this.outbox;
    if (trace.on) trace.emit(bootEvent(this.config, admitted, this.storage === null));
  }

  private takeTimer(timer: TimerName, nowUs: number): void {
    const running = this.running;
    switch (timer) {
      case 'raftTick':
        this.outbox.timer('raftTick', this.config.tickUs);
        if (nowUs >= this.endsUs) throw new StopError(removedText);
        this.admission?.tick(nowUs);
        running?.raft.tick();
        running?.v3.tick(nowUs);
        running?.traffic.tick(nowUs);
        this.probes.tick(this.membership, this.table, nowUs);
        this.stopping?.tick(nowUs);
        break;
      case 'backendCommit':
        this.outbox.timer('backendCommit', this.config.batchIntervalUs);
        if (running !== null) this.store.backend.commit('interval');
        break;
      case 'leaseExpiry':
        this.outbox.timer('leaseExpiry', expiryIntervalUs);
        running?.v3.expireLeases(nowUs);
        break;
      case 'compaction':
      case 'autoCompaction':
      case 'corruptCheck':
      case 'watchSync':
      case 'watchVictims':
      case 'watchProgress':
      case 'password':
        running?.v3.takeTimer(timer, nowUs);
        break;
    }
  }

  private takeLink(node: NodeId, isUp: boolean, nowUs: number): void {
    this.links.set(node, isUp, nowUs);
    this.admission?.linkChanged(node, isUp);
    this.hashCheck?.linkChanged(node, isUp);
    if (isUp || this.running === null) return;
    this.running.raft.reportUnreachable(node);
    this.running.traffic.peerDown(node, nowUs);
  }

  /**
   * What is no message of this cluster, or is for another member, is lost, as a refused HTTP request would
   * be.
   */
  private takeMessage({ from, bytes }: Extract<MemberInput, { kind: 'message' }>, nowUs: number): void {
    if (isPeerRequest(bytes)) return this.takePeerRequest(from, bytes, nowUs);
    const running = this.running;
    if (running === null) return;
    try {
      const m = decodeMessage(bytes, this.table, from);
      const isOurs = m.to === this.config.nodeId && m.from !== none && m.from !== m.to;
      if (isOurs && m.type !== 'MsgSnap') running.raft.receive(m);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof RaftWireError)) throw error;
      if (error instanceof RaftWireError) this.refuseRemoved(from, bytes);
    }
  }

  /** A member that was removed may not know it yet: it is told, as by HTTP's 410. @source rafthttp/http.go */
  private refuseRemoved(from: NodeId, bytes: Uint8Array): void {
    const sender = senderOf(bytes) as LogOwner['member'];
    if (this.membership.isRemoved(sender)) {
      this.sendRequest(from, { kind: 'gone', id: sender, body: emptyBytes });
    }
  }

  private takePeerRequest(from: NodeId, bytes: Uint8Array, nowUs: number): void {
    const message = decodePeerRequest(bytes);
    if (message === null) return;
    const running = this.running;
    const answer = answerTo(message, this.store.kv, this.membership, running?.owner ?? null);
    if (answer !== null) return this.sendRequest(from, answer);
    if (message.kind === 'membersAre' || message.kind === 'notYet') {
      return this.admission?.answered(from, message.kind === 'notYet' ? null : message.body);
    }
    if (message.kind === 'gone') {
      if (message.id === running?.owner.member) throw new StopError(removedText);
      return;
    }
    if (message.kind === 'probed') return this.probes.receive(from, message, nowUs);
    this.hashCheck?.receive(from, message);
    if (running === null || running.traffic.receive(from, message, nowUs)) return;
    running.v3.takePeerRequest(from, message, nowUs);
  }

  private sendRequest(to: NodeId, message: PeerRequest): void {
    const bytes = encodePeerRequest(message);
    const messageType = peerRequestNames[message.kind];
    const term = this.running?.raft.status().term ?? 0;
    this.outbox.send({ to, bytes, messageType, term, index: 0, entryCount: 0, reject: false });
  }

  private takeClient(input: ClientInput, nowUs: number): void {
    if (this.running === null || this.mustWait(input)) this.held.push(input);
    else if (input.kind === 'cancel') this.running.v3.cancel(input.request);
    else if (input.kind === 'stream') this.running.v3.receive(input.request, input.bytes, nowUs);
    else if (input.kind === 'flow') this.running.v3.flow(input.request, input.open);
    else if (this.stopping !== null) this.running.v3.turnAway(input.request);
    else this.running.v3.handle(input, nowUs);
  }

  /** Who requires a leader waits until the member has been heard of in the cluster. @source embed/serve.go */
  private mustWait(input: ClientInput): boolean {
    if (this.running?.v3.isPublished === true) return false;
    if (input.kind !== 'request') return this.held.some(({ request }) => request === input.request);
    return input.requireLeader === true;
  }

  private takeHeld(nowUs: number): void {
    for (const input of this.held.splice(0)) this.takeClient(input, nowUs);
  }

  private takeDiskDone({ id, error }: Extract<MemberInput, { kind: 'diskDone' }>): void {
    const done = this.disk.done(id);
    const isFailed = error !== null && this.config.defects?.diskErrorsIgnored !== true;
    if (isFailed) throw new StopError(diskFailure(done.file, error));
    if (done.purpose === 'meta' && this.disk.isPresent(done)) this.store.backend.committed();
    if (done.purpose === 'wal') this.walSynced();
    if (done.purpose === 'defragment') this.store.defragmenter.synced();
    done.then?.();
  }

  /** Before raft runs, no answer waits for a sync: only the log's head, or the end of what was cut off. */
  private walSynced(): void {
    if (this.running === null) this.storage?.synced();
    else this.running.raft.synced();
  }

  /** The member is admitted and its files are durable: a new one makes its log, then raft begins. */
  private tryStart(nowUs: number): void {
    this.tryAdmission();
    const admitted = this.admitted;
    if (admitted === null || !this.disk.isIdle) return;
    const owner = { member: admitted.member, cluster: admitted.cluster, table: this.table };
    if (this.storage === null) {
      this.storage = WalStorage.create(owner, this.disk, this.walOptions, this.found.files);
      this.isFresh = true;
      return;
    }
    if (!this.isChecked(admitted.member, nowUs)) return;
    this.start(owner, this.storage, nowUs);
    const begins = this.isFresh && admitted.existing === null;
    if (begins) this.running?.raft.bootstrap(firstPeers(this.config, this.table));
    this.takeHeld(nowUs);
  }

  /** A member that was there before may have to compare its data with its peers' first. @throws BootError */
  private isChecked(member: LogOwner['member'], nowUs: number): boolean {
    if (this.isFresh || this.config.initialCorruptCheck !== true) return true;
    const { kv } = this.store;
    const parts = { kv, membership: this.membership, table: this.table, links: this.links };
    const ask = (self: EtcdServer) => (to: NodeId, asked: PeerRequest) => self.sendRequest(to, asked);
    this.hashCheck ??= new InitialHashCheck(this.config, parts, member, kept(ask, this), nowUs);
    return this.hashCheck.isDone(nowUs);
  }

  private start(owner: LogOwner, storage: WalStorage, nowUs: number): void {
    const { config, self, outbox, disk, store, membership, table, links, found } = this;
    this.running = assemble(
      {
        ...{ config, self, outbox, disk, store, membership, table, links, found, storage, owner },
        port: this.port(),
        membersChanged: kept((server: EtcdServer) => () => server.membersChanged(), this),
        // a follower that gets a snapshot needs the log behind it
        holdsLog: kept((server: EtcdServer) => () => server.parts.traffic.holdsLog(server.nowUs), this),
      },
      nowUs,
    );
    // a whole image of the disk, which changes from now on
    this.found = { ...found, files: new Map() };
    if (found.snapshot !== null) this.tellMembership();
  }

  /** What raft wants done that is not storage or network. */
  private port(): RaftPort {
    const make = (self: EtcdServer): RaftPort => ({
      apply: (entry) => {
        const { applier, v3 } = self.parts;
        v3.applied(entry, applier.apply(entry, self.nowUs), self.nowUs);
      },
      leadChanged: (_lead, isNew) => self.parts.v3.leadChanged(isNew, self.nowUs),
      readConfirmed: (states) => self.parts.v3.readConfirmed(states),
      sendSnapshot: (m) => self.parts.traffic.send(m),
      saveSnapshot: (snapshot) => {
        const saved = kept((node: RaftNode) => () => node.snapshotSaved(), self.parts.raft);
        self.parts.snapshots.saveReceived(snapshot, saved);
      },
      applySnapshot: (snapshot) => self.applySnapshot(snapshot, self.parts),
      hostOf: (node) => self.hosts.of(node),
    });
    return kept(make, this);
  }

  private get parts(): Running {
    return this.running ?? fail('server: raft speaks before it runs');
  }

  /** @source etcd v3.4.23 etcdserver/server.go applySnapshot */
  private applySnapshot(snapshot: Snapshot, { applier, snapshots, traffic }: Running): void {
    const { index, term } = snapshot;
    this.store.takeSnapshot(index, traffic.takeDatabase(snapshot));
    restoreMembership(snapshot.data, this.membership, this.table);
    applier.restore({ index, term });
    snapshots.applied(snapshot);
    const { trace } = this.outbox;
    if (trace.on) trace.emit({ type: 'snapshot.apply', index, term, revision: this.store.kv.revision });
    this.membersChanged();
  }

  /** A member that is out learns so from its own log; it goes on for a moment, for others to hear of it. */
  private membersChanged(): void {
    this.hosts.clear();
    const member = this.admitted?.member;
    if (member !== undefined && this.membership.isRemoved(member) && this.endsUs === Infinity) {
      this.endsUs = this.nowUs + removalDelayUs;
    }
    this.tellMembership();
  }

  private tellMembership(): void {
    if (this.outbox.trace.on) this.outbox.trace.emit(membersEvent(this.membership, this.table));
  }

  /** Until raft wants nothing and nothing more has become possible. */
  private settle(nowUs: number): void {
    if (this.running === null) this.tryStart(nowUs);
    const running = this.running;
    if (running === null) return;
    do {
      if (running.v3.isPublished && this.held.length > 0) this.takeHeld(nowUs);
      running.v3.settle(nowUs);
      running.traffic.settle(nowUs);
      running.snapshots.settle();
    } while (running.raft.advance());
  }
}
