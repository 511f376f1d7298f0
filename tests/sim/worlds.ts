/** Configurations of clusters for tests. */
import type { Envelope } from '../../src/engine/events.ts';
import type { ClusterConfig, LabEvent, LabTrace } from '../../src/sim/types.ts';

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
