/** Decisions of one majority: which index it has committed, whether it has elected. */
import type { NodeId } from '../types.ts';

/** The voters, ascending and each once. More than half of them decide. */
export type MajorityConfig = readonly NodeId[];

export type VoteResult = 'VotePending' | 'VoteLost' | 'VoteWon';

/** What each voter has acknowledged: an index, or null when it has not reported. */
export interface AckedIndexer {
  ackedIndex(id: NodeId): number | null;
}

// The engine runs to completion, so one scratch array serves all calls.
const scratch: number[] = [];

/**
 * The highest index that more than half of the voters have acknowledged: with the acknowledgements sorted
 * upwards, the one at place n - (n / 2 + 1). A voter that did not report counts as 0.
 * @returns Infinity for no voters, so that an absent half of a joint quorum decides nothing
 * @source etcd-io/raft quorum/majority.go CommittedIndex; Raft thesis section 3.5
 */
export function majorityCommittedIndex(voters: MajorityConfig, acked: AckedIndexer): number {
  const count = voters.length;
  if (count === 0) return Infinity;
  for (let i = 0; i < count; i++) {
    const index = acked.ackedIndex(voters[i]) ?? 0;
    let at = i;
    for (; at > 0 && scratch[at - 1] > index; at--) scratch[at] = scratch[at - 1];
    scratch[at] = index;
  }
  return scratch[count - ((count >> 1) + 1)];
}

/**
 * The state of an election among the voters: won by a majority of yes, lost when no majority of yes is
 * possible. No voters: won.
 * @source etcd-io/raft quorum/majority.go VoteResult; Raft thesis section 3.4
 */
export function majorityVoteResult(voters: MajorityConfig, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return 'VoteWon';
  let yes = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) yes++;
  }
  const quorum = (voters.length >> 1) + 1;
  if (yes >= quorum) return 'VoteWon';
  return yes + missing >= quorum ? 'VotePending' : 'VoteLost';
}

/** How a majority comes to its committed index: the voters by acknowledgement, and the place that decides. */
export interface MajorityExplanation {
  readonly sorted: readonly { readonly id: NodeId; readonly index: number; readonly reported: boolean }[];
  /**
   * Place in `sorted` whose index is committed; -1 without voters. All from it on have acknowledged that
   * index.
   */
  readonly deciding: number;
  readonly index: number;
}

/** The arithmetic of `majorityCommittedIndex` with its inputs, for those who ask why. */
export function explainMajority(voters: MajorityConfig, acked: AckedIndexer): MajorityExplanation {
  const sorted = voters
    .map((id) => {
      const index = acked.ackedIndex(id);
      return { id, index: index ?? 0, reported: index !== null };
    })
    .sort((a, b) => a.index - b.index || a.id - b.id);
  const deciding = voters.length === 0 ? -1 : voters.length - ((voters.length >> 1) + 1);
  return { sorted, deciding, index: majorityCommittedIndex(voters, acked) };
}

/** The voters in brackets: `(1 2 3)`, in hex as all ids in texts. */
export function describeVoters(voters: MajorityConfig): string {
  return `(${voters.map((id) => id.toString(16)).join(' ')})`;
}

/**
 * A drawing of the acknowledgements, a bar a voter: the longer, the more voters have acknowledged less.
 * @source etcd-io/raft quorum/majority.go Describe
 */
export function describeMajority(voters: MajorityConfig, acked: AckedIndexer): string {
  if (voters.length === 0) return '<empty majority quorum>';
  const count = voters.length;
  const { sorted } = explainMajority(voters, acked);
  let bar = 0;
  const bars = sorted.map((ack, place) => {
    if (place > 0 && sorted[place - 1].index < ack.index) bar = place;
    return { ...ack, bar };
  });
  bars.sort((a, b) => a.id - b.id);
  const lines = bars.map(({ id, index, reported, bar: length }) => {
    const drawn = reported ? `${'x'.repeat(length)}>${' '.repeat(count - length)}` : `?${' '.repeat(count)}`;
    return `${drawn} ${String(index).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${' '.repeat(count)}    idx\n${lines.join('')}`;
}
