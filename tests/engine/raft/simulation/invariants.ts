/** What must hold after every step: S1 to S12 of the safety list, and that reads are never stale. */
import { equalBytes } from '../../../../src/base/bytes.ts';
import { decodeUtf8 } from '../../../../src/base/utf8.ts';
import { jointVoteResult, jointVoters } from '../../../../src/engine/raft/quorum/joint.ts';
import type { Status } from '../../../../src/engine/raft/status.ts';
import type { ConfState, Entry, Message, NodeId, ReadState } from '../../../../src/engine/raft/types.ts';
import { logIndex } from '../../../../src/engine/raft/types.ts';
import type { Observer, SimNode, World } from './world.ts';

export class Violation extends Error {}

function check(holds: boolean, rule: string, tell: () => string): void {
  if (!holds) throw new Violation(`${rule}: ${tell()}`);
}

/** What was seen of a node at the last check. */
interface Seen {
  readonly life: number;
  readonly leads: boolean;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

interface Committed {
  readonly entryTerm: number;
  /** The term in which it was first seen committed. */
  readonly inTerm: number;
}

const unseen: Committed = { entryTerm: -1, inTerm: Infinity };
const noEntries: readonly Entry[] = [];

interface KnownEntry {
  readonly entry: Entry;
  /** The term of the entry before; null until a log showed it. */
  previous: number | null;
}

/** The term of an entry on a disk; -1 where the disk has none, null where it is inside the snapshot. */
function durableTerm(node: SimNode, index: number): number | null {
  const { storage } = node;
  if (index < storage.firstIndex()) return null;
  return index > storage.lastIndex() ? -1 : storage.term(logIndex(index));
}

function termAt(entries: readonly Entry[], firstIndex: number, index: number): number | null {
  return index < firstIndex ? null : (entries[index - firstIndex]?.term ?? -1);
}

export class Invariants implements Observer {
  world: World | null = null;
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** What was seen anywhere: for each index and term one entry, and the term of the one before it. */
  readonly #entries = new Map<number, KnownEntry[]>();
  /** Each node's log at its last check. Entries never change, so what is still the same object is checked. */
  readonly #logs = new Map<NodeId, readonly Entry[]>();
  readonly #committed = new Map<number, Committed>();
  readonly #chains = new Map<number, number>();
  readonly #reads = new Map<string, number>();
  /** Indexes at which a leader answered without a quorum, and without being sure. */
  readonly #uncertainReads = new Set<number>();
  readonly #seen = new Map<NodeId, Seen>();
  /** The highest term that each node has put on the wire in a promise. */
  readonly #promised = new Map<NodeId, number>();
  /** Indexes in the order in which they were first seen committed. */
  readonly #news: number[] = [];
  /** For each leader how much of the news its log was checked for. Its log only grows, by S2. */
  readonly #checkedNews = new Map<NodeId, { readonly life: number; readonly term: number; count: number }>();
  #maxCommit = 0;
  reads = 0;

  get commits(): number {
    return this.#committed.size;
  }

  get elections(): number {
    return this.#leaders.size;
  }

  sent(node: SimNode, m: Message): void {
    if (m.type !== 'MsgVoteResp' && m.type !== 'MsgAppResp') return;
    const { hardState } = node.storage.initialState();
    const durable = hardState?.term ?? 0;
    check(
      durable >= m.term,
      'S7',
      () => `${node.id} sends ${m.type} of term ${m.term}, on disk is ${durable}`,
    );
    this.#promised.set(node.id, Math.max(this.#promised.get(node.id) ?? 0, m.term));
    if (m.reject) return;
    if (m.type === 'MsgVoteResp') {
      const vote = hardState?.vote ?? 0;
      check(
        durable > m.term || vote === m.to,
        'S7',
        () => `${node.id} votes for ${m.to}, on disk is ${vote}`,
      );
      this.#recordVote(node.id, m.term, m.to);
    } else {
      const last = node.storage.lastIndex();
      check(last >= m.index, 'S7', () => `${node.id} acknowledges ${m.index}, on disk is ${last}`);
    }
  }

  #recordVote(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${voter}/${term}`;
    const before = this.#votes.get(key) ?? candidate;
    check(before === candidate, 'S8', () => `${voter} votes for ${before} and ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }

  committed(node: SimNode): void {
    const status = node.raw.status();
    if (status.state === 'StateLeader') this.#checkQuorum(node, status, node.raw.logEntries());
  }

  applied(node: SimNode, index: number, chain: number): void {
    const before = this.#chains.get(index) ?? chain;
    check(before === chain, 'S5', () => `${node.id} applies another history at ${index}`);
    this.#chains.set(index, chain);
  }

  configured(node: SimNode, index: number, before: ConfState, after: ConfState): void {
    check(after.voters.length > 0, 'S10', () => `${node.id} has no voters at ${index}`);
    const all = [...new Set([...jointVoters(before), ...jointVoters(after)])];
    for (let set = 0; set < 1 << all.length; set++) {
      const inside = new Map(all.map((id, i) => [id, ((set >> i) & 1) === 1]));
      const outside = new Map(all.map((id, i) => [id, ((set >> i) & 1) === 0]));
      const disjoint =
        jointVoteResult(before, inside) === 'VoteWon' && jointVoteResult(after, outside) === 'VoteWon';
      check(!disjoint, 'S10', () => `disjoint quorums at ${index}: ${JSON.stringify([before, after])}`);
    }
  }

  readRequested(context: string): void {
    this.#reads.set(context, this.#maxCommit);
  }

  /**
   * Where there is one voter the leader answers at once, as upstream's does. That may be stale in two cases:
   * - It is that voter, and has lost its commit index in a crash (it is written without sync) until it
   *   commits again.
   * - It is not that voter but was removed or demoted, and not told to step down; the voter may lead by now.
   */
  readAnswered(node: SimNode): void {
    const { config, commit, term, firstIndex } = node.raw.status();
    const isLone = config.voters.length === 1 && config.votersOutgoing.length === 0;
    const isKnown = termAt(node.raw.logEntries(), firstIndex, commit) === term;
    if (isLone && !(isKnown && config.voters[0] === node.id)) this.#uncertainReads.add(commit);
  }

  readConfirmed(node: SimNode, { index, requestContext }: ReadState): void {
    if (this.#uncertainReads.has(index)) return;
    this.reads++;
    const least = this.#reads.get(decodeUtf8(requestContext)) ?? Infinity;
    check(index >= least, 'stale read', () => `${node.id} reads at ${index}, ${least} was committed before`);
  }

  restarted(node: SimNode): void {
    const { term, commit } = node.raw.basicStatus();
    const { hardState } = node.storage.initialState();
    const promised = this.#promised.get(node.id) ?? 0;
    check(term >= promised, 'S7', () => `${node.id} restarts in term ${term}, ${promised} was promised`);
    check(
      commit >= (hardState?.commit ?? 0),
      'S6',
      () => `${node.id} restarts below its stored commit index`,
    );
  }

  /** Checks all that one node's last step can have broken. */
  checkNode(node: SimNode): void {
    const status = node.raw.status();
    const entries = node.raw.logEntries();
    this.#checkOrder(node, status, entries);
    this.#checkLog(node, status, entries);
    this.#checkCommit(node, status, entries);
    if (status.vote !== 0 && status.state === 'StateLeader')
      this.#recordVote(node.id, status.term, status.vote);
    if (status.state === 'StateLeader') this.#checkLeader(node, status, entries);
    this.#seen.set(node.id, {
      life: node.life,
      leads: status.state === 'StateLeader',
      term: status.term,
      commit: status.commit,
      applied: status.applied,
      lastIndex: status.lastIndex,
      lastTerm: entries.at(-1)?.term ?? 0,
    });
  }

  /** S6, and S2: a leader's log only grows. */
  #checkOrder(node: SimNode, status: Status, entries: readonly Entry[]): void {
    const { term, commit, applied, lastIndex, firstIndex } = status;
    const inOrder = applied <= commit && commit <= lastIndex;
    check(inOrder, 'S6', () => `${node.id} applied ${applied} commit ${commit} last ${lastIndex}`);
    const seen = this.#seen.get(node.id);
    if (seen === undefined || seen.life !== node.life) return;
    const grows = term >= seen.term && commit >= seen.commit && applied >= seen.applied;
    check(grows, 'S6', () => `${node.id} goes back from ${JSON.stringify(seen)}`);
    if (!seen.leads || status.state !== 'StateLeader' || seen.term !== term) return;
    const kept =
      lastIndex >= seen.lastIndex &&
      [null, seen.lastTerm].includes(termAt(entries, firstIndex, seen.lastIndex));
    check(kept, 'S2', () => `leader ${node.id} no longer has ${seen.lastTerm}/${seen.lastIndex}`);
  }

  /**
   * S3: one entry and one past for each index and term. S12: storage and unstable tail are the logical log.
   */
  #checkLog(node: SimNode, { firstIndex }: Status, entries: readonly Entry[]): void {
    const { terms, firstIndex: shadowFirst } = node.shadow;
    let same = firstIndex === shadowFirst && entries.length === terms.length;
    for (let i = 0; same && i < terms.length; i++) same = entries[i].term === terms[i];
    check(same, 'S12', () => {
      const actual = entries.map((entry) => entry.term);
      return `${node.id} shows ${firstIndex}:[${actual}], has ${shadowFirst}:[${terms}]`;
    });
    const before = this.#logs.get(node.id) ?? noEntries;
    const shift = entries.length > 0 && before.length > 0 ? entries[0].index - before[0].index : 0;
    // Entry by entry until the log ends; the past of an entry is known if both are the ones seen before.
    for (let i = 0; i < entries.length; i++) {
      const known = entries[i] === before[i + shift];
      const pastKnown = i === 0 || entries[i - 1] === before[i - 1 + shift];
      if (!known || !pastKnown) this.#checkEntry(node, firstIndex + i, entries[i], entries[i - 1]);
    }
    this.#logs.set(node.id, entries);
  }

  #checkEntry(node: SimNode, index: number, entry: Entry, previous: Entry | undefined): void {
    const { term } = entry;
    check(entry.index === index, 'S3', () => `${node.id} has ${entry.index} at ${index}`);
    const atIndex = this.#entries.get(index) ?? [];
    this.#entries.set(index, atIndex);
    let known = atIndex.find((each) => each.entry.term === term);
    if (known === undefined) {
      known = { entry, previous: null };
      atIndex.push(known);
    }
    const equal = known.entry.type === entry.type && equalBytes(known.entry.data, entry.data);
    check(equal, 'S3', () => `${node.id} has another entry ${term}/${index}`);
    if (previous === undefined) return;
    const past = (known.previous ??= previous.term);
    const agrees = past === previous.term;
    check(agrees, 'S3', () => `${node.id} has ${term}/${index} after term ${previous.term}, not ${past}`);
  }

  /** S4 and S5 for what this node newly knows as committed. */
  #checkCommit(node: SimNode, status: Status, entries: readonly Entry[]): void {
    const seen = this.#seen.get(node.id);
    const from = seen !== undefined && seen.life === node.life ? seen.commit : 0;
    for (let index = Math.max(from + 1, status.firstIndex); index <= status.commit; index++) {
      const entryTerm = termAt(entries, status.firstIndex, index) ?? -1;
      const known = this.#committed.get(index);
      if (known === undefined) {
        this.#committed.set(index, { entryTerm, inTerm: status.term });
        this.#news.push(index);
      } else {
        check(
          known.entryTerm === entryTerm,
          'S5',
          () => `${node.id} commits ${entryTerm}/${index}, not ${known.entryTerm}`,
        );
      }
    }
    this.#maxCommit = Math.max(this.#maxCommit, status.commit);
  }

  /**
   * S11: each half of the configuration has a majority with the entry on disk, and it is of the leader's
   * term.
   */
  #checkQuorum(node: SimNode, { commit, config, term, firstIndex }: Status, entries: readonly Entry[]): void {
    const entryTerm = termAt(entries, firstIndex, commit);
    check(
      entryTerm === term,
      'S11',
      () => `leader ${node.id} of term ${term} commits ${entryTerm}/${commit} by count`,
    );
    const holders = new Map<NodeId, boolean>();
    for (const id of jointVoters(config)) {
      const holder = this.world?.node(id);
      const held = holder === undefined ? -1 : durableTerm(holder, commit);
      holders.set(id, held === null || held === entryTerm);
    }
    const enough = jointVoteResult(config, holders) === 'VoteWon';
    check(
      enough,
      'S11',
      () => `leader ${node.id} commits ${commit}, on disk at ${JSON.stringify([...holders])}`,
    );
  }

  /** S1, S4, S9 and S10 of a leader. */
  #checkLeader(node: SimNode, status: Status, entries: readonly Entry[]): void {
    const { term, firstIndex, applied } = status;
    const other = this.#leaders.get(term) ?? node.id;
    check(other === node.id, 'S1', () => `${other} and ${node.id} lead term ${term}`);
    this.#leaders.set(term, node.id);
    this.#checkComplete(node, status, entries);
    let pending = 0;
    for (let i = Math.max(0, applied + 1 - firstIndex); i < entries.length; i++)
      if (entries[i].type !== 'EntryNormal') pending++;
    check(pending <= 1, 'S10', () => `leader ${node.id} has ${pending} changes under way`);
    this.#checkProgress(node, status, entries);
  }

  /** S4: the leader has every entry that was committed in an earlier term. */
  #checkComplete(node: SimNode, { term, firstIndex }: Status, entries: readonly Entry[]): void {
    let checked = this.#checkedNews.get(node.id);
    if (checked === undefined || checked.life !== node.life || checked.term !== term) {
      checked = { life: node.life, term, count: 0 };
      this.#checkedNews.set(node.id, checked);
    }
    for (; checked.count < this.#news.length; checked.count++) {
      const index = this.#news[checked.count];
      const { entryTerm, inTerm } = this.#committed.get(index) ?? unseen;
      if (inTerm >= term) continue;
      const own = termAt(entries, firstIndex, index);
      check(
        own === null || own === entryTerm,
        'S4',
        () => `leader ${node.id} of ${term} lacks ${entryTerm}/${index}`,
      );
    }
  }

  #checkProgress(node: SimNode, { term, progress, firstIndex }: Status, entries: readonly Entry[]): void {
    for (const { id, match, next } of progress) {
      check(match < next, 'S9', () => `leader ${node.id} has match ${match} and next ${next} of ${id}`);
      const peer = this.world?.node(id);
      if (peer === undefined || (peer.storage.initialState().hardState?.term ?? 0) !== term) continue;
      const held = durableTerm(peer, match);
      const own = termAt(entries, firstIndex, match);
      const agrees = match === 0 || held === null || own === null || held === own;
      check(
        agrees,
        'S9',
        () => `leader ${node.id} takes ${own}/${match} as match of ${id}, which has ${held}`,
      );
    }
  }
}
