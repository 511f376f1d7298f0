/** Leases in whole clusters: granted through the log, renewed by the leader, expired by its clock on every member. */
import { expect, test, vi } from 'vitest';
import { idToHex } from '../../src/base/u64.ts';
import { Member } from '../../src/engine/server/member.ts';
import type { ClientOutcome, ClusterConfig } from '../../src/sim/types.ts';
import { Lab, noTrace, recordingTrace } from './worlds.ts';

vi.setConfig({ testTimeout: 60_000 });

const second = 1_000_000;
const all = [1, 2, 3] as const;

function etcdLab(changes: Partial<ClusterConfig> = {}): Lab {
  const lab = new Lab(Member.boot, changes);
  lab.runFor(3 * second);
  return lab;
}

type Outcome<Type> = Extract<ClientOutcome, { ok: true; type: Type }>;

function done<Type extends Outcome<string>['type']>(
  outcome: ClientOutcome | null,
  type: Type,
): Outcome<Type> {
  if (outcome?.ok !== true || outcome.type !== type)
    throw new Error(`no ${type}: ${JSON.stringify(outcome)}`);
  return outcome as Outcome<Type>;
}

function grant(lab: Lab, ttl: number, lease?: string): string {
  const action = { type: 'leaseGrant', ttl, ...(lease !== undefined && { id: lease }) } as const;
  const outcome = lab.do(action);
  if (outcome?.ok !== true || outcome.type !== 'leaseGrant') throw new Error(JSON.stringify(outcome));
  return idToHex(outcome.id);
}

/** What a member has by itself: the store's revision and the keys, with their leases. */
function stateOf(lab: Lab, member: number): unknown {
  const endpoints = [`m${member}`];
  const { revision, kvs } = done(
    lab.do({ type: 'get', key: '', prefix: true, serializable: true, endpoints }),
    'get',
  );
  const leases = done(lab.do({ type: 'leaseList', endpoints }), 'leaseList').ids.map(idToHex);
  return {
    revision,
    keys: kvs.map(({ key, lease }) => [Buffer.from(key).toString(), idToHex(lease)]),
    leases,
  };
}

function timeLeft(lab: Lab, id: string, endpoints: readonly string[] = []): number {
  const action = { type: 'leaseTimeToLive', id, ...(endpoints.length > 0 && { endpoints }) } as const;
  return done(lab.do(action), 'leaseTimeToLive').ttlSeconds;
}

function leaderOf(lab: Lab, among: readonly number[] = all): number {
  for (let tries = 0; tries < 40; tries++) {
    const outcome = lab.do({ type: 'endpointStatus', endpoints: among.map((member) => `m${member}`) });
    const statuses = done(outcome, 'endpointStatus').endpoints.map(({ status }) => status);
    const leader = among.find((_, i) => statuses.every((each) => each?.leader === statuses[i]?.memberId));
    if (leader !== undefined) return leader;
    lab.runFor(250_000);
  }
  throw new Error('no leader in ten seconds');
}

test('when a lease expires its keys are gone on every member, all in one revision', () => {
  const trace = recordingTrace();
  const lab = etcdLab({ trace });
  const lease = grant(lab, 5);
  for (const key of ['a', 'b', 'c'])
    expect(lab.do({ type: 'put', key, value: 'v', lease })).toMatchObject({ ok: true });
  expect(lab.do({ type: 'put', key: 'stays', value: 'v' })).toMatchObject({ ok: true, revision: 5 });
  lab.runFor(4 * second);
  expect(stateOf(lab, 1)).toMatchObject({ revision: 5, leases: [lease] });
  lab.runFor(3 * second);
  for (const member of all) {
    expect(stateOf(lab, member)).toEqual({ revision: 6, keys: [['stays', '0']], leases: [] });
  }
  const told = trace.told.filter(({ event }) => event.type.startsWith('lease.'));
  const expired = told.filter(({ event }) => event.type === 'lease.expire').map(({ at }) => at.member);
  const revoked = told.filter(({ event }) => event.type === 'lease.revoke').map(({ at }) => at.member);
  expect(expired).toEqual([leaderOf(lab)]);
  expect(revoked.sort()).toEqual([...all]);
  const granted = told.filter(({ event }) => event.type === 'lease.grant').map(({ at }) => at.timeUs);
  const ends = told.filter(({ event }) => event.type === 'lease.expire').map(({ at }) => at.timeUs);
  // no key goes before its time, and the leader looks twice a second
  expect(ends[0] - granted[0]).toBeGreaterThanOrEqual(5 * second);
  expect(ends[0] - granted[0]).toBeLessThan(5 * second + 600_000);
});

test('renewals keep a lease alive, whichever member is asked; without them it ends', () => {
  const lab = etcdLab();
  const lease = grant(lab, 3);
  lab.do({ type: 'put', key: 'k', value: 'v', lease });
  for (const member of [...all, ...all]) {
    lab.runFor(2 * second);
    const renewal = lab.do({ type: 'leaseKeepAlive', id: lease, once: true, endpoints: [`m${member}`] });
    expect(renewal).toMatchObject({ ok: true, ttlSeconds: 3 });
    expect(timeLeft(lab, lease, [`m${(member % 3) + 1}`])).toBe(2);
  }
  lab.runFor(5 * second);
  expect(stateOf(lab, 1)).toMatchObject({ keys: [], leases: [] });
  expect(timeLeft(lab, lease)).toBe(-1);
});

test('a new leader gives every lease its full time and an election timeout more', () => {
  const trace = recordingTrace();
  const lab = etcdLab({ trace });
  const lease = grant(lab, 60);
  lab.do({ type: 'put', key: 'k', value: 'v', lease });
  lab.runFor(30 * second);
  expect(timeLeft(lab, lease)).toBeLessThan(31);
  const leader = leaderOf(lab);
  lab.do({ type: 'kill', member: leader });
  const others = all.filter((member) => member !== leader);
  leaderOf(lab, others);
  const left = timeLeft(lab, lease, [`m${others[0]}`]);
  expect(left).toBeGreaterThanOrEqual(59);
  expect(left).toBeLessThanOrEqual(61);
  const promoted = trace.told.findLast(({ event }) => event.type === 'lease.promote');
  const expiriesUs = [(promoted?.at.timeUs ?? 0) + 61 * second];
  expect(promoted?.event).toMatchObject({ ids: [lease], expiriesUs, extendUs: second });
});

test('a member that leads no longer expires nothing', () => {
  const trace = recordingTrace();
  const lab = etcdLab({ trace });
  const lease = grant(lab, 6);
  const leader = leaderOf(lab);
  lab.do({ type: 'isolate', member: leader });
  const others = all.filter((member) => member !== leader);
  leaderOf(lab, others);
  lab.runFor(4 * second);
  const expiredBy = (): number[] =>
    trace.told.filter(({ event }) => event.type === 'lease.expire').map(({ at }) => at.member);
  expect(expiredBy()).toEqual([]);
  lab.runFor(6 * second);
  const next = leaderOf(lab, others);
  expect(new Set(expiredBy())).toEqual(new Set([next]));
  expect(timeLeft(lab, lease, [`m${next}`])).toBe(-1);
  lab.do({ type: 'healAll' });
  lab.runFor(3 * second);
  expect(stateOf(lab, leader)).toMatchObject({ leases: [] });
});

test('leases and what goes with them survive a power cut of all members, with their full time', () => {
  const lab = etcdLab();
  const lease = grant(lab, 30);
  lab.do({ type: 'put', key: 'k', value: 'v', lease });
  lab.runFor(20 * second);
  for (const member of all) lab.do({ type: 'powerCut', member });
  for (const member of all) lab.do({ type: 'restart', member });
  lab.runFor(3 * second);
  leaderOf(lab);
  const found = done(lab.do({ type: 'leaseTimeToLive', id: lease, keys: true }), 'leaseTimeToLive');
  expect(found.ttlSeconds).toBeGreaterThanOrEqual(27);
  expect(found.keys?.map((key) => Buffer.from(key).toString())).toEqual(['k']);
  lab.runFor(33 * second);
  for (const member of all) expect(stateOf(lab, member)).toMatchObject({ keys: [], leases: [] });
});

test('a key goes with the lease of its last put', () => {
  const lab = etcdLab();
  const [short, long] = [grant(lab, 3, 'a1'), grant(lab, 60, 'a2')];
  expect([short, long]).toEqual(['a1', 'a2']);
  for (const key of ['moved', 'freed', 'left']) lab.do({ type: 'put', key, value: 'v', lease: short });
  lab.do({ type: 'put', key: 'moved', value: 'v', lease: long });
  lab.do({ type: 'put', key: 'freed', value: 'v' });
  lab.runFor(5 * second);
  expect(stateOf(lab, 2)).toMatchObject({
    keys: [
      ['freed', '0'],
      ['moved', 'a2'],
    ],
    leases: ['a2'],
  });
  expect(lab.do({ type: 'leaseRevoke', id: long })).toMatchObject({ ok: true, type: 'leaseRevoke' });
  expect(stateOf(lab, 2)).toMatchObject({ keys: [['freed', '0']], leases: [] });
});

test("what cannot be done is refused in etcd's words and with its codes", () => {
  const lab = etcdLab();
  const refusal = (action: Parameters<Lab['do']>[0]): unknown => {
    const outcome = lab.do(action);
    return outcome?.ok === false ? `${outcome.code} ${outcome.message}` : 'done';
  };
  grant(lab, 60, '77');
  expect(refusal({ type: 'put', key: 'k', value: 'v', lease: '78' })).toBe(
    '5 etcdserver: requested lease not found',
  );
  expect(refusal({ type: 'leaseGrant', ttl: 60, id: '77' })).toBe('9 etcdserver: lease already exists');
  expect(refusal({ type: 'leaseGrant', ttl: 9_000_000_001 })).toBe('11 etcdserver: too large lease TTL');
  expect(refusal({ type: 'leaseRevoke', id: '78' })).toBe('5 etcdserver: requested lease not found');
  expect(refusal({ type: 'leaseKeepAlive', id: '78', once: true })).toBe(
    '5 etcdserver: requested lease not found',
  );
  expect(refusal({ type: 'leaseRevoke', id: 'seven' })).toMatch(/^3 "seven" is not a lease id/);
  expect(done(lab.do({ type: 'get', key: 'k' }), 'get').count).toBe(0);
});

test('a lease runs on while no quorum is there to revoke it, and a renewal waits for what becomes of it', () => {
  const lab = etcdLab();
  const lease = grant(lab, 5);
  lab.do({ type: 'put', key: 'k', value: 'v', lease });
  const leader = leaderOf(lab);
  const others = all.filter((member) => member !== leader);
  lab.runFor(4_700_000);
  for (const member of others) lab.do({ type: 'pauseMember', member });
  lab.runFor(900_000);
  const renewal = lab.cluster.act({
    type: 'leaseKeepAlive',
    id: lease,
    once: true,
    endpoints: [`m${leader}`],
  });
  lab.runFor(100_000);
  expect(lab.outcomes.has(renewal)).toBe(false);
  for (const member of others) lab.do({ type: 'resumeMember', member });
  lab.runUntil(() => lab.outcomes.has(renewal));
  const outcome = lab.outcomes.get(renewal);
  const isAlive = timeLeft(lab, lease) >= 0;
  expect(outcome?.ok).toBe(isAlive);
  for (const member of all) expect(stateOf(lab, member)).toMatchObject({ leases: isAlive ? [lease] : [] });
});

function eventfulRun(changes: Partial<ClusterConfig>): Lab {
  const lab = etcdLab(changes);
  const leases = [3, 4, 30].map((ttl) => grant(lab, ttl));
  leases.forEach((lease, i) => lab.do({ type: 'put', key: `k${i}`, value: 'v', lease }));
  lab.runFor(2 * second);
  lab.do({ type: 'leaseKeepAlive', id: leases[1], once: true, endpoints: ['m2'] });
  lab.do({ type: 'kill', member: 1 });
  lab.runFor(4 * second);
  lab.do({ type: 'restart', member: 1 });
  lab.runFor(4 * second);
  return lab;
}

test('the same seed gives the same chain hash with leases, traced or not', () => {
  const quiet = eventfulRun({ seed: 4, trace: noTrace });
  const traced = eventfulRun({ seed: 4, trace: recordingTrace() });
  expect(traced.cluster.chainHash).toBe(quiet.cluster.chainHash);
  expect(stateOf(quiet, 1)).toMatchObject({ keys: [['k2', expect.any(String)]] });
});

test('a standing keep-alive holds a lease through a change of leader, until it is revoked', () => {
  const trace = recordingTrace();
  const lab = etcdLab({ trace });
  const lease = grant(lab, 6);
  expect(lab.do({ type: 'leaseKeepAlive', id: lease })).toMatchObject({ ok: true, ttlSeconds: 6 });
  const renewals = (): number =>
    trace.told.filter(
      ({ event }) => event.type === 'sim.clientDone' && event.message === '' && event.request === 2,
    ).length;
  lab.runFor(20 * second);
  expect(renewals()).toBeGreaterThanOrEqual(10);
  expect(renewals()).toBeLessThanOrEqual(11);
  expect(lab.cluster.inFlight.requests).toBe(0);
  const leader = leaderOf(lab);
  lab.do({ type: 'kill', member: leader });
  lab.runFor(20 * second);
  const member = all.find((each) => each !== leader);
  expect(stateOf(lab, member ?? 0)).toMatchObject({ leases: [lease] });
  lab.do({ type: 'leaseRevoke', id: lease });
  lab.runFor(3 * second);
  const before = renewals();
  lab.runFor(10 * second);
  expect(renewals()).toBe(before);
  expect(stateOf(lab, member ?? 0)).toMatchObject({ leases: [] });
});
