/** Raft's data: entries, states and messages, as etcd-io/raft's raftpb names them, with numbers for ids. */
import type { Brand } from '../../base/brand.ts';

/**
 * A raft node's number in this cluster, from 1; the codec at the wire maps 64-bit member ids to it. 0 is
 * none.
 */
export type NodeId = Brand<number, 'NodeId'>;
export type Term = Brand<number, 'Term'>;
export type LogIndex = Brand<number, 'LogIndex'>;

export const nodeId = (value: number): NodeId => value as NodeId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;

/** No node: no leader known, no vote given. @source etcd-io/raft raft.go None */
export const none: NodeId = nodeId(0);

/**
 * The local thread that writes log entries, hard state and snapshots. @source etcd-io/raft raft.go
 * LocalAppendThread
 */
export const localAppendThread: NodeId = nodeId(-1);
/** The local thread that applies committed entries. @source etcd-io/raft raft.go LocalApplyThread */
export const localApplyThread: NodeId = nodeId(-2);

export type StateType = 'StateFollower' | 'StatePreCandidate' | 'StateCandidate' | 'StateLeader';
export type EntryType = 'EntryNormal' | 'EntryConfChange' | 'EntryConfChangeV2';

export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/**
 * One place in one log: a term has one leader, which gives an index once, so this names an entry for good.
 */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

/** What must be on disk before a message that depends on it leaves. */
export interface HardState {
  readonly term: Term;
  readonly vote: NodeId;
  readonly commit: LogIndex;
}

export interface SoftState {
  readonly lead: NodeId;
  readonly state: StateType;
}

export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export interface Snapshot {
  readonly data: Uint8Array;
  readonly confState: ConfState;
  readonly index: LogIndex;
  readonly term: Term;
}

export type MessageType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgProp'
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgSnap'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgUnreachable'
  | 'MsgSnapStatus'
  | 'MsgCheckQuorum'
  | 'MsgTransferLeader'
  | 'MsgTimeoutNow'
  | 'MsgReadIndex'
  | 'MsgReadIndexResp'
  | 'MsgPreVote'
  | 'MsgPreVoteResp'
  | 'MsgStorageAppend'
  | 'MsgStorageAppendResp'
  | 'MsgStorageApply'
  | 'MsgStorageApplyResp'
  | 'MsgForgetLeader';

/** One message of the protocol; fields that a type does not use hold zero, null or an empty list. */
export interface Message {
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from: NodeId;
  readonly term: Term;
  readonly logTerm: Term;
  readonly index: LogIndex;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  readonly vote: NodeId;
  readonly snapshot: Snapshot | null;
  readonly reject: boolean;
  readonly rejectHint: LogIndex;
  readonly context: Uint8Array | null;
  /** Only in MsgStorageAppend and MsgStorageApply: what to deliver once the work is done. */
  readonly responses: readonly Message[];
}

export interface ReadState {
  readonly index: LogIndex;
  readonly requestContext: Uint8Array;
}

/** What a node wants done: saved, sent, applied. @source etcd-io/raft node.go Ready */
export interface Ready {
  readonly softState: SoftState | null;
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly mustSync: boolean;
}

export type ConfChangeType =
  'ConfChangeAddNode' | 'ConfChangeRemoveNode' | 'ConfChangeUpdateNode' | 'ConfChangeAddLearnerNode';
export type ConfChangeTransition =
  'ConfChangeTransitionAuto' | 'ConfChangeTransitionJointImplicit' | 'ConfChangeTransitionJointExplicit';

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
}

export interface ConfChangeV2 {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context: Uint8Array;
}

/**
 * The older form of a change: one operation, never joint. `id` is the proposer's own mark, raft ignores it.
 */
export interface ConfChange {
  readonly id: bigint;
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
  readonly context: Uint8Array;
}

/** A member of a cluster that is being born. @source etcd-io/raft bootstrap.go Peer */
export interface Peer {
  readonly id: NodeId;
  readonly context: Uint8Array;
}
