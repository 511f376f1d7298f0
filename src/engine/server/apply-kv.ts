/** What puts, deletes and ranges do to the store and what they answer. */
import { create, toBinary } from '@bufbuild/protobuf';
import { compareBytes, emptyBytes } from '../../base/bytes.ts';
import { pdqsort } from '../../base/pdqsort.ts';
import type { Lessor } from '../lease/lessor.ts';
import { leaseId } from '../lease/types.ts';
import type { ReadView, WriteTxn } from '../mvcc/kv.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { MvccError } from '../mvcc/types.ts';
import type { RangeResult } from '../mvcc/types.ts';
import type { KeyValue } from '../pb/hot.ts';
import { encodePutResponse } from '../pb/hot-put.ts';
import { KeyValueSchema } from '../pb/gen/kv_pb.ts';
import type { KeyValue as KeyValueMessage } from '../pb/gen/kv_pb.ts';
import {
  DeleteRangeResponseSchema,
  PutResponseSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  RangeResponseSchema,
  ResponseHeaderSchema,
} from '../pb/gen/rpc_pb.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
} from '../pb/gen/rpc_pb.ts';
import { RpcError, rpcErrors } from './errors.ts';
import type { ClusterId, MemberId } from './member-id.ts';

/** Whom an answer is from. */
export interface ResponseHead {
  readonly cluster: ClusterId;
  readonly member: MemberId;
}

export interface KvContext {
  readonly kv: KvStore;
  readonly head: ResponseHead;
  /** The term of the last applied entry, which every header shows. */
  readonly term: number;
}

/** A write's; `nowUs` is this member's clock when it applies it. */
export interface WriteContext extends KvContext {
  readonly lessor: Lessor;
  readonly nowUs: number;
  /** See `Defects.applyByClock`. */
  readonly byClock?: boolean;
}

/** The fields of a ResponseHeader. @source etcd v3.4.23 etcdserver/api/v3rpc/header.go fill */
export function headerOf(head: ResponseHead, term: number, revision: number) {
  return {
    clusterId: head.cluster,
    memberId: head.member,
    raftTerm: BigInt(term),
    revision: BigInt(revision),
  };
}

/**
 * A range's end as the store takes it: null for the one key, empty for no bound, which requests write as
 * "\0".
 * @source etcd v3.4.23 etcdserver/apply.go mkGteRange
 */
export function endOf(rangeEnd: Uint8Array): Uint8Array | null {
  if (rangeEnd.length === 0) return null;
  return rangeEnd.length === 1 && rangeEnd[0] === 0 ? emptyBytes : rangeEnd;
}

export function toMessage(kv: KeyValue): KeyValueMessage {
  return create(KeyValueSchema, {
    key: kv.key,
    value: kv.value,
    createRevision: BigInt(kv.createRevision),
    modRevision: BigInt(kv.modRevision),
    version: BigInt(kv.version),
    lease: kv.lease,
  });
}

/** The fields of an operation's header inside a txn: the revision alone. */
const innerHeader = (revision: number): { revision: bigint } => ({ revision: BigInt(revision) });

/**
 * Puts within a transaction.
 * @returns an error, and changes nothing, where the key's old value or lease is to stay and there is no key
 * @source etcd v3.4.23 etcdserver/apply.go Put
 */
export function putIn(txn: WriteTxn, body: PutRequest): PutResponse | RpcError {
  const made = makePut(txn, body);
  return made instanceof RpcError ? made : putResponse(made);
}

/** What a put did; `prevKv`: the pair before, where it was asked for. */
interface MadePut {
  readonly revision: number;
  readonly prevKv: KeyValue | undefined;
}

function putResponse({ revision, prevKv }: MadePut): PutResponse {
  const response = create(PutResponseSchema, { header: innerHeader(revision) });
  if (prevKv !== undefined) response.prevKv = toMessage(prevKv);
  return response;
}

function makePut(txn: WriteTxn, body: PutRequest): MadePut | RpcError {
  const keeps = body.ignoreValue || body.ignoreLease;
  const before = keeps || body.prevKv ? txn.range(body.key, null, {}).kvs[0] : undefined;
  if (keeps && before === undefined) return rpcErrors.keyNotFound;
  const value = body.ignoreValue && before !== undefined ? before.value : body.value;
  const lease = body.ignoreLease && before !== undefined ? before.lease : body.lease;
  const revision = txn.put(body.key, value, lease);
  return { revision, prevKv: body.prevKv ? before : undefined };
}

/** Deletes within a transaction. @source etcd v3.4.23 etcdserver/apply.go DeleteRange */
export function deleteIn(txn: WriteTxn, body: DeleteRangeRequest): DeleteRangeResponse {
  const end = endOf(body.rangeEnd);
  const before = body.prevKv ? txn.range(body.key, end, {}).kvs : [];
  const { deleted, revision } = txn.deleteRange(body.key, end);
  const prevKvs = before.map(toMessage);
  return create(DeleteRangeResponseSchema, {
    header: innerHeader(revision),
    deleted: BigInt(deleted),
    prevKvs,
  });
}

/** @source etcd v3.4.23 etcdserver/apply.go Put */
export function applyPut(context: WriteContext, body: PutRequest): Uint8Array | RpcError {
  const { kv, lessor } = context;
  const lease = lessor.lookup(leaseId(body.lease));
  if (body.lease !== 0n && lease === null) return rpcErrors.leaseNotFound;
  if (context.byClock && (lease?.expiryUs ?? Infinity) <= context.nowUs) return rpcErrors.leaseNotFound;
  const txn = kv.write();
  const made = makePut(txn, body);
  txn.end();
  if (made instanceof RpcError) return made;
  if (made.prevKv !== undefined) return toBinary(PutResponseSchema, fillHeader(context, putResponse(made)));
  const { cluster: clusterId, member: memberId } = context.head;
  return encodePutResponse({ clusterId, memberId, revision: made.revision, raftTerm: context.term });
}

/** @source etcd v3.4.23 etcdserver/apply.go DeleteRange */
export function applyDelete(context: KvContext, body: DeleteRangeRequest): Uint8Array {
  const txn = context.kv.write();
  const response = deleteIn(txn, body);
  txn.end();
  return toBinary(DeleteRangeResponseSchema, fillHeader(context, response));
}

/** Gives an answer its whole header. @source etcd v3.4.23 etcdserver/api/v3rpc/header.go fill */
export function fillHeader<Response extends { header?: ResponseHeader | undefined }>(
  { head, term, kv }: KvContext,
  response: Response,
): Response {
  const revision = Number(response.header?.revision ?? 0n);
  response.header = create(
    ResponseHeaderSchema,
    headerOf(head, term, revision === 0 ? kv.revision : revision),
  );
  return response;
}

/** A 64-bit number of a request as ours: what is past 2^53 is as good as the largest. */
export function toNumber(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

/**
 * Reads a range within a transaction. Filters and sorting come after the read, so they see all of it, and
 * `count` knows nothing of them.
 * @throws RpcError for a revision that is gone or has not come
 * @source etcd v3.4.23 etcdserver/apply.go Range
 */
export function rangeIn(txn: ReadView, body: RangeRequest): RangeResponse {
  const limit = Math.max(0, toNumber(body.limit));
  const result = readAll(txn, body, limit);
  const kvs = sorted(
    result.kvs.filter((kv) => isWithin(kv, body)),
    body,
  );
  const taken = limit > 0 ? kvs.slice(0, limit) : kvs;
  const shown = body.keysOnly ? taken.map((kv) => ({ ...kv, value: emptyBytes })) : taken;
  return create(RangeResponseSchema, {
    header: innerHeader(result.revision),
    kvs: shown.map(toMessage),
    more: taken.length < kvs.length,
    count: BigInt(result.count),
  });
}

/** Reads a range at this member's state. @throws RpcError for a revision that is gone or has not come */
export function readRange(context: KvContext, body: RangeRequest): Uint8Array {
  const txn = context.kv.read();
  const response = rangeIn(txn, body);
  txn.end();
  return toBinary(RangeResponseSchema, fillHeader(context, response));
}

function readAll(txn: ReadView, body: RangeRequest, limit: number): RangeResult {
  const wantsAll =
    body.sortOrder !== SortOrder.NONE ||
    body.minModRevision !== 0n ||
    body.maxModRevision !== 0n ||
    body.minCreateRevision !== 0n ||
    body.maxCreateRevision !== 0n;
  // one more than asked for tells whether there are more
  const fetched = wantsAll || limit === 0 ? 0 : limit + 1;
  const options = { limit: fetched, revision: toNumber(body.revision), countOnly: body.countOnly };
  try {
    return txn.range(body.key, endOf(body.rangeEnd), options);
  } catch (error) {
    throw error instanceof MvccError ? rangeError(error) : error;
  }
}

/** The store's refusals as clients hear them; a damaged record is no refusal. */
export function rangeError(error: MvccError): Error {
  switch (error.code) {
    case 'mvcc: required revision has been compacted':
      return rpcErrors.compacted;
    case 'mvcc: required revision is a future revision':
      return rpcErrors.futureRevision;
    case 'mvcc: bad record':
      return error;
  }
}

function isWithin(kv: KeyValue, body: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = body;
  if (maxModRevision !== 0n && BigInt(kv.modRevision) > maxModRevision) return false;
  if (minModRevision !== 0n && BigInt(kv.modRevision) < minModRevision) return false;
  if (maxCreateRevision !== 0n && BigInt(kv.createRevision) > maxCreateRevision) return false;
  return minCreateRevision === 0n || BigInt(kv.createRevision) >= minCreateRevision;
}

type Comparison = (a: KeyValue, b: KeyValue) => number;

const comparisons: Readonly<Record<SortTarget, Comparison>> = {
  [SortTarget.KEY]: (a, b) => compareBytes(a.key, b.key),
  [SortTarget.VERSION]: (a, b) => a.version - b.version,
  [SortTarget.CREATE]: (a, b) => a.createRevision - b.createRevision,
  [SortTarget.MOD]: (a, b) => a.modRevision - b.modRevision,
  [SortTarget.VALUE]: (a, b) => compareBytes(a.value, b.value),
};

/**
 * Sorts as asked, and as Go does; by anything but the key a missing order is ascending. An order that is none
 * leaves the keys' own.
 */
function sorted(kvs: readonly KeyValue[], body: RangeRequest): readonly KeyValue[] {
  if (body.sortOrder === SortOrder.NONE && body.sortTarget === SortTarget.KEY) return kvs;
  if (SortOrder[body.sortOrder] === undefined) return kvs;
  const compare = comparisons[body.sortTarget] ?? comparisons[SortTarget.KEY];
  const sorted = [...kvs];
  const isDescending = body.sortOrder === SortOrder.DESCEND;
  pdqsort(sorted, (a, b) => (isDescending ? compare(b, a) : compare(a, b)) < 0);
  return sorted;
}
