/** How large the store may get, and what a request would add to it. */
import type { RequestOp, TxnRequest } from '../pb/gen/rpc_pb.ts';
import type { RpcRequest } from './rpc.ts';

/** @source etcd v3.4.23 etcdserver/quota.go DefaultQuotaBytes, leaseOverhead, kvOverhead */
const defaultQuotaBytes = 2147483648;
const leaseOverheadBytes = 64;
const kvOverheadBytes = 256;

/** What a request may add to the store: an estimate that knows nothing of pages. 0 passes always. */
export function costOf(request: { readonly kind: string; readonly body: unknown }): number {
  const typed = request as RpcRequest;
  switch (typed.kind) {
    case 'put':
      return putCost(typed.body);
    case 'txn':
      return txnCost(typed.body);
    case 'leaseGrant':
      return leaseOverheadBytes;
    default:
      return 0;
  }
}

function putCost({ key, value }: { readonly key: Uint8Array; readonly value: Uint8Array }): number {
  return kvOverheadBytes + key.length + value.length;
}

/** The dearer side counts; nested txns are free. @source etcd v3.4.23 etcdserver/quota.go costTxn */
export function txnCost({ success, failure }: TxnRequest): number {
  const sum = (ops: readonly RequestOp[]): number =>
    ops.reduce(
      (total, { request }) => total + (request.case === 'requestPut' ? putCost(request.value) : 0),
      0,
    );
  return Math.max(sum(success), sum(failure));
}

/** As the metrics have it. @param maxBytes 0 or absent: the default of 2 GiB; negative: no limit */
export const quotaOf = (maxBytes: number | undefined): number =>
  maxBytes === undefined || maxBytes === 0 ? defaultQuotaBytes : maxBytes;

/** @source etcd v3.4.23 etcdserver/quota.go backendQuota */
export class Quota {
  /** As the metrics have it. */
  readonly shownBytes: number;
  private readonly maxBytes: number;
  private readonly file: { readonly sizeBytes: number };

  /** @param maxBytes 0: the default of 2 GiB; negative: no limit */
  constructor(maxBytes: number, file: { readonly sizeBytes: number }) {
    this.shownBytes = quotaOf(maxBytes);
    this.maxBytes = maxBytes < 0 ? Infinity : this.shownBytes;
    this.file = file;
  }

  isAvailable(request: Parameters<typeof costOf>[0]): boolean {
    const cost = costOf(request);
    return cost === 0 || this.file.sizeBytes + cost < this.maxBytes;
  }
}
