/** Transactions: what is compared chooses the side, and all of it happens at one revision. */
import { create, toBinary } from '@bufbuild/protobuf';
import { fail } from '../../base/assert.ts';
import { compareBytes, emptyBytes } from '../../base/bytes.ts';
import { covers } from '../../base/intervals.ts';
import type { Lessor } from '../lease/lessor.ts';
import { leaseId } from '../lease/types.ts';
import type { ReadView, WriteTxn } from '../mvcc/kv.ts';
import type { KeyValue } from '../pb/hot.ts';
import {
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
  ResponseHeaderSchema,
  ResponseOpSchema,
  TxnResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from '../pb/gen/rpc_pb.ts';
import { deleteIn, endOf, fillHeader, putIn, rangeIn, toNumber } from './apply-kv.ts';
import type { KvContext, WriteContext } from './apply-kv.ts';
import { RpcError, rpcErrors } from './errors.ts';

/** A txn whose comparisons are made: the operations that will happen. */
interface Chosen {
  readonly succeeded: boolean;
  readonly ops: readonly ChosenOp[];
}

type ChosenOp =
  | { readonly kind: 'range'; readonly body: RangeRequest }
  | { readonly kind: 'put'; readonly body: PutRequest }
  | { readonly kind: 'delete'; readonly body: DeleteRangeRequest }
  | { readonly kind: 'txn'; readonly chosen: Chosen };

/** Whether it only reads; a nested txn counts as a write. @source etcd v3.4.23 v3_server.go isTxnReadonly */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].every(({ request }) => request.case === 'requestRange');
}

/** Whether all its reads are serializable. @source etcd v3.4.23 etcdserver/v3_server.go isTxnSerializable */
export function isSerializable({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].every(
    ({ request }) => request.case === 'requestRange' && request.value.serializable,
  );
}

/**
 * Carries a txn out. All comparisons are made before anything happens, and all that may be refused is refused
 * before anything is written.
 * @source etcd v3.4.23 etcdserver/apply.go Txn
 */
export function applyTxn(context: WriteContext, body: TxnRequest): Uint8Array | RpcError {
  const view = context.kv.read();
  const chosen = choose(view, body);
  const refusal = checkPuts(view, context.lessor, chosen) ?? checkRanges(view, chosen);
  if (refusal !== null) return refusal;
  const txn = context.kv.write();
  const response = execute(txn, txn, chosen);
  const revision = txn.revision + (txn.changes.length > 0 ? 1 : 0);
  txn.end();
  return encode(context, response, revision);
}

/** A txn that only reads, at this member's state. @source etcd v3.4.23 etcdserver/v3_server.go Txn */
export function readTxn(context: KvContext, body: TxnRequest): Uint8Array | RpcError {
  const view = context.kv.read();
  const chosen = choose(view, body);
  const refusal = checkRanges(view, chosen);
  if (refusal !== null) return refusal;
  return encode(context, execute(view, null, chosen), view.revision);
}

function encode(context: KvContext, response: TxnResponse, revision: number): Uint8Array {
  response.header = create(ResponseHeaderSchema, { revision: BigInt(revision) });
  return toBinary(TxnResponseSchema, fillHeader(context, response));
}

/** @source etcd v3.4.23 etcdserver/apply.go compareToPath */
function choose(view: ReadView, { compare, success, failure }: TxnRequest): Chosen {
  const succeeded = compare.every((each) => holds(view, each));
  return { succeeded, ops: (succeeded ? success : failure).map((op) => chooseOp(view, op)) };
}

function chooseOp(view: ReadView, { request }: RequestOp): ChosenOp {
  switch (request.case) {
    case 'requestRange':
      return { kind: 'range', body: request.value };
    case 'requestPut':
      return { kind: 'put', body: request.value };
    case 'requestDeleteRange':
      return { kind: 'delete', body: request.value };
    case 'requestTxn':
      return { kind: 'txn', chosen: choose(view, request.value) };
    case undefined:
      return fail('apply: an operation without a request was let in');
  }
}

const noKey: KeyValue = {
  key: emptyBytes,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  value: emptyBytes,
  lease: 0n,
};

/** Over a range it must hold for every key. A value of nothing compares with none. @source applyCompare */
function holds(view: ReadView, compare: Compare): boolean {
  const { kvs } = view.range(compare.key, endOf(compare.rangeEnd), {});
  if (kvs.length > 0) return kvs.every((kv) => holdsFor(kv, compare));
  return compare.target !== CompareTarget.VALUE && holdsFor(noKey, compare);
}

/** @source etcd v3.4.23 etcdserver/apply.go compareKV */
function holdsFor(kv: KeyValue, compare: Compare): boolean {
  const order = orderOf(kv, compare);
  switch (compare.result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}

/** What is not given, or is of another kind than the target, counts as zero. */
function orderOf(kv: KeyValue, { target, targetUnion }: Compare): number {
  const given = (kind: Compare['targetUnion']['case']): bigint =>
    targetUnion.case === kind && typeof targetUnion.value === 'bigint' ? targetUnion.value : 0n;
  switch (target) {
    case CompareTarget.VALUE:
      return compareBytes(kv.value, targetUnion.case === 'value' ? targetUnion.value : emptyBytes);
    case CompareTarget.CREATE:
      return compareInts(BigInt(kv.createRevision), given('createRevision'));
    case CompareTarget.MOD:
      return compareInts(BigInt(kv.modRevision), given('modRevision'));
    case CompareTarget.VERSION:
      return compareInts(BigInt(kv.version), given('version'));
    case CompareTarget.LEASE:
      return compareInts(BigInt.asIntN(64, kv.lease), given('lease'));
    default:
      return 0;
  }
}

function compareInts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The operations in order, those of nested txns in their place. */
function* flat(chosen: Chosen): Generator<Exclude<ChosenOp, { kind: 'txn' }>> {
  for (const op of chosen.ops) {
    if (op.kind === 'txn') yield* flat(op.chosen);
    else yield op;
  }
}

/**
 * Puts need their lease, and the key whose value or lease is to stay. A key that an operation before deletes
 * will not be there: etcd finds that out halfway and stops for good, we refuse.
 * @source etcd v3.4.23 etcdserver/apply.go checkRequestPut
 */
function checkPuts(view: ReadView, lessor: Lessor, chosen: Chosen): RpcError | null {
  const deletes: DeleteRangeRequest[] = [];
  for (const op of flat(chosen)) {
    if (op.kind === 'delete') deletes.push(op.body);
    if (op.kind !== 'put') continue;
    const { key, lease, ignoreValue, ignoreLease } = op.body;
    if (ignoreValue || ignoreLease) {
      const isThere = view.range(key, null, {}).kvs.length > 0;
      if (!isThere || deletes.some((each) => deletesKey(each, key))) return rpcErrors.keyNotFound;
    }
    if (lease !== 0n && lessor.lookup(leaseId(lease)) === null) return rpcErrors.leaseNotFound;
  }
  return null;
}

function deletesKey({ key, rangeEnd }: DeleteRangeRequest, wanted: Uint8Array): boolean {
  const end = endOf(rangeEnd);
  if (end === null) return compareBytes(key, wanted) === 0;
  return covers({ begin: key, end: end.length === 0 ? null : end }, wanted);
}

/** @source etcd v3.4.23 etcdserver/apply.go checkRequestRange */
function checkRanges(view: ReadView, chosen: Chosen): RpcError | null {
  for (const op of flat(chosen)) {
    if (op.kind !== 'range' || op.body.revision === 0n) continue;
    const revision = toNumber(op.body.revision);
    if (revision > view.revision) return rpcErrors.futureRevision;
    if (revision < view.firstRevision) return rpcErrors.compacted;
  }
  return null;
}

/** @param txn null for a txn that only reads */
function execute(view: ReadView, txn: WriteTxn | null, { succeeded, ops }: Chosen): TxnResponse {
  const responses = ops.map((op) => create(ResponseOpSchema, { response: executeOp(view, txn, op) }));
  return create(TxnResponseSchema, { succeeded, responses });
}

function executeOp(view: ReadView, txn: WriteTxn | null, op: ChosenOp): ResponseOp['response'] {
  if (op.kind === 'range') return { case: 'responseRange', value: rangeIn(view, op.body) };
  if (op.kind === 'txn') {
    const value = execute(view, txn, op.chosen);
    value.header = create(ResponseHeaderSchema);
    return { case: 'responseTxn', value };
  }
  if (txn === null) return fail('apply: a txn that only reads has nothing to write');
  if (op.kind === 'delete') return { case: 'responseDeleteRange', value: deleteIn(txn, op.body) };
  const value = putIn(txn, op.body);
  if (value instanceof RpcError) return fail('apply: a put was refused after it had passed the checks');
  return { case: 'responsePut', value };
}
