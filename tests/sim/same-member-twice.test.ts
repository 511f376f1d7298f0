/** A data directory that runs on two hosts: what both do under one member ID. */
import { expect, test } from 'vitest';
import { fork } from '../../src/base/fork.ts';
import { ownerInLog } from '../../src/engine/server/wal-storage.ts';
import { Member } from '../../src/engine/server/member.ts';
import { replay, runUntil } from '../../src/sim/run.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';

const copyHost = 4;

/** Three members, of which one that does not lead is copied; no client writes meanwhile. */
function copied(seed: number) {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, seed });
  lab.runFor(3_000_000);
  expect(lab.do({ type: 'put', key: 'a', value: '1' })).toMatchObject({ ok: true });
  lab.runFor(500_000);
  const leader = trace.told.findLast(({ event }) => event.type === 'raft.becomeLeader')?.at.member ?? 0;
  const member = (leader % 3) + 1;
  expect(lab.do({ type: 'copyMember', member, host: leader })).toMatchObject({
    message: `m${leader} has a data directory of its own`,
  });
  expect(lab.do({ type: 'copyMember', member, host: 10 })).toMatchObject({ code: 3 });
  expect(lab.cluster.reach.sentToCopies).toBe(0);
  expect(lab.do({ type: 'copyMember', member, host: copyHost })).toBeNull();
  lab.runFor(2_000_000);
  return { lab, trace, leader, member };
}

test('a copy runs under the member’s ID: the first entry that only one of both gets stops the other', () => {
  const { lab, trace, leader, member } = copied(8);
  const { cluster } = lab;
  const halts = () =>
    trace.told.flatMap(({ at, event }) => (event.type === 'server.halt' ? [{ at, event }] : []));
  expect(cluster.reach.membersCopied).toBe(1);
  expect(ownerInLog(cluster.files(copyHost))).toEqual(ownerInLog(cluster.files(member)));
  expect(cluster.reach.sentToCopies).toBeGreaterThan(0);
  // the copy tells the cluster its name, in an entry of the log: what one has acknowledged the other is taken to have,
  // so that it stops in etcd's own words. The rest goes on.
  expect(halts()).toHaveLength(1);
  const [{ at, event }] = halts();
  expect([member, copyHost]).toContain(at.member);
  expect(event.reason).toMatch(/tocommit\(\d+\) is out of range \[lastIndex\(\d+\)\]/);
  const after = { type: 'put', key: 'after', value: '2', endpoints: [`m${leader}`] } as const;
  expect(lab.do(after)).toMatchObject({ ok: true });
  const again = replay(clusterConfig({ seed: 8 }), cluster.interventions, Member.boot, cluster.moment);
  expect(again.cluster.chainHash).toBe(cluster.chainHash);
});

test('a copy that is stored is known by its log when all starts anew, until it is wiped', () => {
  const first = copied(8).lab.cluster;
  const images = [1, 2, 3, copyHost].map((host) => new Map(first.files(host)));
  const lab = new Lab(Member.boot, { images, boot: 2, startUs: first.nowUs, seed: 8 });
  const { reach } = lab.cluster;
  expect(reach.membersCopied).toBe(1);
  lab.runFor(3_000_000);
  expect(reach.sentToCopies).toBeGreaterThan(0);
  expect(lab.do({ type: 'keepImage', member: copyHost })).toBeNull();
  expect(lab.do({ type: 'wipe', member: copyHost })).toBeNull();
  const sent = reach.sentToCopies;
  lab.runFor(1_000_000);
  expect(reach.sentToCopies).toBe(sent);
  // its image makes it a copy again
  expect(lab.do({ type: 'restoreImage', member: copyHost })).toBeNull();
  expect(lab.do({ type: 'start', member: copyHost })).toBeNull();
  lab.runFor(1_000_000);
  expect(reach.sentToCopies).toBeGreaterThan(sent);
});

test('a world that is copied keeps who runs twice', () => {
  const config = clusterConfig({ seed: 8 });
  const { interventions, moment } = copied(8).lab.cluster;
  const first = replay(config, interventions, Member.boot, moment);
  const second = fork(first);
  const { nowUs } = first.cluster;
  const sent = first.cluster.reach.sentToCopies;
  for (const { cluster, members } of [first, second])
    runUntil(cluster, members, ({ nextTimeUs }) => nextTimeUs === null || nextTimeUs > nowUs + 1_000_000);
  expect(first.cluster.reach.sentToCopies).toBeGreaterThan(sent);
  expect(second.cluster.reach).toEqual(first.cluster.reach);
  expect(second.cluster.chainHash).toBe(first.cluster.chainHash);
});
