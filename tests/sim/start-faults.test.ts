/** Disks that read slowly or do few operations, starts that come by themselves, and memory that is refused. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { replay } from '../../src/sim/run.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { clusterConfig, Lab, noTrace, recordingTrace } from './worlds.ts';
import type { Action, ClusterConfig, LabEvent } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Of<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;
const eventsOf = <Type extends LabEvent['type']>(told: readonly Told[], type: Type): Of<Type>[] =>
  told.map(({ event }) => event).filter((event): event is Of<Type> => event.type === type);
const lastTime = (told: readonly Told[], type: LabEvent['type']): number =>
  told.findLast(({ event }) => event.type === type)?.at.timeUs ?? 0;

function electedLab(changes: Partial<ClusterConfig> = {}): { lab: Lab; told: Told[] } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, ...changes });
  lab.runFor(3_000_000);
  return { lab, told: trace.told };
}

const one: Partial<ClusterConfig> = { memberCount: 1 };
const put = (key: string, value = 'v'): Action => ({ type: 'put', key, value });
const took = (lab: Lab, action: Action): number => {
  const fromUs = lab.cluster.nowUs;
  expect(lab.do(action)).toMatchObject({ ok: true });
  return lab.cluster.nowUs - fromUs;
};

test('a start waits until its files are read, and can be killed in the midst of it', () => {
  const { lab, told } = electedLab(one);
  lab.do(put('a'));
  lab.runFor(500_000);
  lab.do({ type: 'disk', member: 1, readMinUs: 700_000 });
  lab.do({ type: 'kill', member: 1 });
  expect(lab.do({ type: 'start', member: 1 })).toBeNull();
  const files = [...lab.cluster.files(1).values()];
  const pieces = files.reduce((sum, { length }) => sum + Math.max(1, Math.ceil(length / 262_144)), 0);
  expect(pieces).toBeGreaterThan(1);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  expect(lab.do({ type: 'start', member: 1 })).toMatchObject({ code: 9 });
  lab.runFor(pieces * 700_000 - 10);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  const [read] = eventsOf(told, 'sim.diskRead');
  expect(read).toMatchObject({ sizeBytes: files.reduce((sum, { length }) => sum + length, 0) });
  lab.runFor(pieces * 700_000 + 10);
  expect(lab.cluster.memberStatus(1)).toBe('up');
  expect(lastTime(told, 'sim.start')).toBe(read.doneAt);
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'start', member: 1 });
  lab.runFor(1000);
  expect(lab.do({ type: 'kill', member: 1 })).toBeNull();
  lab.runFor(5_000_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  expect(lab.cluster.reach).toMatchObject({ readsSlowed: 2 });
});

test('healing does not wait for a slow disk, nor forget a member whose first start is still to come', () => {
  const { lab } = electedLab(one);
  lab.do(put('a'));
  lab.runFor(500_000);
  const faults = [{ type: 'disk', member: 1, readMinUs: 10_000_000 }] as const;
  const images = [lab.cluster.files(1)];
  const world = { ...defaultWorld, faults };
  const slow = new Lab(Member.boot, { ...one, images, world });
  slow.runFor(2_000_000);
  expect(slow.cluster.memberStatus(1)).toBe('down');
  slow.do({ type: 'healEverything' });
  slow.runFor(3_000_000);
  expect(slow.do({ type: 'get', key: 'a' })).toMatchObject({ ok: true, count: 1 });
});

test('a defragmentation and a snapshot take the time that reading the store takes', () => {
  const { lab, told } = electedLab(one);
  lab.do(put('a', 'v'.repeat(1000)));
  const file = { type: 'snapshotSave' } as unknown as Action;
  const quick = { defrag: took(lab, { type: 'defrag' }), save: took(lab, file) };
  expect(Math.max(quick.defrag, quick.save)).toBeLessThan(300_000);
  lab.do({ type: 'disk', member: 1, readMinUs: 900_000 });
  for (const action of [{ type: 'defrag' } as const, file]) {
    const count = eventsOf(told, 'sim.diskRead').length;
    expect(took(lab, action)).toBeGreaterThan(900_000);
    expect(eventsOf(told, 'sim.diskRead')).toHaveLength(count + 1);
  }
  // what waits for no read is as quick as ever
  expect(took(lab, put('b'))).toBeLessThan(100_000);
});

test.each([false, true])('a snapshot leaves once it is read, unless its sender has ended: %s', (ends) => {
  const snapshots = { snapshotCount: 10, snapshotCatchUpEntries: 1, walSegmentBytes: 1_000_000 };
  const { lab, told } = electedLab({ snapshots });
  const leader = leaderOf(told);
  const behind = leader === 1 ? 2 : 1;
  lab.do({ type: 'kill', member: behind });
  for (let i = 0; i < 20; i++) lab.do(put(`k${i}`));
  lab.do({ type: 'disk', member: leader, readMinUs: 1_500_000 });
  const sent = (): number[] =>
    told.flatMap(({ at, event }) =>
      event.type === 'sim.send' && event.messageType === 'MsgSnap' && at.member === leader ? [at.timeUs] : [],
    );
  lab.do({ type: 'start', member: behind });
  lab.runFor(1_200_000);
  const read = eventsOf(told, 'sim.diskRead').at(-1);
  expect(read?.file).toBe('member/snap/db');
  expect(sent()).toEqual([]);
  if (ends) lab.do({ type: 'kill', member: leader });
  lab.runFor(4_000_000);
  expect(sent()[0]).toBe(ends ? undefined : read?.doneAt);
  expect(eventsOf(told, 'snapshot.apply').length > 0).toBe(true);
});

test('a disk of few operations lets syncs wait in line, and is quick again once there is no cap', () => {
  const { lab, told } = electedLab(one);
  lab.do({ type: 'disk', member: 1, operationsPerSecond: 10 });
  const first = took(lab, put('a'));
  expect(first).toBeGreaterThan(200_000);
  const ids = Array.from({ length: 5 }, (_, i) => lab.cluster.act(put(`b${i}`)));
  lab.runFor(2_000_000);
  expect(ids.every((id) => lab.outcomes.get(id)?.ok === true)).toBe(true);
  expect(eventsOf(told, 'sim.diskQueue').length).toBe(lab.cluster.reach.operationsQueued);
  expect(lab.cluster.reach.operationsQueued).toBeGreaterThan(3);
  lab.do({ type: 'healEverything' });
  lab.runFor(1_000_000);
  expect(took(lab, put('c'))).toBeLessThan(50_000);
});

test.each(['kill', 'powerCut', 'crashPoint', 'memoryLimit', 'diskError'] as const)(
  'a member that ends by %s is started again after its delay',
  (end) => {
    const { lab, told } = electedLab(one);
    lab.do({ type: 'restartDelay', member: 1, afterUs: 2_000_000 });
    if (end === 'crashPoint') lab.do({ type: end, member: 1, point: 'duringSync', nth: 1, then: 'powerCut' });
    else if (end === 'memoryLimit') lab.do({ type: end, member: 1, bytes: 1 });
    else if (end === 'diskError') lab.do({ type: end, member: 1, on: 'sync', code: 'EIO', lasts: 'once' });
    else lab.do({ type: end, member: 1 });
    lab.cluster.act(put('a'));
    lab.runUntil(() => lab.cluster.memberStatus(1) === 'down');
    lab.do({ type: 'memoryLimit', member: 1, bytes: 0 });
    const coming = eventsOf(told, 'sim.coming').at(-1);
    expect(coming?.why).toBe('supervisor');
    lab.runUntil(() => lab.cluster.memberStatus(1) === 'up');
    expect(lastTime(told, 'sim.start')).toBe(coming?.atUs);
    expect(lab.cluster.reach.restartsDelayed).toBe(1);
  },
);

test('who is asked to stop stays away, and so does who waits when nothing looks after it any more', () => {
  const { lab } = electedLab();
  lab.do({ type: 'restartDelay', member: 1, afterUs: 1_000_000 });
  expect(lab.do({ type: 'restartDelay', member: 1, afterUs: 1_000_000 })).toMatchObject({ code: 9 });
  expect(lab.do({ type: 'restartDelay', member: 1, afterUs: 5 })).toMatchObject({ code: 3 });
  lab.do({ type: 'stopMember', member: 1 });
  lab.runFor(5_000_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  lab.do({ type: 'start', member: 1 });
  lab.runFor(1_000_000);
  // a start by hand comes first, and the next end counts its own delay
  lab.do({ type: 'kill', member: 1 });
  lab.runFor(600_000);
  lab.do({ type: 'start', member: 1 });
  lab.do({ type: 'kill', member: 1 });
  lab.runFor(600_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  lab.runFor(600_000);
  expect(lab.cluster.memberStatus(1)).toBe('up');
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'restartDelay', member: 1, afterUs: 0 });
  lab.runFor(5_000_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
});

test('the n-th allocation ends the process in the midst of its step: nothing of it is answered or sent', () => {
  const { lab, told } = electedLab(one);
  lab.do({ type: 'failAllocation', member: 1, nth: 3 });
  expect(lab.do(put('a'))).toMatchObject({ ok: true });
  expect(lab.do(put('b'))).toMatchObject({ ok: true });
  lab.cluster.act(put('c'));
  lab.runUntil(() => lab.cluster.memberStatus(1) === 'down');
  expect(eventsOf(told, 'sim.allocationFailed')).toMatchObject([{ of: 'request' }]);
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  expect(lab.do({ type: 'get', key: '', prefix: true })).toMatchObject({ count: 2 });
  // it happens once
  for (let i = 0; i < 5; i++) expect(lab.do(put(`d${i}`))).toMatchObject({ ok: true });
  expect(lab.cluster.reach.allocationsFailed).toBe(1);
  expect(lab.do({ type: 'failAllocation', member: 1, nth: 0 })).toMatchObject({ code: 9 });
});

test('the store’s growth is an allocation too: the write before it is done, and it is not', () => {
  const { lab, told } = electedLab(one);
  const sizeBytes = lab.cluster.files(1).get('member/snap/db')?.length ?? 0;
  lab.do({ type: 'failAllocation', member: 1, nth: 2 });
  lab.cluster.act(put('a', 'v'.repeat(300_000)));
  lab.runUntil(() => lab.cluster.memberStatus(1) === 'down');
  expect(eventsOf(told, 'sim.allocationFailed')).toMatchObject([{ of: 'store' }]);
  expect(lab.cluster.files(1).get('member/snap/db')?.length).toBe(sizeBytes);
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  expect(lab.do({ type: 'get', key: 'a' })).toMatchObject({ count: 1 });
});

test('a run with all of these has one chain hash, traced or not, and done again', () => {
  const run = (traced: boolean): Lab => {
    const lab = new Lab(Member.boot, { seed: 4, trace: traced ? recordingTrace() : noTrace });
    lab.runFor(2_000_000);
    for (const member of [1, 2, 3]) {
      lab.do({ type: 'disk', member, readMinUs: 30_000, readMeanUs: 60_000, operationsPerSecond: 60 });
      lab.do({ type: 'restartDelay', member, afterUs: 400_000 * member });
      lab.do({ type: 'failAllocation', member, nth: 25 * member });
    }
    for (let i = 0; i < 30; i++) lab.cluster.act(put(`k${i}`, 'v'.repeat(3000)));
    lab.runFor(6_000_000);
    lab.do({ type: 'healEverything' });
    lab.runFor(4_000_000);
    return lab;
  };
  const [told, silent] = [run(true), run(false)];
  expect(silent.cluster.chainHash).toBe(told.cluster.chainHash);
  expect(told.cluster.reach.allocationsFailed).toBe(3);
  expect(told.cluster.reach.restartsDelayed).toBeGreaterThanOrEqual(3);
  expect(told.cluster.reach.readsSlowed).toBeGreaterThanOrEqual(3);
  for (const member of [1, 2, 3]) expect(told.cluster.memberStatus(member)).toBe('up');
  const { interventions, moment, chainHash } = told.cluster;
  const again = replay(clusterConfig({ seed: 4 }), interventions, Member.boot, moment);
  expect(again.cluster.chainHash).toBe(chainHash);
});

function leaderOf(told: readonly Told[]): number {
  return told.findLast(({ event }) => event.type === 'raft.becomeLeader')?.at.member ?? 0;
}
