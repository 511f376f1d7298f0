/** What members know as raft nodes: configuration, followers, votes, reads, a transfer. A fold of events. */
import { firstSeats, replaced, seated, type Told } from './told.ts';

/** Who decides. While joint, majorities of both halves must agree; `outgoing` is empty otherwise. */
export interface ConfigView {
  readonly voters: readonly number[];
  readonly outgoing: readonly number[];
  readonly learners: readonly number[];
  /** Voters of the outgoing half that become learners when it is left. */
  readonly learnersNext: readonly number[];
  readonly autoLeave: boolean;
}

/** What the leader knows of a follower, and how it sends to it. */
export interface FollowerView {
  readonly id: number;
  readonly isLearner: boolean;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Its log is known to equal the leader's up to here. */
  readonly match: number;
  /** The next entry to send; those between match and next are on their way. */
  readonly next: number;
  /** Appends sent and not answered, and how many there may be. */
  readonly inflightCount: number;
  readonly inflightLimit: number;
  readonly paused: boolean;
  readonly pendingSnapshot: number;
}

/** How a member answered a request for its vote. */
export interface Ballot {
  readonly voter: number;
  readonly granted: boolean;
  /** Why: one of the reasons of the rule that decides votes. */
  readonly because: string;
}

/** One round of requests: pre-votes or votes for a term. */
export interface RoundView {
  readonly candidate: number;
  readonly term: number;
  readonly pre: boolean;
  readonly sinceUs: number;
  /** As the members decided; the candidate may not have heard of each yet. */
  readonly ballots: readonly Ballot[];
}

/** A read that waits until a quorum has confirmed who leads. */
export interface ReadView {
  readonly position: number;
  /** What it must see at least. */
  readonly index: number;
  readonly sinceUs: number;
  /** Whose heartbeat answers confirmed it so far; the leader counts itself. */
  readonly acks: readonly number[];
  /** When it was answered; null while it waits. */
  readonly answeredAtUs: number | null;
}

export interface TransferView {
  readonly to: number;
  /** It waits for the target's log to be complete, or has told it to campaign. */
  readonly step: 'begin' | 'timeoutNow';
  readonly sinceUs: number;
}

export interface RaftMember {
  readonly id: number;
  readonly config: ConfigView;
  readonly followers: readonly FollowerView[];
  /** The newest reads, oldest first. */
  readonly reads: readonly ReadView[];
  readonly transfer: TransferView | null;
}

export interface RaftView {
  /** By id, ascending, from 1. */
  readonly members: readonly RaftMember[];
  /** The newest rounds of all members, oldest first. */
  readonly rounds: readonly RoundView[];
}

/** How many rounds and reads are kept. */
export const roundsKept = 6;
export const readsKept = 6;

const noConfig: ConfigView = { voters: [], outgoing: [], learners: [], learnersNext: [], autoLeave: false };

const newMember = (id: number): RaftMember => ({
  id,
  config: noConfig,
  followers: [],
  reads: [],
  transfer: null,
});

export const emptyRaft = (memberCount: number): RaftView => ({
  members: firstSeats(memberCount, newMember),
  rounds: [],
});

/** The view after these events, told in order; the view before stays as it was. */
export function foldRaft(before: RaftView, events: readonly Told[]): RaftView {
  let { rounds } = before;
  let members = seated(before.members, events, newMember);
  for (const told of events) {
    const at = told.at.member - 1;
    if (at < 0) continue;
    const member = members[at];
    if (member !== undefined) members = replaced(members, at, step(member, told));
    rounds = stepRounds(rounds, told);
  }
  return members === before.members && rounds === before.rounds ? before : { members, rounds };
}

/** What a leader knows is of no use to anyone else. */
const noLeadership = { followers: [], reads: [], transfer: null };

function step(member: RaftMember, { at, event }: Told): RaftMember {
  switch (event.type) {
    case 'raft.initState':
    case 'raft.becomeFollower':
    case 'raft.becomeLeader':
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
      return hasLeadership(member) ? { ...member, ...noLeadership } : member;
    case 'sim.wipe':
      return newMember(member.id);
    case 'raft.applyConfChange': {
      const { voters, votersOutgoing: outgoing, learners, learnersNext, autoLeave } = event;
      const config = { voters, outgoing, learners, learnersNext, autoLeave };
      return { ...member, config, followers: stillMembers(member.followers, config) };
    }
    case 'raft.progress': {
      const { type: _, peer: id, ...known } = event;
      const others = member.followers.filter((follower) => follower.id !== id);
      return { ...member, followers: [...others, { id, ...known }].sort((a, b) => a.id - b.id) };
    }
    case 'raft.readIndex':
      return {
        ...member,
        reads: event.confirmed ? answered(member, at.timeUs, event) : asked(member, at.timeUs, event),
      };
    case 'raft.readAck':
      return { ...member, reads: member.reads.map((read) => acknowledged(read, event)) };
    case 'raft.transferLeader':
      return {
        ...member,
        transfer: event.step === 'end' ? null : { to: event.to, step: event.step, sinceUs: at.timeUs },
      };
    default:
      return member;
  }
}

const hasLeadership = ({ followers, reads, transfer }: RaftMember): boolean =>
  followers.length > 0 || reads.length > 0 || transfer !== null;

function stillMembers(followers: readonly FollowerView[], config: ConfigView): readonly FollowerView[] {
  const { voters, outgoing, learners } = config;
  return followers.filter(({ id }) => [voters, outgoing, learners].some((ids) => ids.includes(id)));
}

interface Read {
  readonly position: number;
  readonly index: number;
}

function asked({ id, reads }: RaftMember, sinceUs: number, { position, index }: Read): readonly ReadView[] {
  const others = reads.filter((read) => read.position !== position);
  return [...others, { position, index, sinceUs, acks: [id], answeredAtUs: null }].slice(-readsKept);
}

/** A read without a round (position 0: one voter, or a lease) is answered as it comes. */
function answered({ id, reads }: RaftMember, atUs: number, { position, index }: Read): readonly ReadView[] {
  if (position === 0) {
    return [...reads, { position, index, sinceUs: atUs, acks: [id], answeredAtUs: atUs }].slice(-readsKept);
  }
  return reads.map((read) => (read.position === position ? { ...read, answeredAtUs: atUs } : read));
}

function acknowledged(
  read: ReadView,
  { from, position }: { readonly from: number; readonly position: number },
) {
  const isNews = read.position > 0 && read.position <= position && read.answeredAtUs === null;
  return isNews && !read.acks.includes(from) ? { ...read, acks: [...read.acks, from] } : read;
}

function stepRounds(rounds: readonly RoundView[], { at, event }: Told): readonly RoundView[] {
  if (event.type === 'raft.becomePreCandidate') {
    return withRound(rounds, at.member, event.term + 1, true, at.timeUs);
  }
  if (event.type === 'raft.becomeCandidate') {
    return withRound(rounds, at.member, event.term, false, at.timeUs);
  }
  if (event.type !== 'raft.decideVote') return rounds;
  const place = rounds.findLastIndex(
    ({ candidate, term, pre }) => candidate === event.candidate && term === event.term && pre === event.pre,
  );
  const round = rounds[place];
  if (round === undefined) return rounds;
  const { granted, because } = event;
  const others = round.ballots.filter(({ voter }) => voter !== at.member);
  const ballots = [...others, { voter: at.member, granted, because }].sort((a, b) => a.voter - b.voter);
  return replaced(rounds, place, { ...round, ballots });
}

/** A pre-vote may be asked for again in the same term: that is a round of its own. */
function withRound(
  rounds: readonly RoundView[],
  candidate: number,
  term: number,
  pre: boolean,
  sinceUs: number,
): readonly RoundView[] {
  const own: Ballot = { voter: candidate, granted: true, because: 'own' };
  return [...rounds, { candidate, term, pre, sinceUs, ballots: [own] }].slice(-roundsKept);
}

/** The halves of a configuration with their majorities: one, or two while joint. */
export function halvesOf({ voters, outgoing }: ConfigView): readonly {
  readonly half: 'only' | 'incoming' | 'outgoing';
  readonly voters: readonly number[];
  readonly quorum: number;
}[] {
  const quorumOf = (ids: readonly number[]): number => Math.floor(ids.length / 2) + 1;
  const incoming = {
    half: outgoing.length > 0 ? 'incoming' : 'only',
    voters,
    quorum: quorumOf(voters),
  } as const;
  if (outgoing.length === 0) return [incoming];
  return [incoming, { half: 'outgoing', voters: outgoing, quorum: quorumOf(outgoing) }];
}

/**
 * Who of a half is known to have `index`: the arithmetic of the commit index.
 * @param own the leader's last index
 */
export function holdersOf(
  member: RaftMember,
  voters: readonly number[],
  index: number,
  own: number,
): readonly number[] {
  const matchOf = (id: number): number =>
    id === member.id ? own : (member.followers.find((follower) => follower.id === id)?.match ?? 0);
  return voters.filter((id) => matchOf(id) >= index);
}
