/** All checkers over one run: what they see of the members, and what clients did. */
import { Member } from '../../src/engine/server/member.ts';
import { Checkers } from '../../src/sim/checkers/checkers.ts';
import { CommitLog } from '../../src/sim/checkers/commit-log.ts';
import { History } from '../../src/sim/checkers/history.ts';
import { Leases } from '../../src/sim/checkers/leases.ts';
import { Linearizability } from '../../src/sim/checkers/linearizability.ts';
import { Liveness } from '../../src/sim/checkers/liveness.ts';
import { Pages } from '../../src/sim/checkers/pages.ts';
import { RaftSafety } from '../../src/sim/checkers/raft-safety.ts';
import { Replicas } from '../../src/sim/checkers/replicas.ts';
import { Resources } from '../../src/sim/checkers/resources.ts';
import { Revisions } from '../../src/sim/checkers/mvcc.ts';
import { Watches } from '../../src/sim/checkers/watch.ts';
import type { Inspected, MemberState } from '../../src/sim/checkers/checker.ts';
import type { Cluster } from '../../src/sim/cluster.ts';
import type { RunningMember } from '../../src/sim/run.ts';
import type { ClientAction, ClientOutcome } from '../../src/sim/types.ts';

export class Judge {
  readonly log = new CommitLog();
  readonly history = new History();
  readonly raft = new RaftSafety();
  readonly linearizability = new Linearizability(this.history, this.log);
  readonly watches = new Watches(this.log);
  readonly leases = new Leases(this.log);
  readonly liveness = new Liveness();
  readonly checkers = new Checkers([
    this.raft,
    // it fills the log that the others look into
    new Revisions(this.log),
    new Replicas(),
    this.linearizability,
    this.watches,
    this.leases,
    new Pages(),
    this.liveness,
    new Resources(),
  ]);
  readonly #actions = new Map<number, ClientAction>();

  /** A client begins. */
  begin(id: number, action: ClientAction, nowUs: number): void {
    this.#actions.set(id, action);
    this.history.begin(id, action, nowUs);
    if (action.type === 'watch') this.watches.begin(id, action);
    if (action.type === 'leaseRevoke') this.leases.endAsked(action.id);
  }

  /** A client has its answer. @returns what it had asked; null where that was no client's */
  end(id: number, outcome: ClientOutcome, timeUs: number): ClientAction | null {
    this.history.end(id, outcome, timeUs);
    const action = this.#actions.get(id) ?? null;
    this.#actions.delete(id);
    return action;
  }
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
