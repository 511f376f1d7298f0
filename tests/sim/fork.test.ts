/** A world that is copied at any moment goes on as the first one does, and the first one does not notice. */
import { expect, test } from 'vitest';
import { fork } from '../../src/base/fork.ts';
import { freeze } from '../../src/base/frozen.ts';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { hearBy } from '../../src/sim/keyframes.ts';
import { Members } from '../../src/sim/run.ts';
import { faultKinds, swarmSchedule } from '../../src/sim/swarm.ts';
import { requestKinds, Workload } from '../simulation/workload.ts';
import { clusterConfig, noTrace, recordingTrace } from './worlds.ts';
import type { Told } from './worlds.ts';
import type { Action, ClusterConfig, Intervention } from '../../src/sim/types.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';

const second = 1_000_000;

interface World {
  readonly cluster: Cluster;
  readonly members: Members;
}

/** What a seed's run was: its actions with their moments, and the chain hash after each plan. */
interface Recorded {
  readonly config: ClusterConfig;
  readonly interventions: readonly Intervention[];
  readonly hashes: ReadonlyMap<number, string>;
  readonly lastMoment: number;
}

const open = (config: ClusterConfig): World => ({
  cluster: new Cluster(config),
  members: new Members(Member.boot),
});

function step({ cluster, members }: World): boolean {
  const plan = cluster.plan();
  if (plan === null) return false;
  cluster.merge(plan, members.perform(plan));
  cluster.takeStoreCommits();
  return true;
}

const users: readonly Action[] = [
  { type: 'userAdd', name: 'root', password: 'r' },
  { type: 'userAdd', name: 'ann', password: 'a' },
  { type: 'roleAdd', role: 'reader' },
  { type: 'roleGrantPermission', role: 'reader', permission: 'readwrite', key: 'k', prefix: true },
  { type: 'userGrantRole', name: 'ann', role: 'reader' },
  { type: 'userGrantRole', name: 'root', role: 'root' },
  { type: 'authEnable' },
  { type: 'put', key: 'k1', value: 'by ann', user: 'ann:a' },
  { type: 'get', key: 'k1', user: 'ann:wrong' },
  { type: 'userPasswd', name: 'ann', password: 'b', user: 'root:r' },
  { type: 'authDisable', user: 'root:r' },
];

const operations: readonly Action[] = [
  { type: 'endpointStatus' },
  { type: 'endpointHealth' },
  { type: 'endpointHashKv' },
  { type: 'snapshotSave' },
  { type: 'compaction', revision: 5, physical: true },
  { type: 'alarmList' },
  { type: 'alarmDisarm' },
  { type: 'watch', key: 'k', prefix: true, progressNotify: true, prevKv: true },
  { type: 'watchProgress' },
  { type: 'memberList' },
  { type: 'memberAdd', name: 'm4', peerUrls: ['http://10.0.0.4:2380'], learner: true },
  { type: 'start', member: 4 },
  { type: 'leaseGrant', ttl: 2, id: '77' },
  { type: 'leaseKeepAlive', id: '77' },
  { type: 'leaseTimeToLive', id: '77', keys: true },
  { type: 'load', kind: 'watchers', perSecond: 20 },
  { type: 'load', kind: 'kubernetes', perSecond: 60 },
  { type: 'checkPerf', load: 's', prefix: '/perf/' },
  { type: 'defrag' },
];

function scriptOf(seed: number, virtualUs: number): ScheduledAction[] {
  const options = { members: 3, faults: faultKinds, virtualUs, beyond: seed % 2 === 0 };
  const workload = new Workload(seed, 3, requestKinds);
  const draws = stream(seed, 'fork operations');
  const requests = workload.times(virtualUs, 20).map((atUs) => ({ atUs, action: workload.next() }));
  const extra = [...users, ...operations].map((action) => ({ atUs: draws.below(virtualUs), action }));
  const ordered = extra.map(({ atUs }) => atUs).sort((a, b) => a - b);
  const placed = extra.map(({ action }, i) => ({ atUs: ordered[i], action }));
  return [...swarmSchedule(seed, options), ...requests, ...placed].sort((a, b) => a.atUs - b.atUs);
}

function record(seed: number, virtualUs: number, trace = noTrace): Recorded {
  const snapshots = { snapshotCount: 40, snapshotCatchUpEntries: 5, walSegmentBytes: 8192 };
  const config = clusterConfig({ seed, trace, ...(seed % 3 > 0 && { snapshots }) });
  const world = open(config);
  const { cluster } = world;
  const hashes = new Map<number, string>();
  for (const { atUs, action } of [...scriptOf(seed, virtualUs), { atUs: virtualUs, action: null }]) {
    while (cluster.nextTimeUs !== null && cluster.nextTimeUs <= atUs && step(world))
      hashes.set(cluster.moment, cluster.chainHash);
    if (action !== null) cluster.act(action);
  }
  return { config, interventions: cluster.interventions, hashes, lastMoment: cluster.moment };
}

/** Goes on as was recorded, so many moments or to the end; each hash on the way must be the recorded one. */
function goOn({ cluster, members }: World, recorded: Recorded, moments = Infinity): void {
  const { interventions, hashes, lastMoment } = recorded;
  const until = Math.min(lastMoment, cluster.moment + moments);
  while (cluster.moment < until) {
    for (let i = cluster.interventions.length; interventions[i]?.moment === cluster.moment; i++)
      cluster.act(interventions[i].action);
    if (!step({ cluster, members })) break;
    if (hashes.get(cluster.moment) !== cluster.chainHash)
      throw new Error(`another run from ${cluster.moment}`);
  }
}

const ways = {
  'at once': fork,
  'laid still': <Value extends object>(world: Value): Value => freeze(world).thaw(),
};
const runs = [1, 2].flatMap((seed) => Object.entries(ways).map(([name, copyOf]) => ({ seed, name, copyOf })));

test.each(runs)(
  'copies of run $seed, $name, go on to the hashes of the first, which go on too',
  ({ seed, copyOf }) => {
    const recorded = record(seed, 5 * second);
    const world = open(recorded.config);
    const draws = stream(seed, 'forks');
    const copies: World[] = [];
    const count = 8;
    for (let i = 0; i < count; i++) {
      goOn(world, recorded, Math.floor(recorded.lastMoment / (count + 1)) + draws.below(20) - 10);
      const copy = copyOf(world);
      if (draws.chance(1, 2)) goOn(copy, recorded, 300);
      copies.push(draws.chance(1, 3) ? copyOf(copy) : copy);
    }
    goOn(world, recorded);
    for (const copy of copies) goOn(copy, recorded, 500);
    goOn(copies[3], recorded);
    expect(copies[3].cluster.chainHash).toBe(world.cluster.chainHash);
    expect(world.cluster.chainHash).toBe(recorded.hashes.get(recorded.lastMoment));
  },
);

test.each(runs)(
  'copies of run $seed, $name, which nobody heard, tell what they do as one that was heard all the while',
  ({ seed, copyOf }) => {
    const heard = recordingTrace();
    const recorded = record(seed, 5 * second, heard);
    const world = open({ ...recorded.config, trace: noTrace });
    const draws = stream(seed, 'heard copies');
    const count = 12;
    for (let i = 0; i < count; i++) {
      goOn(world, recorded, Math.floor(recorded.lastMoment / (count + 1)) + draws.below(20) - 10);
      const copy = copyOf(world);
      const from = copy.cluster.moment;
      const again = recordingTrace();
      hearBy(copy, again);
      goOn(copy, recorded, 400);
      const isNow = ({ at }: Told) => at.moment > from && at.moment <= copy.cluster.moment;
      expect(again.told.filter(isNow)).toEqual(heard.told.filter(isNow));
    }
  },
);
