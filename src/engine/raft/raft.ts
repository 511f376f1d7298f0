/** The state of one node, its roles and its clock, and `step`, through which everything enters. */
import { sharedByForks } from '../../base/fork.ts';
import { assert, fail } from '../../base/assert.ts';
import { tellsAll } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { commitRule, quorumRule } from './commit.ts';
import { restore, sameConfState } from './confchange/restore.ts';
import { switchToConfig } from './apply-conf-change.ts';
import { hup } from './campaign.ts';
import type { Config, Settings } from './config.ts';
import { validate } from './config.ts';
import { entriesSize, payloadsSize } from './entry-size.ts';
import type { RaftErrorCode } from './errors.ts';
import type { RaftEvent } from './events.ts';
import { RaftLog } from './log.ts';
import type { DraftMessage } from './message.ts';
import { newMessage } from './message.ts';
import type { ReadQueue } from './read-only.ts';
import { ReadOnly, ReadOnlyByContext } from './read-only.ts';
import type { StateTrace } from './state-trace.ts';
import {
  emitInitState,
  ProgressTeller,
  traceInitState,
  traceNode,
  traceReceiveMessage,
  traceReplicate,
  traceSendMessage,
} from './state-trace.ts';
import { stepCandidate } from './step-candidate.ts';
import { stepFollower } from './step-follower.ts';
import { stepLeader } from './step-leader.ts';
import { stepHigherTerm, stepLowerTerm } from './step-term.ts';
import { castVote } from './campaign.ts';
import { ProgressTracker } from './tracker/tracker.ts';
import type {
  Entry,
  HardState,
  LogIndex,
  Message,
  NodeId,
  ReadState,
  Snapshot,
  SoftState,
  StateType,
  Term,
} from './types.ts';
import { logIndex, none, term } from './types.ts';

/**
 * One node. Fields are open to the package's other files, which hold the rules by role; nobody else
 * touches them.
 * @source etcd-io/raft raft.go; Raft thesis chapter 3
 */
export class Raft {
  readonly id: NodeId;
  readonly settings: Settings;
  readonly log: RaftLog;
  readonly trace: Trace<RaftEvent>;
  readonly stateTrace: StateTrace | null;
  tracker: ProgressTracker;
  state: StateType = 'StateFollower';
  term: Term = term(0);
  vote: NodeId = none;
  lead: NodeId = none;
  /** This node receives but does not decide. */
  isLearner = false;
  /** Where the leadership is about to go; proposals are dropped meanwhile. Raft thesis section 3.10. */
  leadTransferee: NodeId = none;
  /** Conf changes are accepted only when this index is applied: at most one is ever under way. */
  pendingConfIndex: LogIndex = logIndex(0);
  /** Bytes of data in the leader's log that are not applied, at most; never too high. */
  uncommittedSize = 0;

  /** Messages to other nodes that may leave at once. */
  messages: DraftMessage[] = [];
  /**
   * Answers that promise something: a vote, an append, the own acknowledgement of either. They leave when all
   * that was unstable when they were made is on disk (Raft thesis section 3.8).
   */
  messagesAfterAppend: DraftMessage[] = [];
  readStates: ReadState[] = [];
  readQueue: ReadQueue;
  /** Reads that came before the leader had committed in its term; they wait for that. */
  pendingReads: Message[] = [];

  /** Ticks since the election timer restarted; on a leader since the last check of the quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew at each change of role from [electionTick, 2 * electionTick - 1]. */
  randomizedElectionTimeout = 0;

  private readonly decideCommit: ReturnType<typeof commitRule>;
  private readonly quorumIndex: ReturnType<typeof quorumRule>;
  private readonly teller = new ProgressTeller();

  /** @throws RaftError when the configuration is refused */
  constructor(config: Config) {
    const settings = validate(config);
    this.settings = settings;
    this.id = settings.id;
    this.trace = settings.trace;
    this.stateTrace = settings.stateTrace;
    this.decideCommit = sharedByForks(commitRule(settings.defects));
    this.quorumIndex = sharedByForks(quorumRule(settings.defects));
    this.log = new RaftLog(
      settings.storage,
      settings.maxCommittedSizePerReady,
      settings.trace,
      settings.defects,
    );
    this.tracker = new ProgressTracker(settings.maxInflightMsgs, settings.maxInflightBytes);
    this.readQueue = this.newReadQueue();
    traceInitState(this);
    const { hardState, confState } = settings.storage.initialState();
    const restored = switchToConfig(this, restore(this.tracker, this.log.lastIndex(), confState));
    if (!sameConfState(restored, confState))
      fail(`ConfStates not equivalent: ${JSON.stringify([restored, confState])}`);
    if (hardState !== null && !isEmptyHardState(hardState)) this.loadState(hardState);
    if (settings.applied > 0) this.log.appliedTo(settings.applied, 0);
    emitInitState(this);
    this.becomeFollower(this.term, none);
  }

  private newReadQueue(): ReadQueue {
    return this.settings.defects.readKeyedByContext ? new ReadOnlyByContext() : new ReadOnly();
  }

  private loadState(state: HardState): void {
    if (state.commit < this.log.committed || state.commit > this.log.lastIndex()) {
      fail(
        `${this.id} state.commit ${state.commit} is out of range ` +
          `[${this.log.committed}, ${this.log.lastIndex()}]`,
      );
    }
    this.log.committed = state.commit;
    this.term = state.term;
    this.vote = state.vote;
  }

  softState(): SoftState {
    return { lead: this.lead, state: this.state };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** Whether this node may run for leadership. One that waits for a snapshot to be stored may not. */
  promotable(): boolean {
    const self = this.tracker.get(this.id);
    return self !== null && !self.isLearner && !this.log.hasNextOrInProgressSnapshot();
  }

  /**
   * Puts a message out, with this node's id and term. Vote messages carry their own term: a pre-vote's
   * lies ahead. Forwarded proposals and reads carry none, for they belong to no term.
   */
  send(m: DraftMessage): void {
    if (m.from === none) m.from = this.id;
    switch (m.type) {
      case 'MsgVote':
      case 'MsgVoteResp':
      case 'MsgPreVote':
      case 'MsgPreVoteResp':
        if (m.term === 0) fail(`term should be set when sending ${m.type}`);
        break;
      default:
        if (m.term !== 0) fail(`term should not be set when sending ${m.type} (was ${m.term})`);
        if (m.type !== 'MsgProp' && m.type !== 'MsgReadIndex') m.term = this.term;
    }
    if (m.type === 'MsgAppResp' || m.type === 'MsgVoteResp' || m.type === 'MsgPreVoteResp') {
      // Refusals wait too: they also rest on what may not be on disk yet, and they are rare.
      this.messagesAfterAppend.push(m);
    } else {
      if (m.to === this.id) fail(`message should not be self-addressed when sending ${m.type}`);
      this.messages.push(m);
    }
    if (tellsAll(this.trace) || this.stateTrace !== null) traceSendMessage(this, m);
  }

  /**
   * Appends entries to the leader's own log under its term. The leader acknowledges them to itself by a
   * message, once they are on disk.
   * @returns false when they would exceed the limit on uncommitted data
   */
  appendEntries(entries: readonly Entry[]): boolean {
    const payload = payloadsSize(entries);
    // An empty log tail takes anything, and empty entries always fit: they start a term and end a joint
    // config.
    if (
      this.uncommittedSize > 0 &&
      payload > 0 &&
      this.uncommittedSize + payload > this.settings.maxUncommittedEntriesSize
    )
      return false;
    this.uncommittedSize += payload;
    const first = this.log.lastIndex() + 1;
    const own = entries.map(({ type, data }, i) => ({
      term: this.term,
      index: logIndex(first + i),
      type,
      data,
    }));
    traceReplicate(this, own);
    const last = this.log.append(own);
    if (tellsAll(this.trace)) {
      this.trace.emit({
        type: 'raft.replicate',
        term: this.term,
        index: logIndex(first),
        entryCount: own.length,
      });
    }
    const ack = newMessage('MsgAppResp', this.id);
    ack.index = last;
    this.send(ack);
    return true;
  }

  /** The application is done with entries up to `index`, `size` bytes of them. */
  appliedTo(index: LogIndex, size: number): void {
    const applied = index > this.log.applied ? index : this.log.applied;
    this.log.appliedTo(applied, size);
    if (!this.tracker.config.autoLeave || applied < this.pendingConfIndex || this.state !== 'StateLeader')
      return;
    // The way out of the joint configuration is an empty change, so no size limit can refuse it. A
    // transfer of leadership can: then the next applied entry tries again, or the next leader.
    const leave = newMessage('MsgProp', none, this.id);
    leave.entries = [
      { term: term(0), index: logIndex(0), type: 'EntryConfChangeV2', data: new Uint8Array(0) },
    ];
    this.dispatch(leave);
  }

  private appliedSnapshot(snapshot: Snapshot): void {
    this.log.unstable.stableSnapTo(snapshot.index);
    this.appliedTo(snapshot.index, 0);
  }

  private applied(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.appliedTo(last.index, entriesSize(entries));
    this.uncommittedSize = Math.max(0, this.uncommittedSize - payloadsSize(entries));
  }

  /**
   * A leader commits what a quorum of its configuration has on disk. @returns whether the commit index
   * rose
   */
  maybeCommit(): boolean {
    const quorumIndex = this.quorumIndex(this.tracker);
    const { committed } = this.log;
    const entryTerm = quorumIndex > committed ? this.log.term(quorumIndex) : null;
    const decision = this.decideCommit({ committed, quorumIndex, entryTerm, term: this.term });
    if (decision === 'commits') this.log.commitTo(quorumIndex);
    traceNode(this, 'Commit');
    return decision === 'commits';
  }

  committedEntryInCurrentTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }

  /** Forgets all that belonged to a term or a role. */
  private reset(newTerm: Term): void {
    if (this.term !== newTerm) {
      this.term = newTerm;
      this.vote = none;
    }
    this.lead = none;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    const { electionTick, random } = this.settings;
    this.randomizedElectionTimeout = electionTick + random.below(electionTick);
    this.setLeadTransferee(none);
    this.tracker.resetVotes();
    const last = this.log.lastIndex();
    for (const progress of this.tracker.progress) {
      progress.reset(progress.id === this.id ? last : logIndex(0), logIndex(last + 1));
    }
    this.pendingConfIndex = logIndex(0);
    this.uncommittedSize = 0;
    this.readQueue = this.newReadQueue();
  }

  becomeFollower(newTerm: Term, lead: NodeId): void {
    const leadBefore = this.lead;
    this.reset(newTerm);
    this.lead = lead;
    this.state = 'StateFollower';
    traceNode(this, 'BecomeFollower');
    if (this.trace.on) this.trace.emit({ type: 'raft.becomeFollower', term: this.term, lead });
    this.emitRole(leadBefore);
  }

  /** Asks around before it disturbs anyone: neither term nor vote change. */
  becomePreCandidate(): void {
    if (this.state === 'StateLeader') fail(`${this.id}: invalid transition [leader -> pre-candidate]`);
    const leadBefore = this.lead;
    this.tracker.resetVotes();
    this.lead = none;
    this.state = 'StatePreCandidate';
    if (this.trace.on) this.trace.emit({ type: 'raft.becomePreCandidate', term: this.term });
    this.emitRole(leadBefore);
  }

  becomeCandidate(): void {
    if (this.state === 'StateLeader') fail(`${this.id}: invalid transition [leader -> candidate]`);
    const leadBefore = this.lead;
    this.reset(term(this.term + 1));
    this.vote = this.id;
    this.state = 'StateCandidate';
    traceNode(this, 'BecomeCandidate');
    if (this.trace.on) this.trace.emit({ type: 'raft.becomeCandidate', term: this.term });
    this.emitRole(leadBefore);
  }

  becomeLeader(): void {
    if (this.state === 'StateFollower') fail(`${this.id}: invalid transition [follower -> leader]`);
    const leadBefore = this.lead;
    this.reset(this.term);
    this.lead = this.id;
    this.state = 'StateLeader';
    const self = this.tracker.get(this.id);
    assert(self !== null, 'raft: a leader is a member of its configuration');
    self.becomeReplicate();
    self.recentActive = true;
    // A conf change may stand anywhere in the tail; to wait for all of it is cheaper than to search it.
    this.pendingConfIndex = this.log.lastIndex();
    traceNode(this, 'BecomeLeader');
    if (this.trace.on) this.trace.emit({ type: 'raft.becomeLeader', term: this.term });
    this.emitRole(leadBefore);
    this.teller.forget();
    // An entry of its own term lets the leader commit what earlier terms left (Raft thesis section 3.6.2).
    const first: Entry = { term: term(0), index: logIndex(0), type: 'EntryNormal', data: new Uint8Array(0) };
    if (!this.appendEntries([first])) fail(`${this.id}: empty entry was dropped`);
  }

  private emitRole(leadBefore: NodeId): void {
    this.emitLead(leadBefore);
    this.emitTimer();
  }

  private emitLead(leadBefore: NodeId): void {
    if (this.trace.on && this.lead !== leadBefore) {
      this.trace.emit({ type: 'raft.leaderChanged', term: this.term, lead: this.lead });
    }
  }

  private emitTimer(): void {
    if (!tellsAll(this.trace)) return;
    const leads = this.state === 'StateLeader';
    const timeoutTicks = leads ? this.settings.electionTick : this.randomizedElectionTimeout;
    this.trace.emit({ type: 'raft.resetElectionTimer', state: this.state, timeoutTicks });
  }

  restartElectionTimer(): void {
    this.electionElapsed = 0;
    this.emitTimer();
  }

  setLead(lead: NodeId): void {
    const leadBefore = this.lead;
    this.lead = lead;
    this.emitLead(leadBefore);
  }

  /** A transfer of leadership begins, or is over: `none`. */
  setLeadTransferee(to: NodeId): void {
    if (to === this.leadTransferee) return;
    this.leadTransferee = to;
    if (!this.trace.on) return;
    this.trace.emit({ type: 'raft.transferLeader', to, step: to === none ? 'end' : 'begin' });
  }

  /** One tick of the node's clock. */
  tick(): void {
    if (this.state === 'StateLeader') this.tickHeartbeat();
    else this.tickElection();
    if (this.state === 'StateLeader') this.teller.tellChanges(this);
  }

  private tickElection(): void {
    this.electionElapsed++;
    if (!this.promotable() || this.electionElapsed < this.randomizedElectionTimeout) return;
    this.restartElectionTimer();
    this.step(newMessage('MsgHup', none, this.id));
  }

  private tickHeartbeat(): void {
    this.heartbeatElapsed++;
    this.electionElapsed++;
    if (this.electionElapsed >= this.settings.electionTick) {
      this.restartElectionTimer();
      if (this.settings.checkQuorum) this.step(newMessage('MsgCheckQuorum', none, this.id));
      // A transfer that takes longer than an election has failed: this leader goes on.
      if (this.state === 'StateLeader') this.setLeadTransferee(none);
    }
    if (this.state !== 'StateLeader' || this.heartbeatElapsed < this.settings.heartbeatTick) return;
    this.heartbeatElapsed = 0;
    this.step(newMessage('MsgBeat', none, this.id));
  }

  /**
   * Takes one message: first its term, then what all roles do alike, then what the role does.
   * @returns why a proposal was not taken, else null
   * @source etcd-io/raft raft.go Step
   */
  step(m: Message): RaftErrorCode | null {
    if (tellsAll(this.trace) || this.stateTrace !== null) traceReceiveMessage(this, m);
    if (m.term > this.term) {
      if (stepHigherTerm(this, m) === 'ignore') return null;
    } else if (m.term !== 0 && m.term < this.term) {
      stepLowerTerm(this, m);
      return null;
    }
    const error = this.dispatch(m);
    if (this.state === 'StateLeader') this.teller.tellChanges(this);
    return error;
  }

  private dispatch(m: Message): RaftErrorCode | null {
    switch (m.type) {
      case 'MsgHup':
        hup(this, this.settings.preVote ? 'preElection' : 'election');
        return null;
      case 'MsgStorageAppendResp':
        this.stepStorageAppendResp(m);
        return null;
      case 'MsgStorageApplyResp':
        this.applied(m.entries);
        return null;
      case 'MsgVote':
      case 'MsgPreVote':
        castVote(this, m, m.type);
        return null;
      default:
    }
    switch (this.state) {
      case 'StateLeader':
        return stepLeader(this, m);
      case 'StateFollower':
        return stepFollower(this, m);
      case 'StateCandidate':
      case 'StatePreCandidate':
        return stepCandidate(this, m);
    }
  }

  /**
   * A write is done. Its entries count as stable only if the term is still that of the request (see
   * step-term.ts); a snapshot counts in any term, for it holds committed state.
   */
  stepStorageAppendResp(m: Message, entriesCount = true): void {
    if (entriesCount && m.index !== 0) this.log.stableTo({ term: m.logTerm, index: m.index });
    if (m.snapshot !== null) this.appliedSnapshot(m.snapshot);
  }

  /** Overrides the drawn timeout until the next change of role; for scripts that need it. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.randomizedElectionTimeout = ticks;
    this.emitTimer();
  }

  /** A fresh tracker with the same limits, for a configuration that comes from a snapshot. */
  newTracker(): ProgressTracker {
    return new ProgressTracker(this.tracker.maxInflight, this.tracker.maxInflightBytes);
  }
}

export function isEmptyHardState(state: HardState): boolean {
  return state.term === 0 && state.vote === 0 && state.commit === 0;
}
