/** A copy that differs is found: at a start, and while the cluster runs. */
import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { isCorrupt } from '../../../src/engine/server/corruption.ts';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig } from './rig.ts';

const secondUs = 1_000_000;
const value = 'a value that rots';

/** Three members with a few keys in their stores. */
function filled(more: NonNullable<ConstructorParameters<typeof Rig>[0]>['more'] = {}) {
  const rig = new Rig({ more, trace: true });
  rig.startAll();
  const leader = rig.electLeader();
  for (const key of ['a', 'b', 'c']) rig.reply(rig.put(leader, key, value));
  rig.runFor(secondUs);
  const [follower] = rig.ids.filter((id) => id !== leader);
  return { rig, leader, follower };
}

/** One byte of a value changes on a member's disk while it is off. */
function rot(rig: Rig, member: number): void {
  rig.kill(member);
  const disk = rig.disks[member - 1];
  const file = disk.cache.get('member/snap/db') as Uint8Array;
  const wanted = encodeUtf8(value);
  let count = 0;
  for (let at = 0; at + wanted.length <= file.length; at++) {
    if (!wanted.every((byte, i) => file[at + i] === byte)) continue;
    file[at] ^= 1;
    count++;
  }
  expect(count).toBeGreaterThan(0);
}

const alarmsOf = (rig: Rig, member: number): rpc.AlarmMember[] => {
  const reply = rig.reply(rig.request(member, 'etcdserverpb.Maintenance/Alarm', new Uint8Array(0)));
  return fromBinary(rpc.AlarmResponseSchema, reply.bytes).alarms;
};

test('the leader compares hashes again and again, and nothing is wrong where nothing is', () => {
  const { rig, leader } = filled({ corruptCheckUs: 5 * secondUs });
  rig.runFor(16 * secondUs);
  const checks = rig.eventsOf(leader, 'server.corruptCheck');
  expect(checks.length).toBeGreaterThanOrEqual(3);
  expect(checks.at(-1)).toMatchObject({ revision: 4, peerCount: 2, corrupt: false });
  expect(alarmsOf(rig, leader)).toEqual([]);
});

test('a follower whose data have changed raises CORRUPT, in the name of nobody, and writes are refused', () => {
  const { rig, leader, follower } = filled({ corruptCheckUs: 5 * secondUs });
  rot(rig, follower);
  rig.start(follower);
  rig.runFor(12 * secondUs);
  expect(rig.eventsOf(leader, 'server.corruptCheck').at(-1)?.corrupt).toBe(true);
  const [alarm] = alarmsOf(rig, leader);
  expect([alarm.memberID, alarm.alarm]).toEqual([0n, rpc.AlarmType.CORRUPT]);
  const { code, message } = rig.reply(rig.put(leader, 'd', 'x'));
  expect([code, message]).toEqual([15, 'etcdserver: corrupt cluster']);
});

test('a member that is down is not asked for long, and does not raise an alarm', () => {
  const { rig, leader, follower } = filled({ corruptCheckUs: 5 * secondUs });
  rig.kill(follower);
  rig.runFor(15 * secondUs);
  expect(rig.eventsOf(leader, 'server.corruptCheck').at(-1)).toMatchObject({ peerCount: 1, corrupt: false });
  expect(alarmsOf(rig, leader)).toEqual([]);
});

test('with the check at the start, a member with other data than its peers does not come up', () => {
  const { rig, follower } = filled({ initialCorruptCheck: true });
  rot(rig, follower);
  rig.start(follower);
  rig.runFor(secondUs);
  expect(rig.halted[follower - 1]).toMatch(/cannot start: [0-9a-f]{16} found data inconsistency with peers/);
});

test('with the check at the start, equal data, a peer that is ahead or no peer at all let a member come up', () => {
  const { rig, leader, follower } = filled({ initialCorruptCheck: true });
  rig.kill(follower);
  rig.reply(rig.put(leader, 'd', 'more'));
  rig.start(follower);
  rig.runFor(secondUs);
  expect(rig.local(follower)).toMatchObject({ d: 'more' });
  for (const id of rig.ids) rig.kill(id);
  rig.start(follower);
  rig.runFor(secondUs);
  expect(rig.halted[follower - 1]).toBeNull();
  expect(rig.local(follower)).toMatchObject({ a: value, d: 'more' });
});

test('what contradicts: a peer that knows of more, a later compaction, another hash after the same one', () => {
  const own = { hash: 7, currentRevision: 9, compactRevision: 3 };
  expect(isCorrupt(own, own, [own, { hash: 8, currentRevision: 9, compactRevision: 2 }])).toBe(false);
  expect(isCorrupt(own, own, [{ ...own, hash: 8 }])).toBe(true);
  expect(isCorrupt(own, own, [{ ...own, currentRevision: 10 }])).toBe(true);
  expect(isCorrupt(own, { ...own, currentRevision: 10 }, [{ ...own, currentRevision: 10 }])).toBe(false);
  expect(isCorrupt(own, own, [{ hash: 1, currentRevision: 9, compactRevision: 4 }])).toBe(true);
  expect(isCorrupt(own, { ...own, hash: 8 }, [])).toBe(true);
});
