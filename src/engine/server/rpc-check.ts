/** Requests are checked as etcd checks them, before anything is proposed. */
import { emptyBytes } from '../../base/bytes.ts';
import { affinePoint, IntervalTree } from '../../base/interval-tree.ts';
import { itemOf } from '../lease/item.ts';
import type { Item } from '../lease/item.ts';
import type { PutRequest, RequestOp, TxnRequest } from '../pb/gen/rpc_pb.ts';
import { rpcErrors } from './errors.ts';
import type { Membership } from './membership.ts';
import type { RpcRequest } from './rpc.ts';
import type { RpcMethod } from './types.ts';
import type { LogOwner } from './wal-storage.ts';

/** @source etcd v3.4.23 embed/config.go DefaultMaxTxnOps */
export const defaultMaxTxnOps = 128;

/** @throws RpcError @source etcd v3.4.23 etcdserver/api/v3rpc/key.go checkRangeRequest, checkDeleteRequest */
export function checkKey(body: { readonly key: Uint8Array }): void {
  if (body.key.length === 0) throw rpcErrors.keyNotProvided;
}

/** @throws RpcError @source etcd v3.4.23 etcdserver/api/v3rpc/key.go checkPutRequest */
export function checkPut(body: PutRequest): void {
  checkKey(body);
  if (body.ignoreValue && body.value.length !== 0) throw rpcErrors.valueProvided;
  if (body.ignoreLease && body.lease !== 0n) throw rpcErrors.leaseProvided;
}

/**
 * Checks sizes and operations, nested ones too, and that no key is put twice, or put and deleted.
 * @throws RpcError
 * @source etcd v3.4.23 etcdserver/api/v3rpc/key.go Txn
 */
export function checkTxn(body: TxnRequest, maxTxnOps: number): void {
  checkOps(body, maxTxnOps);
  checkIntervals(body.success);
  checkIntervals(body.failure);
}

/** A nested txn has what its parents' longest lists leave. @source key.go checkTxnRequest */
function checkOps({ compare, success, failure }: TxnRequest, maxTxnOps: number): void {
  const longest = Math.max(compare.length, success.length, failure.length);
  if (longest > maxTxnOps) throw rpcErrors.tooManyOps;
  for (const each of compare) checkKey(each);
  for (const op of [...success, ...failure]) checkOp(op, maxTxnOps - longest);
}

function checkOp({ request }: RequestOp, maxTxnOps: number): void {
  switch (request.case) {
    case 'requestRange':
    case 'requestDeleteRange':
      return checkKey(request.value);
    case 'requestPut':
      return checkPut(request.value);
    case 'requestTxn':
      return checkOps(request.value, maxTxnOps);
    case undefined:
      throw rpcErrors.keyNotFound;
  }
}

const allKeys = { begin: Uint8Array.of(0), end: emptyBytes };

interface Touched {
  readonly puts: Map<Item, Uint8Array>;
  readonly deletes: IntervalTree;
}

/**
 * What a list of operations puts and deletes. The two sides of a nested txn exclude each other and may put
 * the same key. A range without end, written "\0", stands for itself here: it covers no key.
 * @throws RpcError
 * @source etcd v3.4.23 etcdserver/api/v3rpc/key.go checkIntervals
 */
function checkIntervals(ops: readonly RequestOp[]): Touched {
  const touched: Touched = { puts: new Map(), deletes: new IntervalTree() };
  for (const { request } of ops) {
    if (request.case !== 'requestDeleteRange') continue;
    const { key, rangeEnd } = request.value;
    touched.deletes.insert(rangeEnd.length === 0 ? affinePoint(key) : { begin: key, end: rangeEnd });
  }
  for (const { request } of ops) if (request.case === 'requestTxn') addNested(touched, request.value);
  for (const { request } of ops) {
    if (request.case === 'requestPut') addPut(touched, request.value.key, new Map());
  }
  return touched;
}

function addNested(touched: Touched, { success, failure }: TxnRequest): void {
  const [then, otherwise] = [checkIntervals(success), checkIntervals(failure)];
  for (const key of then.puts.values()) addPut(touched, key, new Map());
  for (const key of otherwise.puts.values()) addPut(touched, key, then.puts);
  for (const { deletes } of [then, otherwise]) {
    for (const interval of deletes.overlapping(allKeys)) touched.deletes.insert(interval);
  }
}

/** @param excluded puts that do not happen together with this one */
function addPut({ puts, deletes }: Touched, key: Uint8Array, excluded: ReadonlyMap<Item, Uint8Array>): void {
  const item = itemOf(key);
  if (puts.has(item) && !excluded.has(item)) throw rpcErrors.duplicateKey;
  if (deletes.intersects(affinePoint(key))) throw rpcErrors.duplicateKey;
  puts.set(item, key);
}

/**
 * A learner answers few requests; `request` is a method where the request is a stream of both sides.
 * @throws RpcError 'etcdserver: rpc not supported for learner'
 * @source etcd v3.4.23 etcdserver/api/v3rpc/util.go isRPCSupportedForLearner; interceptor.go
 */
export function checkLearner(member: LearnerParts, request: RpcRequest | RpcMethod): void {
  if (member.membership.member(member.owner.member)?.isLearner !== true) return;
  if (typeof request === 'string') {
    if (request !== 'etcdserverpb.Watch/Watch') return;
  } else {
    if (request.kind === 'status' || request.kind === 'snapshot') return;
    if (request.kind === 'range' && request.body.serializable) return;
  }
  throw rpcErrors.notSupportedForLearner;
}

interface LearnerParts {
  readonly owner: LogOwner;
  readonly membership: Membership;
}
