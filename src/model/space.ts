/** How full a member's store is, how full it may get, and the alarms that the member knows of. */
import type { LabEvent } from '../sim/types.ts';

export interface Alarm {
  /** Whose it is, in hex. */
  readonly memberId: string;
  readonly alarm: string;
}

export interface Space {
  /** The database file, as etcd's dbSize; 0 before the first start. */
  readonly sizeBytes: number;
  readonly pageSize: number;
  /** `--quota-backend-bytes`; below 0: no limit. 0 before the first start. */
  readonly quotaBytes: number;
  /** As this member has applied them. */
  readonly alarms: readonly Alarm[];
}

export const noSpace: Space = { sizeBytes: 0, pageSize: 4096, quotaBytes: 0, alarms: [] };

/** The space after an event of its member; the same object where it is no different. */
export function spaceAfter(before: Space, event: LabEvent): Space {
  switch (event.type) {
    case 'bolt.open':
      return sized({ ...before, pageSize: event.pageSize }, event.highWater);
    case 'bolt.writeMeta':
      return sized(before, event.highWater);
    case 'server.boot':
      return { ...before, quotaBytes: event.quotaBytes };
    case 'sim.start':
      return before.alarms.length === 0 ? before : { ...before, alarms: [] };
    case 'alarm.raise':
      return {
        ...before,
        alarms: [...others(before, event), { memberId: event.memberId, alarm: event.alarm }],
      };
    case 'alarm.disarm':
      return { ...before, alarms: others(before, event) };
    default:
      return before;
  }
}

function sized(before: Space, highWater: number): Space {
  const sizeBytes = highWater * before.pageSize;
  return sizeBytes === before.sizeBytes ? before : { ...before, sizeBytes };
}

const others = ({ alarms }: Space, { memberId, alarm }: Alarm): readonly Alarm[] =>
  alarms.filter((one) => one.memberId !== memberId || one.alarm !== alarm);

/** Which part of its quota a store has used, from 0; 0 where there is no limit. */
export const quotaShare = ({ sizeBytes, quotaBytes }: Space): number =>
  quotaBytes > 0 ? sizeBytes / quotaBytes : 0;

/** The alarms that are raised, each once, as any of the members has them. */
export function alarmsOf(spaces: readonly Space[]): readonly Alarm[] {
  const found: Alarm[] = [];
  for (const one of spaces.flatMap(({ alarms }) => alarms)) {
    if (!found.some(({ memberId, alarm }) => memberId === one.memberId && alarm === one.alarm))
      found.push(one);
  }
  return found;
}
