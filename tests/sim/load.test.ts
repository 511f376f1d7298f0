/** The world's own clients: their rate, their bound, what is told of them, and that runs stay the same. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { stream } from '../../src/base/prng.ts';
import { drawZipf } from '../../src/sim/load-storms.ts';
import { newTraffic } from '../../src/sim/load-kinds.ts';
import { replay } from '../../src/sim/run.ts';
import { clusterConfig, Lab, noTrace, recordingTrace } from './worlds.ts';
import type { LabEvent, LoadKind } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Report = Extract<LabEvent, { type: 'sim.load' }>;
const reports = (told: readonly Told[]): Report[] =>
  told.map(({ event }) => event).filter((event): event is Report => event.type === 'sim.load');

function loadedLab(
  kind: Exclude<LoadKind, 'none'>,
  perSecond: number,
  traced = true,
): { lab: Lab; told: Told[] } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { seed: 4, trace: traced ? trace : noTrace });
  lab.runFor(3_000_000);
  expect(lab.do({ type: 'load', kind, perSecond })).toBeNull();
  return { lab, told: trace.told };
}

test('a load sends at its rate, is told of once a virtual second, and ends when it is told to', () => {
  const { lab, told } = loadedLab('kubernetes', 40);
  lab.runFor(3_000_000);
  expect(reports(told).map(({ issued }) => issued)).toEqual([40, 40, 40]);
  expect(lab.do({ type: 'load', kind: 'none', perSecond: 0 })).toBeNull();
  const issuedCount = lab.cluster.load.issued;
  lab.runFor(4_000_000);
  const { issued, ok, failed, dropped, latencySumUs, latencyMaxUs } = lab.cluster.load;
  expect(issued).toBe(issuedCount);
  expect([ok + failed, failed, dropped]).toEqual([issued, 0, 0]);
  const all = reports(told);
  expect(all.reduce((sum, report) => sum + report.ok, 0)).toBe(ok);
  expect(all[all.length - 1]).toMatchObject({ kind: 'none', issued: 0, waiting: 0 });
  for (const { p50Us, p99Us } of all.slice(0, 3)) {
    expect(p50Us).toBeGreaterThan(3000);
    expect(p99Us).toBeGreaterThanOrEqual(p50Us);
    expect(p99Us).toBeLessThanOrEqual(latencyMaxUs);
  }
  expect(latencySumUs).toBeGreaterThan(3000 * ok);
  const quietFrom = told.length;
  lab.runFor(2_000_000);
  expect(reports(told.slice(quietFrom))).toEqual([]);
});

test('what a load asks for is in the store, and none of it is an outcome of an action', () => {
  const { lab } = loadedLab('kubernetes', 100);
  lab.runFor(2_000_000);
  lab.do({ type: 'load', kind: 'none', perSecond: 0 });
  lab.runFor(1_000_000);
  expect(lab.outcomes.size).toBe(2);
  for (const prefix of ['/registry/pods/', '/registry/leases/kube-node-lease/', '/registry/events/']) {
    const read = lab.do({ type: 'get', key: prefix, prefix: true });
    if (read?.ok !== true || read.type !== 'get') throw new Error('no answer');
    expect(read.count).toBeGreaterThan(0);
  }
});

test('without a quorum a load’s requests wait up to their bound, then fail; the rest is dropped', () => {
  const { lab, told } = loadedLab('hotKey', 200);
  lab.runFor(500_000);
  for (const member of [1, 2]) lab.do({ type: 'kill', member });
  lab.runFor(4_000_000);
  expect(Math.max(...reports(told).map(({ waiting }) => waiting))).toBe(200);
  expect(lab.cluster.load.dropped).toBeGreaterThan(300);
  expect(lab.cluster.reach.loadDropped).toBe(lab.cluster.load.dropped);
  lab.runFor(4_000_000);
  expect(lab.cluster.load.failed).toBeGreaterThan(100);
  const { issued, ok, failed } = lab.cluster.load;
  expect(issued - ok - failed).toBeLessThanOrEqual(200);
});

test('the same seed gives the same chain hash under load, traced or not, and replayed', () => {
  const run = (traced: boolean): Lab => {
    const { lab } = loadedLab('bigValues', 20, traced);
    lab.runFor(700_000);
    lab.do({ type: 'load', kind: 'kubernetes', perSecond: 60 });
    lab.runFor(500_000);
    lab.do({ type: 'restart', member: 1 });
    lab.runFor(500_000);
    return lab;
  };
  const { cluster } = run(false);
  expect(run(true).cluster.chainHash).toBe(cluster.chainHash);
  const again = replay(clusterConfig({ seed: 4 }), cluster.interventions, Member.boot, cluster.moment);
  expect(again.cluster.chainHash).toBe(cluster.chainHash);
  expect(again.cluster.load).toEqual(cluster.load);
});

test('a load that makes no sense is refused with the reason', () => {
  const { lab } = loadedLab('hotKey', 10);
  const refused = (kind: LoadKind, perSecond: number): unknown => lab.do({ type: 'load', kind, perSecond });
  expect(refused('hotKey', 10)).toMatchObject({ code: 9, message: 'this load is running already' });
  expect(refused('hotKey', 0)).toMatchObject({
    code: 3,
    message: 'a load sends 1 to 1000 requests a second',
  });
  expect(refused('none', 5)).toMatchObject({ code: 3 });
  expect(refused('none', 0)).toBeNull();
  expect(refused('none', 0)).toMatchObject({ code: 9, message: 'no load is running' });
});

test('traffic is like its name: pods live and die, one key is hot, big values leave holes', () => {
  const requests = (kind: Exclude<LoadKind, 'none'>) => {
    const traffic = newTraffic(kind, stream(7, 'traffic'));
    return Array.from({ length: 4000 }, (_, i) => traffic.next(i));
  };
  const live = new Set<string>();
  let deletedCount = 0;
  for (const request of requests('kubernetes')) {
    if (request.type === 'del') {
      expect(live.delete(request.key)).toBe(true);
      deletedCount++;
    } else if (request.type === 'put') {
      live.add(request.key);
      expect(request.key).toMatch(/^\/registry\/(pods|events|leases)\/[a-z-]+\/./);
      expect(request.value.length).toBeGreaterThanOrEqual(400);
      expect(request.value.length).toBeLessThanOrEqual(5 * 1024);
    }
  }
  expect(deletedCount).toBeGreaterThan(300);
  expect(live.size).toBeLessThanOrEqual(60 + 100 + 20);
  const hot = requests('hotKey');
  expect(new Set(hot.map((request) => 'key' in request && request.key))).toEqual(new Set(['/load/hot']));
  const sizes = requests('bigValues').flatMap((one) => (one.type === 'put' ? [one.value.length] : []));
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(10 * 1024);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100 * 1024);
  expect(sizes.length).toBeGreaterThan(1900);
  expect(sizes.length).toBeLessThan(2100);
});

test('a zipf load asks for its keys by their ranks: the first twice as often as the second', () => {
  const draws = stream(3, 'zipf');
  const counts = new Map<number, number>();
  for (let i = 0; i < 40_000; i++) {
    const rank = drawZipf(draws);
    counts.set(rank, (counts.get(rank) ?? 0) + 1);
  }
  const of = (rank: number): number => counts.get(rank) ?? 0;
  expect(Math.min(...counts.keys())).toBe(1);
  expect(Math.max(...counts.keys())).toBeGreaterThan(1000);
  expect(of(1) / of(2)).toBeGreaterThan(1.8);
  expect(of(1) / of(2)).toBeLessThan(2.2);
  expect(of(1) / of(10)).toBeGreaterThan(8);
});

test('impatient clients send again what may have happened, and the store has it all the same', () => {
  const { lab } = loadedLab('retries', 20, false);
  for (const member of [1, 2, 3]) lab.do({ type: 'slowDisk', member, factor: 20 });
  lab.runFor(2_000_000);
  expect(lab.cluster.reach.loadRepeated).toBeGreaterThan(20);
  lab.do({ type: 'load', kind: 'none', perSecond: 0 });
  for (const member of [1, 2, 3]) lab.do({ type: 'slowDisk', member, factor: 1 });
  lab.runFor(2_000_000);
  const { issued, ok, failed } = lab.cluster.load;
  expect(ok + failed).toBe(issued);
  expect(lab.cluster.reach.commandsTimedOut).toBe(failed);
  const read = lab.do({ type: 'get', key: '/load/retry/', prefix: true });
  if (read?.ok !== true || read.type !== 'get') throw new Error('no answer');
  // each that ran out of time is a write of its own where it happened
  expect(read.revision).toBeGreaterThan(1 + ok);
});

test('a storm of watchers hears of each write, and goes when it is over', () => {
  const { lab, told } = loadedLab('watchers', 60);
  lab.runFor(2_000_000);
  const heard = told.filter(({ event }) => event.type === 'sim.watch').length;
  expect(heard).toBeGreaterThan(200);
  lab.do({ type: 'load', kind: 'none', perSecond: 0 });
  lab.runFor(1_000_000);
  const quiet = told.length;
  lab.do({ type: 'put', key: '/load/watched', value: 'x' });
  lab.runFor(500_000);
  expect(told.slice(quiet).filter(({ event }) => event.type === 'sim.watch')).toEqual([]);
});

test('values that are too large are refused, runaway ranges read all, leases that nobody renews go', () => {
  const huge = loadedLab('hugeValues', 5, false).lab;
  huge.runFor(2_000_000);
  expect(huge.cluster.load.failed).toBeGreaterThan(0);
  expect(huge.cluster.load.ok).toBeGreaterThan(3);
  const ranges = loadedLab('ranges', 30, false).lab;
  ranges.runFor(2_000_000);
  expect(ranges.cluster.load.ok).toBeGreaterThan(50);
  const { lab, told } = loadedLab('leases', 60);
  lab.runFor(1_000_000);
  lab.do({ type: 'healEverything' });
  expect(lab.cluster.load.issued).toBeLessThan(65);
  lab.runFor(35_000_000);
  const granted = told.filter(({ event, at }) => event.type === 'lease.grant' && at.member === 1).length;
  expect(granted).toBeGreaterThan(20);
  expect(lab.do({ type: 'leaseList' })).toMatchObject({ ok: true, ids: [] });
});

test('a flood is not held back by what waits', () => {
  const { lab } = loadedLab('flood', 1000, false);
  for (const member of [1, 2]) lab.do({ type: 'kill', member });
  lab.runFor(1_000_000);
  const { issued, dropped } = lab.cluster.load;
  expect(issued).toBeGreaterThan(900);
  expect(dropped).toBe(0);
});

test('transactions have as many operations as one may have; one more is refused, and the rest happens', () => {
  const { lab } = loadedLab('transactions', 20, false);
  lab.runFor(2_000_000);
  lab.do({ type: 'load', kind: 'none', perSecond: 0 });
  lab.runFor(1_000_000);
  const { issued, ok, failed } = lab.cluster.load;
  expect(ok + failed).toBe(issued);
  expect(failed).toBeGreaterThan(0);
  expect(failed).toBeLessThan(ok);
  const read = lab.do({ type: 'get', key: '/load/txn/', prefix: true });
  if (read?.ok !== true || read.type !== 'get') throw new Error('no answer');
  expect(read.count).toBeGreaterThan(500);
  // each transaction is one revision, whatever it writes
  expect(read.revision).toBe(1 + ok);
  const sizes = new Set<number>();
  const traffic = newTraffic('transactions', stream(7, 'traffic'));
  for (let i = 0; i < 200; i++) {
    const request = traffic.next(i);
    if (request.type !== 'txn') throw new Error('no transaction');
    sizes.add(request.success.length);
    const keys = request.success.flatMap((one) => (one.type === 'put' ? [one.key] : []));
    expect(new Set(keys).size).toBe(keys.length);
  }
  expect([...sizes].sort()).toEqual([128, 129]);
});

test('watches from old revisions hear all since, or that it is compacted', () => {
  const { lab, told } = loadedLab('oldWatches', 60);
  lab.runFor(4_000_000);
  const heard = told.flatMap(({ event }) => (event.type === 'sim.watch' ? [event] : []));
  const ends = heard.filter(({ ended }) => ended !== '');
  const text = 'etcdserver: mvcc: required revision has been compacted';
  expect(new Set(ends.map(({ ended }) => ended))).toEqual(new Set([text]));
  expect(ends.length).toBe(lab.cluster.reach.watchesCompacted);
  expect(ends.length).toBeGreaterThan(5);
  // more than one change at once: they are of the past
  expect(heard.some(({ events }) => events.length > 3)).toBe(true);
  lab.do({ type: 'load', kind: 'none', perSecond: 0 });
  lab.runFor(1_000_000);
  const { issued, ok, failed } = lab.cluster.load;
  expect(ok + failed).toBe(issued);
  // a compaction below the last one is refused, and nothing else is
  expect(failed).toBeLessThanOrEqual(12);
});
