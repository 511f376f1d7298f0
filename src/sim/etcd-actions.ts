/** etcdctl's commands beside keys, leases and members: txns, watches, maintenance, users and roles. */
import type { SnapshotStatus } from '../engine/server/snapshot-status.ts';

/** What a txn asks of a key before it decides. `value` is a number in decimal but for `value` itself. */
export interface TxnCompare {
  readonly target: 'version' | 'create' | 'mod' | 'value' | 'lease';
  readonly key: string;
  readonly result: '=' | '!=' | '>' | '<';
  readonly value: string;
}

/** The keys that a request speaks of. */
export interface KeyRange {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

export interface PutFields {
  readonly key: string;
  readonly value: string;
  /** A lease's id in hex. */
  readonly lease?: string;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export type SortTarget = 'key' | 'version' | 'create' | 'modify' | 'value';

export interface GetFields extends KeyRange {
  readonly limit?: number;
  readonly revision?: number;
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly sortBy?: SortTarget;
  readonly order?: 'ascend' | 'descend';
}

export interface DelFields extends KeyRange {
  readonly prevKv?: boolean;
}

export type TxnOp =
  | ({ readonly type: 'put' } & PutFields)
  | ({ readonly type: 'get' } & GetFields)
  | ({ readonly type: 'del' } & DelFields);

export type PermissionType = 'read' | 'write' | 'readwrite';

export type MaintenanceAction =
  | { readonly type: 'compaction'; readonly revision: number; readonly physical?: boolean }
  | { readonly type: 'alarmList' }
  | { readonly type: 'alarmDisarm' };

export type AuthAction =
  | { readonly type: 'authEnable' }
  | { readonly type: 'authDisable' }
  | {
      readonly type: 'userAdd';
      readonly name: string;
      readonly password: string;
      readonly noPassword?: boolean;
    }
  | { readonly type: 'userDelete'; readonly name: string }
  | { readonly type: 'userGet'; readonly name: string }
  | { readonly type: 'userList' }
  | { readonly type: 'userPasswd'; readonly name: string; readonly password: string }
  | { readonly type: 'userGrantRole'; readonly name: string; readonly role: string }
  | { readonly type: 'userRevokeRole'; readonly name: string; readonly role: string }
  | { readonly type: 'roleAdd'; readonly role: string }
  | { readonly type: 'roleDelete'; readonly role: string }
  | { readonly type: 'roleGet'; readonly role: string }
  | { readonly type: 'roleList' }
  | ({
      readonly type: 'roleGrantPermission';
      readonly role: string;
      readonly permission: PermissionType;
    } & KeyRange)
  | ({ readonly type: 'roleRevokePermission'; readonly role: string } & KeyRange);

/** Asked of each endpoint, one after the other. */
export type EndpointAction =
  | { readonly type: 'endpointStatus' }
  | { readonly type: 'endpointHealth' }
  /** `revision`: up to which is hashed; 0: the present one. */
  | { readonly type: 'endpointHashKv'; readonly revision?: number }
  | { readonly type: 'defrag' };

/** Goes on until it is stopped, or the server ends it. */
export type WatchAction = {
  readonly type: 'watch';
  /** The first revision to be told of; absent: what comes after now. */
  readonly revision?: number;
  readonly prevKv?: boolean;
  /** To be told the revision now and then, where nothing else is to be told. */
  readonly progressNotify?: boolean;
} & KeyRange;

/** How much `check perf` asks for: see check-perf.ts. */
export type PerfLoad = 's' | 'm';

export type PerfAction = {
  readonly type: 'checkPerf';
  readonly load: PerfLoad;
  /** Its keys begin with this; there must be none before. */
  readonly prefix: string;
  readonly autoCompact?: boolean;
  readonly autoDefrag?: boolean;
};

export type EtcdAction =
  | {
      readonly type: 'txn';
      readonly compares: readonly TxnCompare[];
      readonly success: readonly TxnOp[];
      readonly failure: readonly TxnOp[];
    }
  | MaintenanceAction
  | AuthAction
  | EndpointAction
  | WatchAction
  /** Asks for the revision on the stream of the watch that has this number, or of all. */
  | { readonly type: 'watchProgress'; readonly watch?: number }
  /**
   * Ends the watch or the standing keep-alive that has this number, or all of them; `checks`: the checks of
   * the performance instead, which leave their keys behind.
   */
  | { readonly type: 'stop'; readonly request?: number; readonly checks?: boolean }
  /** The store's file of one member, in pieces. */
  | { readonly type: 'snapshotSave' }
  | PerfAction;

/** The header of an answer, as far as it is known. */
export interface HeaderView {
  readonly clusterId?: bigint;
  readonly memberId?: bigint;
  readonly revision?: number;
  readonly raftTerm?: number;
}

export interface KeyValueView {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** Answers on keys. `revision` is the header's. */
export type KeyAnswer =
  | { readonly type: 'put'; readonly revision: number; readonly prevKv?: KeyValueView }
  | {
      readonly type: 'get';
      readonly revision: number;
      readonly kvs: readonly KeyValueView[];
      readonly count: number;
      readonly more: boolean;
    }
  | {
      readonly type: 'del';
      readonly revision: number;
      readonly deleted: number;
      readonly prevKvs: readonly KeyValueView[];
    };

export interface PermissionView {
  readonly permission: PermissionType;
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** What an endpoint gave: its answer, or why there is none. */
export type AskedEndpoint<Answer> = {
  readonly endpoint: string;
  readonly error: string | null;
  /** How long it took. */
  readonly tookUs: number;
} & Answer;

export type EtcdAnswer =
  | { readonly type: 'txn'; readonly succeeded: boolean; readonly responses: readonly KeyAnswer[] }
  | {
      readonly type: 'alarmList' | 'alarmDisarm';
      readonly alarms: readonly { readonly memberId: bigint; readonly alarm: string }[];
    }
  | { readonly type: 'userGet' | 'userList' | 'roleList'; readonly names: readonly string[] }
  | { readonly type: 'roleGet'; readonly permissions: readonly PermissionView[] }
  | {
      /** Nothing but a header. */
      readonly type: Exclude<
        (MaintenanceAction | AuthAction)['type'],
        'alarmList' | 'alarmDisarm' | 'userGet' | 'userList' | 'roleList' | 'roleGet'
      >;
    }
  | { readonly type: 'endpointHealth'; readonly endpoints: readonly AskedEndpoint<object>[] }
  | {
      readonly type: 'endpointHashKv';
      readonly endpoints: readonly AskedEndpoint<{
        readonly hash: number;
        readonly compactRevision: number;
        readonly header: HeaderView | null;
      }>[];
    }
  | { readonly type: 'defrag'; readonly endpoints: readonly AskedEndpoint<object>[] }
  /** The watch stands; its number names it in `sim.watch` events and to `stop`. */
  | { readonly type: 'watch'; readonly watch: number }
  | { readonly type: 'watchProgress'; readonly asked: number }
  | { readonly type: 'stop'; readonly stopped: number }
  /** `file`: the database and, behind it, its SHA-256. */
  | { readonly type: 'snapshotSave'; readonly file: Uint8Array; readonly status: SnapshotStatus }
  | ({ readonly type: 'checkPerf' } & PerfAnswer);

/** What came of a check. */
export interface PerfAnswer {
  /** What was to be written each second. */
  readonly limit: number;
  readonly issued: number;
  /** Of the puts that were answered, in that order. */
  readonly latenciesUs: readonly number[];
  /** From the first put to the last answer. */
  readonly totalUs: number;
  readonly errors: readonly { readonly message: string; readonly count: number }[];
  /** Up to which was compacted; null where it was not asked for. */
  readonly compacted: number | null;
  readonly defragmented: readonly string[];
}
