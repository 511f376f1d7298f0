/** What goes into a member and what comes out: the one funnel between the engine and the world. */
import type { NodeId } from '../raft/types.ts';
import type { Defects } from '../defects.ts';
import type { EngineEvent } from '../events.ts';
import type { LeaseCheckpoints } from '../lease/types.ts';
import type { FreelistType } from '../bolt/types.ts';
import type { AutoCompaction } from './compactor.ts';

/** The timers a member may ask for; it asks again each time one fires. */
export type TimerName =
  | 'raftTick'
  | 'backendCommit'
  | 'leaseExpiry'
  /** The next batch of a compaction. */
  | 'compaction'
  /** Whether it is time to compact, where that is to happen by itself. */
  | 'autoCompaction'
  /** The leader compares its hash with its peers'. */
  | 'corruptCheck'
  /** Watchers that are behind are brought up to date. */
  | 'watchSync'
  /** Watchers whose stream was full are tried again. */
  | 'watchVictims'
  /** Watchers that asked for it hear the revision. */
  | 'watchProgress'
  /** The next password is hashed. */
  | 'password';

/** The RPCs a member answers, by their gRPC names. Bodies are the protobuf messages of src/engine/pb. */
export type RpcMethod =
  | 'etcdserverpb.KV/Range'
  | 'etcdserverpb.KV/Put'
  | 'etcdserverpb.KV/DeleteRange'
  | 'etcdserverpb.KV/Txn'
  | 'etcdserverpb.KV/Compact'
  /** A stream of both sides: its first message opens it, `stream` inputs follow. */
  | 'etcdserverpb.Watch/Watch'
  | 'etcdserverpb.Lease/LeaseGrant'
  | 'etcdserverpb.Lease/LeaseRevoke'
  /** A stream in etcd; here each of its renewals is a request of its own. */
  | 'etcdserverpb.Lease/LeaseKeepAlive'
  | 'etcdserverpb.Lease/LeaseTimeToLive'
  | 'etcdserverpb.Lease/LeaseLeases'
  | 'etcdserverpb.Cluster/MemberList'
  | 'etcdserverpb.Cluster/MemberAdd'
  | 'etcdserverpb.Cluster/MemberRemove'
  | 'etcdserverpb.Cluster/MemberUpdate'
  | 'etcdserverpb.Cluster/MemberPromote'
  | 'etcdserverpb.Maintenance/MoveLeader'
  | 'etcdserverpb.Maintenance/Status'
  | 'etcdserverpb.Maintenance/Alarm'
  | 'etcdserverpb.Maintenance/Defragment'
  | 'etcdserverpb.Maintenance/Hash'
  | 'etcdserverpb.Maintenance/HashKV'
  /** A stream of answers: the store's file in pieces. */
  | 'etcdserverpb.Maintenance/Snapshot'
  | `etcdserverpb.Auth/${AuthMethod}`
  | HttpMethod;

/** Plain HTTP: the bytes are the address's query, the answer's the text. */
export type HttpMethod = 'GET /health' | 'GET /metrics' | 'GET /version';

export type AuthMethod =
  | 'AuthEnable'
  | 'AuthDisable'
  | 'Authenticate'
  | 'UserAdd'
  | 'UserGet'
  | 'UserList'
  | 'UserDelete'
  | 'UserChangePassword'
  | 'UserGrantRole'
  | 'UserRevokeRole'
  | 'RoleAdd'
  | 'RoleGet'
  | 'RoleList'
  | 'RoleDelete'
  | 'RoleGrantPermission'
  | 'RoleRevokePermission';

/** gRPC status codes that the lab's members and clients give. */
export const grpcCode = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type DiskErrorCode = 'EIO' | 'ENOSPC';

export type MemberInput =
  | { readonly kind: 'timer'; readonly timer: TimerName }
  /** A raftpb.Message as it came over the network, or a request between members: see peer-request.ts. */
  | { readonly kind: 'message'; readonly from: NodeId; readonly bytes: Uint8Array }
  /** A client's RPC. `request` is the world's number for it; the reply names it again. */
  | {
      readonly kind: 'request';
      readonly request: number;
      readonly method: RpcMethod;
      readonly bytes: Uint8Array;
      /** Who asks: the token that `Authenticate` gave, from the call's metadata. */
      readonly token?: string;
      /** The call's metadata ask for a leader: without one it is refused, and a watch ends. */
      readonly requireLeader?: boolean;
    }
  /** A further message of the client on a stream that is open. */
  | { readonly kind: 'stream'; readonly request: number; readonly bytes: Uint8Array }
  /** The client's window for a stream's answers is full, or open again. */
  | { readonly kind: 'flow'; readonly request: number; readonly open: boolean }
  /** The client no longer waits, or closes its stream. */
  | { readonly kind: 'cancel'; readonly request: number }
  /** The connection to another host's process stands, or is gone; it is down until it is told to be up. */
  | { readonly kind: 'link'; readonly node: NodeId; readonly up: boolean }
  /** The process is asked to end, as by SIGTERM. */
  | { readonly kind: 'stop' }
  /** A disk request with an id is done. */
  | { readonly kind: 'diskDone'; readonly id: number; readonly error: DiskErrorCode | null };

/**
 * What a member asks of its disk, in order. A file's requests are served first in, first out; a `sync`
 * completes (as a diskDone input) when all earlier writes of its file are durable. Reads are synchronous and
 * only at boot: a member keeps what it wrote. Paths are relative to the data directory, as etcd's.
 */
export type DiskRequest =
  /** Writes into the page cache; the file grows as needed, with zeros in any gap. */
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly data: Uint8Array }
  /**
   * So much of a file is read, from its beginning. Its bytes are known already, for it is mapped; a disk may
   * take its time. `into`: the copy that is made of it; else it is sent in this same step: as the answer to
   * `request`, or as a snapshot to another member.
   */
  | {
      readonly kind: 'read';
      readonly file: string;
      readonly sizeBytes: number;
      readonly into?: string;
      readonly request?: number;
    }
  /** `barrier`: the next sync of this file follows at once, so a store may make both durable in one go. */
  | { readonly kind: 'sync'; readonly file: string; readonly id: number; readonly barrier: boolean }
  | { readonly kind: 'truncate'; readonly file: string; readonly sizeBytes: number }
  | { readonly kind: 'rename'; readonly file: string; readonly to: string }
  | { readonly kind: 'remove'; readonly file: string };

export interface Reply {
  readonly request: number;
  /** A gRPC status code; 0 is success and `bytes` then holds the response message. */
  readonly code: number;
  readonly message: string;
  readonly bytes: Uint8Array;
  /** Set on a stream's answers but the last: more may follow. */
  readonly more?: true;
}

/** A message to another member on its way, with what the network's trace tells of it. */
export interface Send {
  readonly to: NodeId;
  readonly bytes: Uint8Array;
  readonly messageType: string;
  readonly term: number;
  readonly index: number;
  readonly entryCount: number;
  readonly reject: boolean;
  /** Set where it goes over a connection of its own, so that it holds up nothing else. */
  readonly stream?: 'snapshot';
}

/** Everything one step produced. `digest` is two u32 over the fields that src/README.md lists. */
export interface MemberOutput {
  readonly sends: Send[];
  readonly disk: DiskRequest[];
  readonly replies: Reply[];
  readonly timers: { readonly timer: TimerName; readonly afterUs: number }[];
  readonly events: EngineEvent[];
  digest: readonly [number, number];
  /**
   * Set when the member stopped itself: a broken invariant or a disk that failed. It takes no further input.
   */
  halted: string | null;
  /** Set where it halted because it was asked to stop, and has closed its files. */
  readonly stopped?: true;
}

export interface PeerConfig {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

/** How a member is started. */
export interface MemberConfig {
  readonly nodeId: NodeId;
  /** All members of the cluster, this one among them, ascending by nodeId. */
  readonly peers: readonly PeerConfig[];
  /** All hosts that a member's address can lead to; absent: the peers' own. */
  readonly hosts?: readonly PeerConfig[];
  /** `new`: with the peers a cluster begins. `existing`: they are one, and this member was added to it. */
  readonly initialClusterState?: 'new' | 'existing';
  /** The log makes this member the only one of its cluster, whoever else there is. Default: it does not. */
  readonly forceNewCluster?: boolean;
  /** So many entries are applied from one snapshot to the next. Default 100,000. */
  readonly snapshotCount?: number;
  /** So many entries before a snapshot stay in memory for slow followers. Default 5000. */
  readonly snapshotCatchUpEntries?: number;
  /** The size from which a segment of the log is full. Default 64,000,000. */
  readonly walSegmentBytes?: number;
  readonly clusterToken: string;
  readonly tickUs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly preVote: boolean;
  readonly batchIntervalUs: number;
  readonly batchLimit: number;
  readonly pageSize: number;
  /** The most operations of a txn, on each side. Default 128. */
  readonly maxTxnOps?: number;
  /** The longest entry a client may cause. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** How large the store may get: 0 is etcd's default of 2 GiB, below 0 no limit. Default 0. */
  readonly quotaBytes?: number;
  /** How the store keeps its free pages. Default 'array'. */
  readonly freelistType?: FreelistType;
  /** Old revisions are let go by themselves. Default: never. */
  readonly autoCompaction?: AutoCompaction;
  /** A member that starts again compares its hash with its peers' before it serves. Default: it does not. */
  readonly initialCorruptCheck?: boolean;
  /** So long after a comparison of hashes the leader makes the next. Default: never. */
  readonly corruptCheckUs?: number;
  /** The leader tells the others what is left of long leases. Default: it does not. */
  readonly leaseCheckpoints?: LeaseCheckpoints;
  /** How often a watcher that asked for it hears the revision. Default 10 minutes. */
  readonly progressIntervalUs?: number;
  /** The logarithm of how often a password is hashed over. Default 10. */
  readonly bcryptCost?: number;
  /**
   * The run's seed and how often this member has been started in it, from 1: they name its random streams.
   */
  readonly seed: number;
  readonly epoch: number;
  readonly trace: boolean;
  /** Of the events only those are told that checkers read. */
  readonly brief?: boolean;
  /** Bugs that are planted; default none. */
  readonly defects?: Defects;
}

/** What the member's disk holds at boot, by path. An empty map: a new member. */
export type DiskImage = ReadonlyMap<string, Uint8Array>;
