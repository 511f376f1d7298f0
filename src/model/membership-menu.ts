/** What can be done to a member as a part of the cluster, and to a host that has none yet. */
import { hostCount, hostName, peerUrlOf } from '../base/hosts.ts';
import { leaderOf, memberOf, type ClusterView, type MemberView } from './cluster-view.ts';
import type { MenuEntry } from './fault-menus.ts';

export type AddEntry = MenuEntry<'addVoter' | 'addLearner', 'isMember' | 'running' | 'hasDisk'>;
export type MembershipEntry =
  | AddEntry
  | MenuEntry<'wipe', 'emptyDisk'>
  | MenuEntry<'startNew' | 'startExisting', 'running' | 'hasDisk'>
  | MenuEntry<'remove', 'notMember' | 'notTold'>
  | MenuEntry<'promote', 'notLearner' | 'notTold'>
  | MenuEntry<'moveLeader', 'notMember' | 'isLearner' | 'leads' | 'noLeader' | 'notTold'>;

/** The entries for a member: always the same ones in the same places. */
export function membershipMenu(view: ClusterView, id: number): readonly MembershipEntry[] {
  const member = memberOf(view, id);
  if (member === null) return strangerMenu(view, id);
  const { part, memberId } = member;
  const target = { id: memberId, ...whom(view) };
  const notTold = memberId === '' ? 'notTold' : null;
  return [
    {
      id: 'wipe',
      hindrance: hasDisk(member) ? null : 'emptyDisk',
      commands: [{ type: 'wipe', member: id }],
    },
    startEntry(member, 'startNew'),
    startEntry(member, 'startExisting'),
    {
      id: 'remove',
      hindrance: part === 'removed' ? 'notMember' : notTold,
      commands: [{ type: 'memberRemove', ...target }],
    },
    addEntry(view, id, 'addVoter'),
    addEntry(view, id, 'addLearner'),
    {
      id: 'promote',
      hindrance: part === 'learner' ? notTold : 'notLearner',
      commands: [{ type: 'memberPromote', ...target }],
    },
    {
      id: 'moveLeader',
      hindrance: whyNotLead(view, member) ?? notTold,
      commands: [{ type: 'moveLeader', ...target }],
    },
  ];
}

/** The entries for a host without a member; none where there is no such host. */
export function hostMenu(view: ClusterView, host: number): readonly AddEntry[] {
  if (host < 1 || host > hostCount) return [];
  return [addEntry(view, host, 'addVoter'), addEntry(view, host, 'addLearner')];
}

/** The first host that never had a member; null where all have. */
export function freeHost(view: ClusterView): number | null {
  for (let host = 1; host <= hostCount; host++) if (memberOf(view, host) === null) return host;
  return null;
}

/** A member that is nowhere can only go. */
function strangerMenu(view: ClusterView, node: number): readonly MembershipEntry[] {
  const stranger = view.strangers.find((one) => one.node === node);
  if (stranger === undefined) return [];
  const command = { type: 'memberRemove', id: stranger.memberId, ...whom(view) } as const;
  return [{ id: 'remove', hindrance: null, commands: [command] }];
}

/** An added one starts with what the cluster has answered: the second command waits for the first. */
function addEntry(view: ClusterView, host: number, id: AddEntry['id']): AddEntry {
  const add = {
    type: 'memberAdd',
    name: hostName(host),
    peerUrls: [peerUrlOf(host)],
    ...(id === 'addLearner' && { learner: true }),
    ...whom(view),
  } as const;
  return { id, hindrance: whyNotAdd(memberOf(view, host)), commands: [add, { type: 'start', member: host }] };
}

function whyNotAdd(member: MemberView | null): AddEntry['hindrance'] {
  if (member === null) return null;
  if (member.part !== 'removed') return 'isMember';
  if (isRunning(member)) return 'running';
  return hasDisk(member) ? 'hasDisk' : null;
}

type Start = Extract<MembershipEntry, { id: 'startNew' | 'startExisting' }>;

/** etcd reads the flag on an empty disk only. */
function startEntry(member: MemberView, id: Start['id']): Start {
  const state = id === 'startNew' ? 'new' : 'existing';
  const hindrance = isRunning(member) ? 'running' : hasDisk(member) ? 'hasDisk' : null;
  return { id, hindrance, commands: [{ type: 'start', member: member.id, state }] };
}

function whyNotLead(
  view: ClusterView,
  { id, part }: MemberView,
): 'notMember' | 'isLearner' | 'leads' | 'noLeader' | null {
  if (part === 'removed') return 'notMember';
  if (part === 'learner') return 'isLearner';
  const leader = leaderOf(view);
  if (leader === null) return 'noLeader';
  return leader.id === id ? 'leads' : null;
}

const isRunning = ({ process }: MemberView): boolean => process === 'up' || process === 'paused';
const hasDisk = ({ process, isWiped }: MemberView): boolean => process !== 'off' && !isWiped;

/**
 * Whom to ask. A learner refuses changes, and a change is not tried again: where not all are running voters,
 * only those are asked.
 */
function whom({ members }: ClusterView): { readonly endpoints?: readonly string[] } {
  const able = members.filter(({ process, part }) => process === 'up' && part === 'voter');
  if (able.length === members.length || able.length === 0) return {};
  return { endpoints: able.map(({ name }) => name) };
}
