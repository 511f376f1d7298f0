/** The cluster's version: decided by the leader, said through the log, kept with the members. */
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../../src/base/utf8.ts';
import { Rig } from './rig.ts';

const secondUs = 1_000_000;

const versionOf = (rig: Rig, member: number): string =>
  decodeUtf8(rig.reply(rig.request(member, 'GET /version', new Uint8Array(0))).bytes);
const decided = (version: string): string => `{"etcdserver":"3.4.23","etcdcluster":"${version}"}`;
const labels = (rig: Rig, member: number): string[] =>
  rig.running[member - 1]?.logEntries(1, 100).entries.map(({ label }) => label) ?? [];

test('a member alone says its attributes and then the version, as the first entries of a real log do', () => {
  const rig = new Rig({ members: 1 });
  rig.startAll();
  rig.electLeader();
  expect(versionOf(rig, 1)).toBe(decided('3.4.0'));
  expect(labels(rig, 1)).toEqual([
    'conf change add m1',
    'no-op',
    'member attributes m1',
    'cluster version 3.4.0',
  ]);
});

test('a cluster with a member that cannot be asked has the lowest version until it can', () => {
  const rig = new Rig();
  rig.start(1);
  rig.start(2);
  const leader = rig.electLeader();
  expect(versionOf(rig, leader)).toBe(decided('3.0.0'));
  rig.runFor(10 * secondUs);
  expect(versionOf(rig, leader)).toBe(decided('3.0.0'));
  rig.start(3);
  rig.runFor(5 * secondUs);
  expect(rig.ids.map((id) => versionOf(rig, id))).toEqual(rig.ids.map(() => decided('3.4.0')));
});

test('the version outlives a restart, and is said once', () => {
  const rig = new Rig();
  rig.startAll();
  const leader = rig.electLeader();
  rig.runFor(10 * secondUs);
  rig.powerCut(leader);
  rig.start(leader);
  rig.runFor(10 * secondUs);
  expect(versionOf(rig, leader)).toBe(decided('3.4.0'));
  expect(labels(rig, leader).filter((label) => label.startsWith('cluster version'))).toEqual([
    'cluster version 3.4.0',
  ]);
});
