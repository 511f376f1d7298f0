/** Ranges, and txns that only read: once the quorum has confirmed their index, or at once. */
import { kept } from '../../base/fork.ts';
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
import type { Door } from './door.ts';
import { RpcError } from './errors.ts';
import type { ReadIndexLoop } from './read-index.ts';

export interface KvReadsPort {
  readonly kv: KvStore;
  readonly auth: AuthStore;
  readonly owner: ResponseHead;
  readonly applier: { readonly term: number };
  readonly reads: ReadIndexLoop;
  readonly door: Door;
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
  private readonly port: KvReadsPort;

  constructor(port: KvReadsPort) {
    this.port = port;
  }

  range(call: Call, body: RangeRequest): void {
    const read = (self: KvReads) => () => self.readRange(call, body);
    this.read(call, body.serializable, kept(read, this));
  }

  txn(call: Call, body: TxnRequest): void {
    const read = (self: KvReads) => () => self.readTxn(call, body);
    this.read(call, isSerializable(body), kept(read, this));
  }

  private read({ request, nowUs }: Call, serializable: boolean, read: () => void): void {
    if (serializable) read();
    else this.port.reads.add({ request, read }, nowUs);
  }

  private readRange(call: Call, body: RangeRequest): void {
    const check = (who: AuthInfo): void =>
      this.port.auth.checkPermitted(who, 'read', body.key, body.rangeEnd);
    this.answer(call, check, () => readRange(this.context(), body));
  }

  private readTxn(call: Call, body: TxnRequest): void {
    const check = (who: AuthInfo): void => checkTxnAccess(this.port.auth, who, body);
    this.answer(call, check, () => readTxn(this.context(), body));
  }

  private answer(
    { request, token, nowUs }: Call,
    check: (who: AuthInfo) => void,
    answer: () => Uint8Array | RpcError,
  ): void {
    const { auth, door } = this.port;
    try {
      const who = askerOf(auth, token, nowUs);
      door.tell(request, refusalOf(() => check(who)) ?? answer());
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      door.refuse(request, error);
    }
  }

  private context(): KvContext {
    const { kv, owner, applier } = this.port;
    return { kv, head: owner, term: applier.term };
  }
}
