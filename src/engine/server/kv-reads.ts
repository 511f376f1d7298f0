/** Ranges, and txns that only read: once the quorum has confirmed their index, or at once. */
import type { AuthStore } from '../auth/store.ts';
import { nobody, rootUser } from '../auth/types.ts';
import type { AuthInfo } from '../auth/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import type { RangeRequest, TxnRequest } from '../pb/gen/rpc_pb.ts';
import { authRefusal, refusalOf } from './apply-auth.ts';
import { readRange } from './apply-kv.ts';
import type { KvContext, ResponseHead } from './apply-kv.ts';
import { isSerializable, readTxn } from './apply-txn.ts';
import { checkTxnAccess } from './apply-v3.ts';
import type { Call } from './calls.ts';
import { RpcError } from './errors.ts';
import type { ReadIndexLoop } from './read-index.ts';

export interface KvReadsPort {
  readonly kv: KvStore;
  readonly auth: AuthStore;
  readonly owner: ResponseHead;
  readonly applier: { readonly term: number };
  readonly reads: ReadIndexLoop;
  answer(request: number, bytes: Uint8Array): void;
  refuse(request: number, error: RpcError): void;
}

/** Who asks. @throws RpcError for a token that is not valid */
export function askerOf(auth: AuthStore, token: string | undefined, nowUs: number): AuthInfo {
  try {
    return auth.authInfo(token, nowUs) ?? nobody;
  } catch (error) {
    throw authRefusal(error);
  }
}

/** Who revokes what has expired. @source etcd v3.4.23 auth/store.go WithRoot */
export function rootOf(auth: AuthStore): AuthInfo {
  return auth.isEnabled ? { username: rootUser, revision: auth.revision } : nobody;
}

/**
 * Permissions are looked at when the read happens.
 * @source etcd v3.4.23 etcdserver/v3_server.go Range, Txn
 */
export class KvReads {
  readonly #port: KvReadsPort;

  constructor(port: KvReadsPort) {
    this.#port = port;
  }

  range(call: Call, body: RangeRequest): void {
    const { auth } = this.#port;
    const { key, rangeEnd, serializable } = body;
    const check = (who: AuthInfo): void => auth.checkPermitted(who, 'read', key, rangeEnd);
    this.#read(call, serializable, check, () => readRange(this.#context(), body));
  }

  txn(call: Call, body: TxnRequest): void {
    const check = (who: AuthInfo): void => checkTxnAccess(this.#port.auth, who, body);
    this.#read(call, isSerializable(body), check, () => readTxn(this.#context(), body));
  }

  #read(
    { request, token, nowUs }: Call,
    serializable: boolean,
    check: (who: AuthInfo) => void,
    answer: () => Uint8Array | RpcError,
  ): void {
    const read = (): void => {
      const outcome = this.#outcome(token, nowUs, check, answer);
      if (outcome instanceof RpcError) this.#port.refuse(request, outcome);
      else this.#port.answer(request, outcome);
    };
    if (serializable) read();
    else this.#port.reads.add({ request, read }, nowUs);
  }

  #outcome(
    token: string | undefined,
    nowUs: number,
    check: (who: AuthInfo) => void,
    answer: () => Uint8Array | RpcError,
  ): Uint8Array | RpcError {
    try {
      const who = askerOf(this.#port.auth, token, nowUs);
      return refusalOf(() => check(who)) ?? answer();
    } catch (error) {
      if (error instanceof RpcError) return error;
      throw error;
    }
  }

  #context(): KvContext {
    const { kv, owner, applier } = this.#port;
    return { kv, head: owner, term: applier.term };
  }
}
