/** Whole clusters of real members in the world: elections, writes, crashes, partitions. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { replay } from '../../src/sim/run.ts';
import { ChunkedFile } from '../../src/sim/chunked-file.ts';
import { applyStoreOps, toImage } from '../../src/sim/store-ops.ts';
import { clusterConfig, Lab, noTrace, recordingTrace } from './worlds.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import type { ClientOutcome, ClusterConfig } from '../../src/sim/types.ts';

const boot = Member.boot;

function etcdLab(changes: Partial<ClusterConfig> = {}): Lab {
  const lab = new Lab(boot, changes);
  lab.runFor(3_000_000);
  return lab;
}

/** Who leads, by the answers of the members that are up; null where they differ or know none. */
function leaderOf(lab: Lab, among: readonly number[] = [1, 2, 3]): number | null {
  const outcome = lab.do({ type: 'endpointStatus', endpoints: among.map((member) => `m${member}`) });
  if (outcome?.ok !== true || outcome.type !== 'endpointStatus') return null;
  const leaders = new Set(outcome.endpoints.map(({ status }) => status?.leader ?? 0n));
  const [leader] = leaders;
  if (leaders.size !== 1 || leader === 0n) return null;
  const index = outcome.endpoints.findIndex(({ status }) => status?.memberId === leader);
  return among[index] ?? null;
}

/** The leader once all of `among` name it; it must be one of them. */
function waitForLeader(lab: Lab, among: readonly number[]): number {
  for (let tries = 0; tries < 40; tries++) {
    const leader = leaderOf(lab, among);
    if (leader !== null) return leader;
    lab.runFor(250_000);
  }
  throw new Error('no leader in ten seconds');
}

function valueOf(outcome: ClientOutcome | null): string | null {
  if (outcome?.ok !== true || outcome.type !== 'get')
    throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  return outcome.kvs.length === 0 ? null : Buffer.from(outcome.kvs[0].value).toString();
}

const othersThan = (member: number): number[] => [1, 2, 3].filter((one) => one !== member);
const flat = (image: DiskImage): [string, string][] =>
  [...image].map(([name, data]) => [name, Buffer.from(data).toString('base64')]);

test('three members elect a leader within two seconds and answer put, get and del', () => {
  for (const seed of [1, 2, 3]) {
    const lab = new Lab(boot, { seed });
    lab.runFor(2_500_000);
    expect(leaderOf(lab)).not.toBeNull();
    expect(lab.do({ type: 'put', key: 'greeting', value: 'hello' })).toMatchObject({
      ok: true,
      type: 'put',
      revision: 2,
    });
    expect(valueOf(lab.do({ type: 'get', key: 'gree', prefix: true }))).toBe('hello');
    expect(lab.do({ type: 'del', key: 'greeting' })).toMatchObject({ ok: true, deleted: 1, revision: 3 });
    expect(valueOf(lab.do({ type: 'get', key: 'greeting' }))).toBeNull();
  }
});

test('when the leader is killed another takes over with the value; the dead one catches up', () => {
  const lab = etcdLab();
  const leader = waitForLeader(lab, [1, 2, 3]);
  expect(lab.do({ type: 'put', key: 'k', value: 'before' })).toMatchObject({ ok: true });
  lab.do({ type: 'kill', member: leader });
  const next = waitForLeader(lab, othersThan(leader));
  expect(next).not.toBe(leader);
  expect(valueOf(lab.do({ type: 'get', key: 'k' }))).toBe('before');
  expect(lab.do({ type: 'put', key: 'k', value: 'after' })).toMatchObject({ ok: true, revision: 3 });
  lab.do({ type: 'restart', member: leader });
  lab.runFor(2_000_000);
  expect(valueOf(lab.do({ type: 'get', key: 'k', serializable: true, endpoints: [`m${leader}`] }))).toBe(
    'after',
  );
});

test('an isolated leader cannot commit, and what it wrote is replaced after healing', () => {
  const trace = recordingTrace();
  const lab = etcdLab({ trace });
  const leader = waitForLeader(lab, [1, 2, 3]);
  lab.do({ type: 'isolate', member: leader });
  const lost = lab.cluster.act({ type: 'put', key: 'k', value: 'never', endpoints: [`m${leader}`] });
  const next = waitForLeader(lab, othersThan(leader));
  expect(lab.do({ type: 'put', key: 'k', value: 'wins', endpoints: [`m${next}`] })).toMatchObject({
    ok: true,
  });
  lab.runUntil(() => lab.outcomes.has(lost));
  expect(lab.outcomes.get(lost)).toMatchObject({ ok: false });
  const before = trace.told.length;
  lab.do({ type: 'healAll' });
  lab.runFor(4_000_000);
  const replaced = trace.told
    .slice(before)
    .filter(({ at, event }) => at.member === leader && event.type === 'raft.append' && event.truncated > 0);
  expect(replaced).toHaveLength(1);
  for (const member of [1, 2, 3]) {
    expect(valueOf(lab.do({ type: 'get', key: 'k', endpoints: [`m${member}`] }))).toBe('wins');
  }
});

test('a write without a quorum ends after five seconds with the deadline', () => {
  const lab = etcdLab();
  const leader = waitForLeader(lab, [1, 2, 3]);
  for (const member of othersThan(leader)) lab.do({ type: 'kill', member });
  const endpoints = [`m${leader}`];
  expect(lab.do({ type: 'put', key: 'k', value: 'v', endpoints })).toMatchObject({ ok: false, code: 4 });
});

test('acknowledged writes survive a power cut of all members, at any moment', () => {
  const acknowledgedCounts: number[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    const lab = etcdLab({ seed });
    const ids = Array.from({ length: 30 }, (_, i) =>
      lab.cluster.act({ type: 'put', key: `k${i}`, value: 'x'.repeat(i * 40) }),
    );
    lab.runFor(4000 + seed * 1700);
    const acknowledged = ids.flatMap((id, i) => (lab.outcomes.get(id)?.ok === true ? [i] : []));
    acknowledgedCounts.push(acknowledged.length);
    for (const member of [1, 2, 3]) lab.do({ type: 'powerCut', member });
    for (const member of [1, 2, 3]) lab.do({ type: 'restart', member });
    lab.runFor(3_000_000);
    expect([1, 2, 3].map((member) => lab.cluster.memberStatus(member))).toEqual(['up', 'up', 'up']);
    const outcome = lab.do({ type: 'get', key: 'k', prefix: true });
    if (outcome?.ok !== true || outcome.type !== 'get') throw new Error(`seed ${seed}: no answer`);
    const present = new Set(outcome.kvs.map(({ key }) => Buffer.from(key).toString()));
    expect(acknowledged.filter((i) => !present.has(`k${i}`))).toEqual([]);
  }
  // the cuts came while some were acknowledged and others were not
  expect(acknowledgedCounts.some((count) => count > 0 && count < 30)).toBe(true);
});

test('a store that does the commits holds what the disk holds, after kills and power cuts too', () => {
  const lab = etcdLab({ seed: 5 });
  const stores = [1, 2, 3].map(() => new Map<string, ChunkedFile>());
  const drain = (): void => {
    for (const { member, ops } of lab.cluster.takeStoreCommits()) applyStoreOps(stores[member - 1], ops);
  };
  const compare = (member: number, with_: DiskImage): void =>
    expect(flat(toImage(stores[member - 1]))).toEqual(flat(with_));
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 5; i++) lab.cluster.act({ type: 'put', key: `k${i}`, value: `${round}`.repeat(300) });
    lab.runFor(3000 + round * 800);
    const member = (round % 3) + 1;
    lab.do({ type: round % 2 === 0 ? 'powerCut' : 'kill', member });
    drain();
    for (const one of [1, 2, 3]) compare(one, lab.cluster.stored(one));
    if (round % 2 === 0) compare(member, lab.cluster.durable(member));
    lab.do({ type: 'restart', member });
    lab.runFor(1_500_000);
  }
  const { writesKept, writesLost, writesTorn } = lab.cluster.reach;
  expect(writesKept > 0 && writesLost > 0 && writesTorn > 0).toBe(true);
});

/** Writes, a kill, a pause, a partition, a power cut: one run of everything. */
function eventfulRun(changes: Partial<ClusterConfig>): Lab {
  const lab = etcdLab(changes);
  for (let i = 0; i < 10; i++) lab.cluster.act({ type: 'put', key: `k${i}`, value: `${i}` });
  lab.runFor(200_000);
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'pauseMember', member: 2 });
  lab.runFor(1_500_000);
  lab.do({ type: 'resumeMember', member: 2 });
  lab.do({ type: 'restart', member: 1 });
  lab.runFor(2_000_000);
  lab.do({ type: 'isolate', member: 3 });
  lab.cluster.act({ type: 'put', key: 'late', value: 'v' });
  lab.runFor(7_000);
  lab.do({ type: 'powerCut', member: 2 });
  lab.do({ type: 'restart', member: 2 });
  lab.do({ type: 'healAll' });
  lab.runFor(3_000_000);
  return lab;
}

test('the same seed gives the same chain hash, traced or not, run again or replayed', () => {
  const config = { seed: 11 };
  const quiet = eventfulRun({ ...config, trace: noTrace }).cluster;
  const traced = eventfulRun({ ...config, trace: recordingTrace() }).cluster;
  expect([traced.moment, traced.chainHash]).toEqual([quiet.moment, quiet.chainHash]);
  const again = replay(clusterConfig(config), quiet.interventions, boot, quiet.moment);
  expect(again.cluster.chainHash).toBe(quiet.chainHash);
  expect(eventfulRun({ seed: 12 }).cluster.chainHash).not.toBe(quiet.chainHash);
});

test('a candidate asks for votes when its term is on disk, however slow that is', () => {
  const trace = recordingTrace();
  const lab = new Lab(boot, { trace, seed: 26 });
  lab.runFor(3_000_000);
  for (let round = 0; round < 4; round++) {
    const leader = waitForLeader(lab, [1, 2, 3]);
    for (const member of [1, 2, 3]) lab.do({ type: 'slowDisk', member, factor: 20 + round });
    lab.do({ type: 'restart', member: leader });
    lab.runFor(6_000_000);
  }
  const syncing = new Map<number, number>();
  let asked = 0;
  for (const { at, event } of trace.told) {
    if (event.type === 'sim.start') syncing.set(at.member, 0);
    if (event.type === 'wal.sync') syncing.set(at.member, (syncing.get(at.member) ?? 0) + 1);
    if (event.type === 'wal.synced') syncing.set(at.member, (syncing.get(at.member) ?? 0) - 1);
    if (event.type !== 'sim.send' || event.messageType !== 'MsgVote') continue;
    asked++;
    expect(syncing.get(event.from)).toBe(0);
  }
  expect(asked).toBeGreaterThan(7);
});
