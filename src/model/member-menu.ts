/** What can be done to a member now, and why the rest can not. */
import type { FaultAction } from '../sim/types.ts';
import { isCut, isIsolated, isLost, memberOf } from './cluster-view.ts';
import type { ClusterView, MemberView } from './cluster-view.ts';
import type { MenuEntry } from './fault-menus.ts';

export type MemberActionId =
  'stopMember' | 'kill' | 'powerCut' | 'restart' | 'pauseMember' | 'resumeMember' | 'isolate' | 'heal';

/** Why an entry is disabled. */
export type Hindrance = 'notRunning' | 'running' | 'notPaused' | 'alreadyIsolated' | 'nothingCut';

export type MemberAction = MenuEntry<MemberActionId, Hindrance>;

/** The menu of one member: always the same entries in the same places. */
export function memberActions(view: ClusterView, id: number): readonly MemberAction[] {
  const member = memberOf(view, id);
  if (member === null) return [];
  const alive = member.process === 'up' || member.process === 'paused';
  return [
    {
      id: 'stopMember',
      hindrance: alive ? null : 'notRunning',
      commands: [{ type: 'stopMember', member: id }],
    },
    { id: 'kill', hindrance: alive ? null : 'notRunning', commands: [{ type: 'kill', member: id }] },
    { id: 'powerCut', hindrance: alive ? null : 'notRunning', commands: [{ type: 'powerCut', member: id }] },
    { id: 'restart', hindrance: alive ? 'running' : null, commands: [{ type: 'restart', member: id }] },
    pauseOrResume(member, 'pauseMember'),
    pauseOrResume(member, 'resumeMember'),
    {
      id: 'isolate',
      hindrance: isIsolated(view, id) ? 'alreadyIsolated' : null,
      commands: [{ type: 'isolate', member: id }],
    },
    heal(view, id),
  ];
}

function pauseOrResume(member: MemberView, id: 'pauseMember' | 'resumeMember'): MemberAction {
  const { process } = member;
  const commands = [{ type: id, member: member.id }] as const;
  if (id === 'pauseMember') return { id, hindrance: process === 'up' ? null : 'notRunning', commands };
  return { id, hindrance: process === 'paused' ? null : 'notPaused', commands };
}

function heal(view: ClusterView, id: number): MemberAction {
  const commands = view.cuts
    .filter(({ from, to }) => from === id || to === id)
    .map(({ from, to }) => ({ type: 'heal', from, to }) as const);
  return { id: 'heal', hindrance: commands.length === 0 ? 'nothingCut' : null, commands };
}

/**
 * The commands that bring back what stopped or does not arrive: processes, paused members, cut and bad links,
 * held messages; where more is wrong with a host, everything at once. Slow disks alone, wiped and removed
 * members stay as they are.
 */
export function repairs(view: ClusterView): readonly FaultAction[] {
  const members = view.members.flatMap((member): FaultAction[] => {
    const { id, process } = member;
    if (isLost(member)) return [{ type: 'restart', member: id }];
    return process === 'paused' ? [{ type: 'resumeMember', member: id }] : [];
  });
  const isHeld = view.messages.some(({ lost, waiting }) => lost === null && waiting !== null);
  if (view.members.some(({ troubles }) => troubles.some((trouble) => trouble !== 'image'))) {
    return [{ type: 'healEverything' }];
  }
  const isWhole = view.cuts.length + view.badLinks.length + view.flaps.length === 0 && !isHeld;
  return isWhole ? members : [...members, { type: 'healAll' }];
}

/** What a click on a link does: heals it where it is cut in any direction, else cuts it in both. */
export function toggleLink(view: ClusterView, a: number, b: number): readonly FaultAction[] {
  const isBroken = isCut(view, a, b) || isCut(view, b, a);
  const type = isBroken ? 'heal' : 'cut';
  return [
    { type, from: a, to: b },
    { type, from: b, to: a },
  ];
}
