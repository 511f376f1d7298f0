/** What puts, deletes and ranges do to the store and what they answer. */
import { create, toBinary } from '@bufbuild/protobuf';
import { compareBytes, emptyBytes } from '../../base/bytes.ts';
import type { Lessor } from '../lease/lessor.ts';
import { leaseId } from '../lease/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { MvccError } from '../mvcc/types.ts';
import type { RangeResult } from '../mvcc/types.ts';
import type { KeyValue } from '../pb/hot.ts';
import { KeyValueSchema } from '../pb/gen/kv_pb.ts';
import type { KeyValue as KeyValueMessage } from '../pb/gen/kv_pb.ts';
import {
  DeleteRangeResponseSchema,
  PutResponseSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  RangeResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { DeleteRangeRequest, PutRequest, RangeRequest } from '../pb/gen/rpc_pb.ts';
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
function endOf(rangeEnd: Uint8Array): Uint8Array | null {
  if (rangeEnd.length === 0) return null;
  return rangeEnd.length === 1 && rangeEnd[0] === 0 ? emptyBytes : rangeEnd;
}

function toMessage(kv: KeyValue): KeyValueMessage {
  return create(KeyValueSchema, {
    key: kv.key,
    value: kv.value,
    createRevision: BigInt(kv.createRevision),
    modRevision: BigInt(kv.modRevision),
    version: BigInt(kv.version),
    lease: kv.lease,
  });
}

/** @source etcd v3.4.23 etcdserver/apply.go Put */
export function applyPut(context: WriteContext, body: PutRequest): Uint8Array | RpcError {
  const { kv, head, term, lessor } = context;
  if (body.lease !== 0n && lessor.lookup(leaseId(body.lease)) === null) return rpcErrors.leaseNotFound;
  const txn = kv.write();
  const keeps = body.ignoreValue || body.ignoreLease;
  const before = keeps || body.prevKv ? txn.range(body.key, null, {}).kvs[0] : undefined;
  if (keeps && before === undefined) {
    txn.end();
    return rpcErrors.keyNotFound;
  }
  const value = body.ignoreValue && before !== undefined ? before.value : body.value;
  const lease = body.ignoreLease && before !== undefined ? before.lease : body.lease;
  const revision = txn.put(body.key, value, lease);
  txn.end();
  const response = create(PutResponseSchema, { header: headerOf(head, term, revision) });
  if (body.prevKv && before !== undefined) response.prevKv = toMessage(before);
  return toBinary(PutResponseSchema, response);
}

/** @source etcd v3.4.23 etcdserver/apply.go DeleteRange */
export function applyDelete(context: KvContext, body: DeleteRangeRequest): Uint8Array {
  const { kv, head, term } = context;
  const end = endOf(body.rangeEnd);
  const txn = kv.write();
  const before = body.prevKv ? txn.range(body.key, end, {}).kvs : [];
  const { deleted, revision } = txn.deleteRange(body.key, end);
  txn.end();
  return toBinary(
    DeleteRangeResponseSchema,
    create(DeleteRangeResponseSchema, {
      header: headerOf(head, term, revision),
      deleted: BigInt(deleted),
      prevKvs: before.map(toMessage),
    }),
  );
}

/** A 64-bit number of a request as ours: what is past 2^53 is as good as the largest. */
export function toNumber(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

/**
 * Reads a range at this member's state. Filters and sorting come after the read, so they see all of it, and
 * `count`
 * knows nothing of them.
 * @throws RpcError for a revision that is gone or has not come
 * @source etcd v3.4.23 etcdserver/apply.go Range
 */
export function readRange(context: KvContext, body: RangeRequest): Uint8Array {
  const limit = Math.max(0, toNumber(body.limit));
  const result = readAll(context.kv, body, limit);
  const kvs = sorted(
    result.kvs.filter((kv) => isWithin(kv, body)),
    body,
  );
  const taken = limit > 0 ? kvs.slice(0, limit) : kvs;
  const shown = body.keysOnly ? taken.map((kv) => ({ ...kv, value: emptyBytes })) : taken;
  return toBinary(
    RangeResponseSchema,
    create(RangeResponseSchema, {
      header: headerOf(context.head, context.term, result.revision),
      kvs: shown.map(toMessage),
      more: taken.length < kvs.length,
      count: BigInt(result.count),
    }),
  );
}

function readAll(kv: KvStore, body: RangeRequest, limit: number): RangeResult {
  const wantsAll =
    body.sortOrder !== SortOrder.NONE ||
    body.minModRevision !== 0n ||
    body.maxModRevision !== 0n ||
    body.minCreateRevision !== 0n ||
    body.maxCreateRevision !== 0n;
  // one more than asked for tells whether there are more
  const fetched = wantsAll || limit === 0 ? 0 : limit + 1;
  const options = { limit: fetched, revision: toNumber(body.revision), countOnly: body.countOnly };
  const txn = kv.read();
  try {
    return txn.range(body.key, endOf(body.rangeEnd), options);
  } catch (error) {
    throw error instanceof MvccError ? rangeError(error) : error;
  } finally {
    txn.end();
  }
}

function rangeError(error: MvccError): Error {
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

/** Sorts as asked; by anything but the key a missing order is ascending. Ties keep the keys' order. */
function sorted(kvs: readonly KeyValue[], body: RangeRequest): readonly KeyValue[] {
  if (body.sortOrder === SortOrder.NONE && body.sortTarget === SortTarget.KEY) return kvs;
  const compare = comparisons[body.sortTarget] ?? comparisons[SortTarget.KEY];
  return [...kvs].sort(body.sortOrder === SortOrder.DESCEND ? (a, b) => compare(b, a) : compare);
}
