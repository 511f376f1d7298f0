/** What standing alarms let through, in the plainest words: which requests every member refuses. */
import { AlarmRequest_AlarmAction as AlarmAction, AlarmType } from '../../engine/pb/gen/rpc_pb.ts';
import type { AlarmRequest } from '../../engine/pb/gen/rpc_pb.ts';
import type { KvRequest } from './kv-request.ts';

type Kind = AlarmType.NOSPACE | AlarmType.CORRUPT;

const isKind = (alarm: AlarmType): alarm is Kind =>
  alarm === AlarmType.NOSPACE || alarm === AlarmType.CORRUPT;

/**
 * One kind at a time. Where both kinds stand, a member that runs refuses what the newest kind does, and one
 * that was started since refuses what either does: nobody can say then what the store should be.
 * @source etcd v3.4.23 etcdserver/apply.go Alarm, applierV3Capped; corrupt.go applierV3Corrupt; server.go
 * restoreAlarms
 */
export class AlarmModel {
  /** Who has raised the kind that stands. */
  private readonly raisers = new Set<bigint>();
  private kind: Kind | null = null;

  /** Takes an entry of the log. @returns whether it is still known what members refuse */
  take({ action, alarm, memberID }: AlarmRequest): boolean {
    if (!isKind(alarm)) return true;
    if (action === AlarmAction.ACTIVATE) {
      if (this.kind !== null && this.kind !== alarm) return false;
      this.kind = alarm;
      this.raisers.add(memberID);
    } else if (action === AlarmAction.DEACTIVATE && this.kind === alarm) {
      this.raisers.delete(memberID);
      if (this.raisers.size === 0) this.kind = null;
    }
    return true;
  }

  /** Without space nothing is taken that could add to the store; over corrupt data nothing is built. */
  refuses(request: KvRequest): boolean {
    if (this.kind === null || request.kind === 'range') return false;
    if (this.kind === AlarmType.CORRUPT) return true;
    if (request.kind === 'txn')
      return [...request.success, ...request.failure].some(({ kind }) => kind === 'put');
    return request.kind === 'put' || request.kind === 'grant';
  }
}
