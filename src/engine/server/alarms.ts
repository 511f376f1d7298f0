/** Alarms: what a member has found wrong, known to all and remembered by all. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Trace } from '../../base/trace.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { idToHex } from '../../base/u64.ts';
import type { Backend } from '../backend/backend.ts';
import {
  AlarmMemberSchema,
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmRequestSchema,
  AlarmType,
} from '../pb/gen/rpc_pb.ts';
import type { AlarmMember } from '../pb/gen/rpc_pb.ts';
import type { WriteRequest } from './entry-data.ts';
import type { ServerEvent } from './events.ts';

export const alarmNames: Readonly<Record<number, string>> = {
  [AlarmType.NONE]: 'NONE',
  [AlarmType.NOSPACE]: 'NOSPACE',
  [AlarmType.CORRUPT]: 'CORRUPT',
};

/** The write that raises an alarm for a member. */
export function alarmOf(alarm: AlarmType, memberID: bigint): WriteRequest {
  const body = create(AlarmRequestSchema, { action: AlarmAction.ACTIVATE, memberID, alarm });
  return { kind: 'alarm', body };
}

/** As `Status` lists it. @source etcd v3.4.23 etcdserverpb AlarmMember.String */
export function alarmText({ memberID, alarm }: AlarmMember): string {
  const member = memberID === 0n ? '' : `memberID:${memberID} `;
  return alarm === AlarmType.NONE ? member : `${member}alarm:${alarmNames[alarm] ?? alarm} `;
}

/** @source etcd v3.4.23 etcdserver/api/v3alarm/alarms.go AlarmStore */
export class AlarmStore {
  private readonly backend: Backend;
  private readonly trace: Trace<ServerEvent>;
  private alarms: AlarmMember[] = [];

  constructor(backend: Backend, trace: Trace<ServerEvent>) {
    this.backend = backend;
    this.trace = trace;
    this.restore();
  }

  /** Reads what the store holds. */
  restore(): void {
    const alarms: AlarmMember[] = [];
    this.backend.readTx.forEach('alarm', (key) => void alarms.push(fromBinary(AlarmMemberSchema, key)));
    const before = this.alarms;
    this.alarms = alarms;
    const isIn = (list: readonly AlarmMember[], { memberID, alarm }: AlarmMember): boolean =>
      list.some((each) => each.memberID === memberID && each.alarm === alarm);
    for (const alarm of before) if (!isIn(alarms, alarm)) this.tell('alarm.disarm', alarm);
    for (const alarm of alarms) if (!isIn(before, alarm)) this.tell('alarm.raise', alarm);
  }

  /** Those of one kind, or all for NONE; by kind and then by member. */
  get(kind: AlarmType): AlarmMember[] {
    const found = kind === AlarmType.NONE ? this.alarms : this.alarms.filter(({ alarm }) => alarm === kind);
    return [...found].sort((a, b) => a.alarm - b.alarm || (a.memberID < b.memberID ? -1 : 1));
  }

  /**
   * An alarm of no kind for no member has an empty key, which no store takes: etcd ends there, this member
   * lets it pass.
   * @returns the alarm, be it new or not
   */
  activate(memberID: bigint, alarm: AlarmType): AlarmMember {
    const known = this.find(memberID, alarm);
    if (known !== undefined) return known;
    const raised = create(AlarmMemberSchema, { memberID, alarm });
    const key = toBinary(AlarmMemberSchema, raised);
    if (key.length === 0) return raised;
    this.alarms.push(raised);
    this.backend.batchTx.put('alarm', key, emptyBytes);
    this.backend.unlock();
    this.tell('alarm.raise', raised);
    return raised;
  }

  /** @returns the alarm that was there; null for none */
  deactivate(memberID: bigint, alarm: AlarmType): AlarmMember | null {
    const known = this.find(memberID, alarm);
    if (known === undefined) return null;
    this.alarms = this.alarms.filter((each) => each !== known);
    this.backend.batchTx.delete('alarm', toBinary(AlarmMemberSchema, known));
    this.backend.unlock();
    this.tell('alarm.disarm', known);
    return known;
  }

  private find(memberID: bigint, alarm: AlarmType): AlarmMember | undefined {
    return this.alarms.find((each) => each.memberID === memberID && each.alarm === alarm);
  }

  private tell(type: 'alarm.raise' | 'alarm.disarm', { memberID, alarm }: AlarmMember): void {
    if (!this.trace.on) return;
    this.trace.emit({ type, memberId: idToHex(memberID), alarm: alarmNames[alarm] ?? String(alarm) });
  }
}
