/** What shows a planted bug soon: short scripts for a lab that has just elected its first leader. */
import { peerUrlOf } from '../base/hosts.ts';
import type { Defect } from '../host/port.ts';
import type { MemberSettings } from '../sim/member-settings.ts';
import type { Action, LoadKind } from '../sim/types.ts';
import type { Scenario, ScenarioStep } from './scenarios.ts';

export const step = (does: Action, thenMs = 0): ScenarioStep => ({ does, thenMs });
export const put = (key: string, value: string, thenMs = 300, at?: number): ScenarioStep =>
  step({ type: 'put', key, value, ...(at !== undefined && { endpoints: [`m${at}`] }) }, thenMs);
export const compact = (revision: number): ScenarioStep => step({ type: 'compaction', revision }, 1500);
export const kill = (member: number, thenMs: number): ScenarioStep => step({ type: 'kill', member }, thenMs);
export const restart = (member: number, thenMs: number): ScenarioStep =>
  step({ type: 'restart', member }, thenMs);
export const start = (member: number, thenMs: number): ScenarioStep =>
  step({ type: 'start', member }, thenMs);
export const load = (kind: LoadKind, perSecond: number, thenMs: number): ScenarioStep =>
  step({ type: 'load', kind, perSecond }, thenMs);
export const isolate = (member: number, thenMs: number): ScenarioStep =>
  step({ type: 'isolate', member }, thenMs);
export const heal = (thenMs: number): ScenarioStep => step({ type: 'healAll' }, thenMs);
/** A link that loses nothing. */
const wholeLink = { extraDelayUs: 0, lossPerMille: 0 } as const;
const cut = (from: number, to: number): ScenarioStep => step({ type: 'cut', from, to });
const add = (member: number, learner: boolean, at: number, thenMs: number): ScenarioStep => {
  const peerUrls = [peerUrlOf(member)];
  return step({ type: 'memberAdd', name: `m${member}`, peerUrls, learner, endpoints: [`m${at}`] }, thenMs);
};
const lease = (ttl: number): readonly ScenarioStep[] => [
  step({ type: 'leaseGrant', ttl, id: 'abc' }, 300),
  step({ type: 'put', key: 'a', value: '1', lease: 'abc' }, 300),
];

/** Two of the first three members. */
export function others(leader: number): readonly [number, number] {
  const [a = 1, b = 2] = [1, 2, 3].filter((member) => member !== leader);
  return [a, b];
}

/** Writes and crashes, which show some bugs for certain, and others with luck. */
export const rough: Scenario = (leader) => {
  const [a, b] = others(leader);
  return [
    put('a', '1'),
    load('zipf', 20, 500),
    ...[leader, a, b].flatMap((member) => [
      step({ type: 'powerCut', member }, 1500),
      start(member, 1500),
      compact(5),
    ]),
    isolate(leader, 2500),
    heal(0),
  ];
};

/** A follower is away for longer than the log goes back: it needs a snapshot. */
const snapshot: Scenario = (leader) => {
  const [a] = others(leader);
  return [
    step({ type: 'watch', key: 'a', prefix: true, endpoints: [`m${a}`] }, 200),
    put('a', '1'),
    put('a', '2'),
    isolate(a, 200),
    load('kubernetes', 150, 2500),
    step({ type: 'healAll' }, 1500),
    load('none', 0, 3000),
  ];
};

/** Values of which a message holds one: they come one by one to who had none of them. */
const oldEntries: Scenario = (leader) => {
  const [a, b] = others(leader);
  return [
    put('a', '1'),
    cut(leader, b),
    cut(a, leader),
    load('hugeValues', 10, 600),
    kill(leader, 0),
    heal(4000),
  ];
};

/** The old leader alone knows of a commit; the next one is asked before it has committed anything. */
const unheardCommit: Scenario = (leader) => {
  const [a, b] = others(leader);
  const slow = (factor: number): readonly ScenarioStep[] =>
    [a, b].map((member) => step({ type: 'slowDisk', member, factor }));
  const asked = Array.from({ length: 50 }, (_, i) =>
    step({ type: 'get', key: 'a', endpoints: [`m${i % 2 === 0 ? a : b}`] }, 40),
  );
  return [
    put('a', 'old'),
    ...slow(30),
    put('a', 'new', 20, leader),
    cut(leader, a),
    cut(leader, b),
    step({ type: 'get', key: 'b', serializable: true }, 500),
    kill(leader, 900),
    ...asked,
  ];
};

const pages: Scenario = () => [load('bigValues', 20, 4000)];

export const bugScripts: Readonly<Partial<Record<Defect, Scenario>>> = {
  watchTellsAgain: snapshot,
  progressOvertakes: () => [
    put('a', '1'),
    put('a', '2'),
    put('a', '3'),
    step({ type: 'watch', key: 'a', prefix: true, revision: 2 }, 20),
    step({ type: 'watchProgress' }, 500),
  ],
  prevKvIsNew: () => [
    step({ type: 'watch', key: 'a', prefix: true, prevKv: true }, 300),
    put('a', '1'),
    put('a', '2', 500),
  ],
  commitOlderTerms: oldEntries,
  readBeforeCommitInTerm: unheardCommit,
  learnersCount: (leader) => [
    put('a', '1', 6000),
    add(5, true, leader, 1000),
    start(5, 1500),
    load('kubernetes', 40, 300),
    ...[1, 2, 3, 4]
      .filter((member) => member !== leader)
      .slice(0, 2)
      .map((member) => step({ type: 'slowDisk', member, factor: 20 }, 300)),
  ],
  truncateAlways: (leader) => [
    ...others(leader).map((to) =>
      step({ type: 'link', from: leader, to, ...wholeLink, duplicatePerMille: 300 }),
    ),
    load('kubernetes', 100, 3000),
  ],
  manyConfChanges: (leader) => [put('a', '1', 6000), add(4, false, leader, 0), add(5, false, leader, 500)],
  snapshotKeepsKeys: snapshot,
  snapshotAheadOfData: snapshot,
  proposeAgain: (leader) => [
    ...[1, 2, 3].map((member) => step({ type: 'slowDisk', member, factor: 5 })),
    load('hotKey', 100, 600),
    isolate(leader, 3000),
    heal(2000),
    ...others(leader).flatMap((member) => [isolate(member, 3000), heal(2000)]),
  ],
  applyByClock: () => [
    step({ type: 'leaseGrant', ttl: 2, id: 'abc' }, 1900),
    ...Array.from({ length: 16 }, () => step({ type: 'put', key: 'a', value: '1', lease: 'abc' }, 50)),
  ],
  revisionByRecords: (leader) => [
    put('a', '1'),
    step({ type: 'del', key: 'a' }, 300),
    compact(3),
    restart(others(leader)[0], 500),
  ],
  defragmentLosesIndex: (leader) => {
    const [a] = others(leader);
    return [
      put('a', '1'),
      put('a', '2', 500),
      step({ type: 'defrag', endpoints: [`m${a}`] }, 300),
      restart(a, 500),
    ];
  },
  everyClockEndsLeases: () => [...lease(3), step({ type: 'leaseKeepAlive', id: 'abc' }, 6000)],
  promotionEndsLeases: (leader) => [...lease(20), kill(leader, 4000)],
  leftSpanNotMerged: pages,
  takenSpanStays: pages,
  overflowStays: pages,
  commitUnseen: rough,
  indexBeforeEffect: rough,
  metaBeforeData: rough,
  lastKeySeparates: rough,
};

/** The hashmap freelist is where the bug is. */
const map: MemberSettings = { freelist: 'map' };
const often: MemberSettings = { snapshotCount: 10 };

/** What the lab is like in which the script shows the bug; absent: as usual. */
export interface BugWorld {
  readonly settings?: MemberSettings;
  readonly members?: number;
}

export const bugWorlds: Readonly<Partial<Record<Defect, BugWorld>>> = {
  watchTellsAgain: { settings: often },
  snapshotKeepsKeys: { settings: often },
  // what is written waits long for its commit: a database that goes out as it is lacks it
  snapshotAheadOfData: { settings: { ...often, batchIntervalMs: 5000, batchLimit: 100_000 } },
  leftSpanNotMerged: { settings: map },
  takenSpanStays: { settings: map },
  overflowStays: { settings: map },
  learnersCount: { members: 4 },
};
