/** The loop around raft: what it wants sent, saved and applied is done, until it wants nothing more. */
import { stream } from '../../base/prng.ts';
import { tellsAll } from '../../base/trace.ts';
import { noDefects } from '../defects.ts';
import { RaftError } from '../raft/errors.ts';
import { RawNode } from '../raft/rawnode.ts';
import type { BasicStatus, Status } from '../raft/status.ts';
import { localAppendThread, localApplyThread, none } from '../raft/types.ts';
import type { StateTrace } from '../raft/state-trace.ts';
import type {
  ConfChange,
  ConfChangeV2,
  Entry,
  LogIndex,
  Message,
  NodeId,
  Peer,
  ReadState,
  Snapshot,
} from '../raft/types.ts';
import { entryLabel } from './entry-data.ts';
import type { MemberTable } from './member-id.ts';
import type { Outbox } from './outbox.ts';
import { encodeMessage } from './raft-codec.ts';
import type { MemberConfig } from './types.ts';
import type { WalStorage } from './wal-storage.ts';

/** @source etcd v3.4.23 etcdserver/raft.go maxSizePerMsg, maxInflightMsgs */
const maxSizePerMsg = 1048576;
const maxInflightMsgs = 512;

/** What raft asks of its member. */
export interface RaftPort {
  apply(entry: Entry): void;
  /** `isNew`: a leader is known that was not known before, be it again or another one. */
  leadChanged(lead: NodeId, isNew: boolean): void;
  readConfirmed(states: readonly ReadState[]): void;
  /** A follower needs what is compacted: the message is to go out with the database. */
  sendSnapshot(m: Message): void;
  /** A snapshot of another member came: its file is to be saved, then `snapshotSaved` is called. */
  saveSnapshot(snapshot: Snapshot): void;
  /** It is marked in the log for good: the state becomes the snapshot's. */
  applySnapshot(snapshot: Snapshot): void;
  /** The host that a member's address leads to; null where none has it. */
  hostOf(node: NodeId): NodeId | null;
}

/** A tool that boots a member in its own thread may ask for upstream's state trace. */
export interface StateTraced {
  readonly stateTrace?: StateTrace;
}

/** How many entries a start tells of. */
const toldAtStart = 200;

export class RaftNode {
  private readonly id: NodeId;
  private readonly node: RawNode;
  private readonly storage: WalStorage;
  private readonly table: MemberTable;
  private readonly outbox: Outbox;
  private readonly port: RaftPort;
  private leader: NodeId = none;
  /** When each follower was sent the last heartbeat, since the leader or the state changed. */
  private readonly heartbeatsUs = new Map<NodeId, number>();
  private readonly heartbeatPatienceUs: number;
  /** See `Defects.applyUncommitted`. */
  private readonly appliesAtOnce: boolean;

  constructor(
    config: MemberConfig & StateTraced,
    parts: { storage: WalStorage; table: MemberTable; outbox: Outbox; port: RaftPort },
  ) {
    this.id = config.nodeId;
    this.heartbeatPatienceUs = 2 * config.heartbeatTicks * config.tickUs;
    this.appliesAtOnce = config.defects?.applyUncommitted === true;
    this.storage = parts.storage;
    this.table = parts.table;
    this.outbox = parts.outbox;
    this.port = parts.port;
    this.node = new RawNode({
      id: config.nodeId,
      electionTick: config.electionTicks,
      heartbeatTick: config.heartbeatTicks,
      storage: parts.storage.memory,
      asyncStorageWrites: true,
      maxSizePerMsg,
      maxInflightMsgs,
      checkQuorum: true,
      readOnlyOption: config.defects?.readByClock === true ? 'ReadOnlyLeaseBased' : 'ReadOnlySafe',
      preVote: config.preVote,
      random: stream(config.seed, 'raft', config.nodeId, config.epoch),
      trace: parts.outbox.trace,
      stateTrace: config.stateTrace ?? null,
      defects: config.defects ?? noDefects,
    });
    this.tellEntries(
      this.entries(Math.max(1, this.node.basicStatus().lastIndex - toldAtStart + 1), toldAtStart),
    );
  }

  get lead(): NodeId {
    return this.leader;
  }

  get isLeader(): boolean {
    return this.leader === this.id;
  }

  /** The host that a member's address leads to; null where none has it. */
  hostOf(node: NodeId): NodeId | null {
    return this.port.hostOf(node);
  }

  status(): BasicStatus {
    return this.node.basicStatus();
  }

  /** With the configuration and, on a leader, how far each member's log has come. */
  fullStatus(): Status {
    return this.node.status();
  }

  /** Entries as they were handed to the disk, from an index on. */
  entries(from: number, limit: number): readonly Entry[] {
    return this.storage.entries(from, limit);
  }

  bootstrap(peers: readonly Peer[]): void {
    this.node.bootstrap(peers);
  }

  tick(): void {
    this.node.tick();
  }

  /** @returns false when raft dropped the proposal */
  propose(data: Uint8Array): boolean {
    return this.tryTo(() => this.node.propose(data));
  }

  /** As `propose`. A leader that is not done with an earlier change proposes an empty entry instead. */
  proposeChange(change: ConfChange): boolean {
    return this.tryTo(() => this.node.proposeConfChange(change));
  }

  private tryTo(propose: () => void): boolean {
    try {
      propose();
      return true;
    } catch (error) {
      if (error instanceof RaftError && error.code === 'raft proposal dropped') return false;
      throw error;
    }
  }

  /**
   * A message of a peer; what raft does not take (a stranger's answer, a proposal without leader) is lost.
   */
  receive(m: Message): void {
    try {
      this.node.step(m);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
    }
  }

  readIndex(context: Uint8Array): void {
    this.node.readIndex(context);
  }

  /** @param index the entry's: one that a snapshot contains already has no effect */
  applyConfChange(change: ConfChangeV2, index: LogIndex): void {
    this.node.applyConfChange(change, index);
  }

  transferLeader(to: NodeId): void {
    this.node.transferLeader(to);
  }

  /** The connection to a peer is gone, and what was sent over it may be lost. */
  reportUnreachable(node: NodeId): void {
    this.node.reportUnreachable(node);
  }

  reportSnapshot(node: NodeId, ok: boolean): void {
    this.node.reportSnapshot(node, ok);
  }

  /** The file of the snapshot that came is durable; another may wait behind it. */
  snapshotSaved(): void {
    this.storage.snapshotSaved();
    const next = this.storage.snapshotToSave;
    if (next !== null) this.port.saveSnapshot(next);
  }

  /** Drops entries up to `index` from memory, and tells where the log begins now. */
  compact(index: number): void {
    if (!this.storage.compact(index) || !this.outbox.trace.on) return;
    this.outbox.trace.emit({ type: 'raft.compact', firstIndex: this.node.basicStatus().firstIndex });
  }

  /** A sync of the log is done: answers that waited for it are delivered. */
  synced(): void {
    this.deliver(this.storage.synced());
  }

  /** Does one Ready. @returns false when there was none */
  advance(): boolean {
    if (!this.node.hasReady()) return false;
    const ready = this.node.ready();
    if (ready.softState !== null) {
      this.heartbeatsUs.clear();
      this.takeLead(ready.softState.lead);
    }
    if (ready.readStates.length > 0) this.port.readConfirmed(ready.readStates);
    const votes = ready.messages.filter(({ type }) => type === 'MsgVote');
    for (const m of ready.messages) {
      if (m.to === localAppendThread) this.append(withAnswers(m, votes), ready.mustSync);
      else if (m.to === localApplyThread) this.apply(m);
      else if (m.type !== 'MsgVote') this.send(m);
    }
    return true;
  }

  private takeLead(lead: NodeId): void {
    if (lead === this.leader) return;
    this.leader = lead;
    this.port.leadChanged(lead, lead !== none);
  }

  private append(m: Message, mustSync: boolean): void {
    if (this.appliesAtOnce) for (const entry of m.entries) this.port.apply(entry);
    const isFirst = this.storage.snapshotToSave === null;
    const answers = this.storage.append(m, mustSync);
    this.tellEntries(m.entries);
    this.deliver(answers);
    if (m.snapshot !== null && isFirst) this.port.saveSnapshot(m.snapshot);
  }

  private apply(m: Message): void {
    if (!this.appliesAtOnce) for (const entry of m.entries) this.port.apply(entry);
    this.deliver(m.responses);
  }

  /** Answers of the local threads go to raft itself, promises to others go out. */
  private deliver(messages: readonly Message[]): void {
    for (const m of messages) {
      if (m.to !== this.id) this.send(m);
      else {
        if (m.type === 'MsgStorageAppendResp' && m.snapshot !== null) this.port.applySnapshot(m.snapshot);
        this.receive(m);
      }
    }
  }

  private send(m: Message): void {
    if (m.type === 'MsgSnap') return this.port.sendSnapshot(m);
    if (m.type === 'MsgHeartbeat') this.noteHeartbeat(m.to);
    const to = this.port.hostOf(m.to);
    if (to === null) return;
    this.outbox.send({
      to,
      bytes: encodeMessage(m, this.table),
      messageType: m.type,
      term: m.term,
      index: m.index,
      entryCount: m.entries.length,
      reject: m.reject,
    });
  }

  /** A leader that is held up sends its heartbeats late. @source etcd v3.4.23 raft.go processMessages */
  private noteHeartbeat(to: NodeId): void {
    const { meter } = this.outbox;
    const beforeUs = this.heartbeatsUs.get(to) ?? meter.nowUs;
    if (meter.nowUs - beforeUs > this.heartbeatPatienceUs) meter.heartbeatFailures++;
    this.heartbeatsUs.set(to, meter.nowUs);
  }

  private tellEntries(entries: readonly Entry[]): void {
    if (!tellsAll(this.outbox.trace) || entries.length === 0) return;
    this.outbox.trace.emit({
      type: 'server.entries',
      firstIndex: entries[0].index,
      entryTerms: entries.map((entry) => entry.term),
      labels: entries.map((entry) => entryLabel(entry, this.table)),
    });
  }
}

/**
 * A candidate asks for votes once its term is on disk, as etcd's own loop does. Raft hands the requests out
 * beside the write: a candidate that the others elect meanwhile, and that loses its term with the power,
 * could lead that term a second time, with other entries in the places of the first.
 * @source etcd v3.4.23 etcdserver/raft.go start: only a leader sends while it writes
 */
function withAnswers(m: Message, votes: readonly Message[]): Message {
  return votes.length === 0 ? m : { ...m, responses: [...m.responses, ...votes] };
}
