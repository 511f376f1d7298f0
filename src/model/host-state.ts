/** A member's host and disk as they were set: what the forms of its faults show. A fold of events. */
import type { DiskSettings } from '../sim/fault-types.ts';
import type { LabEvent } from '../sim/types.ts';

export interface HostState {
  /** An input takes its process so many times as long. */
  readonly cpuFactor: number;
  readonly clockPerMille: number;
  /** Null where the clock's rate does not change by itself. */
  readonly swing: { readonly perMille: number; readonly periodUs: number; readonly shape: string } | null;
  /** 0: no limit. */
  readonly memoryBytes: number;
  /** Its so manieth allocation fails; 0: none does, or it has failed. */
  readonly failedAllocation: number;
  /** A process that ends by itself is started again so much later; 0: it stays away. */
  readonly restartDelayUs: number;
  /** It does not run, and will be started then: by what looks after it, or once its files are read. */
  readonly coming: { readonly why: 'supervisor' | 'load'; readonly atUs: number } | null;
  /** Null: as the world's configuration has it. */
  readonly disk: DiskSettings | null;
}

export const usualHost: HostState = {
  cpuFactor: 1,
  clockPerMille: 1000,
  swing: null,
  memoryBytes: 0,
  failedAllocation: 0,
  restartDelayUs: 0,
  coming: null,
  disk: null,
};

/** The host of the member that an event is about, after it. */
export function hostAfter(host: HostState, event: LabEvent): HostState {
  switch (event.type) {
    case 'sim.slowCpu':
      return { ...host, cpuFactor: event.factor };
    case 'sim.clockRate':
      return { ...host, clockPerMille: event.perMille };
    case 'sim.clockSwing': {
      const { perMille, periodUs, shape } = event;
      return { ...host, swing: perMille === 0 ? null : { perMille, periodUs, shape } };
    }
    case 'sim.memoryLimit':
      return { ...host, memoryBytes: event.limitBytes };
    case 'sim.failAllocation':
      return { ...host, failedAllocation: event.nth };
    case 'sim.allocationFailed':
      return { ...host, failedAllocation: 0 };
    case 'sim.restartDelay':
      return { ...host, restartDelayUs: event.afterUs };
    case 'sim.coming':
      return { ...host, coming: event.why === '' ? null : { why: event.why, atUs: event.atUs } };
    case 'sim.start':
    case 'sim.kill':
    case 'sim.powerCut':
    case 'sim.diskError':
      return host.coming === null ? host : { ...host, coming: null };
    case 'sim.disk': {
      const { type: _, ...disk } = event;
      return { ...host, disk };
    }
    default:
      return host;
  }
}
