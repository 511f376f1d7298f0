/** Who is in the cluster, as its members tell it: the list of the one that has applied most. */
import type { ServerEvent } from '../engine/server/events.ts';

/** A member as the cluster's own list has it. */
export interface RosterMember {
  /** Its host's number; a large one where no host has its address. */
  readonly node: number;
  /** In hex, as etcdctl takes it. */
  readonly memberId: string;
  /** Empty until it has started. */
  readonly name: string;
  readonly peerUrl: string;
  readonly isLearner: boolean;
}

/** What one member knows. It is on its disk: a stop leaves it, a wipe does not. */
export interface Roster {
  /** The list is as of the log up to here. */
  readonly index: number;
  readonly members: readonly RosterMember[];
  readonly removedIds: readonly string[];
}

type Members = Extract<ServerEvent, { type: 'server.members' }>;

/**
 * What a member knows after it told its list, having applied the log up to `index`. One that starts tells
 * again what its log led to, from the beginning on: what it knew before is newer.
 */
export function toldRoster(before: Roster | null, event: Members, index: number): Roster {
  if (before !== null && index < before.index) return before;
  const members = event.nodes.map((node, i) => ({
    node,
    memberId: event.ids[i] ?? '',
    name: event.names[i] ?? '',
    peerUrl: event.peerUrls[i] ?? '',
    isLearner: event.learners.includes(node),
  }));
  return { index, members, removedIds: event.removedIds };
}

/** The same list is true of a longer log now: what it applied was no change of the members. */
export function appliedUpTo(before: Roster | null, index: number): Roster | null {
  return before === null || index <= before.index ? before : { ...before, index };
}

/** The newest of some lists; null where nobody has told one. */
export function newestRoster(rosters: readonly (Roster | null)[]): Roster | null {
  return rosters.reduce(
    (best, one) => (one !== null && (best === null || one.index > best.index) ? one : best),
    null,
  );
}
