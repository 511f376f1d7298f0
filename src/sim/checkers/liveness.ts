/** C8: when the faults have ended the cluster works again, soon; and who is alone disturbs nobody. */
import type { Checker, Inspected, Read } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';

/** After the last fault: a leader, a write that commits, and all members level, each within so long. */
export const liveness = { leaderUs: 10_000_000, writeUs: 15_000_000, levelUs: 20_000_000 } as const;

const reads = ['raft.becomeLeader'] as const;

export class Liveness implements Checker {
  readonly property = 'C8';
  readonly sentence =
    'After the faults a leader comes up, a write commits and all members catch up, each within a bounded ' +
    'time; a member that a majority does without disturbs no leader.';
  readonly reads = reads;
  private lastLeader = 0;
  private lastTerm = 0;
  private isStable = false;

  /** The last elected leader; 0 before the first. */
  get leader(): number {
    return this.lastLeader;
  }

  /** From now on a leader that its majority hears stays, whatever another member misses. */
  expectStable(isStable: boolean): void {
    this.isStable = isStable;
  }

  observe({ member }: Envelope, event: Read<typeof reads>): string | null {
    if (event.type !== 'raft.becomeLeader') return null;
    const { term } = event;
    if (term <= this.lastTerm) return null;
    const before = this.lastLeader;
    this.lastLeader = member;
    this.lastTerm = term;
    if (!this.isStable) return null;
    return `m${member} becomes leader of term ${term}, although m${before} led and a majority heard it`;
  }

  /** What is not as it should be so long after the last fault; null where all is well. */
  behind(world: Inspected): string | null {
    const applied = world.members.map((member) => world.state(member)?.applied ?? -1);
    const most = Math.max(...applied);
    const place = applied.findIndex((index) => index < most);
    if (place < 0) return null;
    return `m${world.members[place]} has applied ${applied[place]} entries, others ${most}`;
  }
}
