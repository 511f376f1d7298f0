/**
 * What a raft node did: the 19 actions of etcd-io/raft's state trace (state_trace.go), and what the views
 * need besides.
 */
import type { LogIndex, MessageType, NodeId, StateType, Term } from './types.ts';

/** A message of the protocol as its sender or receiver traces it. */
export interface Traced {
  /** Appends and heartbeats share their events, as their answers do: this tells them apart. */
  readonly messageType: MessageType;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
  /** MsgApp: the entry before the first one sent. Votes: the candidate's last entry. */
  readonly index: LogIndex;
  readonly logTerm: Term;
  readonly entryCount: number;
  readonly commit: LogIndex;
  readonly reject: boolean;
}

export type RaftEvent =
  /** After a start: what storage held. `entryTerms` are the terms of the entries from `firstIndex` on. */
  | {
      readonly type: 'raft.initState';
      readonly term: Term;
      readonly vote: NodeId;
      readonly commit: LogIndex;
      readonly applied: LogIndex;
      readonly firstIndex: LogIndex;
      readonly entryTerms: readonly number[];
    }
  | { readonly type: 'raft.becomeFollower'; readonly term: Term; readonly lead: NodeId }
  | { readonly type: 'raft.becomePreCandidate'; readonly term: Term }
  | { readonly type: 'raft.becomeCandidate'; readonly term: Term }
  | { readonly type: 'raft.becomeLeader'; readonly term: Term }
  /** A follower or candidate learnt (or forgot) who leads. */
  | { readonly type: 'raft.leaderChanged'; readonly term: Term; readonly lead: NodeId }
  /** The leader appended proposals to its own log. */
  | {
      readonly type: 'raft.replicate';
      readonly term: Term;
      readonly index: LogIndex;
      readonly entryCount: number;
    }
  /** The log from `index` on is now these entries; what stood there before is gone (`truncated` of them). */
  | {
      readonly type: 'raft.append';
      readonly index: LogIndex;
      readonly entryTerms: readonly number[];
      readonly truncated: number;
    }
  /** Entries up to here are on disk. */
  | { readonly type: 'raft.stable'; readonly index: LogIndex; readonly term: Term }
  | { readonly type: 'raft.commit'; readonly term: Term; readonly index: LogIndex }
  /** The log now starts after a snapshot or a compaction. */
  | { readonly type: 'raft.compact'; readonly firstIndex: LogIndex }
  | { readonly type: 'raft.changeConf'; readonly index: LogIndex; readonly change: string }
  | {
      readonly type: 'raft.applyConfChange';
      readonly voters: readonly number[];
      readonly votersOutgoing: readonly number[];
      readonly learners: readonly number[];
      /** Voters of the outgoing half that become learners when it is left. */
      readonly learnersNext: readonly number[];
      /** The leader leaves the joint configuration by itself. */
      readonly autoLeave: boolean;
    }
  | {
      readonly type: 'raft.ready';
      readonly entryCount: number;
      readonly committedCount: number;
      readonly messageCount: number;
      readonly mustSync: boolean;
    }
  | ({ readonly type: 'raft.sendAppendEntriesRequest' } & Traced)
  | ({ readonly type: 'raft.receiveAppendEntriesRequest' } & Traced)
  | ({ readonly type: 'raft.sendAppendEntriesResponse' } & Traced)
  | ({ readonly type: 'raft.receiveAppendEntriesResponse' } & Traced)
  | ({ readonly type: 'raft.sendRequestVoteRequest'; readonly pre: boolean } & Traced)
  | ({ readonly type: 'raft.receiveRequestVoteRequest'; readonly pre: boolean } & Traced)
  | ({ readonly type: 'raft.sendRequestVoteResponse'; readonly pre: boolean } & Traced)
  | ({ readonly type: 'raft.receiveRequestVoteResponse'; readonly pre: boolean } & Traced)
  | ({ readonly type: 'raft.sendSnapshot' } & Traced)
  | ({ readonly type: 'raft.receiveSnapshot' } & Traced)
  /** Why a vote was given or refused: see vote.ts. */
  | {
      readonly type: 'raft.decideVote';
      readonly candidate: NodeId;
      readonly term: Term;
      readonly pre: boolean;
      readonly granted: boolean;
      readonly because: string;
    }
  /** The election timer starts again: it fires after `timeoutTicks` ticks unless reset. */
  | { readonly type: 'raft.resetElectionTimer'; readonly state: StateType; readonly timeoutTicks: number }
  /** What the leader knows of a peer; told when it changes. */
  | {
      readonly type: 'raft.progress';
      readonly peer: NodeId;
      readonly isLearner: boolean;
      readonly state: 'probe' | 'replicate' | 'snapshot';
      readonly match: LogIndex;
      readonly next: LogIndex;
      /** Appends sent and not answered, and how many there may be. */
      readonly inflightCount: number;
      readonly inflightLimit: number;
      /** No entries are sent until something is heard: a probe is out, or the window is full. */
      readonly paused: boolean;
      /** In `snapshot` the index of the one that is on its way, else 0. */
      readonly pendingSnapshot: LogIndex;
    }
  /**
   * A read came to the leader, or is answered (`confirmed`). It must see all up to `index`. `position` counts
   * the reads that wait for a quorum, from 1 in each leadership; 0 is one that needs none.
   */
  | {
      readonly type: 'raft.readIndex';
      readonly index: LogIndex;
      readonly confirmed: boolean;
      readonly position: number;
    }
  /** A heartbeat's answer confirms the leadership for all reads up to `position`. */
  | { readonly type: 'raft.readAck'; readonly from: NodeId; readonly position: number }
  /** The leader hands over: it begins, it tells the target to campaign, or it is over (`to` is 0). */
  | {
      readonly type: 'raft.transferLeader';
      readonly to: NodeId;
      readonly step: 'begin' | 'timeoutNow' | 'end';
    };
