import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig, tickUs } from './rig.ts';

/** A cluster with a leader, and one of its followers. */
function started(options: ConstructorParameters<typeof Rig>[0] = {}) {
  const rig = new Rig(options);
  rig.startAll();
  const leader = rig.electLeader();
  const [follower, other] = rig.ids.filter((id) => id !== leader);
  return { rig, leader, follower, other };
}

test('a put on any member is acknowledged, and every member has it', () => {
  const { rig, leader, follower } = started();
  const onLeader = rig.reply(rig.put(leader, 'greeting', 'hello'));
  const onFollower = rig.reply(rig.put(follower, 'other', 'value'));
  expect([onLeader.code, onFollower.code]).toEqual([0, 0]);
  expect(onFollower.from).toBe(follower);
  expect(fromBinary(rpc.PutResponseSchema, onFollower.bytes).header?.revision).toBe(3n);
  expect(rig.values(rig.get(follower, 'greeting'))).toEqual({ greeting: 'hello' });
  rig.runFor(300_000);
  for (const id of rig.ids) expect(rig.local(id)).toEqual({ greeting: 'hello', other: 'value' });
});

test('del counts what it deleted, and a range reads what is left, also at an old revision', () => {
  const { rig, leader, follower } = started();
  for (const key of ['a', 'b', 'c']) rig.reply(rig.put(leader, key, `${key}!`));
  const deleted = fromBinary(rpc.DeleteRangeResponseSchema, rig.reply(rig.del(follower, 'a', 'c')).bytes);
  expect([deleted.deleted, deleted.header?.revision]).toEqual([2n, 5n]);
  const all = { rangeEnd: new Uint8Array(1) };
  expect(rig.values(rig.get(leader, '\0', all))).toEqual({ c: 'c!' });
  expect(rig.values(rig.get(follower, '\0', { ...all, revision: 4n }))).toEqual({
    a: 'a!',
    b: 'b!',
    c: 'c!',
  });
  const sorted = rig.get(leader, '\0', {
    ...all,
    revision: 4n,
    limit: 2n,
    sortOrder: rpc.RangeRequest_SortOrder.DESCEND,
    keysOnly: true,
  });
  const { kvs, more, count } = fromBinary(rpc.RangeResponseSchema, rig.reply(sorted).bytes);
  expect(kvs.map(({ key, value }) => [String.fromCharCode(...key), value.length])).toEqual([
    ['c', 0],
    ['b', 0],
  ]);
  expect([more, count]).toEqual([true, 3n]);
});

test('the members learn each others names and client URLs from the log', () => {
  const { rig, leader } = started();
  const reply = rig.reply(rig.request(leader, 'etcdserverpb.Cluster/MemberList', new Uint8Array(0)));
  const { members, header } = fromBinary(rpc.MemberListResponseSchema, reply.bytes);
  expect(members.map(({ name, clientURLs }) => [name, ...clientURLs]).sort()).toEqual(
    [1, 2, 3].map((id) => [`m${id}`, `http://m${id}.lab:2379`]),
  );
  expect([...members].sort((a, b) => (a.ID < b.ID ? -1 : 1))).toEqual(members);
  expect(header?.revision).toBe(0n);
});

test('the status names version, sizes, leader, term and indexes', () => {
  const { rig, leader, follower } = started();
  rig.reply(rig.put(leader, 'k', 'v'));
  rig.runFor(500_000);
  const [own, others] = [rig.status(leader), rig.status(follower)];
  expect(own.version).toBe('3.4.23');
  expect(own.leader).toBe(own.header?.memberId);
  expect(others.leader).toBe(own.leader);
  expect([own.raftTerm, own.raftIndex, own.raftAppliedIndex]).toEqual([2n, 9n, 9n]);
  expect(own.dbSizeInUse).toBeLessThanOrEqual(own.dbSize);
  expect(Number(own.dbSize) % 4096).toBe(0);
  expect(own.errors).toEqual([]);
});

test('each bad request gets the code and text that etcd gives', () => {
  const { rig, leader } = started();
  const put = (more: object) => {
    const body = create(rpc.PutRequestSchema, { key: encodeUtf8('absent'), ...more });
    return rig.request(leader, 'etcdserverpb.KV/Put', toBinary(rpc.PutRequestSchema, body));
  };
  const answer = (request: number) => {
    const { code, message } = rig.reply(request);
    return `${code} ${message}`;
  };
  expect(answer(rig.put(leader, '', 'v'))).toBe('3 etcdserver: key is not provided');
  expect(answer(rig.get(leader, ''))).toBe('3 etcdserver: key is not provided');
  expect(answer(rig.del(leader, ''))).toBe('3 etcdserver: key is not provided');
  expect(answer(put({ ignoreValue: true }))).toBe('3 etcdserver: key not found');
  expect(answer(put({ ignoreValue: true, value: encodeUtf8('v') }))).toBe('3 etcdserver: value is provided');
  expect(answer(put({ ignoreLease: true, lease: 1n }))).toBe('3 etcdserver: lease is provided');
  expect(answer(put({ lease: 7n }))).toBe('5 etcdserver: requested lease not found');
  expect(answer(put({ value: new Uint8Array(1_572_864) }))).toBe('3 etcdserver: request is too large');
  expect(answer(put({ value: new Uint8Array(2_097_152) }))).toMatch(
    /^8 grpc: received message larger than max/,
  );
  expect(answer(rig.get(leader, 'k', { revision: 99n }))).toMatch(
    /^11 .*required revision is a future revision$/,
  );
  const garbage = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1);
  expect(answer(rig.request(leader, 'etcdserverpb.KV/Put', garbage))).toMatch(
    /^13 grpc: error unmarshalling request/,
  );
  expect(answer(rig.request(leader, 'etcdserverpb.KV/Nothing', garbage))).toBe(
    '12 unknown method etcdserverpb.KV/Nothing',
  );
  expect(rig.local(leader)).toEqual({});
});

test('a value just under the limit is taken', () => {
  const { rig, leader } = started();
  const value = 'v'.repeat(1_572_864 - 60);
  expect(rig.reply(rig.put(leader, 'k', value)).code).toBe(0);
  expect(rig.values(rig.get(leader, 'k'))['k'].length).toBe(value.length);
});

test('ignore_value and prev_kv look at what was there before', () => {
  const { rig, leader } = started();
  rig.reply(rig.put(leader, 'k', 'first'));
  const body = create(rpc.PutRequestSchema, { key: encodeUtf8('k'), ignoreValue: true, prevKv: true });
  const reply = rig.reply(rig.request(leader, 'etcdserverpb.KV/Put', toBinary(rpc.PutRequestSchema, body)));
  const { prevKv } = fromBinary(rpc.PutResponseSchema, reply.bytes);
  expect([prevKv?.version, prevKv?.modRevision]).toEqual([1n, 2n]);
  const kv = fromBinary(rpc.RangeResponseSchema, rig.reply(rig.get(leader, 'k')).bytes).kvs[0];
  expect([kv.version, kv.modRevision, kv.value]).toEqual([2n, 3n, encodeUtf8('first')]);
});

test('a stranger and damaged messages change nothing', () => {
  const { rig, leader, follower } = started();
  const before = rig.status(follower);
  for (const bytes of [
    new Uint8Array(0),
    Uint8Array.of(8, 3, 16, 99),
    Uint8Array.of(255, 255),
    new Uint8Array(40),
  ]) {
    rig.step(follower, { kind: 'message', from: rig.config(leader).nodeId, bytes });
  }
  expect(rig.halted).toEqual([null, null, null]);
  expect(rig.status(follower).raftTerm).toBe(before.raftTerm);
  expect(rig.reply(rig.put(follower, 'k', 'v')).code).toBe(0);
});

test('equal inputs give equal digests, whether a trace is on or off', () => {
  const run = (trace: boolean): string[] => {
    const { rig, leader, follower } = started({ trace, seed: 7 });
    rig.reply(rig.put(leader, 'a', '1'));
    rig.reply(rig.put(follower, 'b', '2'));
    rig.kill(follower);
    rig.start(follower);
    rig.reply(rig.del(leader, 'a'));
    rig.runFor(2_000_000);
    return rig.digests;
  };
  const silent = run(false);
  expect(run(true)).toEqual(silent);
  expect(new Set(silent).size).toBeGreaterThan(30);
});

test('pages and entries can be looked at as text', () => {
  const { rig, leader } = started();
  rig.reply(rig.put(leader, 'greeting', 'hello'));
  rig.runFor(500_000);
  const member = rig.running[leader - 1];
  const labels = member?.logEntries(1, 100).entries.map(({ label }) => label) ?? [];
  expect(labels.slice(0, 4).sort()).toEqual([
    'conf change add m1',
    'conf change add m2',
    'conf change add m3',
    'no-op',
  ]);
  expect(labels.slice(4, 8).sort()).toEqual([
    'cluster version 3.4.0',
    'member attributes m1',
    'member attributes m2',
    'member attributes m3',
  ]);
  expect(labels[8]).toBe('put greeting');
  const items = (member?.pageRuns() ?? []).flatMap(({ pgid }) => member?.page(pgid)?.items ?? []);
  expect(items).toContainEqual({
    key: 'key / revision 2.0',
    value: 'greeting = hello (version 1, created at 2)',
  });
  expect(items).toContainEqual({ key: 'txid', value: expect.stringMatching(/^\d+$/) as string });
  expect(member?.page(9999)).toBe(null);
});

test('a start does not wait a whole election timeout, alone or with others', () => {
  const electedAt = (members: number, seed: number): number => {
    const rig = new Rig({ members, seed });
    rig.startAll();
    rig.runUntil(() => rig.leader() !== 0);
    return rig.nowUs / tickUs;
  };
  const seeds = [1, 2, 3, 4, 5, 6];
  const [alone, three] = [1, 3].map((members) => seeds.map((seed) => electedAt(members, seed)));
  expect(Math.max(...alone)).toBeLessThanOrEqual(11);
  expect(Math.min(...three)).toBeGreaterThan(1);
  expect(three.filter((ticks) => ticks < 10).length).toBeGreaterThan(0);
});
