/**
 * Telling what a node did: events for the views, and upstream's own state trace for its TLA+
 * specification.
 */
import { tellsAll } from '../../base/trace.ts';
import { describeChanges, readChanges } from './confchange-codec.ts';
import type { RaftEvent, Traced } from './events.ts';
import type { Raft } from './raft.ts';
import type { Progress } from './tracker/progress.ts';
import type { ConfState, Entry, Message, NodeId } from './types.ts';

/**
 * The 19 actions. Upstream names the last two and uses neither: it traces a snapshot as an append request
 * of type MsgSnap, which is what its specification reads, and so does this trace. The views get events of
 * their own.
 * @source etcd-io/raft state_trace.go stateMachineEventType
 */
export type TracingAction =
  | 'InitState'
  | 'BecomeCandidate'
  | 'BecomeFollower'
  | 'BecomeLeader'
  | 'Commit'
  | 'Replicate'
  | 'ChangeConf'
  | 'ApplyConfChange'
  | 'Ready'
  | 'SendAppendEntriesRequest'
  | 'ReceiveAppendEntriesRequest'
  | 'SendAppendEntriesResponse'
  | 'ReceiveAppendEntriesResponse'
  | 'SendRequestVoteRequest'
  | 'ReceiveRequestVoteRequest'
  | 'SendRequestVoteResponse'
  | 'ReceiveRequestVoteResponse'
  | 'SendSnapshot'
  | 'ReceiveSnapshot';

/** A message in the state trace. A snapshot shows its index as `entries`. */
export interface TracingMessage {
  readonly type: string;
  readonly term: number;
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  readonly logTerm: number;
  readonly index: number;
  readonly commit: number;
  readonly vote: string;
  readonly reject: boolean;
  readonly rejectHint: number;
}

export interface TracingConfChange {
  readonly changes?: readonly { readonly nid: string; readonly action: string }[];
  readonly newconf?: readonly string[];
}

/** One line of the state trace, fields in upstream's order, ids in decimal. */
export interface TracingEvent {
  readonly name: TracingAction;
  readonly nid: string;
  readonly state: { readonly term: number; readonly vote: string; readonly commit: number };
  readonly role: string;
  /** The last index of the log. */
  readonly log: number;
  /** Voters of the incoming and of the outgoing half. */
  readonly conf: readonly [readonly string[], readonly string[]];
  readonly msg?: TracingMessage;
  readonly prop?: { readonly cc: TracingConfChange } | { readonly match: number; readonly next: number };
}

/** Where the state trace goes. @source etcd-io/raft state_trace.go TraceLogger */
export interface StateTrace {
  traceEvent(event: TracingEvent): void;
}

type NodeAction = 'InitState' | 'BecomeCandidate' | 'BecomeFollower' | 'BecomeLeader' | 'Commit' | 'Ready';

const decimal = (ids: readonly NodeId[]): string[] => ids.map((id) => String(id));

function makeEvent(raft: Raft, name: TracingAction, more: Pick<TracingEvent, 'msg' | 'prop'>): TracingEvent {
  return {
    name,
    nid: String(raft.id),
    state: { term: raft.term, vote: String(raft.vote), commit: raft.log.committed },
    role: raft.state,
    log: raft.log.lastIndex(),
    conf: [decimal(raft.tracker.config.voters), decimal(raft.tracker.config.votersOutgoing)],
    ...more,
  };
}

function makeMessage(m: Message): TracingMessage {
  const isSnap = m.type === 'MsgSnap';
  return {
    type: m.type,
    term: m.term,
    from: String(m.from),
    to: String(m.to),
    entries: isSnap ? (m.snapshot?.index ?? 0) : m.entries.length,
    logTerm: isSnap ? 0 : m.logTerm,
    index: isSnap ? 0 : m.index,
    commit: m.commit,
    vote: String(m.vote),
    reject: m.reject,
    rejectHint: m.rejectHint,
  };
}

/** A node's own action, for the state trace alone. */
export function traceNode(raft: Raft, name: NodeAction): void {
  raft.stateTrace?.traceEvent(makeEvent(raft, name, {}));
}

export function traceInitState(raft: Raft): void {
  traceNode(raft, 'InitState');
}

/** What storage held at the start, once it has been loaded. */
export function emitInitState(raft: Raft): void {
  if (!raft.trace.on) return;
  const entryTerms = raft.log.allEntries().map((entry): number => entry.term);
  raft.trace.emit({
    type: 'raft.initState',
    term: raft.term,
    vote: raft.vote,
    commit: raft.log.committed,
    applied: raft.log.applied,
    firstIndex: raft.log.firstIndex(),
    entryTerms,
  });
}

/** The leader is about to append entries to its log; upstream traces each normal one before. */
export function traceReplicate(raft: Raft, entries: readonly Entry[]): void {
  if (raft.stateTrace === null) return;
  for (const entry of entries) {
    if (entry.type === 'EntryNormal') raft.stateTrace.traceEvent(makeEvent(raft, 'Replicate', {}));
  }
}

const actions: Readonly<Record<string, string | undefined>> = {
  ConfChangeAddNode: 'AddNewServer',
  ConfChangeRemoveNode: 'RemoveServer',
  ConfChangeAddLearnerNode: 'AddLearner',
};

/** A conf change was accepted into the log at `pendingConfIndex`. */
export function traceChangeConf(raft: Raft, entry: Entry): void {
  if (raft.trace.on) {
    raft.trace.emit({
      type: 'raft.changeConf',
      index: raft.pendingConfIndex,
      change: describeChanges(entry),
    });
  }
  if (raft.stateTrace === null) return;
  const changes = readChanges(entry).flatMap(({ type, id }) => {
    const action = actions[type];
    return action === undefined ? [] : [{ nid: String(id), action }];
  });
  if (changes.length > 0)
    raft.stateTrace.traceEvent(makeEvent(raft, 'ChangeConf', { prop: { cc: { changes } } }));
}

/** A configuration is about to come into force. */
export function traceApplyConfChange(raft: Raft, config: ConfState): void {
  if (raft.stateTrace === null) return;
  const newconf = decimal(config.voters);
  const cc: TracingConfChange = newconf.length > 0 ? { newconf } : {};
  raft.stateTrace.traceEvent(makeEvent(raft, 'ApplyConfChange', { prop: { cc } }));
}

/** A configuration is in force. */
export function emitApplyConfChange(raft: Raft): void {
  if (!raft.trace.on) return;
  raft.trace.emit({ type: 'raft.applyConfChange', ...raft.tracker.config });
}

function traced(m: Message): Traced {
  return {
    messageType: m.type,
    from: m.from,
    to: m.to,
    term: m.term,
    index: m.type === 'MsgSnap' ? (m.snapshot?.index ?? m.index) : m.index,
    logTerm: m.type === 'MsgSnap' ? (m.snapshot?.term ?? m.logTerm) : m.logTerm,
    entryCount: m.entries.length,
    commit: m.commit,
    reject: m.reject,
  };
}

/** A message was put out, to leave at once or after the next write. */
export function traceSendMessage(raft: Raft, m: Message): void {
  if (tellsAll(raft.trace)) emitSend(raft, m);
  if (raft.stateTrace === null) return;
  const name = traceName('Send', m);
  if (name === null) return;
  const self = m.type === 'MsgApp' ? raft.tracker.get(m.from) : null;
  const prop = self === null ? {} : { prop: { match: self.match, next: self.next } };
  raft.stateTrace.traceEvent(makeEvent(raft, name, { msg: makeMessage(m), ...prop }));
}

/** A message has come in; nothing of it is done yet. */
export function traceReceiveMessage(raft: Raft, m: Message): void {
  if (tellsAll(raft.trace)) emitReceive(raft, m);
  if (raft.stateTrace === null) return;
  const name = traceName('Receive', m);
  if (name !== null) raft.stateTrace.traceEvent(makeEvent(raft, name, { msg: makeMessage(m) }));
}

/** Upstream's name: heartbeats and snapshots count as append requests; pre-votes are not traced. */
function traceName(direction: 'Send' | 'Receive', m: Message): TracingAction | null {
  switch (m.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      return `${direction}AppendEntriesRequest`;
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
      return `${direction}AppendEntriesResponse`;
    case 'MsgVote':
      return `${direction}RequestVoteRequest`;
    case 'MsgVoteResp':
      return `${direction}RequestVoteResponse`;
    default:
      return null;
  }
}

function emitSend(raft: Raft, m: Message): void {
  switch (m.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
      return raft.trace.emit({ type: 'raft.sendAppendEntriesRequest', ...traced(m) });
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
      return raft.trace.emit({ type: 'raft.sendAppendEntriesResponse', ...traced(m) });
    case 'MsgVote':
    case 'MsgPreVote':
      return raft.trace.emit({
        type: 'raft.sendRequestVoteRequest',
        pre: m.type === 'MsgPreVote',
        ...traced(m),
      });
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return raft.trace.emit({
        type: 'raft.sendRequestVoteResponse',
        pre: m.type === 'MsgPreVoteResp',
        ...traced(m),
      });
    case 'MsgSnap':
      return raft.trace.emit({ type: 'raft.sendSnapshot', ...traced(m) });
    default:
  }
}

function emitReceive(raft: Raft, m: Message): void {
  switch (m.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
      return raft.trace.emit({ type: 'raft.receiveAppendEntriesRequest', ...traced(m) });
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
      return raft.trace.emit({ type: 'raft.receiveAppendEntriesResponse', ...traced(m) });
    case 'MsgVote':
    case 'MsgPreVote':
      return raft.trace.emit({
        type: 'raft.receiveRequestVoteRequest',
        pre: m.type === 'MsgPreVote',
        ...traced(m),
      });
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return raft.trace.emit({
        type: 'raft.receiveRequestVoteResponse',
        pre: m.type === 'MsgPreVoteResp',
        ...traced(m),
      });
    case 'MsgSnap':
      return raft.trace.emit({ type: 'raft.receiveSnapshot', ...traced(m) });
    default:
  }
}

type ToldProgress = Extract<RaftEvent, { type: 'raft.progress' }>;

function isTold(told: ToldProgress | undefined, progress: Progress): boolean {
  return (
    told !== undefined &&
    told.state === progress.state &&
    told.match === progress.match &&
    told.next === progress.next &&
    told.inflightCount === progress.inflights.count &&
    told.paused === progress.isPaused() &&
    told.pendingSnapshot === progress.pendingSnapshot &&
    told.isLearner === progress.isLearner
  );
}

/** What was last told of each peer, so that only changes are told. */
export class ProgressTeller {
  private readonly told = new Map<NodeId, ToldProgress>();

  /**
   * Emits `raft.progress` for every peer whose progress differs from what was last told. While nobody hears
   * it is noted all the same: who hears the node from then on hears what is new, as others did.
   */
  tellChanges(raft: Raft): void {
    for (const progress of raft.tracker.progress) {
      if (progress.id === raft.id || isTold(this.told.get(progress.id), progress)) continue;
      const { id: peer, isLearner, state, match, next, inflights, pendingSnapshot } = progress;
      const event = {
        type: 'raft.progress',
        peer,
        isLearner,
        state,
        match,
        next,
        inflightCount: inflights.count,
        inflightLimit: inflights.maxCount,
        paused: progress.isPaused(),
        pendingSnapshot,
      } as const;
      this.told.set(peer, event);
      if (tellsAll(raft.trace)) raft.trace.emit(event);
    }
  }

  /** A new leadership begins: everything is news again. */
  forget(): void {
    this.told.clear();
  }
}
