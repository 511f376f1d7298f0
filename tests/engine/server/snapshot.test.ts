import { expect, test } from 'vitest';
import { listSnaps } from '../../../src/engine/server/snapshot-codec.ts';
import type { DiskImage } from '../../../src/engine/server/types.ts';
import { Rig } from './rig.ts';

const more = { snapshotCount: 40, snapshotCatchUpEntries: 5, walSegmentBytes: 4096 };

function started(options: ConstructorParameters<typeof Rig>[0] = {}) {
  const rig = new Rig({ trace: true, more, ...options });
  rig.startAll();
  const leader = rig.electLeader();
  const [follower, other] = rig.ids.filter((id) => id !== leader);
  return { rig, leader, follower, other };
}

function putMany(rig: Rig, member: number, from: number, count: number): Record<string, string> {
  const written: Record<string, string> = {};
  for (let i = from; i < from + count; i++) {
    expect(rig.reply(rig.put(member, `key-${i}`, `value ${i}`)).code).toBe(0);
    written[`key-${i}`] = `value ${i}`;
  }
  return written;
}

test('after enough entries each member keeps a snapshot and lets the log before it go', () => {
  const { rig, leader } = started();
  const written = putMany(rig, leader, 0, 400);
  rig.runFor(2_000_000);
  for (const id of rig.ids) {
    const saved = rig.eventsOf(id, 'snapshot.save');
    expect(saved.length).toBeGreaterThan(7);
    const names = [...rig.disks[id - 1].image().keys()];
    expect(listSnaps(names)).toHaveLength(5);
    expect(listSnaps(names)[0].index).toBe(saved.at(-1)?.index);
    expect(names.filter((name) => name.endsWith('.wal')).length).toBeLessThan(7);
    expect(rig.eventsOf(id, 'wal.purge').length).toBeGreaterThan(3);
    const first = rig.running[id - 1]?.logEntries(1, 1).firstIndex;
    expect(first).toBe((saved.at(-1)?.index ?? 0) - 5 + 1);
  }
  for (const id of rig.ids) {
    rig.kill(id);
    rig.start(id);
    expect(rig.halted[id - 1]).toBe(null);
  }
  rig.electLeader();
  for (const id of rig.ids) expect(rig.local(id)).toEqual(written);
  for (const id of rig.ids) expect(rig.eventsOf(id, 'server.members').length).toBeGreaterThan(0);
});

test('a follower that missed what is compacted gets the database, and goes on from there', () => {
  const { rig, leader, follower } = started();
  const before = putMany(rig, leader, 0, 10);
  rig.kill(follower);
  const written = { ...before, ...putMany(rig, leader, 10, 200) };
  rig.start(follower);
  rig.runFor(2_000_000);
  expect(rig.local(follower)).toEqual(written);
  const sent = rig.eventsOf(leader, 'snapshot.send');
  expect(sent.map(({ state }) => state)).toEqual(['begin', 'sent']);
  expect(sent[0].sizeBytes).toBeGreaterThan(16_384);
  expect(rig.eventsOf(follower, 'snapshot.apply')).toHaveLength(1);
  const more2 = putMany(rig, follower, 300, 60);
  rig.kill(follower);
  rig.start(follower);
  rig.runFor(2_000_000);
  expect(rig.local(follower)).toEqual({ ...written, ...more2 });
});

test('a snapshot that is lost on its way is reported, and sent anew', () => {
  const { rig, leader, follower } = started();
  rig.kill(follower);
  const written = putMany(rig, leader, 0, 150);
  let lost = 0;
  rig.dropSend = (_from, { messageType }) => messageType === 'MsgSnap' && lost++ < 1;
  rig.start(follower);
  rig.runFor(12_000_000);
  expect(rig.eventsOf(leader, 'snapshot.send').map(({ state }) => state)).toEqual([
    'begin',
    'failed',
    'begin',
    'sent',
  ]);
  expect(rig.local(follower)).toEqual(written);
});

test('a member that is stopped between any two writes of a snapshot that it takes comes back whole', () => {
  const { rig, leader, follower } = started({ seed: 3 });
  rig.kill(follower);
  const written = putMany(rig, leader, 0, 90);
  const disk = rig.disks[follower - 1];
  const states: DiskImage[] = [];
  rig.onRequest = (member) => {
    if (member !== follower || rig.eventsOf(follower, 'snapshot.receive').length === 0) return false;
    if (states.length < 80) states.push(disk.image(), disk.durableImage());
    return false;
  };
  rig.start(follower);
  rig.runFor(2_000_000);
  expect(rig.local(follower)).toEqual(written);
  expect(states.length).toBeGreaterThan(20);
  const revisions = new Set<number>();
  states.forEach((files, i) => {
    const alone = new Rig({ seed: i + 9, trace: true, more });
    alone.disks[follower - 1].load(files);
    alone.start(follower);
    expect(alone.halted[follower - 1]).toBe(null);
    revisions.add(alone.eventsOf(follower, 'mvcc.open').at(-1)?.revision ?? 0);
    expect(alone.eventsOf(follower, 'server.boot').length).toBe(1);
  });
  // before the snapshot is in force the store is as it was, then it is the leader's
  expect([...revisions].sort((a, b) => a - b)).toEqual([1, 91]);
});
