/** Bugs that a visitor can plant in all members, and what makes the checkers see each of them. */
import type { BugWorld } from './bug-scripts.ts';
import {
  bugScripts,
  bugWorlds,
  compact,
  kill,
  others,
  put,
  restart,
  rough,
  start,
  step,
} from './bug-scripts.ts';
import type { Defect } from '../host/port.ts';
import type { Scenario, ScenarioStep } from './scenarios.ts';

const watch = (revision?: number): ScenarioStep =>
  step({ type: 'watch', key: 'a', prefix: true, ...(revision !== undefined && { revision }) }, 300);

/** A leader sleeps, alone, while another one takes over and writes; awake, it is asked at once. */
const staleRead: Scenario = (leader) => {
  const [other] = others(leader);
  return [
    put('a', 'old'),
    step({ type: 'isolate', member: leader }),
    step({ type: 'pauseMember', member: leader }, 2600),
    put('a', 'new', 600, other),
    step({ type: 'resumeMember', member: leader }, 1),
    step({ type: 'get', key: 'a', endpoints: [`m${leader}`] }),
  ];
};

/** A leader that is alone takes writes that nobody commits. */
function aloneAndWriting(leader: number, count: number): readonly ScenarioStep[] {
  const writes = Array.from({ length: count }, (_, i) => put('x', String(i + 1), 50, leader));
  return [put('a', '1'), step({ type: 'isolate', member: leader }), ...writes];
}

/** What shows a bug soon: what is listed here is tested to do so with the usual seed. */
const scripts: Readonly<Partial<Record<Defect, Scenario>>> = {
  voteNotStored: (leader) => [
    put('a', '1'),
    kill(leader, 4000),
    restart(leader, 2000),
    restart(others(leader)[0], 300),
  ],
  termNotStored: (leader) => {
    const [a, b] = others(leader);
    return [put('a', '1'), kill(leader, 2600), restart(a, 1500), restart(b, 0)];
  },
  halfIsQuorum: () => [put('a', '1')],
  longerLogWins: (leader) => {
    const [a, b] = others(leader);
    return [
      ...aloneAndWriting(leader, 6),
      kill(b, 50),
      start(b, 2500),
      put('y', '1', 600, a),
      kill(a, 0),
      step({ type: 'healAll' }, 0),
    ];
  },
  keepConflicts: (leader) => {
    const [a] = others(leader);
    return [
      ...aloneAndWriting(leader, 3),
      step({ type: 'get', key: 'a', endpoints: [`m${a}`] }, 2600),
      put('y', '1', 600, a),
      step({ type: 'healAll' }),
    ];
  },
  applyUncommitted: () => [put('a', '1')],
  ownAckBeforeSync: (leader) => [
    put('a', '1', 200),
    step({ type: 'slowDisk', member: leader, factor: 1000 }),
    put('a', '2'),
  ],
  ackBeforeSync: () => [put('a', '1')],
  readWithoutQuorum: staleRead,
  readByClock: staleRead,
  wipedKeepsId: (leader) => {
    const [a] = others(leader);
    return [put('a', '1'), step({ type: 'wipe', member: a }, 500), start(a, 0)];
  },
  diskErrorsIgnored: (leader) => {
    const [a] = others(leader);
    return [
      put('a', '1'),
      step({ type: 'diskError', member: a, on: 'write', code: 'EIO', lasts: 'once' }),
      put('b', '1', 500),
      put('b', '2', 500),
      restart(a, 0),
    ];
  },
  compactionDropsNewest: () => [put('a', '1'), put('a', '2'), put('b', '3'), compact(3)],
  watchSkipsFirst: () => [put('a', '1'), put('a', '2'), put('a', '3'), watch(2), put('a', '4', 0)],
  futureWatchHearsAll: () => [put('a', '1'), watch(6), put('a', '2'), put('a', '3', 0)],
  splitRevisions: () => [
    watch(),
    step({
      type: 'txn',
      compares: [],
      success: [
        { type: 'put', key: 'a1', value: 'x' },
        { type: 'put', key: 'a2', value: 'y' },
      ],
      failure: [],
    }),
  ],
  revokeLeavesKey: () => [
    step({ type: 'leaseGrant', ttl: 30, id: 'abc' }, 300),
    step({ type: 'put', key: 'a', value: '1', lease: 'abc' }, 300),
    step({ type: 'put', key: 'b', value: '1', lease: 'abc' }, 300),
    step({ type: 'leaseRevoke', id: 'abc' }),
  ],
  ...bugScripts,
  splitLosesKey: () => [step({ type: 'load', kind: 'kubernetes', perSecond: 50 })],
};

/** In the order of the list: engine/defects.ts has them too. */
export const plantableBugs = [
  'voteNotStored',
  'termNotStored',
  'halfIsQuorum',
  'longerLogWins',
  'keepConflicts',
  'applyUncommitted',
  'ownAckBeforeSync',
  'ackBeforeSync',
  'readWithoutQuorum',
  'readByClock',
  'wipedKeepsId',
  'diskErrorsIgnored',
  'compactionDropsNewest',
  'watchSkipsFirst',
  'futureWatchHearsAll',
  'watchTellsAgain',
  'progressOvertakes',
  'prevKvIsNew',
  'splitRevisions',
  'revokeLeavesKey',
  'splitLosesKey',
  'commitOlderTerms',
  'campaignWithUnappliedConfChanges',
  'readBeforeCommitInTerm',
  'readKeyedByContext',
  'dropLowerTermPreVotes',
  'stableAcrossTerms',
  'learnersRefuseVotes',
  'nextBelowMatch',
  'learnersCount',
  'newHalfCommits',
  'truncateAlways',
  'commitUnseen',
  'preVoteDespiteLeader',
  'manyConfChanges',
  'snapshotKeepsKeys',
  'snapshotAheadOfData',
  'proposeAgain',
  'applyByClock',
  'indexBeforeEffect',
  'walUnchecked',
  'revisionByRecords',
  'metaUnchecked',
  'metaBeforeData',
  'firstMetaCounts',
  'readersForgotten',
  'leftSpanNotMerged',
  'takenSpanStays',
  'shortFreelistCount',
  'overflowStays',
  'rollbackFrees',
  'defragmentLosesIndex',
  'everyClockEndsLeases',
  'promotionEndsLeases',
  'lastKeySeparates',
] as const satisfies readonly Defect[];

/** Whether a script shows the bug soon. */
export const showsSoon = (bug: Defect): boolean => bug in scripts;

/** What a lab with the bug begins with. */
export const bugScenario = (bug: Defect): Scenario => scripts[bug] ?? rough;

/** What its lab is like. */
export const bugWorld = (bug: Defect): BugWorld => bugWorlds[bug] ?? {};

/** Some bugs need the vote as etcd 3.4 has it by default. */
export const needsPlainVote = (bug: Defect): boolean => bug === 'longerLogWins';
