/** Clusters for tests. */
import { Cluster } from '../../src/sim/cluster.ts';
import { Members, runUntil } from '../../src/sim/run.ts';
import type { Envelope } from '../../src/engine/events.ts';
import type { Boot } from '../../src/sim/run.ts';
import type { Action, ClientOutcome, ClusterConfig, LabEvent, LabTrace } from '../../src/sim/types.ts';

export const noTrace: LabTrace = { on: false, emit: () => {} };

export interface Told {
  readonly at: Envelope;
  readonly event: LabEvent;
}

export function recordingTrace(): LabTrace & { readonly told: Told[] } {
  const told: Told[] = [];
  return { on: true, told, emit: (at, event) => told.push({ at, event }) };
}

export function clusterConfig(changes: Partial<ClusterConfig> = {}): ClusterConfig {
  const memberCount = changes.memberCount ?? 3;
  return {
    seed: 1,
    memberCount,
    images: Array.from({ length: memberCount }, () => new Map<string, Uint8Array>()),
    boot: 1,
    startUs: 0,
    trace: noTrace,
    preVote: true,
    ...changes,
  };
}

/** A cluster with its members in this thread. Real ones: `new Lab(Member.boot)`. */
export class Lab {
  readonly cluster: Cluster;
  readonly members: Members;
  /** Of the actions finished so far, by id. */
  readonly outcomes = new Map<number, ClientOutcome | null>();

  constructor(boot: Boot, changes: Partial<ClusterConfig> = {}) {
    this.cluster = new Cluster(clusterConfig(changes));
    this.members = new Members(boot);
  }

  runFor(virtualUs: number): void {
    const endUs = this.cluster.nowUs + virtualUs;
    runUntil(this.cluster, this.members, ({ nextTimeUs }) => nextTimeUs === null || nextTimeUs > endUs);
    this.#take();
  }

  runUntil(condition: () => boolean): void {
    const endUs = this.cluster.nowUs + 60_000_000;
    runUntil(this.cluster, this.members, () => {
      this.#take();
      if (this.cluster.nowUs > endUs) throw new Error('a minute of virtual time has passed');
      return condition();
    });
  }

  /** Does an action and runs until it is finished. */
  do(action: Action): ClientOutcome | null {
    const id = this.cluster.act(action);
    this.runUntil(() => this.outcomes.has(id));
    return this.outcomes.get(id) ?? null;
  }

  #take(): void {
    for (const { id, outcome } of this.cluster.takeOutcomes()) this.outcomes.set(id, outcome);
  }
}
