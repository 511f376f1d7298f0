/** Planted bugs of raft, of what the server does with it, and of watches. */
import { asking, cluster, kinds, raft, restarts, second } from './mutation.ts';
import { memberIdText } from '../../src/sim/mistakes.ts';
import { peerUrlOf } from '../../src/base/hosts.ts';
import type { Action } from '../../src/sim/types.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';
import type { Mutation } from './mutation.ts';

const links = kinds('cut', 'isolate', 'partition', 'kill', 'restart');
const snapshots = {
  config: { snapshots: { snapshotCount: 12, snapshotCatchUpEntries: 2, walSegmentBytes: 8192 } },
};

/** Reads and writes of few keys, close together: whoever answers late is noticed. */
const busy = { ...asking('put', 'get'), perSecond: 20, virtualUs: 30 * second };

/** The log without its newest records: a member that comes back is the only one that has them. */
const lone = { members: 1, ...kinds('powerCut') };

type Add = Extract<Action, { type: 'memberAdd' }>;

const added = (member: number, learner: boolean, endpoint: string): Add => ({
  ...{ type: 'memberAdd', name: `m${member}`, peerUrls: [peerUrlOf(member)], learner },
  endpoints: [endpoint],
});

export const raftMutations: readonly Mutation[] = [
  cluster('1', 'the vote is not stored', 'voteNotStored', ['C1'], restarts),
  cluster('2', 'the term is not stored', 'termNotStored', ['C1'], restarts),
  raft('3', 'old entries are committed by counting', 'commitOlderTerms', 'C1'),
  cluster('4', 'half is a quorum', 'halfIsQuorum', ['C1'], links),
  cluster('5', 'the longer log wins', 'longerLogWins', ['C1'], {
    ...asking('put'),
    perSecond: 20,
    schedule: contested(),
    config: { preVote: false },
  }),
  cluster('6', 'each append truncates', 'truncateAlways', ['C1']),
  raft('7', 'conflicts stay', 'keepConflicts', 'C1'),
  raft('8', 'the commit index is the leader’s', 'commitUnseen', 'C1'),
  cluster('9', 'applied before committed', 'applyUncommitted', ['C1']),
  cluster('10', 'the own acknowledgement does not wait', 'ownAckBeforeSync', ['C2'], {
    ...lone,
    heeds: ['C2'],
  }),
  cluster('11', 'answers do not wait for the disk', 'ackBeforeSync', ['C1']),
  cluster('12', 'reads ask no quorum', 'readWithoutQuorum', ['C2'], { ...busy, schedule: deposed(1000) }),
  cluster('13', 'reads trust the clock', 'readByClock', ['C2'], { ...busy, schedule: deposed(100) }),
  cluster('14', 'pre-votes despite a leader', 'preVoteDespiteLeader', ['C8'], {
    ...kinds('kill'),
    config: { preVote: true },
    virtualUs: 10 * second,
  }),
  cluster('15', 'two conf changes at once', 'manyConfChanges', ['C1'], {
    schedule: addedAtOnce(),
    virtualUs: 16 * second,
  }),
  // no server of 3.4 proposes a joint configuration: raft alone has them
  raft('15b', 'the new half commits alone', 'newHalfCommits', 'C1'),
  cluster('16', 'learners count', 'learnersCount', ['C1'], {
    ...asking('put'),
    members: 4,
    perSecond: 20,
    schedule: learning(),
  }),
  cluster('17', 'a snapshot keeps the old keys', 'snapshotKeepsKeys', ['C7', 'C5', 'C1'], {
    ...snapshots,
    ...links,
  }),
  cluster('18', 'a snapshot ahead of its data', 'snapshotAheadOfData', ['C7', 'C5'], {
    ...snapshots,
    ...links,
  }),
  cluster('19', 'a wiped member keeps its id', 'wipedKeepsId', ['C1'], {
    schedule: replaced(1, 15 * second),
  }),
  cluster('20', 'proposals are made again', 'proposeAgain', ['C2', 'C5'], links),
  cluster('21', 'results by the member’s clock', 'applyByClock', ['C7'], asking('put', 'grant', 'leasedPut')),
  cluster('37', 'watches miss the first', 'watchSkipsFirst', ['C3'], asking('put', 'watch')),
  cluster('37b', 'watches hear again what they were told', 'watchTellsAgain', ['C3'], {
    ...snapshots,
    ...kinds('isolate', 'pause'),
    ...asking('put', 'watch'),
    perSecond: 6,
  }),
  cluster('38', 'future watches hear all', 'futureWatchHearsAll', ['C3'], asking('put', 'watch')),
  cluster('38b', 'progress overtakes what happened', 'progressOvertakes', ['C3'], {
    ...asking('put', 'watch', 'progress'),
    perSecond: 20,
  }),
  cluster('39', 'revisions in two parts', 'splitRevisions', ['C3'], asking('put', 'txn', 'watch')),
  cluster('39b', 'what was before is what is now', 'prevKvIsNew', ['C3'], asking('put', 'watch')),
  raft('M01', 'campaign with unapplied changes', 'campaignWithUnappliedConfChanges', 'C1', {
    story: 'twoLeaders',
  }),
  raft('M03', 'reads before a commit in the term', 'readBeforeCommitInTerm', 'C2'),
  raft('M04', 'reads known by their context', 'readKeyedByContext', 'C2', { story: 'readRetry' }),
  raft('M05', 'lower pre-votes without an answer', 'dropLowerTermPreVotes', 'C8', { story: 'lowerPreVotes' }),
  raft('M06', 'stable across terms', 'stableAcrossTerms', 'C1', { story: 'lateWord' }),
  raft('M07', 'learners refuse votes', 'learnersRefuseVotes', 'C8', { story: 'unknowingVoter' }),
  raft('M09', 'next below match', 'nextBelowMatch', 'C1'),
];

/** A leader that is alone takes what nobody commits; then the one who took over is gone when it comes back. */
function contested(): readonly ScheduledAction[] {
  return Array.from({ length: 10 }, (_, i): ScheduledAction[] => {
    const atUs = (5 + 5 * i) * second;
    const [alone, gone] = [1 + (i % 3), 1 + ((i + 1) % 3)];
    return [
      { atUs, action: { type: 'isolate', member: alone } },
      { atUs: atUs + 1_900_000, action: { type: 'kill', member: gone } },
      { atUs: atUs + 1_950_000, action: { type: 'healAll' } },
      { atUs: atUs + 4_000_000, action: { type: 'start', member: gone } },
    ];
  }).flat();
}

/** Two operators each add a member in the same moment: one is to wait. */
function addedAtOnce(): readonly ScheduledAction[] {
  const atUs = 12 * second;
  return [
    { atUs, action: added(4, false, 'm1') },
    { atUs, action: added(5, false, 'm1') },
    { atUs: atUs + second, action: { type: 'start', member: 4 } },
  ];
}

/** Four voters and a learner; then two voters are slow to write, and the learner is not. */
function learning(): readonly ScheduledAction[] {
  const slow = [1, 2, 3, 4].flatMap((first): ScheduledAction[] => {
    const atUs = (12 + 4 * first) * second;
    const members = [first, 1 + (first % 4)];
    return [20, 1].flatMap((factor, i) =>
      members.map((member) => ({
        atUs: atUs + 2 * i * second,
        action: { type: 'slowDisk', member, factor } as const,
      })),
    );
  });
  return [
    { atUs: 10 * second, action: added(5, true, 'm1') },
    { atUs: 11 * second, action: { type: 'start', member: 5 } },
    ...slow,
  ];
}

/** Each member in turn is alone for a while, and its clock runs at so many thousandths: a leader may not know. */
function deposed(perMille: number): readonly ScheduledAction[] {
  return Array.from({ length: 6 }, (_, i): ScheduledAction[] => {
    const atUs = (4 + 4 * i) * second;
    const member = 1 + (i % 3);
    return [
      { atUs, action: { type: 'clockRate', member, perMille } },
      { atUs: atUs + 100_000, action: { type: 'isolate', member } },
      { atUs: atUs + 2_500_000, action: { type: 'healAll' } },
      { atUs: atUs + 2_500_000, action: { type: 'clockRate', member, perMille: 1000 } },
    ];
  }).flat();
}

/** A disk is erased, and its member started as if nothing were; then the operator does what is right. */
function replaced(member: number, atUs: number): readonly ScheduledAction[] {
  const endpoints = [`m${1 + (member % 3)}`];
  return [
    { atUs, action: { type: 'wipe', member } },
    { atUs: atUs + 5 * second, action: { type: 'start', member } },
    { atUs: atUs + 10 * second, action: { type: 'memberRemove', id: memberIdText(member), endpoints } },
    {
      atUs: atUs + 15 * second,
      action: { type: 'memberAdd', name: `m${member}`, peerUrls: [peerUrlOf(member)], endpoints },
    },
    { atUs: atUs + 16 * second, action: { type: 'wipe', member } },
    { atUs: atUs + 17 * second, action: { type: 'start', member } },
  ];
}
