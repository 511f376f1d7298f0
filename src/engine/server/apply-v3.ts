/** A write of the log takes effect: through the guards, in etcd's order, to the store. */
import { create, toBinary } from '@bufbuild/protobuf';
import { emptyBytes } from '../../base/bytes.ts';
import type { AuthStore } from '../auth/store.ts';
import { defaultCost } from '../auth/password.ts';
import type { AuthInfo } from '../auth/types.ts';
import type { Backend } from '../backend/backend.ts';
import type { Lessor } from '../lease/lessor.ts';
import { leaseId } from '../lease/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { MvccError } from '../mvcc/types.ts';
import { CompactionResponseSchema } from '../pb/gen/rpc_pb.ts';
import type { PutRequest, RequestOp, TxnRequest } from '../pb/gen/rpc_pb.ts';
import type { AlarmStore } from './alarms.ts';
import { applyAlarm, guardRefusal, guardsAtStart } from './apply-alarm.ts';
import type { Guards } from './apply-alarm.ts';
import { applyAuth, checkAuthWrite, refusalOf } from './apply-auth.ts';
import type { AuthWrite } from './apply-auth.ts';
import { applyDelete, applyPut, headerOf, rangeError, toNumber } from './apply-kv.ts';
import type { ResponseHead, WriteContext } from './apply-kv.ts';
import { applyCheckpoint, applyGrant, applyRevoke } from './apply-lease.ts';
import { applyTxn } from './apply-txn.ts';
import type { WriteRequest } from './entry-data.ts';
import { RpcError, rpcErrors } from './errors.ts';
import type { Quota } from './quota.ts';

export interface ApplierV3Parts {
  readonly kv: KvStore;
  readonly lessor: Lessor;
  readonly backend: Backend;
  readonly auth: AuthStore;
  readonly alarms: AlarmStore;
  readonly quota: Quota;
  readonly head: ResponseHead;
  /** Of passwords that a log holds as they are. */
  readonly bcryptCost?: number;
  /** See `Defects.applyByClock`. */
  readonly byClock?: boolean;
}

/** An entry on its way: when and where it stands in the log, and who asked for it. */
export interface LoggedWrite {
  readonly write: WriteRequest;
  readonly asker: AuthInfo;
  readonly index: number;
  readonly term: number;
  /** This member's clock. */
  readonly nowUs: number;
}

/** @source etcd v3.4.23 etcdserver/apply.go applierV3backend, apply_auth.go authApplierV3 */
export class ApplierV3 {
  private readonly parts: ApplierV3Parts;
  private currentGuards: Guards;

  constructor(parts: ApplierV3Parts) {
    this.parts = parts;
    this.currentGuards = guardsAtStart(parts.alarms);
  }

  /** What the guards let through now. */
  get guards(): Guards {
    return this.currentGuards;
  }

  /** The store was replaced as a whole. */
  restored(): void {
    this.currentGuards = guardsAtStart(this.parts.alarms);
  }

  apply(logged: LoggedWrite): Uint8Array | RpcError {
    const { write } = logged;
    const refusal = guardRefusal(this.currentGuards, write) ?? this.forbidden(logged);
    if (refusal !== null) return refusal;
    const hadSpace = !this.currentGuards.checked || this.parts.quota.isAvailable(write);
    const outcome = this.execute(logged);
    // the write has been made by now: the quota is a brake, not a wall
    return hadSpace || outcome instanceof RpcError ? outcome : rpcErrors.noSpace;
  }

  private forbidden({ write, asker }: LoggedWrite): RpcError | null {
    const { auth } = this.parts;
    if (!this.currentGuards.checked) return null;
    if (isAuthWrite(write)) return checkAuthWrite(auth, asker, write);
    return refusalOf(() => this.checkAccess(write, asker));
  }

  /** @throws AuthError */
  private checkAccess(write: WriteRequest, asker: AuthInfo): void {
    const { auth } = this.parts;
    switch (write.kind) {
      case 'put':
        return this.checkPut(write.body, asker);
      case 'deleteRange': {
        const { key, rangeEnd, prevKv } = write.body;
        auth.checkPermitted(asker, 'write', key, rangeEnd);
        if (prevKv) auth.checkPermitted(asker, 'read', key, rangeEnd);
        return;
      }
      case 'txn':
        return checkTxnAccess(auth, asker, write.body);
      case 'leaseRevoke':
        return this.checkLease(write.body.ID, asker);
      default:
        return;
    }
  }

  private checkPut({ key, lease, prevKv }: PutRequest, asker: AuthInfo): void {
    const { auth } = this.parts;
    auth.checkPermitted(asker, 'write', key, emptyBytes);
    this.checkLease(lease, asker);
    if (prevKv) auth.checkPermitted(asker, 'read', key, emptyBytes);
  }

  /** Who may not write a lease's keys may neither end it nor bind others to it. */
  private checkLease(id: bigint, asker: AuthInfo): void {
    const { auth, lessor } = this.parts;
    if (lessor.lookup(leaseId(id)) === null) return;
    for (const key of lessor.keysOf(leaseId(id))) auth.checkPermitted(asker, 'write', key, emptyBytes);
  }

  private execute(logged: LoggedWrite): Uint8Array | RpcError {
    const { write, term, nowUs, index } = logged;
    const { kv, lessor, head, auth, bcryptCost = defaultCost } = this.parts;
    const context: WriteContext = { kv, lessor, head, term, nowUs, byClock: this.parts.byClock ?? false };
    switch (write.kind) {
      case 'put':
        return applyPut(context, write.body);
      case 'deleteRange':
        return applyDelete(context, write.body);
      case 'txn':
        return applyTxn(context, write.body);
      case 'compaction':
        return this.compact(toNumber(write.body.revision), term);
      case 'leaseGrant':
        return applyGrant(context, write.body);
      case 'leaseRevoke':
        return applyRevoke(context, write.body);
      case 'leaseCheckpoint':
        return applyCheckpoint(context, write.body);
      case 'alarm': {
        const { bytes, guards } = applyAlarm(this.parts.alarms, this.currentGuards, write.body);
        this.currentGuards = guards;
        return bytes;
      }
      default:
        return applyAuth({ ...context, auth, index, bcryptCost }, write);
    }
  }

  /** @source etcd v3.4.23 etcdserver/apply.go Compaction */
  private compact(revision: number, term: number): Uint8Array | RpcError {
    const { kv, head } = this.parts;
    try {
      kv.compact(revision);
    } catch (error) {
      const refusal = error instanceof MvccError ? rangeError(error) : error;
      if (refusal instanceof RpcError) return refusal;
      throw error;
    }
    const header = headerOf(head, term, kv.revision);
    return toBinary(CompactionResponseSchema, create(CompactionResponseSchema, { header }));
  }
}

function isAuthWrite(write: WriteRequest): write is AuthWrite {
  return write.kind.startsWith('auth');
}

/**
 * Nested txns are not looked into, as in etcd 3.4.
 * @throws AuthError
 * @source etcd v3.4.23 etcdserver/apply_auth.go checkTxnAuth
 */
export function checkTxnAccess(auth: AuthStore, asker: AuthInfo, body: TxnRequest): void {
  for (const { key, rangeEnd } of body.compare) auth.checkPermitted(asker, 'read', key, rangeEnd);
  for (const op of [...body.success, ...body.failure]) checkOpAccess(auth, asker, op);
}

function checkOpAccess(auth: AuthStore, asker: AuthInfo, { request }: RequestOp): void {
  switch (request.case) {
    case 'requestRange':
      return auth.checkPermitted(asker, 'read', request.value.key, request.value.rangeEnd);
    case 'requestPut':
      return auth.checkPermitted(asker, 'write', request.value.key, emptyBytes);
    case 'requestDeleteRange': {
      const { key, rangeEnd, prevKv } = request.value;
      if (prevKv) auth.checkPermitted(asker, 'read', key, rangeEnd);
      return auth.checkPermitted(asker, 'write', key, rangeEnd);
    }
    default:
      return;
  }
}
