/** A node as its application sees it: messages, ticks and proposals in, Ready out. */
import { assert, fail } from '../../base/assert.ts';
import { tellsAll } from '../../base/trace.ts';
import { applyConfChange } from './apply-conf-change.ts';
import { bootstrap } from './bootstrap.ts';
import { encodeChangeEntry } from './confchange-codec.ts';
import type { Config } from './config.ts';
import { entriesSize } from './entry-size.ts';
import { RaftError } from './errors.ts';
import { isLocalMessage, isLocalThread, isResponseMessage, newMessage } from './message.ts';
import { Raft } from './raft.ts';
import { traceNode } from './state-trace.ts';
import type { BasicStatus, Status } from './status.ts';
import { basicStatus, status } from './status.ts';
import {
  needStorageAppend,
  needStorageAppendResp,
  newStorageAppend,
  newStorageAppendResp,
  newStorageApply,
  newStorageApplyResp,
} from './storage-messages.ts';
import type {
  ConfChange,
  ConfChangeV2,
  ConfState,
  Entry,
  EntryType,
  HardState,
  LogIndex,
  Message,
  MessageType,
  NodeId,
  Peer,
  Ready,
  SoftState,
  StateType,
  Term,
} from './types.ts';
import { logIndex, none, term } from './types.ts';

/**
 * Drives one Raft node. In a loop: feed it (tick, step, propose), then while `hasReady()` take `ready()`,
 * save what it says, then send its messages, apply its committed entries (calling `applyConfChange` for
 * changes), and call
 * `advance()`. With `asyncStorageWrites` the writes and the applying are messages to the local threads
 * instead, whose responses are delivered when done, and `advance` is never called.
 * @source etcd-io/raft rawnode.go
 */
export class RawNode {
  private readonly raft: Raft;
  private readonly async: boolean;
  // What the last Ready told, so that the next tells changes only.
  private lead: NodeId;
  private state: StateType;
  private term: Term;
  private vote: NodeId;
  private commit: LogIndex;
  private stepsOnAdvance: Message[] = [];
  private awaitsAdvance = false;

  /** @throws RaftError with a ConfigErrorCode */
  constructor(config: Config) {
    this.raft = new Raft(config);
    this.async = this.raft.settings.asyncStorageWrites;
    this.lead = this.raft.lead;
    this.state = this.raft.state;
    this.term = this.raft.term;
    this.vote = this.raft.vote;
    this.commit = this.raft.log.committed;
  }

  /**
   * Starts a new cluster on empty storage: one committed conf change for each peer.
   * @throws RaftError 'must provide at least one peer to Bootstrap' | "can't bootstrap a nonempty Storage"
   */
  bootstrap(peers: readonly Peer[]): void {
    bootstrap(this.raft, peers, () => {
      this.term = term(0);
      this.vote = none;
      this.commit = logIndex(0);
    });
  }

  tick(): void {
    this.raft.tick();
  }

  /** Stands for election now. */
  campaign(): void {
    this.stepRaft(newMessage('MsgHup', none));
  }

  /** @throws RaftError 'raft proposal dropped' */
  propose(data: Uint8Array): void {
    this.proposeEntry('EntryNormal', data);
  }

  /** @throws RaftError 'raft proposal dropped' */
  proposeConfChange(change: ConfChange | ConfChangeV2): void {
    const { type, data } = encodeChangeEntry(change);
    this.proposeEntry(type, data);
  }

  /**
   * Proposes an entry whose bytes are ready, also a conf change's. @throws RaftError 'raft proposal
   * dropped'
   */
  proposeEntry(type: EntryType, data: Uint8Array): void {
    const m = newMessage('MsgProp', none, this.raft.id);
    m.entries = [{ term: term(0), index: logIndex(0), type, data }];
    this.stepRaft(m);
  }

  /**
   * To be called when a conf change entry is applied, unless the application refuses the change.
   * @param index the entry's index. With asynchronous storage writes a snapshot may arrive while older
   *   entries still wait to be applied; the configuration is then the snapshot's already, and a change within
   *   it has no effect. Without an index it would be applied a second time.
   * @returns the configuration in force
   */
  applyConfChange(change: ConfChangeV2, index?: LogIndex): ConfState {
    const { log, tracker } = this.raft;
    const included = log.unstable.snapshot?.index ?? log.applied;
    if (index !== undefined && index <= included) return tracker.config;
    return applyConfChange(this.raft, change);
  }

  /**
   * Takes a message from another node or from a local thread.
   * @throws RaftError 'raft: cannot step raft local message' | 'raft: cannot step as peer not found' |
   *   'raft proposal dropped'
   */
  step(m: Message): void {
    if (!isLocalThread(m.from)) {
      if (isLocalMessage(m.type)) throw new RaftError('raft: cannot step raft local message');
      if (isResponseMessage(m.type) && this.raft.tracker.get(m.from) === null) {
        throw new RaftError('raft: cannot step as peer not found');
      }
    }
    this.stepRaft(m);
  }

  private stepRaft(m: Message): void {
    const error = this.raft.step(m);
    if (error !== null) throw new RaftError(error);
  }

  hasReady(): boolean {
    const { log, messages, messagesAfterAppend, readStates } = this.raft;
    return (
      this.softStateChanged() ||
      this.hardStateChanged() ||
      messages.length > 0 ||
      messagesAfterAppend.length > 0 ||
      log.unstable.hasNextEntries() ||
      log.unstable.nextSnapshot() !== null ||
      log.hasNextCommittedEntries(!this.async) ||
      readStates.length > 0
    );
  }

  private softStateChanged(): boolean {
    return this.raft.lead !== this.lead || this.raft.state !== this.state;
  }

  private hardStateChanged(): boolean {
    const { term: now, vote, log } = this.raft;
    return now !== this.term || vote !== this.vote || log.committed !== this.commit;
  }

  /** All that is to be done now. Taking it is a promise to do it. */
  ready(): Ready {
    const raft = this.raft;
    if (!this.async && this.awaitsAdvance) fail('two accepted Ready structs without call to Advance');
    const entries = raft.log.unstable.nextEntries();
    const committedEntries = raft.log.nextCommittedEntries(!this.async);
    const hardState = this.hardStateChanged() ? raft.hardState() : null;
    const snapshot = raft.log.unstable.nextSnapshot();
    const mustSync = entries.length > 0 || raft.vote !== this.vote || raft.term !== this.term;
    const work = { hardState, entries, snapshot };
    const ready: Ready = {
      softState: this.softStateChanged() ? raft.softState() : null,
      hardState,
      readStates: raft.readStates,
      entries,
      snapshot,
      committedEntries,
      messages: raft.messages,
      mustSync,
    };
    if (this.async) this.requestStorage(raft.messages, work, committedEntries);
    else this.planAdvance(raft.messages, work, committedEntries);
    this.accept(ready);
    return ready;
  }

  /** Asynchronous: the work goes out as messages. */
  private requestStorage(
    messages: Message[],
    work: Parameters<typeof newStorageAppend>[1],
    committed: readonly Entry[],
  ): void {
    if (needStorageAppend(this.raft, work)) messages.push(newStorageAppend(this.raft, work));
    if (committed.length > 0) messages.push(newStorageApply(this.raft, committed));
  }

  /**
   * Synchronous: promises to others leave after the write, which Ready's contract sees to; own ones in
   * advance().
   */
  private planAdvance(
    messages: Message[],
    work: Parameters<typeof newStorageAppend>[1],
    committed: readonly Entry[],
  ): void {
    const raft = this.raft;
    for (const m of raft.messagesAfterAppend) (m.to === raft.id ? this.stepsOnAdvance : messages).push(m);
    if (needStorageAppendResp(raft, work)) this.stepsOnAdvance.push(newStorageAppendResp(raft, work));
    if (committed.length > 0) this.stepsOnAdvance.push(newStorageApplyResp(raft, committed));
    this.awaitsAdvance = this.stepsOnAdvance.length > 0;
  }

  private accept({ softState, hardState, committedEntries, messages, mustSync, entries }: Ready): void {
    const raft = this.raft;
    if (softState !== null) this.tellSoftState(softState);
    if (hardState !== null) this.tellHardState(hardState);
    raft.readStates = [];
    raft.messages = [];
    raft.messagesAfterAppend = [];
    raft.log.unstable.acceptInProgress();
    const last = committedEntries.at(-1);
    if (last !== undefined) raft.log.acceptApplying(last.index, entriesSize(committedEntries), !this.async);
    traceNode(raft, 'Ready');
    if (tellsAll(raft.trace)) {
      raft.trace.emit({
        type: 'raft.ready',
        entryCount: entries.length,
        committedCount: committedEntries.length,
        messageCount: messages.length,
        mustSync,
      });
    }
  }

  private tellSoftState({ lead, state }: SoftState): void {
    this.lead = lead;
    this.state = state;
  }

  private tellHardState(hardState: HardState): void {
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.commit = hardState.commit;
  }

  /** The last Ready is done: saved and applied. Not with asynchronous storage writes. */
  advance(): void {
    assert(!this.async, 'Advance must not be called when using AsyncStorageWrites');
    const steps = this.stepsOnAdvance;
    this.stepsOnAdvance = [];
    this.awaitsAdvance = false;
    for (const m of steps) this.raft.step(m);
  }

  /**
   * Asks for an index to read at: when it comes back in Ready with the same context, and all up to it is
   * applied, the read sees every write acknowledged before the request. A request without leader is lost.
   */
  readIndex(context: Uint8Array): void {
    const m = newMessage('MsgReadIndex', none);
    m.entries = [{ term: term(0), index: logIndex(0), type: 'EntryNormal', data: context }];
    this.raft.step(m);
  }

  transferLeader(transferee: NodeId): void {
    this.report('MsgTransferLeader', transferee);
  }

  /** The last message to a peer could not be sent. */
  reportUnreachable(id: NodeId): void {
    this.report('MsgUnreachable', id);
  }

  /** How sending a snapshot to a peer went. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const m = newMessage('MsgSnapStatus', none, id);
    m.reject = !ok;
    this.raft.step(m);
  }

  private report(type: MessageType, from: NodeId): void {
    this.raft.step(newMessage(type, none, from));
  }

  /** A follower no longer knows a leader, and so may vote at once. */
  forgetLeader(): void {
    this.stepRaft(newMessage('MsgForgetLeader', none));
  }

  /** The log from an index on, stable and unstable; from its first index when that one is compacted. */
  logEntries(from: LogIndex = logIndex(1)): readonly Entry[] {
    const { log } = this.raft;
    const first = log.firstIndex();
    return log.entries(from < first ? first : from, Infinity) ?? [];
  }

  basicStatus(): BasicStatus {
    return basicStatus(this.raft);
  }

  status(): Status {
    return status(this.raft);
  }

  /** Overrides the drawn election timeout until the next change of role; for scripts. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.raft.setRandomizedElectionTimeout(ticks);
  }
}
