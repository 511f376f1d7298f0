/** All checkers over one run: what they see of the members, and what clients did. */
import { Member } from '../../engine/server/member.ts';
import { Checkers } from './checkers.ts';
import { CommitLog } from './commit-log.ts';
import { History } from './history.ts';
import { Leases } from './leases.ts';
import { Linearizability } from './linearizability.ts';
import { Liveness } from './liveness.ts';
import { Pages } from './pages.ts';
import { RaftSafety } from './raft-safety.ts';
import { Replicas } from './replicas.ts';
import { Resources } from './resources.ts';
import { Revisions } from './mvcc.ts';
import { Watches } from './watch.ts';
import type { RaftKnown } from './raft-mirror.ts';
import type { ResourceLimits } from './resources.ts';
import type { Inspected, MemberState, Property } from './checker.ts';
import type { Cluster } from '../cluster.ts';
import type { RunningMember } from '../run.ts';
import type { ClientAction, ClientOutcome, LabTrace } from '../types.ts';

export class Judge {
  readonly log = new CommitLog();
  readonly history = new History();
  readonly raft = new RaftSafety();
  readonly linearizability = new Linearizability(this.history, this.log);
  readonly watches = new Watches(this.log);
  readonly leases = new Leases(this.log);
  readonly pages = new Pages();
  readonly liveness = new Liveness();
  readonly checkers: Checkers;
  private readonly actions = new Map<number, ClientAction>();

  /**
   * @param heeds the properties whose violation ends the run; null: each
   * @param next who else wants the events
   */
  constructor(
    heeds: readonly Property[] | null,
    next: LabTrace | null = null,
    limits: ResourceLimits = { damage: false },
  ) {
    const all = [
      this.raft,
      // it fills the log that the others look into
      new Revisions(this.log),
      new Replicas(),
      this.linearizability,
      this.watches,
      this.leases,
      this.pages,
      this.liveness,
      new Resources(limits),
    ];
    this.checkers = new Checkers(all, heeds, next);
  }

  /**
   * The run goes on from where nobody has looked so far.
   * @param isDamaged whether disks may have changed bytes
   */
  enter(cluster: Cluster, running: (member: number) => RunningMember | undefined, isDamaged: boolean): void {
    for (const member of cluster.members) {
      this.raft.enter(member, knownRaft(running(member)));
      if (isDamaged) this.pages.distrust(member);
    }
  }

  /** A client begins. */
  begin(id: number, action: ClientAction, nowUs: number): void {
    this.actions.set(id, action);
    this.history.begin(id, action, nowUs);
    if (action.type === 'watch') this.watches.begin(id, action);
    if (action.type === 'leaseRevoke') this.leases.endAsked(action.id);
  }

  /** A client has its answer. @returns what it had asked; null where that was no client's */
  end(id: number, outcome: ClientOutcome, timeUs: number): ClientAction | null {
    this.history.end(id, outcome, timeUs);
    const action = this.actions.get(id) ?? null;
    this.actions.delete(id);
    return action;
  }
}

function knownRaft(running: RunningMember | undefined): RaftKnown | null {
  const status = running instanceof Member ? running.raftStatus() : null;
  const state = running instanceof Member ? running.state() : null;
  if (status === null || state === null) return null;
  const { term, commit, config, firstIndex, lastIndex } = status;
  const entries = state.entries(firstIndex, lastIndex - firstIndex + 1);
  const entryTerms = entries.map((entry) => entry.term as number);
  return { term, commit, leads: status.state === 'StateLeader', config, firstIndex, entryTerms };
}

/** The members of a run in this thread, as checkers look at them. */
export function inspect(cluster: Cluster, running: (member: number) => RunningMember | undefined): Inspected {
  return {
    get nowUs() {
      return cluster.nowUs;
    },
    get members() {
      return cluster.members.filter((member) => running(member) !== undefined);
    },
    state(member): MemberState | null {
      const found = running(member);
      return found instanceof Member ? found.state() : null;
    },
  };
}
