/** etcdctl's commands as gRPC bodies, and the answers back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeUtf8, printable } from '../base/utf8.ts';
import {
  AuthEnableResponseSchema,
  DefragmentRequestSchema,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  HashKVRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  SnapshotRequestSchema,
  StatusRequestSchema,
  StatusResponseSchema,
} from '../engine/pb/gen/rpc_pb.ts';
import { encodePutRequest, readPutResponse } from '../engine/pb/hot-put.ts';
import { grpcCode } from '../engine/server/types.ts';
import { decodeUnary, isUnaryAction, unaryBody, unaryLabel } from './etcd-rpc.ts';
import { headerOf } from './header-view.ts';
import { keyAnswer, requestOf } from './kv-rpc.ts';
import { watchBytes } from './watch-rpc.ts';
import { decodeLeaseAnswer, isLeaseAction, leaseBody, leaseIdProblem, leaseLabel } from './lease-rpc.ts';
import {
  decodeMemberAnswer,
  isMemberAction,
  memberBody,
  memberIdProblem,
  memberLabel,
} from './member-rpc.ts';
import type { RpcMethod } from '../engine/server/types.ts';
import type { EndpointAction, TxnOp } from './etcd-actions.ts';
import type { UnaryAction } from './etcd-rpc.ts';
import type { ClientAction, ClientOutcome, EndpointStatus } from './types.ts';

/** A command that a client sends something for. */
export type SentAction = Exclude<ClientAction, { type: 'watchProgress' | 'stop' | 'checkPerf' }>;

/** A request as it travels. `repeatable`: clientv3 tries it again after a failure that may pass. */
export interface Rpc {
  readonly method: RpcMethod;
  readonly bytes: Uint8Array;
  readonly repeatable: boolean;
}

export type EncodedRpc =
  | { readonly ok: true; readonly rpc: Rpc }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** clientv3's limit on what it sends. @source etcd v3.4 clientv3/options.go defaultMaxCallSendMsgSize */
const maxSendBytes = 2 * 1024 * 1024;
const labelLimit = 60;

/**
 * The RPC of a command.
 * @returns an error with code 3 for flags that exclude each other and for a lease id that is none, 8 for a
 * request over 2 MiB
 */
export function encodeAction(action: SentAction): EncodedRpc {
  if (action.type === 'get' || action.type === 'del') {
    const clash = flagClash(action);
    if (clash !== null) return { ok: false, code: grpcCode.invalidArgument, message: clash };
  }
  const problem =
    isMemberAction(action) || action.type === 'moveLeader' ? memberIdProblem(action) : leaseIdProblem(action);
  if (problem !== null) return { ok: false, code: grpcCode.invalidArgument, message: problem };
  const rpc = bodyOf(action);
  if (rpc.bytes.length <= maxSendBytes) return { ok: true, rpc };
  const message = `trying to send message larger than max (${rpc.bytes.length} vs. ${maxSendBytes})`;
  return { ok: false, code: grpcCode.resourceExhausted, message };
}

type RangeAction = Extract<ClientAction, { type: 'get' | 'del' }>;

/** @source etcd v3.4 etcdctl/ctlv3/command/get_command.go getGetOp, del_command.go getDelOp */
function flagClash(action: RangeAction): string | null {
  if (action.prefix && action.fromKey) {
    return '`--prefix` and `--from-key` cannot be set at the same time, choose one';
  }
  if (action.rangeEnd !== undefined && (action.prefix || action.fromKey)) {
    return 'too many arguments, only accept one argument when `--prefix` or `--from-key` is set';
  }
  return null;
}

function bodyOf(action: SentAction): Rpc {
  if (isLeaseAction(action)) return { ...leaseBody(action), repeatable: true };
  if (isMemberAction(action)) return memberBody(action);
  if (isUnaryAction(action)) return unaryBody(action);
  switch (action.type) {
    case 'put':
    case 'get':
    case 'del':
      return keyBody(action);
    case 'endpointHealth':
      return keyBody({ type: 'get', key: 'health' });
    case 'endpointHashKv': {
      const request = create(HashKVRequestSchema, { revision: BigInt(action.revision ?? 0) });
      const bytes = toBinary(HashKVRequestSchema, request);
      return { method: 'etcdserverpb.Maintenance/HashKV', bytes, repeatable: true };
    }
    case 'defrag': {
      const bytes = toBinary(DefragmentRequestSchema, create(DefragmentRequestSchema));
      return { method: 'etcdserverpb.Maintenance/Defragment', bytes, repeatable: false };
    }
    case 'watch':
      return {
        method: 'etcdserverpb.Watch/Watch',
        bytes: watchBytes(action, action.revision ?? 0),
        repeatable: true,
      };
    case 'snapshotSave': {
      const bytes = toBinary(SnapshotRequestSchema, create(SnapshotRequestSchema));
      return { method: 'etcdserverpb.Maintenance/Snapshot', bytes, repeatable: false };
    }
    case 'moveLeader':
    case 'endpointStatus': {
      const bytes = toBinary(StatusRequestSchema, create(StatusRequestSchema));
      return { method: 'etcdserverpb.Maintenance/Status', bytes, repeatable: true };
    }
    default:
      return action satisfies never;
  }
}

function keyBody(op: TxnOp): Rpc {
  const { kind, request } = requestOf(op);
  switch (kind) {
    case 'put':
      return { method: 'etcdserverpb.KV/Put', bytes: encodePutRequest(request), repeatable: false };
    case 'get': {
      const bytes = toBinary(RangeRequestSchema, create(RangeRequestSchema, request));
      return { method: 'etcdserverpb.KV/Range', bytes, repeatable: true };
    }
    case 'del': {
      const bytes = toBinary(DeleteRangeRequestSchema, create(DeleteRangeRequestSchema, request));
      return { method: 'etcdserverpb.KV/DeleteRange', bytes, repeatable: false };
    }
  }
}

/** The command as text for a screen, clipped. */
export function labelOf(action: SentAction): string {
  if (action.type === 'endpointStatus') return 'endpoint status';
  if (action.type === 'endpointHealth') return 'endpoint health';
  if (action.type === 'endpointHashKv') return 'endpoint hashkv';
  if (action.type === 'defrag') return 'defrag';
  if (action.type === 'snapshotSave') return 'snapshot save';
  if (isUnaryAction(action)) return unaryLabel(action);
  if (action.type === 'moveLeader') return `move-leader ${action.id}`;
  if (isMemberAction(action)) return memberLabel(action);
  if (isLeaseAction(action)) return leaseLabel(action);
  const prefix = action.type !== 'put' && action.prefix ? ' --prefix' : '';
  return `${action.type} ${printable(encodeUtf8(action.key), labelLimit)}${prefix}`;
}

/** Reads the answer to a command. Bytes that are no such message are a bug of a member's, and throw. */
export function decodeAnswer(
  action: Exclude<SentAction, EndpointAction | { type: 'moveLeader' | 'watch' | 'snapshotSave' }>,
  bytes: Uint8Array,
): ClientOutcome {
  if (isUnaryAction(action)) return decodeUnary(action, bytes);
  const put = action.type === 'put' ? readPutResponse(bytes) : null;
  if (put !== null) return { ok: true, type: 'put', revision: put.revision, header: put };
  // all answers have their header in field 1
  const { header } = fromBinary(AuthEnableResponseSchema, bytes);
  const outcome = outcomeOf(action, bytes);
  return outcome.ok && header !== undefined ? { ...outcome, header: headerOf(header) } : outcome;
}

function outcomeOf(
  action: Exclude<
    SentAction,
    UnaryAction | EndpointAction | { type: 'moveLeader' | 'watch' | 'snapshotSave' }
  >,
  bytes: Uint8Array,
): ClientOutcome {
  if (isLeaseAction(action)) return decodeLeaseAnswer(action, bytes);
  if (isMemberAction(action)) return decodeMemberAnswer(action, bytes);
  switch (action.type) {
    case 'put':
      return { ok: true, ...keyAnswer('put', fromBinary(PutResponseSchema, bytes)) };
    case 'get':
      return { ok: true, ...keyAnswer('get', fromBinary(RangeResponseSchema, bytes)) };
    case 'del':
      return { ok: true, ...keyAnswer('del', fromBinary(DeleteRangeResponseSchema, bytes)) };
    default:
      return action satisfies never;
  }
}

/** Reads a member's answer to `endpoint status`. */
export function decodeStatus(bytes: Uint8Array): NonNullable<EndpointStatus['status']> {
  const answer = fromBinary(StatusResponseSchema, bytes);
  return {
    memberId: answer.header?.memberId ?? 0n,
    version: answer.version,
    dbSize: Number(answer.dbSize),
    dbSizeInUse: Number(answer.dbSizeInUse),
    leader: answer.leader,
    isLearner: answer.isLearner,
    raftTerm: Number(answer.raftTerm),
    raftIndex: Number(answer.raftIndex),
    raftAppliedIndex: Number(answer.raftAppliedIndex),
    errors: answer.errors,
  };
}
