/** put, get and del as messages, alone or in a txn, and what is answered to them. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PutFields } from '../engine/pb/hot-put.ts';
import { emptyBytes } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import {
  RangeRequest_SortOrder as Order,
  RangeRequest_SortTarget as Target,
} from '../engine/pb/gen/rpc_pb.ts';
import type {
  DeleteRangeRequestSchema,
  DeleteRangeResponse,
  PutResponse,
  RangeRequestSchema,
  RangeResponse,
} from '../engine/pb/gen/rpc_pb.ts';
import { viewOf } from './header-view.ts';
import { leaseIdOf } from './lease-rpc.ts';
import type { GetFields, KeyAnswer, KeyRange, SortTarget, TxnOp } from './etcd-actions.ts';

type KeyRequest =
  | { readonly kind: 'put'; readonly request: PutFields }
  | { readonly kind: 'get'; readonly request: MessageInitShape<typeof RangeRequestSchema> }
  | { readonly kind: 'del'; readonly request: MessageInitShape<typeof DeleteRangeRequestSchema> };

const zeroByte = new Uint8Array(1);

export function requestOf(op: TxnOp): KeyRequest {
  switch (op.type) {
    case 'put': {
      const { key, value, lease, prevKv = false, ignoreValue = false, ignoreLease = false } = op;
      const pair = { key: encodeUtf8(key), value: encodeUtf8(value), lease: leaseIdOf(lease) };
      return { kind: 'put', request: { ...pair, prevKv, ignoreValue, ignoreLease } };
    }
    case 'get': {
      const { limit = 0, revision = 0, serializable = false, keysOnly = false, countOnly = false } = op;
      const bounds = { limit: BigInt(limit), revision: BigInt(revision) };
      return {
        kind: 'get',
        request: { ...rangeOf(op), ...bounds, serializable, keysOnly, countOnly, ...sortOf(op) },
      };
    }
    case 'del':
      return { kind: 'del', request: { ...rangeOf(op), prevKv: op.prevKv ?? false } };
    default:
      return op satisfies never;
  }
}

const targets: Readonly<Record<SortTarget, Target>> = {
  key: Target.KEY,
  version: Target.VERSION,
  create: Target.CREATE,
  modify: Target.MOD,
  value: Target.VALUE,
};
const orders = { ascend: Order.ASCEND, descend: Order.DESCEND } as const;

/** Keys come ascending as they are. @source etcd v3.4.23 clientv3/op.go WithSort */
function sortOf({ sortBy = 'key', order }: GetFields): { sortOrder: Order; sortTarget: Target } {
  const isAsIs = order === undefined || (sortBy === 'key' && order === 'ascend');
  return { sortTarget: targets[sortBy], sortOrder: isAsIs ? Order.NONE : orders[order] };
}

/** @source etcd v3.4 clientv3/op.go WithPrefix, WithFromKey, getPrefix */
export function rangeOf(action: KeyRange): { key: Uint8Array; rangeEnd: Uint8Array } {
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

export function keyAnswer(type: 'put', answer: PutResponse): KeyAnswer;
export function keyAnswer(type: 'get', answer: RangeResponse): KeyAnswer;
export function keyAnswer(type: 'del', answer: DeleteRangeResponse): KeyAnswer;
export function keyAnswer(
  type: 'put' | 'get' | 'del',
  answer: PutResponse | RangeResponse | DeleteRangeResponse,
): KeyAnswer {
  const revision = Number(answer.header?.revision ?? 0n);
  if (type === 'put') {
    const { prevKv } = answer as PutResponse;
    return { type, revision, ...(prevKv !== undefined && { prevKv: viewOf(prevKv) }) };
  }
  if (type === 'get') {
    const { kvs, count, more } = answer as RangeResponse;
    return { type, revision, kvs: kvs.map(viewOf), count: Number(count), more };
  }
  const { deleted, prevKvs } = answer as DeleteRangeResponse;
  return { type, revision, deleted: Number(deleted), prevKvs: prevKvs.map(viewOf) };
}
