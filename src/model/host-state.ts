/** A member's host and disk as they were set: what the forms of its faults show. A fold of events. */
import type { DiskSettings } from '../sim/fault-types.ts';
import type { LabEvent } from '../sim/types.ts';

export interface HostState {
  /** An input takes its process so many times as long. */
  readonly cpuFactor: number;
  readonly clockPerMille: number;
  /** 0: no limit. */
  readonly memoryBytes: number;
  /** Null: as the world's configuration has it. */
  readonly disk: DiskSettings | null;
}

export const usualHost: HostState = { cpuFactor: 1, clockPerMille: 1000, memoryBytes: 0, disk: null };

/** The host of the member that an event is about, after it. */
export function hostAfter(host: HostState, event: LabEvent): HostState {
  switch (event.type) {
    case 'sim.slowCpu':
      return { ...host, cpuFactor: event.factor };
    case 'sim.clockRate':
      return { ...host, clockPerMille: event.perMille };
    case 'sim.memoryLimit':
      return { ...host, memoryBytes: event.limitBytes };
    case 'sim.disk': {
      const { type: _, ...disk } = event;
      return { ...host, disk };
    }
    default:
      return host;
  }
}
