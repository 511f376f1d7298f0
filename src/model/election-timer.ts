/** What drains around a member that waits for a leader: its election timer, in ticks of its raft's clock. */
import type { StateType } from '../engine/raft/types.ts';

export interface ElectionTimer {
  readonly resetAtUs: number;
  readonly timeoutTicks: number;
}

/** etcd's default heartbeat interval. @source etcd embed/config.go TickMs */
export const defaultTickUs = 100_000;

export function timerAfter(state: StateType, resetAtUs: number, timeoutTicks: number): ElectionTimer | null {
  return state === 'StateLeader' ? null : { resetAtUs, timeoutTicks };
}

/** What remains of an election timer at `timeUs`, from 1 (just reset) down to 0 (fires). */
export function timerLeft(timer: ElectionTimer, timeUs: number, tickUs: number): number {
  const total = timer.timeoutTicks * tickUs;
  const left = timer.resetAtUs + total - timeUs;
  return Math.min(1, Math.max(0, left / total));
}
