/** Healing ends what is under way for a fault, too: what a sick disk or a narrow link kept is done soon after. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { replay } from '../../src/sim/run.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';

/** A lab with a leader, and a member that follows it. */
function electedLab(): { lab: Lab; leader: number; follower: number } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace });
  lab.runFor(3_000_000);
  const elected = trace.told.filter(({ event }) => event.type === 'raft.becomeLeader');
  const leader = elected[elected.length - 1].at.member;
  return { lab, leader, follower: (leader % 3) + 1 };
}

/** What the member itself has, whatever others have. */
function ownValue(lab: Lab, member: number, key: string): string | null {
  const read = lab.do({ type: 'get', key, serializable: true, endpoints: [`m${member}`] });
  if (read?.ok !== true || read.type !== 'get') return `no answer: ${JSON.stringify(read)}`;
  return read.kvs.length === 0 ? null : new TextDecoder().decode(read.kvs[0].value);
}

/** Puts of `k`, one after the other, each by way of the leader: their values end with a count from 0. */
function puts(lab: Lab, leader: number, count: number, sizeBytes = 1): void {
  for (let i = 0; i < count; i++) {
    lab.do({ type: 'put', key: 'k', value: `${i}`.padStart(sizeBytes, 'x'), endpoints: [`m${leader}`] });
    lab.runFor(50_000);
  }
}

test('syncs that stalls hold up for minutes are done soon after healing, and the run can be replayed', () => {
  const { lab, leader, follower } = electedLab();
  lab.do({ type: 'slowDisk', member: follower, factor: 200 });
  lab.do({ type: 'disk', member: follower, stallPerMille: 1000, stallUs: 2_000_000 });
  puts(lab, leader, 20);
  expect(ownValue(lab, follower, 'k')).not.toBe('19');
  lab.do({ type: 'healEverything' });
  lab.runFor(500_000);
  expect(ownValue(lab, follower, 'k')).toBe('19');
  const { interventions, moment, chainHash } = lab.cluster;
  const again = replay(clusterConfig(), interventions, Member.boot, moment);
  expect(again.cluster.chainHash).toBe(chainHash);
});

test('a power cut after healing loses nothing that a sync under way had made durable', () => {
  const { lab, leader, follower } = electedLab();
  lab.do({ type: 'slowDisk', member: follower, factor: 200 });
  puts(lab, leader, 5);
  lab.do({ type: 'healEverything' });
  lab.runFor(500_000);
  lab.do({ type: 'powerCut', member: follower });
  lab.do({ type: 'start', member: follower });
  lab.runFor(2_000_000);
  expect(ownValue(lab, follower, 'k')).toBe('4');
});

for (const on of ['write', 'sync'] as const) {
  test(`a process whose ${on} has failed, and which has not heard of it, starts anew at healing`, () => {
    const { lab, leader, follower } = electedLab();
    lab.do({ type: 'slowDisk', member: follower, factor: 200 });
    lab.do({ type: 'disk', member: follower, stallPerMille: 1000, stallUs: 100_000 });
    lab.do({ type: 'diskError', member: follower, on, code: 'EIO', lasts: 'always' });
    puts(lab, leader, 3);
    expect(lab.cluster.memberStatus(follower)).toBe('up');
    lab.do({ type: 'healEverything' });
    lab.runFor(2_000_000);
    expect(lab.cluster.memberStatus(follower)).toBe('up');
    lab.runFor(30_000_000);
    expect(lab.cluster.memberStatus(follower)).toBe('up');
    expect(ownValue(lab, follower, 'k')).toBe('2');
  });
}

test('what waits in the queue of a narrow link arrives soon after healing, and in its order', () => {
  const { lab, leader, follower } = electedLab();
  lab.do({
    type: 'link',
    from: leader,
    to: follower,
    ...{ extraDelayUs: 0, lossPerMille: 0, bytesPerSecond: 2000, queueBytes: 100_000 },
  });
  puts(lab, leader, 30, 1000);
  expect(ownValue(lab, follower, 'k')).not.toMatch(/29$/);
  const dropped = lab.cluster.reach.droppedByQueue;
  lab.do({ type: 'healEverything' });
  lab.runFor(500_000);
  expect(ownValue(lab, follower, 'k')).toMatch(/x29$/);
  expect(lab.cluster.reach.droppedByQueue).toBe(dropped);
});

test('a member that still hands over when everything heals starts anew, and does not go away seconds later', () => {
  const { lab, leader } = electedLab();
  lab.do({ type: 'isolate', member: leader });
  lab.do({ type: 'stopMember', member: leader });
  lab.runFor(500_000);
  expect(lab.cluster.memberStatus(leader)).toBe('up');
  lab.do({ type: 'healEverything' });
  lab.runFor(10_000_000);
  expect(lab.cluster.memberStatus(leader)).toBe('up');
  expect(lab.cluster.reach.stops).toBe(0);
});
