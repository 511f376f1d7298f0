/** One etcd server: raft, its log, the store and the clients' door, put together. */
import { stream } from '../../base/prng.ts';
import { idToHex } from '../../base/u64.ts';
import { fail } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { WireError } from '../../base/wire.ts';
import { Backend, openDb } from '../backend/backend.ts';
import { MemoryPager } from '../bolt/pager.ts';
import type { PageRun } from '../bolt/types.ts';
import { AuthStore } from '../auth/store.ts';
import { BackendLeaseStore } from '../lease/lease-store.ts';
import { expiryIntervalUs, Lessor } from '../lease/lessor.ts';
import { KvStore } from '../mvcc/kvstore.ts';
import { WatchableStore } from '../mvcc/watchable-store.ts';
import type { Entry, Peer } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import { AlarmStore } from './alarms.ts';
import { Applier } from './apply.ts';
import { ApplierV3 } from './apply-v3.ts';
import { Defragmenter } from './defragment.ts';
import { digestOf, freelistHash } from './digest.ts';
import { backendFile, Disk, diskFailure } from './disk.ts';
import { decodePage } from './inspect.ts';
import type { DecodedPage } from './inspect.ts';
import { clusterIdOf, compareIds, MemberTable } from './member-id.ts';
import { Membership, memberToJson } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { isPeerRequest } from './peer-request.ts';
import { requestTimeoutUs } from './proposals.ts';
import { Quota } from './quota.ts';
import { decodeMessage, RaftWireError } from './raft-codec.ts';
import { RaftNode } from './raft.ts';
import type { RaftPort } from './raft.ts';
import type { DiskImage, MemberConfig, MemberInput, PeerConfig, TimerName } from './types.ts';
import { V3Server } from './v3-server.ts';
import { BootError, WalStorage } from './wal-storage.ts';
import type { LogOwner } from './wal-storage.ts';

/** The disk failed, or so: the server stops with this sentence. */
export class StopError extends Error {
  override readonly name = 'StopError';
}

/** What runs once the files are durable. */
interface Running {
  readonly raft: RaftNode;
  readonly applier: Applier;
  readonly v3: V3Server;
}

type ClientInput = Extract<MemberInput, { kind: 'request' | 'stream' | 'flow' | 'cancel' }>;

function ownerOf(config: MemberConfig): LogOwner {
  const table = new MemberTable(config.peers, config.clusterToken);
  const members = config.peers.map((peer) => table.memberOf(peer.nodeId));
  return { member: table.memberOf(config.nodeId), cluster: clusterIdOf(members), table };
}

/** @throws BootError when the configuration does not name this member */
function selfOf(config: MemberConfig): PeerConfig {
  const self = config.peers.find((peer) => peer.nodeId === config.nodeId);
  if (self === undefined)
    throw new BootError(`member ${config.nodeId} is not among the peers of its configuration`);
  return self;
}

/**
 * A start has two steps. First the files are read, or a new store is made, and all of it is made durable:
 * nothing may
 * build upon what a power cut could still take away. Then raft goes on from the log, or begins with a new
 * one.
 * @source etcd v3.4.23 etcdserver/server.go NewServer; raft.go startNode, restartNode
 */
export class EtcdServer {
  readonly #config: MemberConfig;
  readonly #self: PeerConfig;
  readonly #owner: LogOwner;
  readonly #outbox: Outbox;
  readonly #disk: Disk;
  /** What the disk held, until the start is over. */
  #found: DiskImage;
  readonly #backend: Backend;
  readonly #lessor: Lessor;
  readonly #kv: KvStore;
  readonly #watchable: WatchableStore;
  readonly #auth: AuthStore;
  readonly #alarms: AlarmStore;
  readonly #defragmenter: Defragmenter;
  readonly #membership = new Membership();
  /** Null for a new member until its store is durable. */
  #storage: WalStorage | null;
  #running: Running | null = null;
  /** Clients that came before the start was over. */
  #held: ClientInput[] = [];
  #nowUs = 0;
  #freelistHash = 0;
  #hashedTxid = -1;

  /**
   * @param files what the disk holds; a log without a first hard state counts as none, and is started anew
   * @throws BootError | WalError | RaftWireError | BoltError | LeaseError | MvccError when the files cannot
   * be taken up
   */
  constructor(config: MemberConfig, files: DiskImage, outbox: Outbox) {
    this.#config = config;
    this.#self = selfOf(config);
    this.#owner = ownerOf(config);
    this.#outbox = outbox;
    this.#disk = new Disk(outbox);
    this.#found = files;
    this.#storage = WalStorage.open(this.#owner, this.#disk, { trace: outbox.trace }, files);
    this.#backend = this.#openBackend(files);
    // first the leases, so that the store can attach its keys to them
    this.#lessor = this.#openLessor();
    this.#kv = new KvStore(this.#backend, outbox.trace, this.#lessor);
    this.#lessor.setRangeDeleter(() => this.#kv.write());
    this.#watchable = new WatchableStore(this.#kv, this.#backend);
    this.#auth = new AuthStore(this.#backend, outbox.trace);
    this.#alarms = new AlarmStore(this.#backend, outbox.trace);
    this.#defragmenter = new Defragmenter(this.#backend, this.#disk, outbox.trace);
    this.#setTimers();
    this.#tellBoot();
  }

  /**
   * Takes an input and does all that follows from it. @throws StopError when the disk has failed;
   * InvariantError for a bug of ours
   */
  take(input: MemberInput, nowUs: number): void {
    this.#nowUs = nowUs;
    switch (input.kind) {
      case 'timer':
        this.#takeTimer(input.timer, nowUs);
        break;
      case 'message':
        this.#takeMessage(input, nowUs);
        break;
      case 'request':
      case 'stream':
      case 'flow':
      case 'cancel':
        this.#takeClient(input, nowUs);
        break;
      case 'diskDone':
        this.#takeDiskDone(input, nowUs);
        break;
    }
    this.#settle(nowUs);
  }

  get pageSize(): number {
    return this.#backend.db.pageSize;
  }

  pageRuns(): PageRun[] {
    return this.#backend.db.pageRuns();
  }

  page(id: number): DecodedPage | null {
    const { db } = this.#backend;
    return decodePage(db.pager, db.pageSize, db.pageRuns(), id);
  }

  entries(from: number, limit: number): readonly Entry[] {
    return this.#storage?.entries(from, limit) ?? [];
  }

  get table(): MemberTable {
    return this.#owner.table;
  }

  digest(): [number, number] {
    const metaTxid = this.#backend.db.meta.txid;
    if (metaTxid !== this.#hashedTxid) {
      this.#hashedTxid = metaTxid;
      this.#freelistHash = freelistHash(this.#backend.db);
    }
    const status = this.#running?.raft.status();
    return digestOf({
      term: status?.term ?? 0,
      vote: status?.vote ?? 0,
      commit: status?.commit ?? 0,
      applied: this.#running?.applier.index ?? 0,
      lastIndex: status?.lastIndex ?? 0,
      lastTerm: this.#storage?.lastTerm ?? 0,
      records: this.#running?.applier.records ?? [0, 0],
      leases: this.#running?.applier.leases ?? [0, 0],
      freelist: this.#freelistHash,
      metaTxid,
    });
  }

  /** A new member's store takes the place of what a broken start may have left. */
  #openBackend(files: DiskImage): Backend {
    const { trace } = this.#outbox;
    const isFresh = this.#storage === null;
    const found = files.get(backendFile);
    if (isFresh && found !== undefined) this.#disk.remove(backendFile);
    if (!isFresh && (found === undefined || found.length === 0)) {
      throw new BootError(
        `${backendFile} is missing: put it back, or start the member anew without its data`,
      );
    }
    const pager = new MemoryPager(isFresh ? null : (found ?? null), this.#disk.pageSink());
    const db = openDb(pager, { pageSize: this.#config.pageSize, trace });
    const backend = Backend.open(db, { batchLimit: this.#config.batchLimit, trace });
    if (!isFresh) this.#disk.syncFound(backendFile);
    return backend;
  }

  /**
   * A lease lives for one and a half election timeouts at least.
   * @source etcd v3.4.23 etcdserver/server.go NewServer
   */
  #openLessor(): Lessor {
    const { electionTicks, heartbeatTicks, tickUs } = this.#config;
    const minTtlUs = Math.floor((3 * electionTicks) / 2) * heartbeatTicks * tickUs;
    const config = {
      minTtlSeconds: Math.ceil(minTtlUs / 1_000_000),
      recheckUs: requestTimeoutUs(electionTicks * tickUs),
    };
    return new Lessor(new BackendLeaseStore(this.#backend), config, this.#outbox.trace);
  }

  /** The first tick comes after a drawn part of a tick, so that members do not tick in step. */
  #setTimers(): void {
    const { seed, nodeId: node, epoch, tickUs, batchIntervalUs } = this.#config;
    this.#outbox.timer('raftTick', stream(seed, 'tick', node, epoch).between(1, tickUs));
    this.#outbox.timer('backendCommit', batchIntervalUs);
    this.#outbox.timer('leaseExpiry', expiryIntervalUs);
  }

  #tellBoot(): void {
    if (!this.#outbox.trace.on) return;
    const { member, cluster } = this.#owner;
    this.#outbox.trace.emit({
      type: 'server.boot',
      name: this.#self.name,
      memberId: idToHex(member),
      clusterId: idToHex(cluster),
      fresh: this.#storage === null,
    });
  }

  #takeTimer(timer: TimerName, nowUs: number): void {
    switch (timer) {
      case 'raftTick':
        this.#outbox.timer('raftTick', this.#config.tickUs);
        this.#running?.raft.tick();
        this.#running?.v3.tick(nowUs);
        break;
      case 'backendCommit':
        this.#outbox.timer('backendCommit', this.#config.batchIntervalUs);
        if (this.#running !== null) this.#backend.commit('interval');
        break;
      case 'leaseExpiry':
        this.#outbox.timer('leaseExpiry', expiryIntervalUs);
        this.#running?.v3.expireLeases(nowUs);
        break;
      case 'compaction':
      case 'autoCompaction':
      case 'watchSync':
      case 'watchVictims':
      case 'watchProgress':
      case 'password':
        this.#running?.v3.takeTimer(timer, nowUs);
        break;
    }
  }

  /**
   * What is no message of this cluster, or is for another member, is lost, as a refused HTTP request would
   * be.
   */
  #takeMessage({ from, bytes }: Extract<MemberInput, { kind: 'message' }>, nowUs: number): void {
    if (this.#running === null) return;
    if (isPeerRequest(bytes)) return this.#running.v3.takePeerRequest(from, bytes, nowUs);
    try {
      const m = decodeMessage(bytes, this.#owner.table);
      if (m.to !== this.#config.nodeId || m.from === none || m.from === m.to) return;
      if (!this.#membership.isRemoved(this.#owner.table.memberOf(m.from))) this.#running.raft.receive(m);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof RaftWireError)) throw error;
    }
  }

  #takeClient(input: ClientInput, nowUs: number): void {
    if (this.#running === null) this.#held.push(input);
    else if (input.kind === 'cancel') this.#running.v3.cancel(input.request);
    else if (input.kind === 'stream') this.#running.v3.receive(input.request, input.bytes, nowUs);
    else if (input.kind === 'flow') this.#running.v3.flow(input.request, input.open);
    else this.#running.v3.handle(input, nowUs);
  }

  #takeDiskDone({ id, error }: Extract<MemberInput, { kind: 'diskDone' }>, nowUs: number): void {
    const { purpose, file } = this.#disk.done(id);
    if (error !== null) throw new StopError(diskFailure(file, error));
    if (purpose === 'meta') this.#backend.committed();
    if (purpose === 'wal') this.#walSynced();
    if (purpose === 'defragment') this.#defragmenter.synced();
    if (this.#running === null && this.#disk.isIdle) this.#start(nowUs);
  }

  /** Before raft runs, no answer waits for a sync: only what an unfinished write had left was cut off. */
  #walSynced(): void {
    if (this.#running === null) this.#storage?.synced();
    else this.#running.raft.synced();
  }

  /** The files are durable: raft begins. Clients that waited are let in. */
  #start(nowUs: number): void {
    const isFresh = this.#storage === null;
    this.#storage ??= WalStorage.create(this.#owner, this.#disk, { trace: this.#outbox.trace }, this.#found);
    this.#found = new Map();
    const [owner, outbox, backend] = [this.#owner, this.#outbox, this.#backend];
    const [lessor, kv, membership] = [this.#lessor, this.#kv, this.#membership];
    const { table } = owner;
    const raft = new RaftNode(this.#config, { storage: this.#storage, table, outbox, port: this.#port() });
    const [auth, alarms] = [this.#auth, this.#alarms];
    const quota = new Quota(this.#config.quotaBytes ?? 0, () => backend.sizeBytes);
    const { bcryptCost } = this.#config;
    const cost = bcryptCost === undefined ? {} : { bcryptCost };
    const applier = new Applier({
      backend,
      kv,
      v3: new ApplierV3({ kv, lessor, backend, auth, alarms, quota, head: owner, ...cost }),
      membership,
      table,
      outbox,
      applyConfChange: (change) => raft.applyConfChange(change),
    });
    const { name, clientUrl } = this.#self;
    const v3 = new V3Server(
      this.#config,
      {
        owner,
        raft,
        applier,
        backend,
        kv,
        lessor,
        membership,
        auth,
        alarms,
        quota,
        watchable: this.#watchable,
        defragmenter: this.#defragmenter,
        outbox,
      },
      { name, clientUrls: [clientUrl] },
      nowUs,
    );
    this.#running = { raft, applier, v3 };
    if (isFresh) raft.bootstrap(this.#firstPeers());
    const held = this.#held;
    this.#held = [];
    for (const input of held) this.#takeClient(input, nowUs);
  }

  /** What raft wants done that is not storage or network. */
  #port(): RaftPort {
    const running = (): Running => this.#running ?? fail('server: raft speaks before it runs');
    return {
      apply: (entry) => {
        const { applier, v3 } = running();
        v3.applied(entry, applier.apply(entry, this.#nowUs), this.#nowUs);
      },
      leadChanged: (_lead, isNew) => running().v3.leadChanged(isNew, this.#nowUs),
      readConfirmed: (states) => running().v3.readConfirmed(states),
    };
  }

  /** The first members, ascending by id as etcd has them, each with its JSON as the change's context. */
  #firstPeers(): Peer[] {
    const { table } = this.#owner;
    const members = this.#config.peers.map((peer) => ({
      node: peer.nodeId,
      id: table.memberOf(peer.nodeId),
      name: peer.name,
      peerUrls: [peer.peerUrl],
      clientUrls: [],
      isLearner: false,
    }));
    members.sort((a, b) => compareIds(a.id, b.id));
    return members.map((member) => ({ id: member.node, context: encodeUtf8(memberToJson(member)) }));
  }

  /** Until raft wants nothing and nothing more has become possible. */
  #settle(nowUs: number): void {
    const running = this.#running;
    if (running === null) return;
    do running.v3.settle(nowUs);
    while (running.raft.advance());
  }
}
