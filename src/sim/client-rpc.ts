/** etcdctl's commands as gRPC bodies, and the answers back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { emptyBytes } from '../base/bytes.ts';
import { encodeUtf8, printable } from '../base/utf8.ts';
import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
} from '../engine/pb/gen/rpc_pb.ts';
import { grpcCode } from '../engine/server/types.ts';
import {
  decodeLeaseAnswer,
  isLeaseAction,
  leaseBody,
  leaseIdOf,
  leaseIdProblem,
  leaseLabel,
} from './lease-rpc.ts';
import {
  decodeMemberAnswer,
  isMemberAction,
  memberBody,
  memberIdProblem,
  memberLabel,
} from './member-rpc.ts';
import type { KeyValue } from '../engine/pb/gen/kv_pb.ts';
import type { ResponseHeader } from '../engine/pb/gen/rpc_pb.ts';
import type { RpcMethod } from '../engine/server/types.ts';
import type { ClientAction, ClientOutcome, EndpointStatus, KeyValueView } from './types.ts';

/** A request as it travels. `repeatable`: clientv3 tries it again after a failure that may pass. */
export interface Rpc {
  readonly method: RpcMethod;
  readonly bytes: Uint8Array;
  readonly repeatable: boolean;
  /** The command as text for a screen, clipped. */
  readonly label: string;
}

export type EncodedRpc =
  | { readonly ok: true; readonly rpc: Rpc }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** clientv3's limit on what it sends. @source etcd v3.4 clientv3/options.go defaultMaxCallSendMsgSize */
const maxSendBytes = 2 * 1024 * 1024;
const labelLimit = 60;
const zeroByte = new Uint8Array(1);

/**
 * The RPC of a command.
 * @returns an error with code 3 for flags that exclude each other and for a lease id that is none, 8 for a
 * request over 2 MiB
 */
export function encodeAction(action: ClientAction): EncodedRpc {
  if (action.type === 'get' || action.type === 'del') {
    const clash = flagClash(action);
    if (clash !== null) return { ok: false, code: grpcCode.invalidArgument, message: clash };
  }
  const problem =
    isMemberAction(action) || action.type === 'moveLeader' ? memberIdProblem(action) : leaseIdProblem(action);
  if (problem !== null) return { ok: false, code: grpcCode.invalidArgument, message: problem };
  const rpc = { ...bodyOf(action), label: labelOf(action) };
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

function bodyOf(action: ClientAction): Omit<Rpc, 'label'> {
  if (isLeaseAction(action)) return { ...leaseBody(action), repeatable: true };
  if (isMemberAction(action)) return memberBody(action);
  switch (action.type) {
    case 'put': {
      const request = create(PutRequestSchema, {
        key: encodeUtf8(action.key),
        value: encodeUtf8(action.value),
        lease: leaseIdOf(action.lease),
      });
      return { method: 'etcdserverpb.KV/Put', bytes: toBinary(PutRequestSchema, request), repeatable: false };
    }
    case 'get': {
      const request = create(RangeRequestSchema, {
        ...rangeOf(action),
        limit: BigInt(action.limit ?? 0),
        revision: BigInt(action.revision ?? 0),
        serializable: action.serializable ?? false,
        keysOnly: action.keysOnly ?? false,
        countOnly: action.countOnly ?? false,
      });
      return {
        method: 'etcdserverpb.KV/Range',
        bytes: toBinary(RangeRequestSchema, request),
        repeatable: true,
      };
    }
    case 'del': {
      const request = create(DeleteRangeRequestSchema, {
        ...rangeOf(action),
        prevKv: action.prevKv ?? false,
      });
      const bytes = toBinary(DeleteRangeRequestSchema, request);
      return { method: 'etcdserverpb.KV/DeleteRange', bytes, repeatable: false };
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

/** @source etcd v3.4 clientv3/op.go WithPrefix, WithFromKey, getPrefix */
function rangeOf(action: RangeAction): { key: Uint8Array; rangeEnd: Uint8Array } {
  const key = encodeUtf8(action.key);
  if (action.prefix || action.fromKey) {
    if (key.length === 0) return { key: zeroByte, rangeEnd: zeroByte };
    return { key, rangeEnd: action.fromKey ? zeroByte : prefixEnd(key) };
  }
  return { key, rangeEnd: action.rangeEnd === undefined ? emptyBytes : encodeUtf8(action.rangeEnd) };
}

/** The first key past all that begin with `prefix`; "\0", no end, where there is none. */
function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return zeroByte;
  const end = prefix.slice(0, length);
  end[length - 1]++;
  return end;
}

function labelOf(action: ClientAction): string {
  if (action.type === 'endpointStatus') return 'endpoint status';
  if (action.type === 'moveLeader') return `move-leader ${action.id}`;
  if (isMemberAction(action)) return memberLabel(action);
  if (isLeaseAction(action)) return leaseLabel(action);
  const prefix = action.type !== 'put' && action.prefix ? ' --prefix' : '';
  return `${action.type} ${printable(encodeUtf8(action.key), labelLimit)}${prefix}`;
}

/** Reads the answer to a command. Bytes that are no such message are a bug of a member's, and throw. */
export function decodeAnswer(
  action: Exclude<ClientAction, { type: 'endpointStatus' | 'moveLeader' }>,
  bytes: Uint8Array,
): ClientOutcome {
  if (isLeaseAction(action)) return decodeLeaseAnswer(action, bytes);
  if (isMemberAction(action)) return decodeMemberAnswer(action, bytes);
  switch (action.type) {
    case 'put':
      return { ok: true, type: 'put', revision: revisionOf(fromBinary(PutResponseSchema, bytes).header) };
    case 'get': {
      const { header, kvs, count, more } = fromBinary(RangeResponseSchema, bytes);
      return {
        ok: true,
        type: 'get',
        revision: revisionOf(header),
        kvs: kvs.map(viewOf),
        count: Number(count),
        more,
      };
    }
    case 'del': {
      const { header, deleted, prevKvs } = fromBinary(DeleteRangeResponseSchema, bytes);
      return {
        ok: true,
        type: 'del',
        revision: revisionOf(header),
        deleted: Number(deleted),
        prevKvs: prevKvs.map(viewOf),
      };
    }
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

function revisionOf(header: ResponseHeader | undefined): number {
  return Number(header?.revision ?? 0n);
}

function viewOf(kv: KeyValue): KeyValueView {
  return {
    key: kv.key,
    value: kv.value,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease: kv.lease,
  };
}
