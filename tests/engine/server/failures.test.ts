import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig } from './rig.ts';

function started(options: ConstructorParameters<typeof Rig>[0] = {}) {
  const rig = new Rig(options);
  rig.startAll();
  const leader = rig.electLeader();
  const [follower, other] = rig.ids.filter((id) => id !== leader);
  return { rig, leader, follower, other };
}

const seconds = 1_000_000;
const answer = (rig: Rig, request: number): string => {
  const { code, message } = rig.reply(request);
  return `${code} ${message}`;
};

test('without quorum writes and linearizable reads time out after 7 s, serializable reads answer', () => {
  const { rig, leader, follower, other } = started();
  rig.reply(rig.put(leader, 'k', 'before'));
  rig.kill(follower);
  rig.kill(other);
  const startUs = rig.nowUs;
  const put = rig.put(leader, 'k', 'after');
  const get = rig.get(leader, 'k');
  expect(rig.values(rig.get(leader, 'k', { serializable: true }))).toEqual({ k: 'before' });
  rig.runFor(3 * seconds);
  expect(rig.status(leader)).toMatchObject({ leader: 0n, errors: ['etcdserver: no leader'] });
  const lateUs = rig.nowUs;
  const late = rig.put(leader, 'k', 'late');
  expect([answer(rig, put), answer(rig, get)]).toEqual(Array(2).fill('14 etcdserver: request timed out'));
  expect(rig.reply(put).atUs - startUs).toBeGreaterThanOrEqual(7 * seconds);
  expect(rig.reply(put).atUs - startUs).toBeLessThan(7.2 * seconds);
  expect(answer(rig, late)).toBe('2 context deadline exceeded');
  expect(rig.reply(late).atUs - lateUs).toBeGreaterThanOrEqual(7 * seconds);
});

test('a timeout says nothing: the first timed-out put is written after all, one that found no leader is not', () => {
  const { rig, leader, follower, other } = started();
  rig.kill(follower);
  rig.kill(other);
  const first = rig.put(leader, 'first', '1');
  rig.runFor(3 * seconds);
  const second = rig.put(leader, 'second', '2');
  expect(rig.reply(first).code).toBe(14);
  expect(rig.reply(second).code).toBe(2);
  // without the other only who has the first can be elected
  rig.start(follower);
  rig.electLeader();
  rig.start(other);
  rig.runFor(2 * seconds);
  for (const id of rig.ids) expect(rig.local(id)).toEqual({ first: '1' });
});

test('a put lost with the leader times out, and its new leader says what it may be due to', () => {
  const { rig, leader, follower, other } = started();
  rig.dropSend = (_from, { messageType }) => messageType === 'MsgProp';
  const puts = [follower, other].map((id) => rig.put(id, `of-${id}`, 'lost'));
  rig.kill(leader);
  const texts = new Map([follower, other].map((id, i) => [id, answer(rig, puts[i])]));
  const now = rig.leader();
  expect([follower, other]).toContain(now);
  expect(texts.get(now)).toBe('14 etcdserver: request timed out, possibly due to previous leader failure');
  expect(texts.get(now === follower ? other : follower)).toBe('14 etcdserver: request timed out');
});

test('a put that waits for a leader is written once there is one', () => {
  const { rig, leader, follower, other } = started();
  rig.kill(leader);
  rig.dropSend = (_from, { messageType }) => messageType.includes('Vote');
  rig.runUntil(() => rig.status(follower).leader === 0n && rig.status(other).leader === 0n);
  const put = rig.put(follower, 'k', 'v');
  rig.runFor(seconds);
  expect(rig.replies.has(put)).toBe(false);
  rig.dropSend = () => false;
  expect(rig.reply(put).code).toBe(0);
});

test('a read that waits fails with the change of leader, and its client may ask again', () => {
  const { rig, leader, follower } = started();
  rig.reply(rig.put(leader, 'k', 'v'));
  rig.dropSend = (_from, { messageType }) => messageType === 'MsgReadIndex';
  const get = rig.get(follower, 'k');
  rig.kill(leader);
  expect(answer(rig, get)).toBe('14 etcdserver: leader changed');
  rig.dropSend = () => false;
  rig.electLeader();
  expect(rig.values(rig.get(follower, 'k'))).toEqual({ k: 'v' });
});

test('a lost question to the leader is asked again after half a second', () => {
  const { rig, leader, follower } = started();
  rig.reply(rig.put(leader, 'k', 'v'));
  let lost = 0;
  rig.dropSend = (_from, { messageType }) => messageType === 'MsgReadIndex' && lost++ === 0;
  const askedUs = rig.nowUs;
  expect(rig.values(rig.get(follower, 'k'))).toEqual({ k: 'v' });
  expect(lost).toBe(2);
  expect(rig.nowUs - askedUs).toBeGreaterThanOrEqual(500_000);
});

test('a cancelled request gets no answer', () => {
  const { rig, leader, follower, other } = started();
  rig.kill(follower);
  rig.kill(other);
  const requests = [rig.put(leader, 'k', 'v'), rig.get(leader, 'k')];
  for (const request of requests) rig.step(leader, { kind: 'cancel', request });
  rig.runFor(9 * seconds);
  expect(requests.map((request) => rig.replies.has(request))).toEqual([false, false]);
});

test('the entry of a cut-off leader is replaced when it comes back, and never applied', () => {
  const { rig, leader, follower, other } = started({ trace: true });
  rig.cut(leader, follower);
  rig.cut(leader, other);
  const lost = rig.put(leader, 'k', 'lost');
  rig.runUntil(() => ![0, leader].includes(rig.leader()));
  const next = rig.leader();
  expect(rig.reply(rig.put(next, 'k', 'kept')).code).toBe(0);
  expect(rig.reply(lost).code).toBe(14);
  const place = rig.running[leader - 1]
    ?.logEntries(1, 100)
    .entries.find(({ label }) => label === 'put k')?.index;
  rig.heal();
  rig.runFor(3 * seconds);
  for (const id of rig.ids) expect(rig.local(id)).toEqual({ k: 'kept' });
  const told = rig
    .eventsOf(leader, 'server.entries')
    .filter(
      ({ firstIndex, labels }) =>
        place !== undefined && firstIndex <= place && place < firstIndex + labels.length,
    );
  expect(
    new Set(told.map(({ firstIndex, entryTerms }) => entryTerms[(place as number) - firstIndex])).size,
  ).toBe(2);
  const logs = rig.ids.map((id) => rig.running[id - 1]?.logEntries(1, 100));
  expect(logs[1]).toEqual(logs[0]);
  expect(logs[2]).toEqual(logs[0]);
});

for (const [error, words] of [
  ['ENOSPC', 'no space is left'],
  ['EIO', 'the disk failed'],
] as const) {
  test(`${error} stops the member with a sentence, and the others go on`, () => {
    const { rig, leader, follower } = started({ trace: true });
    rig.disks[follower - 1].fail = error;
    expect(rig.reply(rig.put(leader, 'k', 'v')).code).toBe(0);
    rig.runFor(seconds);
    expect(rig.halted[follower - 1]).toContain(`member/wal/0000000000000000-0000000000000000.wal`);
    expect(rig.halted[follower - 1]).toContain(error);
    expect(rig.halted[follower - 1]).toContain(words);
    expect(rig.eventsOf(follower, 'server.halt')).toHaveLength(1);
    const output = rig.step(follower, { kind: 'timer', timer: 'raftTick' });
    expect(output).toMatchObject({
      sends: [],
      disk: [],
      replies: [],
      timers: [],
      halted: rig.halted[follower - 1],
    });
    rig.disks[follower - 1].fail = null;
    rig.powerCut(follower);
    rig.start(follower);
    rig.runFor(2 * seconds);
    expect(rig.local(follower)).toEqual({ k: 'v' });
  });
}

test('a broken invariant stops the member and nothing of that step leaves it', () => {
  const { rig, leader, follower } = started({ trace: true });
  const heartbeat = rig.heartbeatWithCommit(leader, follower, 4_000);
  const output = rig.step(follower, { kind: 'message', from: rig.config(leader).nodeId, bytes: heartbeat });
  expect(output?.halted).toMatch(
    /^a broken invariant stopped the member: .*tocommit\(4000\) is out of range/,
  );
  expect([output?.sends, output?.disk, output?.replies]).toEqual([[], [], []]);
  expect(rig.reply(rig.put(leader, 'k', 'v')).code).toBe(0);
});

test('acknowledged means durable on a majority: before the syncs are done there is no answer', () => {
  const rig = new Rig({ disk: 'manual' });
  rig.startAll();
  const serve = () => rig.ids.forEach((id) => rig.serveAll(id));
  rig.runUntil(() => (serve(), rig.leader() !== 0));
  rig.runUntil(() => (serve(), rig.status(1).raftAppliedIndex === 8n));
  const leader = rig.leader();
  const followers = rig.ids.filter((id) => id !== leader);
  const put = rig.put(leader, 'k', 'v');
  rig.deliverAll();
  rig.serveAll(leader);
  rig.deliverAll();
  expect(rig.replies.has(put)).toBe(false);
  rig.serveAll(followers[0]);
  rig.deliverAll();
  expect(rig.replies.get(put)?.code).toBe(0);
  expect(fromBinary(rpc.PutResponseSchema, rig.reply(put).bytes).header?.revision).toBe(2n);
});

test('a proposal whose leader was out of reach meanwhile says that the connection was lost', () => {
  const rig = new Rig();
  rig.startAll();
  const leader = rig.electLeader();
  const [follower, other] = rig.ids.filter((id) => id !== leader);
  rig.dropSend = (from, send) => send.messageType === 'MsgProp' && from === follower;
  const put = rig.put(follower, 'k', 'v');
  rig.runFor(3 * seconds);
  const link = { kind: 'link', node: rig.config(leader).nodeId } as const;
  for (const up of [false, true]) rig.step(follower, { ...link, up });
  rig.runFor(5 * seconds);
  const lost = 'etcdserver: request timed out, possibly due to connection lost';
  expect(rig.replies.get(put)).toMatchObject({ code: 14, message: lost });
  expect(rig.local(other)).toEqual({});
});
