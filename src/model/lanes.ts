/** What each member was when: runs, roles and terms as stretches of time. A fold of events. */
import type { Process, Role } from './cluster-view.ts';
import { firstSeats, replaced, seated, type Told } from './told.ts';

/** How a member was from a time on, until the next stretch of its lane. */
export interface Stretch {
  readonly fromUs: number;
  readonly process: Process;
  readonly role: Role;
  readonly term: number;
}

/** By member from 1: stretches ascending by time, the newest of them. */
export type Lanes = readonly (readonly Stretch[])[];

/** Of each member so many of the newest stretches are kept. */
export const stretchesKept = 400;

const notYet: Stretch = { fromUs: 0, process: 'off', role: 'follower', term: 0 };

export const emptyLanes = (memberCount: number): Lanes => firstSeats(memberCount, () => [notYet]);

/** The lanes after these events, told in order; those before stay as they were. */
export function foldLanes(before: Lanes, events: readonly Told[]): Lanes {
  let lanes = seated(before, events, () => [notYet]);
  for (const { at, event } of events) {
    const lane = lanes[at.member - 1];
    const last = lane?.at(-1);
    if (lane === undefined || last === undefined) continue;
    const next = after(last, event);
    if (next === last) continue;
    const changed = { ...next, fromUs: at.timeUs };
    const kept = last.fromUs === at.timeUs ? lane.slice(0, -1) : lane.slice(1 - stretchesKept);
    lanes = replaced(lanes, at.member - 1, [...kept, changed]);
  }
  return lanes;
}

function after(last: Stretch, event: Told['event']): Stretch {
  switch (event.type) {
    case 'sim.start':
      return { ...last, process: 'up', role: 'follower' };
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
    case 'sim.wipe':
      return last.process === 'down' ? last : { ...last, process: 'down', role: 'follower' };
    case 'server.halt':
      return { ...last, process: 'halted', role: 'follower' };
    case 'sim.pause':
      return { ...last, process: 'paused' };
    case 'sim.resume':
      return { ...last, process: 'up' };
    case 'raft.initState':
    case 'raft.becomeFollower':
      return inRole(last, 'follower', event.term);
    case 'raft.becomePreCandidate':
      return inRole(last, 'preCandidate', event.term);
    case 'raft.becomeCandidate':
      return inRole(last, 'candidate', event.term);
    case 'raft.becomeLeader':
      return inRole(last, 'leader', event.term);
    default:
      return last;
  }
}

const inRole = (last: Stretch, role: Role, term: number): Stretch =>
  last.role === role && last.term === term ? last : { ...last, role, term };
