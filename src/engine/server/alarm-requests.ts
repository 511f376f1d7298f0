/** Alarms as requests: clients raise and disarm them, and the member itself where the space is used up. */
import { kept } from '../../base/fork.ts';
import type { AuthStore } from '../auth/store.ts';
import { AlarmType } from '../pb/gen/rpc_pb.ts';
import { alarmOf } from './alarms.ts';
import type { AlarmStore } from './alarms.ts';
import { unmappedRefusal } from './apply-auth.ts';
import type { ResponseHead } from './apply-kv.ts';
import type { Call, Finish } from './calls.ts';
import type { Door } from './door.ts';
import type { WriteRequest } from './entry-data.ts';
import { RpcError, rpcErrors } from './errors.ts';
import type { Quota } from './quota.ts';
import type { RpcRequest } from './rpc.ts';
import { grpcCode } from './types.ts';

export interface AlarmRequestsPort {
  readonly auth: AuthStore;
  readonly alarms: AlarmStore;
  readonly quota: Quota;
  readonly owner: ResponseHead;
  /** @throws RpcError */
  write(call: Call, write: WriteRequest, finish: Finish): void;
  /** Proposes as the member itself. */
  propose(write: WriteRequest, nowUs: number, finish: Finish): void;
  readonly door: Door;
}

export class AlarmRequests {
  private readonly port: AlarmRequestsPort;

  constructor(port: AlarmRequestsPort) {
    this.port = port;
  }

  /**
   * Whether a request fits into the quota. One that does not raises the alarm, and is refused.
   * @throws RpcError where the alarm cannot be raised
   * @source etcd v3.4.23 etcdserver/api/v3rpc/quota.go quotaAlarmer.check
   */
  hasSpace(call: Call, request: RpcRequest): boolean {
    const { quota, door } = this.port;
    if (quota.isAvailable(request)) return true;
    try {
      const refuse = (out: Door) => () => out.refuse(call.request, rpcErrors.noSpace);
      this.port.write(call, this.noSpace(), kept(refuse, door));
    } catch (error) {
      throw error instanceof RpcError ? rpcErrors.noSpace : error;
    }
    return false;
  }

  /** A client's order. etcd answers as it comes: its errors are not translated for clients. */
  order(call: Call, write: WriteRequest): void {
    const { auth, door } = this.port;
    try {
      auth.authInfo(call.token, call.nowUs);
    } catch (error) {
      throw unmappedRefusal(error);
    }
    const finish = (out: Door) => (outcome: Uint8Array | RpcError) => {
      const isRefusal = outcome instanceof RpcError;
      out.tell(call.request, isRefusal ? new RpcError(grpcCode.unknown, outcome.message) : outcome);
    };
    this.port.write(call, write, kept(finish, door));
  }

  /**
   * Whether a write that was applied took more space than there is: everyone hears of it by `raise`, and then
   * whoever asked for the write.
   * @source etcd v3.4.23 etcdserver/server.go applyEntryNormal
   */
  isDue(outcome: Uint8Array | RpcError): boolean {
    return outcome === rpcErrors.noSpace && this.port.alarms.get(AlarmType.NOSPACE).length === 0;
  }

  raise(nowUs: number, then: () => void): void {
    this.port.propose(this.noSpace(), nowUs, then);
  }

  private noSpace(): WriteRequest {
    return alarmOf(AlarmType.NOSPACE, this.port.owner.member);
  }
}
