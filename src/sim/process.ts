/** A member's process as the world sees it. */
import type { PerfEvent } from './check-perf.ts';
import type { ClientEvent } from './client-call.ts';
import type { LoadEvent } from './load.ts';
import type { Sync } from './disk-files.ts';
import type { Transit } from './network.ts';
import type { Action } from './types.ts';
import type { ArmedCrash } from './crash-points.ts';
import type { MemberClock } from './member-clock.ts';
import type { ProcessMemory } from './process-memory.ts';
import type { Cpu } from './slow-cpu.ts';
import type { DiskErrorCode, PeerConfig, Reply, Send, TimerName } from '../engine/server/types.ts';

export type MemberStatus = 'up' | 'down' | 'paused' | 'halted';

/** What may come due. `epoch` names the process that an event is for; another one never sees it. */
export type WorldEvent =
  /** `number`: of the process's `coming` that it belongs to; absent: by a command, at once. */
  | { readonly kind: 'start'; readonly member: number; readonly number?: number }
  | { readonly kind: 'action'; readonly id: number; readonly action: Action }
  | { readonly kind: 'timer'; readonly member: number; readonly epoch: number; readonly timer: TimerName }
  /** `arrived`: it waited in a paused process and passed the network before. */
  | { readonly kind: 'message'; readonly transit: Transit; readonly arrived: boolean }
  | { readonly kind: 'sync'; readonly member: number; readonly sync: Sync }
  | {
      readonly kind: 'diskDone';
      readonly member: number;
      readonly epoch: number;
      readonly id: number;
      readonly error: DiskErrorCode | null;
    }
  /**
   * A member sees a connection come or go. `nodeEpoch`: the process at the other end, 0 where none listens;
   * `age`: of the link, where a cut or its end is the cause.
   */
  | {
      readonly kind: 'link';
      readonly member: number;
      readonly epoch: number;
      readonly node: number;
      readonly nodeEpoch: number;
      readonly up: boolean;
      readonly age: number | null;
    }
  /** A process is asked to end, as by SIGTERM. */
  | { readonly kind: 'stop'; readonly member: number; readonly epoch: number }
  /** A process that has ended without a command, or stopped: what ran it is told, and its power may go. */
  | {
      readonly kind: 'crash';
      readonly member: number;
      readonly epoch: number;
      readonly then: 'kill' | 'powerCut' | 'stop';
    }
  /** What a process sends once it has read it from a slow disk. */
  | {
      readonly kind: 'read';
      readonly member: number;
      readonly epoch: number;
      readonly sends: readonly Send[];
      readonly replies: readonly Reply[];
    }
  /** A slow processor may have come to the next input. */
  | { readonly kind: 'cpu'; readonly member: number; readonly epoch: number }
  /** A flapping link turns; `number`: which flapping it belongs to. */
  | { readonly kind: 'flap'; readonly from: number; readonly to: number; readonly number: number }
  /** A clock that swings turns; `number`: which swing it belongs to. */
  | { readonly kind: 'swing'; readonly member: number; readonly number: number }
  | ClientEvent
  | LoadEvent
  | PerfEvent;

/** The flags that a member is started with. */
export interface Launch {
  readonly peers: readonly PeerConfig[];
  readonly state: 'new' | 'existing';
}

export interface Process {
  readonly member: number;
  /** Of its next start. */
  launch: Launch;
  /** What `member add` has said since; it counts for a start on an empty disk. */
  announced: Launch | null;
  /** --initial-cluster-state of the next start, where it was asked for. */
  state: Launch['state'] | null;
  /** --force-new-cluster of the next start. */
  forcesNewCluster: boolean;
  status: MemberStatus;
  /** Of the present process, or of the last one. */
  epoch: number;
  /** How often it has been started in this run. */
  starts: number;
  /** The epoch of the last process that was asked to end; null before. */
  askedToStop: number | null;
  /** What came while it was paused, or while its processor was busy, in order. */
  held: WorldEvent[];
  /** Of its host: these stay when it ends. */
  readonly cpu: Cpu<WorldEvent>;
  readonly clock: MemberClock;
  readonly memory: ProcessMemory;
  crash: ArmedCrash | null;
  /** A process that ends without being asked to is started again after so long; 0: it stays away. */
  restartDelayUs: number;
  /** A start that is to come: a supervisor's, or one that reads its files first. */
  coming: { readonly number: number; readonly why: 'supervisor' | 'load' } | null;
  comingCount: number;
}

/** Epochs of one run lie below the next run's, so that no two processes of a stored lab share one. */
const epochsPerBoot = 1_000_000;

/** The epoch of a member's next process: in a first run 1, 2, 3... */
export function nextEpoch(process: Process, boot: number): number {
  return (boot - 1) * epochsPerBoot + process.starts + 1;
}

/** Whether the process was asked to end, and may still hand over what it leads. */
export const isStopping = ({ askedToStop, epoch }: Process): boolean => askedToStop === epoch;

/** Whether a process is there, be it paused. */
export function isAlive(process: Process): boolean {
  return process.status === 'up' || process.status === 'paused';
}
