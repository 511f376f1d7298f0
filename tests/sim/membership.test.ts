import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../src/base/utf8.ts';
import { Member } from '../../src/engine/server/member.ts';
import { replay } from '../../src/sim/run.ts';
import type { ClientOutcome, ClusterConfig, MemberView } from '../../src/sim/types.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';

const seconds = 1_000_000;
const m4 = 'http://127.0.0.1:42380';

function settled(changes: Partial<ClusterConfig> = {}): Lab {
  const lab = new Lab(Member.boot, changes);
  lab.runFor(9 * seconds);
  return lab;
}

const text = (outcome: ClientOutcome | null): string =>
  outcome === null ? 'done' : outcome.ok ? 'ok' : `${outcome.code} ${outcome.message}`;

function members(lab: Lab, endpoint?: string): readonly MemberView[] {
  const outcome = lab.do({ type: 'memberList', ...(endpoint !== undefined && { endpoints: [endpoint] }) });
  if (outcome === null || !outcome.ok || outcome.type !== 'memberList') throw new Error(text(outcome));
  return outcome.members;
}

const idOf = (lab: Lab, name: string): string =>
  members(lab)
    .find((member) => member.name === name)
    ?.id.toString(16) ?? 'none';

function values(lab: Lab, endpoint: string): string[] {
  const outcome = lab.do({ type: 'get', key: 'k', prefix: true, serializable: true, endpoints: [endpoint] });
  if (outcome === null || !outcome.ok || outcome.type !== 'get') throw new Error(text(outcome));
  return outcome.kvs.map(({ value }) => decodeUtf8(value));
}

test('a learner is added, started, promoted, and leads at last', () => {
  const lab = settled();
  expect(text(lab.do({ type: 'put', key: 'k1', value: 'one' }))).toBe('ok');
  expect(text(lab.do({ type: 'start', member: 4 }))).toBe(
    `9 m4 is not in the cluster: member add m4 --peer-urls=${m4}`,
  );
  expect(text(lab.do({ type: 'memberAdd', name: 'm4', peerUrls: [m4], learner: true }))).toBe('ok');
  expect(members(lab).map(({ name, isLearner }) => [name, isLearner])).toContainEqual(['', true]);
  const second = lab.do({
    type: 'memberAdd',
    name: 'm5',
    peerUrls: ['http://127.0.0.1:52380'],
    learner: true,
  });
  expect(text(second)).toBe('9 etcdserver: too many learner members in cluster');
  const id =
    members(lab)
      .find(({ isLearner }) => isLearner)
      ?.id.toString(16) ?? '';
  expect(text(lab.do({ type: 'memberPromote', id }))).toBe(
    '9 etcdserver: can only promote a learner member which is in sync with leader',
  );
  expect(text(lab.do({ type: 'start', member: 4 }))).toBe('done');
  lab.runFor(3 * seconds);
  expect(values(lab, 'm4')).toEqual(['one']);
  const put = lab.do({ type: 'put', key: 'k2', value: 'two', endpoints: ['m4'] });
  expect(text(put)).toContain('rpc not supported for learner');
  expect(text(lab.do({ type: 'memberPromote', id }))).toBe('ok');
  expect(text(lab.do({ type: 'put', key: 'k2', value: 'two', endpoints: ['m4'] }))).toBe('ok');
  expect(text(lab.do({ type: 'moveLeader', id }))).toBe('ok');
  const status = lab.do({ type: 'endpointStatus' });
  if (status === null || !status.ok || status.type !== 'endpointStatus') throw new Error(text(status));
  expect(status.endpoints.map((each) => each.status?.leader.toString(16))).toEqual([id, id, id, id]);
  expect(text(lab.do({ type: 'moveLeader', id: '77' }))).toBe('9 etcdserver: bad leader transferee');
});

test("within five seconds of the start a change is refused, and the refusals are etcd's", () => {
  const lab = new Lab(Member.boot);
  lab.runFor(3 * seconds);
  const add = { type: 'memberAdd', name: 'm4', peerUrls: [m4] } as const;
  // clientv3 does not try a change again, so the first answer counts
  expect(text(lab.do(add))).toBe('14 etcdserver: unhealthy cluster');
  lab.runFor(6 * seconds);
  const taken = { ...add, peerUrls: ['http://127.0.0.1:22380'] };
  expect(text(lab.do(taken))).toBe('9 etcdserver: Peer URLs already exists');
  expect(text(lab.do({ ...add, peerUrls: ['nonsense'] }))).toBe(
    '3 etcdserver: given member URLs are invalid',
  );
  expect(text(lab.do({ type: 'memberRemove', id: '77' }))).toBe('5 etcdserver: member not found');
  expect(text(lab.do({ type: 'memberPromote', id: idOf(lab, 'm1') }))).toBe(
    '9 etcdserver: can only promote a learner member',
  );
  expect(text(lab.do(add))).toBe('ok');
  expect(text(lab.do({ ...add, name: 'm5', peerUrls: ['http://127.0.0.1:52380'] }))).toBe(
    '14 etcdserver: unhealthy cluster',
  );
});

test('a wiped member is refused under its old identity, and replaced by remove, add and start', () => {
  const trace = recordingTrace();
  const lab = settled({
    trace,
    snapshots: { snapshotCount: 20, snapshotCatchUpEntries: 3, walSegmentBytes: 8192 },
  });
  for (let i = 0; i < 30; i++) expect(text(lab.do({ type: 'put', key: `k${i}`, value: `${i}` }))).toBe('ok');
  const old = idOf(lab, 'm2');
  expect(text(lab.do({ type: 'wipe', member: 2 }))).toBe('done');
  expect(text(lab.do({ type: 'restart', member: 2 }))).toBe('done');
  lab.runFor(seconds);
  const reasons = (): string[] =>
    trace.told.flatMap(({ event }) => (event.type === 'server.halt' ? [event.reason] : []));
  expect(reasons()).toEqual([`the member cannot start: member ${old} has already been bootstrapped`]);
  expect(text(lab.do({ type: 'start', member: 2, state: 'existing' }))).toBe('done');
  lab.runFor(5 * seconds);
  expect(reasons()[1]).toMatch(/tocommit\(\d+\) is out of range/);
  expect(text(lab.do({ type: 'memberRemove', id: old }))).toBe('ok');
  expect(text(lab.do({ type: 'memberAdd', name: 'm2', peerUrls: ['http://127.0.0.1:22380'] }))).toBe('ok');
  expect(text(lab.do({ type: 'start', member: 2 }))).toBe('done');
  lab.runFor(8 * seconds);
  expect(lab.cluster.memberStatus(2)).toBe('up');
  expect(idOf(lab, 'm2')).not.toBe(old);
  expect(values(lab, 'm2')).toHaveLength(30);
  expect(trace.told.some(({ at, event }) => at.member === 2 && event.type === 'snapshot.apply')).toBe(true);
  expect(text(lab.do({ type: 'put', key: 'k', value: 'after', endpoints: ['m2'] }))).toBe('ok');
  const { cluster } = lab;
  const again = replay(
    clusterConfig({ snapshots: { snapshotCount: 20, snapshotCatchUpEntries: 3, walSegmentBytes: 8192 } }),
    cluster.interventions,
    Member.boot,
    cluster.moment,
  );
  expect(again.cluster.chainHash).toBe(cluster.chainHash);
});

test('a member that is removed stops by itself, and so does one that only hears of it', () => {
  const trace = recordingTrace();
  const lab = settled({ trace });
  expect(text(lab.do({ type: 'memberRemove', id: idOf(lab, 'm3') }))).toBe('ok');
  lab.runFor(4 * seconds);
  expect(lab.cluster.memberStatus(3)).toBe('halted');
  const halts = trace.told.flatMap(({ event }) => (event.type === 'server.halt' ? [event.reason] : []));
  expect(halts).toEqual(['the member has been permanently removed from the cluster']);
  expect(
    members(lab)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['m1', 'm2']);
  expect(text(lab.do({ type: 'restart', member: 3 }))).toBe('done');
  lab.runFor(4 * seconds);
  expect(lab.cluster.memberStatus(3)).toBe('halted');
  expect(text(lab.do({ type: 'put', key: 'k', value: 'v' }))).toBe('ok');
});

test('a replaced member has its host number for everyone, also after a snapshot and a start of all', () => {
  const trace = recordingTrace();
  const snapshots = { snapshotCount: 10, snapshotCatchUpEntries: 30, walSegmentBytes: 8192 };
  const lab = settled({ trace, snapshots });
  const old = idOf(lab, 'm2');
  expect(text(lab.do({ type: 'wipe', member: 2 }))).toBe('done');
  expect(text(lab.do({ type: 'memberRemove', id: old }))).toBe('ok');
  expect(text(lab.do({ type: 'memberAdd', name: 'm2', peerUrls: ['http://127.0.0.1:22380'] }))).toBe('ok');
  expect(text(lab.do({ type: 'start', member: 2 }))).toBe('done');
  lab.runFor(8 * seconds);
  expect(text(lab.do({ type: 'moveLeader', id: idOf(lab, 'm2') }))).toBe('ok');
  for (let i = 0; i < 12; i++) expect(text(lab.do({ type: 'put', key: `k${i}`, value: `${i}` }))).toBe('ok');
  for (const member of [1, 2, 3]) lab.do({ type: 'kill', member });
  const since = trace.told.length;
  for (const member of [1, 2, 3]) lab.do({ type: 'restart', member });
  lab.runFor(5 * seconds);
  const after = trace.told.slice(since).map(({ event }) => event);
  const nodes = after.flatMap((event) => (event.type === 'server.members' ? [...event.nodes] : []));
  expect([...new Set(nodes)].sort()).toEqual([1, 2, 3]);
  const voters = after.flatMap((event) => (event.type === 'raft.applyConfChange' ? [...event.voters] : []));
  expect([...new Set(voters)].sort()).toEqual([1, 2, 3]);
  const votes = after.flatMap((event) => (event.type === 'raft.initState' ? [event.vote] : []));
  expect(votes.every((vote) => vote <= 3)).toBe(true);
  const labels = after.flatMap((event) => (event.type === 'server.entries' ? [...event.labels] : []));
  expect(labels.filter((label) => /m\d{2,}/.test(label))).toEqual([]);
  expect(after.some((event) => event.type === 'raft.becomeLeader')).toBe(true);
  expect(labels.length).toBeGreaterThan(0);
});

test('a replaced member speaks for itself while it still reads of who had its host before', () => {
  const lab = settled();
  const big = 'v'.repeat(700_000);
  // more than one message of entries lies between the first members and the replacement
  for (const key of ['k1', 'k2', 'k3']) expect(text(lab.do({ type: 'put', key, value: big }))).toBe('ok');
  const old = idOf(lab, 'm3');
  expect(text(lab.do({ type: 'wipe', member: 3 }))).toBe('done');
  expect(text(lab.do({ type: 'memberRemove', id: old, endpoints: ['m1', 'm2'] }))).toBe('ok');
  const added = { type: 'memberAdd', name: 'm3', peerUrls: ['http://127.0.0.1:32380'] } as const;
  expect(text(lab.do({ ...added, endpoints: ['m1', 'm2'] }))).toBe('ok');
  expect(text(lab.do({ type: 'start', member: 3 }))).toBe('done');
  lab.runFor(8 * seconds);
  expect(values(lab, 'm3')).toEqual([big, big, big]);
  expect(idOf(lab, 'm3')).not.toBe(old);
});

test("who joins hears a leader that took the place of another, and does not campaign in an earlier one's", () => {
  const trace = recordingTrace();
  const lab = settled({ trace });
  const replace = (member: number, endpoints: string[]): void => {
    const old = idOf(lab, `m${member}`);
    const added = {
      type: 'memberAdd',
      name: `m${member}`,
      peerUrls: [`http://127.0.0.1:${member}2380`],
    } as const;
    expect(text(lab.do({ type: 'wipe', member }))).toBe('done');
    expect(text(lab.do({ type: 'memberRemove', id: old, endpoints }))).toBe('ok');
    expect(text(lab.do({ ...added, endpoints }))).toBe('ok');
    lab.runFor(seconds);
    expect(text(lab.do({ type: 'start', member }))).toBe('done');
    lab.runFor(8 * seconds);
  };
  const big = 'v'.repeat(700_000);
  // more than one message of entries lies between the first members and those that replace them
  for (const key of ['k1', 'k2', 'k3']) expect(text(lab.do({ type: 'put', key, value: big }))).toBe('ok');
  replace(2, ['m1', 'm3']);
  expect(text(lab.do({ type: 'moveLeader', id: idOf(lab, 'm2') }))).toBe('ok');
  replace(3, ['m1', 'm2']);
  expect(values(lab, 'm3')).toEqual([big, big, big]);
  const candidates = trace.told.filter(({ event }) => event.type === 'raft.becomeCandidate');
  expect(candidates.filter(({ at }) => at.member === 3)).toEqual([]);
});

test('a member that has acknowledged a snapshot starts from it, though the power went just after', () => {
  const trace = recordingTrace();
  const lab = settled({
    trace,
    snapshots: { snapshotCount: 20, snapshotCatchUpEntries: 3, walSegmentBytes: 8192 },
  });
  lab.do({ type: 'disk', member: 3, lostWeight: 1 });
  lab.do({ type: 'kill', member: 3 });
  for (let i = 0; i < 30; i++) lab.do({ type: 'put', key: `k${i}`, value: 'v' });
  lab.do({ type: 'start', member: 3 });
  const told = (type: string) => trace.told.filter(({ at, event }) => at.member === 3 && event.type === type);
  lab.runUntil(() => told('snapshot.apply').length > 0);
  lab.do({ type: 'powerCut', member: 3 });
  lab.do({ type: 'start', member: 3 });
  lab.runUntil(() => told('raft.initState').length === 3);
  const [applied, start] = [told('snapshot.apply')[0]?.event, told('raft.initState')[2]?.event];
  if (applied?.type !== 'snapshot.apply' || start?.type !== 'raft.initState') throw new Error('not told');
  expect(start.commit).toBeGreaterThanOrEqual(applied.index);
  expect(start.firstIndex).toBe(applied.index + 1);
});
