/** What a member answers beyond gets and puts, where time, crashes and streams matter. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../src/base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import * as pb from '../../../src/engine/pb/gen/rpc_pb.ts';
import type { Reply, RpcMethod } from '../../../src/engine/server/types.ts';
import { LoneMember } from '../../parity/etcd/lone-member.ts';
import { Rig } from './rig.ts';

const bytesOf = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Uint8Array =>
  toBinary(schema, create(schema, init));

function call<Desc extends DescMessage>(
  member: LoneMember,
  method: RpcMethod,
  schema: Desc,
  init: MessageInitShape<Desc>,
  token?: string,
): Reply {
  return member.call(method, bytesOf(schema, init), token);
}

const put = (member: LoneMember, key: string, value = 'v', token?: string): Reply =>
  call(
    member,
    'etcdserverpb.KV/Put',
    pb.PutRequestSchema,
    { key: encodeUtf8(key), value: encodeUtf8(value) },
    token,
  );

function watchOf(key: string): Uint8Array {
  const value = create(pb.WatchCreateRequestSchema, { key: encodeUtf8(key), rangeEnd: Uint8Array.of(0) });
  return bytesOf(pb.WatchRequestSchema, { requestUnion: { case: 'createRequest', value } });
}

const framesOf = (member: LoneMember, stream: number): pb.WatchResponse[] =>
  member.repliesTo(stream).map(({ bytes }) => fromBinary(pb.WatchResponseSchema, bytes));

test('a client that takes no more makes its watcher a victim; once it reads on, it has every event', () => {
  const member = new LoneMember(1, {});
  const stream = member.open('etcdserverpb.Watch/Watch', watchOf('a'));
  member.flow(stream, false);
  for (let i = 0; i < 300; i++) put(member, `a${i % 7}`);
  member.advance(500_000);
  expect(framesOf(member, stream)).toHaveLength(1);
  member.flow(stream, true);
  member.advance(500_000);
  const events = framesOf(member, stream).flatMap((frame) => frame.events);
  expect(events.map(({ kv }) => Number(kv?.modRevision))).toEqual(
    Array.from({ length: 300 }, (_, i) => i + 2),
  );
});

test('a snapshot is a store that opens, and ends in its own SHA-256', () => {
  const member = new LoneMember(2, {});
  for (let i = 0; i < 50; i++) put(member, `k${i}`, 'x'.repeat(2000));
  const stream = member.open('etcdserverpb.Maintenance/Snapshot', new Uint8Array(0));
  member.advance(300_000);
  const pieces = member.repliesTo(stream);
  expect(pieces.at(-1)).toMatchObject({ code: 0, bytes: new Uint8Array(0) });
  const blobs = pieces.slice(0, -1).map(({ bytes }) => fromBinary(pb.SnapshotResponseSchema, bytes));
  const file = concatBytes(blobs.slice(0, -1).map(({ blob }) => blob));
  expect(blobs.at(-1)?.blob).toEqual(sha256(file));
  expect(blobs.map(({ remainingBytes, blob }) => remainingBytes + BigInt(blob.length))[0]).toBe(
    BigInt(file.length),
  );
  const store = new KvStore(Backend.open(openDb(new MemoryPager(file))));
  expect([store.revision, store.index.countAlive()]).toEqual([51, 50]);
});

test('defragmentation gives free pages back and keeps every answer; a power cut at any time leaves a store', () => {
  for (const cutAfter of [0, 1, 2, 3, 5, 8, 1000]) {
    const rig = new Rig({ members: 1, disk: 'manual' });
    const serve = (): void => rig.serveAll(1);
    rig.startAll();
    serve();
    rig.runUntil(() => (serve(), rig.leader() === 1));
    for (let i = 0; i < 40; i++) rig.put(1, `k${i}`, 'x'.repeat(3000));
    for (let i = 0; i < 30; i++) rig.del(1, `k${i}`);
    serve();
    rig.request(1, 'etcdserverpb.KV/Compact', bytesOf(pb.CompactionRequestSchema, { revision: 71n }));
    for (let i = 0; i < 20; i++) {
      rig.advance();
      serve();
    }
    const before = rig.status(1);
    const asked = rig.request(1, 'etcdserverpb.Maintenance/Defragment', new Uint8Array(0));
    for (let i = 0; i < cutAfter && rig.disks[0].queue.length > 0; i++) rig.serveOne(1);
    if (cutAfter === 1000) {
      rig.runUntil(() => (serve(), rig.replies.has(asked)));
      expect(Number(rig.status(1).dbSize)).toBeLessThan(Number(before.dbSize) / 2);
    } else rig.powerCut(1);
    if (cutAfter === 1000) rig.kill(1);
    rig.start(1);
    serve();
    rig.runUntil(() => (serve(), rig.halted[0] !== null || rig.leader() === 1));
    expect(rig.halted[0]).toBeNull();
    expect(Object.keys(rig.local(1)).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `k${30 + i}`));
  }
});

test('a token goes when it is not used for five minutes, and a password never reaches the log', () => {
  const member = new LoneMember(3, { bcryptCost: 4 });
  const name = 'root';
  const password = 'correct horse';
  call(member, 'etcdserverpb.Auth/UserAdd', pb.AuthUserAddRequestSchema, { name, password });
  call(member, 'etcdserverpb.Auth/RoleAdd', pb.AuthRoleAddRequestSchema, { name });
  call(member, 'etcdserverpb.Auth/UserGrantRole', pb.AuthUserGrantRoleRequestSchema, {
    user: name,
    role: name,
  });
  expect(call(member, 'etcdserverpb.Auth/AuthEnable', pb.AuthEnableRequestSchema, {}).code).toBe(0);
  const answer = call(member, 'etcdserverpb.Auth/Authenticate', pb.AuthenticateRequestSchema, {
    name,
    password,
  });
  const { token } = fromBinary(pb.AuthenticateResponseSchema, answer.bytes);
  expect(put(member, 'a').message).toBe('etcdserver: user name is empty');
  expect(put(member, 'a', 'v', token).code).toBe(0);
  member.advance(299_000_000);
  expect(put(member, 'a', 'v', token).code).toBe(0);
  member.advance(301_000_000);
  expect(put(member, 'a', 'v', token).message).toBe('etcdserver: invalid auth token');
  for (const file of member.files()) expect(decodeUtf8(file).includes(password)).toBe(false);
});

test('leases of users expire though nobody asks: the member revokes them as root', () => {
  const member = new LoneMember(4, { bcryptCost: 4 });
  const [name, password] = ['root', 'pw'];
  call(member, 'etcdserverpb.Lease/LeaseGrant', pb.LeaseGrantRequestSchema, { ID: 7n, TTL: 5n });
  call(member, 'etcdserverpb.KV/Put', pb.PutRequestSchema, { key: encodeUtf8('a'), lease: 7n });
  call(member, 'etcdserverpb.Auth/UserAdd', pb.AuthUserAddRequestSchema, { name, password });
  call(member, 'etcdserverpb.Auth/UserGrantRole', pb.AuthUserGrantRoleRequestSchema, {
    user: name,
    role: name,
  });
  call(member, 'etcdserverpb.Auth/AuthEnable', pb.AuthEnableRequestSchema, {});
  member.advance(8_000_000);
  const answer = call(member, 'etcdserverpb.Auth/Authenticate', pb.AuthenticateRequestSchema, {
    name,
    password,
  });
  const { token } = fromBinary(pb.AuthenticateResponseSchema, answer.bytes);
  const got = call(member, 'etcdserverpb.KV/Range', pb.RangeRequestSchema, { key: encodeUtf8('a') }, token);
  expect(Number(fromBinary(pb.RangeResponseSchema, got.bytes).count)).toBe(0);
});
