/** The cluster as a picture sees it: members, messages on their way, cut links. A fold of events. */
import { hostAfter, usualHost, type HostState } from './host-state.ts';
import { troublesAfter, type Trouble } from './troubles.ts';
import type { LinkSettings } from '../sim/fault-types.ts';
import type { SimEvent } from '../sim/events.ts';
import { defaultTickUs, timerAfter, type ElectionTimer } from './election-timer.ts';
import { appliedUpTo, newestRoster, toldRoster, type Roster, type RosterMember } from './roster.ts';
import { noSpace, spaceAfter, type Space } from './space.ts';
import { replaced, type Told } from './told.ts';

export type Process = 'off' | 'up' | 'down' | 'paused' | 'halted';
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What a member is to the cluster. Who was removed stays in the picture: its host and its disk are there. */
export type Part = 'voter' | 'learner' | 'removed';

export interface MemberView {
  /** From 1: its host's number. */
  readonly id: number;
  readonly name: string;
  readonly process: Process;
  /** How often the process has been started, from 1; 0 before the first start. */
  readonly epoch: number;
  readonly role: Role;
  readonly term: number;
  /** Whom this member takes for the leader; 0: nobody. */
  readonly lead: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The newest revision of the key-value store. */
  readonly revision: number;
  /** Null on a leader, which waits for no election, and on a member that does not run. */
  readonly timer: ElectionTimer | null;
  /** Of its raft's clock. */
  readonly tickUs: number;
  /** Candidates only: who granted a vote so far, itself among them. */
  readonly votes: readonly number[];
  readonly haltReason: string | null;
  /** How many times as long its syncs take; 1: as usual. */
  readonly diskFactor: number;
  /** What else goes on with its host and its disk. */
  readonly troubles: readonly Trouble[];
  readonly host: HostState;
  readonly part: Part;
  /** In hex, as the cluster has it or had it; empty until somebody has told. */
  readonly memberId: string;
  /** Ids of removed members that were on this host before. */
  readonly formerIds: readonly string[];
  /** Its disk was erased, and nothing is on it yet. */
  readonly isWiped: boolean;
  /** Who is in the cluster, as far as this member has heard. */
  readonly knows: Roster | null;
  readonly space: Space;
}

/** A raft message between its sending and its arrival. */
export interface MessageView {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly messageType: string;
  readonly sentAtUs: number;
  readonly deliverAtUs: number;
  readonly term: number;
  readonly index: number;
  readonly entryCount: number;
  readonly reject: boolean;
  /** Set once it is lost: it stays for a moment so that the loss can be seen. */
  readonly lost: { readonly atUs: number; readonly because: string } | null;
  /** Since when it stands still: held by hand, or behind one that is. Its arrival means nothing then. */
  readonly waiting: { readonly atUs: number; readonly because: 'command' | 'behind' } | null;
}

/** A client's request on its way to a member, or the answer on its way back. */
export interface ClientLeg {
  readonly request: number;
  readonly kind: 'request' | 'reply';
  /** 0: no member could be reached. */
  readonly member: number;
  readonly label: string;
  readonly code: number;
  readonly sentAtUs: number;
  readonly deliverAtUs: number;
}

/** One direction of a link that lets nothing through. */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

/** One direction of a link that is slower or loses messages. */
export interface LinkView extends LinkSettings {
  readonly from: number;
  readonly to: number;
}

/** What a load last told: see `sim.load`. */
export type LoadView = Omit<Extract<SimEvent, { type: 'sim.load' }>, 'type'>;

export interface ClusterView {
  readonly timeUs: number;
  /** Ascending by id: those that are or were there. A number may be missing. */
  readonly members: readonly MemberView[];
  /** Members at addresses where no host is: nobody can reach them. */
  readonly strangers: readonly RosterMember[];
  readonly messages: readonly MessageView[];
  readonly legs: readonly ClientLeg[];
  readonly cuts: readonly Cut[];
  readonly badLinks: readonly LinkView[];
  /** Directions that are cut and healed in turn. */
  readonly flaps: readonly Cut[];
  /** The message that arrived last; null before any. */
  readonly arrived: MessageView | null;
  /** Null before the first report of a load, and after the last one of one that ended. */
  readonly load: LoadView | null;
}

/** How long a lost message stays in the picture, virtual microseconds. */
export const lossShownUs = 12_000;

export function emptyCluster(memberCount: number): ClusterView {
  const members = Array.from({ length: memberCount }, (_, i) => newMember(i + 1));
  const between = { messages: [], legs: [], cuts: [], badLinks: [], flaps: [], arrived: null, load: null };
  return { timeUs: 0, members, strangers: [], ...between };
}

function newMember(id: number): MemberView {
  return {
    id,
    name: `m${id}`,
    process: 'off',
    epoch: 0,
    role: 'follower',
    term: 0,
    lead: 0,
    commitIndex: 0,
    appliedIndex: 0,
    revision: 0,
    timer: null,
    tickUs: defaultTickUs,
    votes: [],
    haltReason: null,
    diskFactor: 1,
    troubles: [],
    host: usualHost,
    part: 'voter',
    memberId: '',
    formerIds: [],
    isWiped: false,
    knows: null,
    space: noSpace,
  };
}

/** The view after these events, told in order; the view before stays as it was. */
export function foldCluster(before: ClusterView, events: readonly Told[]): ClusterView {
  const last = events.at(-1);
  if (last === undefined) return before;
  const { timeUs } = last.at;
  let { members, strangers } = before;
  const world = new World(before);
  for (const told of events) {
    const { member: id } = told.at;
    if (id > 0) {
      members = withMember(members, id);
      const at = placeOf(members, id);
      const member = members[at] as MemberView;
      members = replaced(
        members,
        at,
        stepSpace(stepDisk(stepProcess(stepRaft(member, told), told), told), told),
      );
    }
    if (told.event.type === 'server.members' || told.event.type === 'sim.addHost') {
      const roster = newestRoster(members.map(({ knows }) => knows));
      members = inParts(members, roster);
      strangers = (roster?.members ?? []).filter(({ node }) => placeOf(members, node) < 0);
    }
    world.step(told);
  }
  return { timeUs, members, strangers, ...world.at(timeUs) };
}

/** Most often the numbers have no gaps. */
function placeOf(members: readonly MemberView[], id: number): number {
  return members[id - 1]?.id === id ? id - 1 : members.findIndex((member) => member.id === id);
}

function withMember(members: readonly MemberView[], id: number): readonly MemberView[] {
  if (placeOf(members, id) >= 0) return members;
  return [...members, newMember(id)].sort((a, b) => a.id - b.id);
}

/** Each member as the cluster's list has it. A host that has another member now remembers the one before. */
function inParts(members: readonly MemberView[], roster: Roster | null): readonly MemberView[] {
  if (roster === null) return members;
  return members.map((member) => {
    const listed = roster.members.find(({ node }) => node === member.id);
    if (listed === undefined)
      return roster.removedIds.includes(member.memberId) ? { ...member, part: 'removed' } : member;
    const { memberId, isLearner } = listed;
    const isOther = member.memberId !== '' && member.memberId !== memberId;
    const formerIds = isOther ? [...member.formerIds, member.memberId] : member.formerIds;
    return { ...member, part: isLearner ? 'learner' : 'voter', memberId, formerIds };
  });
}

function stepRaft(member: MemberView, { at, event }: Told): MemberView {
  switch (event.type) {
    case 'raft.initState':
      return {
        ...member,
        role: 'follower',
        lead: 0,
        term: event.term,
        commitIndex: event.commit,
        appliedIndex: event.applied,
        votes: [],
        timer: null,
      };
    case 'raft.becomeFollower':
      return { ...member, role: 'follower', term: event.term, lead: event.lead, votes: [] };
    case 'raft.becomePreCandidate':
      return { ...member, role: 'preCandidate', lead: 0, votes: [member.id] };
    case 'raft.becomeCandidate':
      return { ...member, role: 'candidate', term: event.term, lead: 0, votes: [member.id] };
    case 'raft.becomeLeader':
      return { ...member, role: 'leader', term: event.term, lead: member.id, votes: [], timer: null };
    case 'raft.leaderChanged':
      return { ...member, term: Math.max(member.term, event.term), lead: event.lead };
    case 'raft.receiveRequestVoteResponse':
      return event.reject || !isCandidate(member.role) ? member : withVote(member, event.from);
    case 'raft.commit':
      return { ...member, commitIndex: event.index };
    case 'raft.resetElectionTimer':
      return { ...member, timer: timerAfter(event.state, at.timeUs, event.timeoutTicks) };
    default:
      return member;
  }
}

const isCandidate = (role: Role): boolean => role === 'candidate' || role === 'preCandidate';

function withVote(member: MemberView, from: number): MemberView {
  return member.votes.includes(from) ? member : { ...member, votes: [...member.votes, from] };
}

function stepProcess(member: MemberView, { event }: Told): MemberView {
  switch (event.type) {
    case 'server.boot':
      return {
        ...member,
        name: event.name,
        memberId: member.memberId || event.memberId,
        tickUs: event.tickUs,
      };
    case 'server.apply':
      return {
        ...member,
        appliedIndex: event.index,
        revision: Math.max(member.revision, event.revision),
        knows: appliedUpTo(member.knows, event.index),
      };
    case 'snapshot.apply':
      return {
        ...member,
        appliedIndex: Math.max(member.appliedIndex, event.index),
        revision: event.revision,
      };
    case 'server.members':
      return { ...member, knows: toldRoster(member.knows, event, member.appliedIndex) };
    case 'mvcc.open':
      return { ...member, revision: event.revision };
    case 'server.halt':
      return { ...member, process: 'halted', timer: null, haltReason: event.reason };
    case 'sim.start':
      return { ...member, process: 'up', epoch: event.epoch, role: 'follower', lead: 0, haltReason: null };
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
      return { ...member, process: 'down', role: 'follower', lead: 0, timer: null, votes: [] };
    case 'sim.pause':
      return { ...member, process: 'paused' };
    case 'sim.resume':
      return { ...member, process: 'up' };
    default:
      return member;
  }
}

function stepDisk(member: MemberView, { event }: Told): MemberView {
  switch (event.type) {
    case 'sim.addHost':
      return { ...member, name: event.name };
    case 'sim.slowDisk':
      return { ...member, diskFactor: event.factor };
    case 'sim.wipe':
      return wiped(member);
    case 'sim.diskWrite':
      return member.isWiped ? { ...member, isWiped: false } : member;
    default: {
      const [troubles, host] = [troublesAfter(member.troubles, event), hostAfter(member.host, event)];
      return troubles === member.troubles && host === member.host ? member : { ...member, troubles, host };
    }
  }
}

function stepSpace(member: MemberView, { event }: Told): MemberView {
  const space = spaceAfter(member.space, event);
  return space === member.space ? member : { ...member, space };
}

/** Nothing is left but the host, and what the others know of it. */
function wiped(member: MemberView): MemberView {
  const { id, name, process, epoch, diskFactor, troubles, host, part, memberId, formerIds } = member;
  const kept = { name, epoch, diskFactor, troubles, host, part, memberId, formerIds };
  return { ...newMember(id), ...kept, process: process === 'off' ? 'off' : 'down', isWiped: true };
}

/** What is between the members while a batch is folded: lists of its own, which the steps may change. */
class World {
  readonly #messages: Map<number, MessageView>;
  readonly #legs: ClientLeg[];
  #cuts: readonly Cut[];
  #badLinks: readonly LinkView[];
  #flaps: readonly Cut[];
  #arrived: MessageView | null;
  #load: LoadView | null;

  constructor({ messages, legs, cuts, badLinks, flaps, arrived, load }: ClusterView) {
    this.#messages = new Map(messages.map((message) => [message.id, message]));
    this.#legs = [...legs];
    this.#cuts = cuts;
    this.#badLinks = badLinks;
    this.#flaps = flaps;
    this.#arrived = arrived;
    this.#load = load;
  }

  step({ at, event }: Told): void {
    switch (event.type) {
      case 'sim.send':
        this.#messages.set(event.message, sent(event));
        break;
      case 'sim.deliver':
        this.#arrived = this.#messages.get(event.message) ?? null;
        this.#messages.delete(event.message);
        break;
      case 'sim.drop':
        this.#lose(event.message, at.timeUs, event.because);
        break;
      case 'sim.cut':
        this.#cuts = [...without(this.#cuts, event), { from: event.from, to: event.to }];
        break;
      case 'sim.heal':
        this.#cuts = without(this.#cuts, event);
        break;
      case 'sim.link':
        this.#badLinks = withLink(this.#badLinks, event);
        break;
      case 'sim.flap': {
        const { from, to, upUs } = event;
        this.#flaps = [...without(this.#flaps, event), ...(upUs > 0 ? [{ from, to }] : [])];
        break;
      }
      case 'sim.hold':
        this.#change(event.message, { waiting: { atUs: at.timeUs, because: event.because } });
        break;
      case 'sim.release':
        this.#change(event.message, { waiting: null, deliverAtUs: event.deliverAt });
        break;
      case 'sim.load': {
        const { type: _, ...report } = event;
        this.#load = report.kind === 'none' && report.waiting === 0 ? null : report;
        break;
      }
      case 'sim.clientSend':
        this.#legs.push(requestLeg(event));
        break;
      case 'sim.clientReply':
        this.#legs.push(replyLeg(event));
        break;
      default:
    }
  }

  /** What is still on its way at `timeUs`, with what was lost a moment ago. */
  at(timeUs: number): Omit<ClusterView, 'timeUs' | 'members' | 'strangers'> {
    const messages = [...this.#messages.values()].filter(
      ({ lost }) => lost === null || lost.atUs + lossShownUs > timeUs,
    );
    const legs = this.#legs.filter((leg) => leg.deliverAtUs > timeUs);
    const [cuts, badLinks, arrived, load] = [this.#cuts, this.#badLinks, this.#arrived, this.#load];
    return { messages, legs, cuts, badLinks, flaps: this.#flaps, arrived, load };
  }

  #change(id: number, change: Partial<MessageView>): void {
    const message = this.#messages.get(id);
    if (message !== undefined) this.#messages.set(id, { ...message, ...change });
  }

  #lose(id: number, atUs: number, because: string): void {
    const message = this.#messages.get(id);
    if (message !== undefined) this.#messages.set(id, { ...message, lost: { atUs, because } });
  }
}

type Sent = Extract<SimEvent, { type: 'sim.send' }>;

function sent(event: Sent): MessageView {
  const { message: id, from, to, messageType, sentAt, deliverAt, term, index, entryCount, reject } = event;
  return {
    id,
    from,
    to,
    messageType,
    sentAtUs: sentAt,
    deliverAtUs: deliverAt,
    term,
    index,
    entryCount,
    reject,
    lost: null,
    waiting: null,
  };
}

function withLink(
  links: readonly LinkView[],
  { type: _, ...changed }: Extract<SimEvent, { type: 'sim.link' }>,
): readonly LinkView[] {
  const { from, to, dropTypes, ...numbers } = changed;
  const others = links.filter((link) => link.from !== from || link.to !== to);
  const isUsual = dropTypes.length === 0 && Object.values(numbers).every((number) => number === 0);
  return isUsual ? others : [...others, changed];
}

const without = (cuts: readonly Cut[], gone: Cut): readonly Cut[] =>
  cuts.filter(({ from, to }) => from !== gone.from || to !== gone.to);

function requestLeg(event: Extract<SimEvent, { type: 'sim.clientSend' }>): ClientLeg {
  const { request, to: member, label, sentAt: sentAtUs, deliverAt: deliverAtUs } = event;
  return { request, kind: 'request', member, label, code: 0, sentAtUs, deliverAtUs };
}

function replyLeg(event: Extract<SimEvent, { type: 'sim.clientReply' }>): ClientLeg {
  const { request, from: member, code, sentAt: sentAtUs, deliverAt: deliverAtUs } = event;
  return { request, kind: 'reply', member, label: '', code, sentAtUs, deliverAtUs };
}

/** Null where there is no such member. */
export function memberOf({ members }: Pick<ClusterView, 'members'>, id: number): MemberView | null {
  return members[placeOf(members, id)] ?? null;
}

/** A member's name; of one that is nowhere, its id. */
export function nameIn(view: ClusterView, id: number): string {
  const stranger = view.strangers.find(({ node }) => node === id);
  return memberOf(view, id)?.name ?? stranger?.memberId ?? `m${id}`;
}

/** Those that the ring has room for: all but the removed ones whose process is over. */
export function onRing({ members }: ClusterView): readonly MemberView[] {
  return members.filter(
    ({ part, process }) => part !== 'removed' || process === 'up' || process === 'paused',
  );
}

/** Whether a start would bring it back: it has stopped, is of the cluster, and has its disk. */
export const isLost = ({ process, part, isWiped }: MemberView): boolean =>
  (process === 'down' || process === 'halted') && part !== 'removed' && !isWiped;

/** The running member that leads in the highest term; null while nobody does. */
export function leaderOf(view: ClusterView): MemberView | null {
  const leaders = view.members.filter(({ role, process }) => role === 'leader' && process === 'up');
  return leaders.reduce<MemberView | null>(
    (best, one) => (best === null || one.term > best.term ? one : best),
    null,
  );
}

export function isCut(view: ClusterView, from: number, to: number): boolean {
  return view.cuts.some((cut) => cut.from === from && cut.to === to);
}

/** True where no message passes between this member and any other, in either direction. */
export function isIsolated(view: ClusterView, member: number): boolean {
  const others = view.members.filter(({ id }) => id !== member);
  return others.length > 0 && others.every(({ id }) => isCut(view, member, id) && isCut(view, id, member));
}
