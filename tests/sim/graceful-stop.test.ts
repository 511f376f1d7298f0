import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { replay } from '../../src/sim/run.ts';
import type { LabEvent } from '../../src/sim/types.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';

const seconds = 1_000_000;
const ms = 1000;

function open(memberCount: number) {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { memberCount, trace });
  lab.runFor(5 * seconds);
  const of = <T extends LabEvent['type']>(type: T, member?: number) =>
    trace.told.flatMap(({ at, event }) =>
      event.type === type && (member === undefined || at.member === member)
        ? [{ timeUs: at.timeUs, member: at.member, event: event as Extract<LabEvent, { type: T }> }]
        : [],
    );
  const leader = (): number => of('raft.becomeLeader').at(-1)?.member ?? 0;
  return { lab, of, leader, told: trace.told };
}

/** Entries that a member, cut off and started again, had to apply a second time. */
function appliedAgain({ lab, of }: ReturnType<typeof open>, member: number): number {
  lab.do({ type: 'isolate', member });
  const before = of('server.apply', member).length;
  lab.do({ type: 'start', member });
  lab.runFor(ms * 500);
  const replayed = of('server.apply', member).slice(before);
  expect(replayed.length).toBeGreaterThan(0);
  return replayed.filter(({ event }) => !event.skipped).length;
}

test('a leader that is stopped hands over to the follower connected longest, and writes go on', () => {
  const world = open(3);
  const { lab, of, leader } = world;
  const old = leader();
  const [young, longest] = [1, 2, 3].filter((member) => member !== old);
  lab.do({ type: 'restart', member: young });
  lab.runFor(3 * seconds);
  const puts = Array.from({ length: 20 }, (_, i) =>
    lab.cluster.act({ type: 'put', key: `k${i}`, value: 'v', endpoints: [`m${(i % 3) + 1}`] }),
  );
  lab.runFor(3 * ms);
  const before = of('raft.becomePreCandidate').length;
  const askedUs = lab.cluster.nowUs;
  expect(lab.do({ type: 'stopMember', member: old })).toBeNull();
  lab.runUntil(() => of('sim.stop').length > 0);
  expect(of('server.stopping').map(({ member, event }) => [member, event.to])).toEqual([[old, longest]]);
  expect(leader()).toBe(longest);
  // an election timeout is a second, and only one that is asked for leaves out the question before it
  expect((of('raft.becomeLeader').at(-1)?.timeUs ?? 0) - askedUs).toBeLessThan(200 * ms);
  expect(of('raft.becomePreCandidate')).toHaveLength(before);
  expect(of('sim.stop')[0].timeUs - askedUs).toBeLessThan(300 * ms);
  expect(lab.cluster.memberStatus(old)).toBe('down');
  expect(lab.do({ type: 'put', key: 'after', value: 'v' })).toMatchObject({ ok: true });
  const acknowledged = puts.filter((id) => lab.outcomes.get(id)?.ok === true);
  expect(acknowledged.length).toBeGreaterThan(5);
  const kept = lab.do({ type: 'get', key: 'k', prefix: true });
  const keys =
    kept?.ok === true && kept.type === 'get' ? kept.kvs.map(({ key }) => String.fromCharCode(...key)) : [];
  for (const [i, id] of puts.entries()) if (acknowledged.includes(id)) expect(keys).toContain(`k${i}`);
  expect(appliedAgain(world, old)).toBe(0);
});

test('what is asked of a member while it stops is refused, and it stops without an heir when its time is over', () => {
  const { lab, of, leader } = open(3);
  const old = leader();
  const others = [1, 2, 3].filter((member) => member !== old);
  for (const member of others) lab.do({ type: 'pauseMember', member });
  lab.do({ type: 'stopMember', member: old });
  lab.runFor(seconds);
  const asked = { type: 'put', key: 'k', value: 'v', endpoints: [`m${old}`] } as const;
  expect(lab.do(asked)).toMatchObject({ ok: false, code: 14, message: 'etcdserver: server stopped' });
  lab.runFor(5 * seconds);
  expect(of('sim.stop')).toEqual([]);
  lab.runFor(2 * seconds);
  expect(of('sim.stop').map(({ member }) => member)).toEqual([old]);
  for (const member of others) lab.do({ type: 'resumeMember', member });
  lab.runFor(4 * seconds);
  expect(lab.do({ type: 'start', member: old })).toBeNull();
  lab.runFor(2 * seconds);
  expect(lab.do(asked)).toMatchObject({ ok: true });
});

test('a lone member stops at once, with its last batch in the file; a killed one has it in the log alone', () => {
  const again = (['stopMember', 'kill'] as const).map((type) => {
    const world = open(1);
    const { lab, of } = world;
    expect(lab.do({ type: 'put', key: 'k', value: 'v' })).toMatchObject({ ok: true });
    const askedUs = lab.cluster.nowUs;
    expect(lab.do({ type, member: 1 })).toBeNull();
    lab.runFor(20 * ms);
    expect(lab.cluster.memberStatus(1)).toBe('down');
    if (type === 'stopMember') expect(of('sim.stop')[0].timeUs - askedUs).toBeLessThan(20 * ms);
    expect(of('server.halt')).toEqual([]);
    return appliedAgain(world, 1);
  });
  expect(again[0]).toBe(0);
  expect(again[1]).toBeGreaterThan(0);
});

test('a follower stops without an heir, a paused one when it goes on, one that is down not at all', () => {
  const { lab, of, leader } = open(3);
  const follower = leader() === 1 ? 2 : 1;
  lab.do({ type: 'pauseMember', member: follower });
  lab.do({ type: 'stopMember', member: follower });
  lab.runFor(seconds);
  expect(lab.cluster.memberStatus(follower)).toBe('paused');
  lab.do({ type: 'resumeMember', member: follower });
  lab.runFor(100 * ms);
  expect(of('server.stopping').map(({ event }) => event.to)).toEqual([0]);
  expect(lab.cluster.memberStatus(follower)).toBe('down');
  expect(lab.do({ type: 'stopMember', member: follower })).toMatchObject({ ok: false, code: 9 });
  const { interventions, chainHash, moment } = lab.cluster;
  expect(replay(clusterConfig(), interventions, Member.boot, moment).cluster.chainHash).toBe(chainHash);
});
