/** C1: Raft is safe: one leader a term, one log, and what is committed stays committed, whoever fails. */
import { firstUnreachableNode } from '../../engine/server/member-id.ts';
import { RaftMirror } from './raft-mirror.ts';
import type { RaftKnown } from './raft-mirror.ts';
import { finding } from './checker.ts';
import type { Accused, Checker, Counts, Evidence, Read } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

type Event<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;
type Noted = Event<'raft.compact' | 'raft.applyConfChange' | 'wal.append' | 'wal.sync' | 'wal.synced'>;

/** How far back entries are remembered. */
const keptEntries = 20_000;

/** For one index: which terms were seen there, and the term of the entry before each. */
type Seen = { readonly term: number; previous: number | null }[];

interface Committed {
  readonly term: number;
  /** The term in which it was first seen committed. */
  readonly inTerm: number;
}

const named = (members: readonly number[]): string => members.map((id) => `m${id}`).join(', ');

/** An entry, of one member's log or of all. */
const entry = (index: number, member?: number): Accused =>
  member === undefined ? { kind: 'entry', index } : { kind: 'entry', index, member };

const sentTo = ({ member }: RaftMirror, message: number, to: number): Accused => {
  return { kind: 'message', message, from: member, to };
};

const reads = [
  'server.boot',
  'raft.initState',
  'raft.becomeFollower',
  'raft.becomeCandidate',
  'raft.becomeLeader',
  'raft.append',
  'raft.commit',
  'server.apply',
  'sim.send',
  'raft.changeConf',
  'raft.compact',
  'raft.applyConfChange',
  'wal.append',
  'wal.sync',
  'wal.synced',
] as const;

export class RaftSafety implements Checker {
  readonly property = 'C1';
  readonly sentence =
    'Raft is safe: one leader a term, one vote a term, logs that agree, and what is committed stays, ' +
    'also through power cuts.';
  readonly reads = reads;
  private readonly byMember = new Map<number, RaftMirror>();
  private readonly leaders = new Map<number, string>();
  private readonly seen = new Map<number, Seen>();
  private readonly committed = new Map<number, Committed>();
  private lastCommitted = 0;
  private voteCount = 0;

  get elections(): number {
    return this.leaders.size;
  }

  get commits(): number {
    return this.lastCommitted;
  }

  counts(): Counts {
    return { elections: this.elections, committed: this.commits, votes: this.voteCount };
  }

  observe({ member }: Envelope, event: Read<typeof reads>): Evidence | null {
    switch (event.type) {
      case 'server.boot':
        return this.booted(this.known(member), event);
      case 'raft.initState':
        return this.started(this.known(member), event);
      case 'raft.becomeFollower':
      case 'raft.becomeCandidate':
        return this.entered(this.known(member), event.term, false);
      case 'raft.becomeLeader':
        return this.leads(this.known(member), event.term);
      case 'raft.append':
        return this.appended(this.known(member), event);
      case 'raft.commit':
        return this.checkCommits(this.known(member), event.index);
      case 'server.apply':
        return this.applied(this.known(member), event.index);
      case 'sim.send':
        return this.sent(this.known(member), event);
      case 'raft.changeConf':
        return this.changes(this.known(member), event.index);
      default:
        this.note(this.known(member), event);
        return null;
    }
  }

  /** A member is there that nobody has heard of so far; null: it does not run, or its raft does not yet. */
  enter(member: number, known: RaftKnown | null): void {
    const mirror = this.known(member);
    mirror.enter(known);
    if (known !== null) this.matches(mirror, known.firstIndex);
  }

  private note(mirror: RaftMirror, event: Noted): void {
    switch (event.type) {
      case 'raft.compact':
        return mirror.compact(event.firstIndex);
      case 'raft.applyConfChange':
        mirror.config = event;
        return;
      case 'wal.append':
        return mirror.walAppended(event.firstIndex, event.entryCount);
      case 'wal.sync':
        return mirror.walSyncing();
      case 'wal.synced':
        return mirror.walSynced();
      default:
        event satisfies never;
    }
  }

  private known(member: number): RaftMirror {
    let mirror = this.byMember.get(member);
    if (mirror === undefined) {
      mirror = new RaftMirror(member);
      this.byMember.set(member, mirror);
    }
    return mirror;
  }

  private booted(mirror: RaftMirror, { memberId }: Event<'server.boot'>): null {
    if (mirror.id !== memberId) mirror.replace(memberId);
    return null;
  }

  /** What was promised is still there after a restart, whatever the disk has lost. */
  private started(mirror: RaftMirror, event: Event<'raft.initState'>): Evidence | null {
    const { member, promisedTerm, acknowledged, votes } = mirror;
    const vote = votes.get(promisedTerm);
    mirror.start(event);
    if (event.term < promisedTerm) {
      return `m${member} starts in term ${event.term} and has answered in term ${promisedTerm}`;
    }
    // the id in its vote may be of a member that its log does not tell of any more, or not yet
    const isNobodys = event.vote >= firstUnreachableNode;
    if (event.term === promisedTerm && vote !== undefined && event.vote !== vote && !isNobodys) {
      return (
        `m${member} voted for m${vote} in term ${promisedTerm}, ` +
        `and starts with ${event.vote} as its vote`
      );
    }
    if (mirror.lastIndex < acknowledged) {
      return finding(
        `m${member} has acknowledged entry ${acknowledged}, and its log ends at ${mirror.lastIndex}`,
        entry(acknowledged),
        entry(mirror.lastIndex, member),
      );
    }
    if (event.commit > mirror.lastIndex) {
      return `m${member} starts with commit index ${event.commit} and a log that ends at ${mirror.lastIndex}`;
    }
    return this.matches(mirror, event.firstIndex);
  }

  private entered(mirror: RaftMirror, term: number, leads: boolean): string | null {
    const before = mirror.term;
    mirror.term = term;
    mirror.leads = leads;
    return term < before ? `m${mirror.member} goes back from term ${before} to ${term}` : null;
  }

  private leads(mirror: RaftMirror, term: number): Evidence | null {
    const { member, id } = mirror;
    const who = `m${member} (${id})`;
    const other = this.leaders.get(term) ?? who;
    this.leaders.set(term, who);
    if (other !== who) return `${other} and ${who} both lead term ${term}`;
    return (
      this.entered(mirror, term, true) ?? this.votes(mirror, term, member) ?? this.isComplete(mirror, term)
    );
  }

  /** A leader has every entry that was committed in an earlier term. */
  private isComplete(mirror: RaftMirror, term: number): Evidence | null {
    for (const [index, committed] of this.committed) {
      const own = mirror.termAt(index);
      if (committed.inTerm >= term || own === null || own === committed.term) continue;
      const has = own < 0 ? 'lacks it' : `has one of term ${own}`;
      return finding(
        `entry ${index} of term ${committed.term} is committed, ` +
          `and m${mirror.member}, leader of term ${term}, ${has}`,
        entry(index),
      );
    }
    return null;
  }

  private votes(mirror: RaftMirror, term: number, candidate: number): string | null {
    this.voteCount++;
    const before = mirror.votes.get(term) ?? candidate;
    mirror.votes.set(term, before);
    mirror.promisedTerm = Math.max(mirror.promisedTerm, term);
    if (before === candidate) return null;
    return `m${mirror.member} votes for m${candidate} in term ${term}, and has voted for m${before}`;
  }

  private sent(
    mirror: RaftMirror,
    { message, messageType, term, to, reject, index }: Event<'sim.send'>,
  ): Evidence | null {
    if (messageType !== 'MsgVoteResp' && messageType !== 'MsgAppResp') return null;
    mirror.promisedTerm = Math.max(mirror.promisedTerm, term);
    if (reject) return null;
    if (messageType === 'MsgVoteResp') {
      const problem = this.votes(mirror, term, to);
      return problem === null ? null : finding(problem, sentTo(mirror, message, to));
    }
    if (term === mirror.term && index <= mirror.lastIndex) {
      mirror.acknowledged = Math.max(mirror.acknowledged, index);
      const own = mirror.termAt(index);
      if (own !== null && index > mirror.durable) {
        return finding(
          `m${mirror.member} acknowledges entry ${index}, on ` +
            `its disk for sure are those up to ${mirror.durable}`,
          entry(index, mirror.member),
          sentTo(mirror, message, to),
        );
      }
    }
    return null;
  }

  /** Whoever wrote an entry in this term goes on behind it: a log only loses entries of earlier terms. */
  private appended(
    mirror: RaftMirror,
    { index, entryTerms, truncated }: Event<'raft.append'>,
  ): Evidence | null {
    const { member, term, lastIndex, commit } = mirror;
    const lastTerm = mirror.termAt(lastIndex);
    mirror.append(index, entryTerms);
    if (truncated > 0 && index <= commit)
      return finding(
        `m${member} drops entries from ${index} on, ${commit} is committed`,
        entry(index),
        entry(commit),
      );
    if (truncated > 0 && entryTerms.length > 0 && lastTerm === term) {
      return finding(`m${member} drops entry ${lastIndex} of term ${term} in that term`, entry(lastIndex));
    }
    return this.matches(mirror, index);
  }

  /** One past for each index and term; terms never fall along a log. */
  private matches(mirror: RaftMirror, from: number): Evidence | null {
    for (let index = Math.max(from, mirror.firstIndex); index <= mirror.lastIndex; index++) {
      const problem = this.matchesAt(mirror, index);
      if (problem !== null) return problem;
    }
    return null;
  }

  private matchesAt(mirror: RaftMirror, index: number): Evidence | null {
    const term = mirror.termAt(index) ?? 0;
    const previous = index > mirror.firstIndex ? mirror.termAt(index - 1) : null;
    if (previous !== null && previous > term) {
      return finding(
        `m${mirror.member} has term ${term} at ${index} behind term ${previous}`,
        entry(index, mirror.member),
      );
    }
    let seen = this.seen.get(index);
    if (seen === undefined) {
      seen = [];
      this.seen.set(index, seen);
      this.seen.delete(index - keptEntries);
    }
    const known = seen.find((each) => each.term === term);
    if (known === undefined) seen.push({ term, previous });
    else if (previous !== null) {
      known.previous ??= previous;
      if (known.previous !== previous) {
        return finding(
          `m${mirror.member} has term ${term} at ${index} behind term ` +
            `${previous}, elsewhere it is behind ${known.previous}`,
          entry(index),
          entry(index - 1),
        );
      }
    }
    return null;
  }

  private checkCommits(mirror: RaftMirror, index: number): Evidence | null {
    const { member } = mirror;
    const from = mirror.commit + 1;
    if (index < mirror.commit) return `m${member} goes back from commit index ${mirror.commit} to ${index}`;
    mirror.commit = index;
    for (let at = Math.max(from, mirror.firstIndex); at <= index; at++) {
      const term = mirror.termAt(at) ?? -1;
      const known = this.committed.get(at);
      if (known === undefined) this.remember(at, { term, inTerm: mirror.term });
      else if (known.term !== term) {
        return finding(
          `m${member} commits entry ${at} of term ${term}, committed there is one of term ${known.term}`,
          entry(at),
        );
      }
    }
    return mirror.leads ? this.hasQuorum(mirror, index) : null;
  }

  private remember(index: number, committed: Committed): void {
    this.committed.set(index, committed);
    this.committed.delete(index - keptEntries);
    this.lastCommitted = Math.max(this.lastCommitted, index);
  }

  /** A leader commits by counting entries of its own term, on the disks of a majority of each half. */
  private hasQuorum(mirror: RaftMirror, index: number): Evidence | null {
    const { member, term, config } = mirror;
    const own = mirror.termAt(index) ?? term;
    if (own !== term)
      return finding(
        `m${member}, leader of term ${term}, commits entry ${index} of term ${own} by counting`,
        entry(index),
      );
    for (const voters of [config.voters, config.votersOutgoing]) {
      if (voters.length === 0) continue;
      const holders = voters.filter((voter) => this.known(voter).holds(index, term));
      if (holders.length * 2 > voters.length) continue;
      return finding(
        `m${member} commits entry ${index}, on disk at ` + `${named(holders) || 'none'} of ${named(voters)}`,
        entry(index),
      );
    }
    return null;
  }

  private applied(mirror: RaftMirror, index: number): Evidence | null {
    const before = mirror.applied;
    mirror.applied = index;
    if (index > mirror.commit)
      return finding(
        `m${mirror.member} applies entry ${index}, committed is ${mirror.commit}`,
        entry(index, mirror.member),
      );
    return before !== 0 && index <= before
      ? finding(`m${mirror.member} applies entry ${index} after ${before}`, entry(index, mirror.member))
      : null;
  }

  private changes(mirror: RaftMirror, index: number): Evidence | null {
    const { member, changeIndex, applied } = mirror;
    mirror.changeIndex = index;
    if (!mirror.leads || changeIndex <= applied || changeIndex === index) return null;
    return finding(
      `m${member} proposes a conf change at ${index} while the one at ${changeIndex} is not applied`,
      entry(index),
      entry(changeIndex),
    );
  }
}
