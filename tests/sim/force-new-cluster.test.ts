/** A member that is started with --force-new-cluster: alone in its log, and what becomes of the others. */
import { expect, test } from 'vitest';
import { ownerInLog } from '../../src/engine/server/wal-storage.ts';
import { Member } from '../../src/engine/server/member.ts';
import { memberIdText } from '../../src/sim/mistakes.ts';
import { Lab, recordingTrace } from './worlds.ts';
import type { ClientOutcome, LabEvent } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Of<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;
const eventsOf = <Type extends LabEvent['type']>(
  told: readonly Told[],
  type: Type,
  member: number,
): Of<Type>[] =>
  told.flatMap(({ at, event }) => (event.type === type && at.member === member ? [event as Of<Type>] : []));

function runningLab(memberCount = 3): { lab: Lab; told: Told[] } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, memberCount, seed: 6 });
  lab.runFor(3_000_000);
  expect(put(lab, 'before', 'all')).toMatchObject({ ok: true });
  lab.runFor(300_000);
  return { lab, told: trace.told };
}

const put = (lab: Lab, key: string, value: string, ...endpoints: string[]): ClientOutcome | null =>
  lab.do({ type: 'put', key, value, ...(endpoints.length > 0 && { endpoints }) });

function members(lab: Lab, endpoint: string): string[] {
  const listed = lab.do({ type: 'memberList', endpoints: [endpoint] });
  if (listed?.ok !== true || listed.type !== 'memberList') throw new Error(JSON.stringify(listed));
  return listed.members.map(({ id }) => id.toString(16)).sort();
}

function valueAt(lab: Lab, key: string, endpoint: string): string | null {
  const read = lab.do({ type: 'get', key, endpoints: [endpoint] });
  if (read?.ok !== true || read.type !== 'get') throw new Error(JSON.stringify(read));
  return read.kvs.length === 0 ? null : new TextDecoder().decode(read.kvs[0].value);
}

test('a member that is cut off goes on alone under its ids, the others without it: there are two clusters', () => {
  const { lab, told } = runningLab();
  lab.do({ type: 'isolate', member: 3 });
  lab.runFor(3_000_000);
  const before = ownerInLog(lab.cluster.files(3));
  expect(lab.do({ type: 'forceNewCluster', member: 3 })).toBeNull();
  lab.runFor(4_000_000);
  expect(ownerInLog(lab.cluster.files(3))).toEqual(before);
  expect(members(lab, 'm3')).toEqual([memberIdText(3)]);
  expect(members(lab, 'm1')).toHaveLength(3);
  expect(put(lab, 'who', 'alone', 'm3')).toMatchObject({ ok: true });
  expect(put(lab, 'who', 'two of three', 'm1')).toMatchObject({ ok: true });
  expect([valueAt(lab, 'who', 'm3'), valueAt(lab, 'who', 'm1')]).toEqual(['alone', 'two of three']);
  expect(valueAt(lab, 'before', 'm3')).toBe('all');
  expect(lab.cluster.reach.newClustersForced).toBe(1);
  // as etcd answers a removed member that comes: it is over for whoever hears so
  lab.do({ type: 'healAll' });
  lab.runFor(3_000_000);
  for (const member of [1, 2]) {
    expect(eventsOf(told, 'server.halt', member).map(({ reason }) => reason)).toEqual([
      'the member has been permanently removed from the cluster',
    ]);
  }
  expect(valueAt(lab, 'who', 'm3')).toBe('alone');
});

test('what was not known to be committed is dropped, and a start without the flag keeps what it made', () => {
  const { lab, told } = runningLab();
  const leader = told.findLast(({ event }) => event.type === 'raft.becomeLeader')?.at.member ?? 0;
  lab.do({ type: 'isolate', member: leader });
  lab.cluster.act({ type: 'put', key: 'unheard', value: 'x', endpoints: [`m${leader}`] });
  lab.runFor(200_000);
  expect(lab.do({ type: 'forceNewCluster', member: leader })).toBeNull();
  lab.runFor(4_000_000);
  expect(valueAt(lab, 'unheard', `m${leader}`)).toBeNull();
  const [own] = members(lab, `m${leader}`);
  expect(put(lab, 'kept', 'yes', `m${leader}`)).toMatchObject({ ok: true });
  lab.do({ type: 'restart', member: leader });
  lab.runFor(4_000_000);
  expect(members(lab, `m${leader}`)).toEqual([own]);
  expect(valueAt(lab, 'kept', `m${leader}`)).toBe('yes');
  // and it takes a new member as any other cluster
  const added = lab.do({
    ...{ type: 'memberAdd', name: 'm4', peerUrls: ['http://127.0.0.1:42380'] },
    endpoints: [`m${leader}`],
  });
  expect(added).toMatchObject({ ok: true });
  lab.do({ type: 'start', member: 4 });
  lab.runFor(4_000_000);
  expect(valueAt(lab, 'kept', 'm4')).toBe('yes');
});

test('it takes a member with a log', () => {
  const { lab } = runningLab();
  lab.do({ type: 'wipe', member: 2 });
  expect(lab.do({ type: 'forceNewCluster', member: 2 })).toMatchObject({
    code: 9,
    message: 'm2 has no log to go on from',
  });
});
