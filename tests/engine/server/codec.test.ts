import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import * as pb from '../../../src/engine/pb/gen/raft_pb.ts';
import { DeleteRangeRequestSchema, PutRequestSchema } from '../../../src/engine/pb/gen/rpc_pb.ts';
import { encodeConfChange } from '../../../src/engine/raft/confchange-codec.ts';
import { newMessage } from '../../../src/engine/raft/message.ts';
import { logIndex, nodeId, term } from '../../../src/engine/raft/types.ts';
import type { Entry, Message, MessageType } from '../../../src/engine/raft/types.ts';
import { tagContext } from '../../../src/engine/server/conf-change-data.ts';
import { decodeLogged, encodeV2Put, encodeWrite, entryLabel } from '../../../src/engine/server/entry-data.ts';
import {
  clusterIdOf,
  memberIdOf,
  MemberTable,
  RequestIdGenerator,
} from '../../../src/engine/server/member-id.ts';
import type { MemberId } from '../../../src/engine/server/member-id.ts';
import {
  attributesPath,
  attributesToJson,
  memberFromJson,
  Membership,
  memberToJson,
} from '../../../src/engine/server/membership.ts';
import {
  decodeMessage,
  encodeMessage,
  entryFromWire,
  entryToWire,
} from '../../../src/engine/server/raft-codec.ts';
import {
  decodeSnapFile,
  decodeSnapshot,
  encodeSnapFile,
  encodeSnapshot,
  listSnaps,
} from '../../../src/engine/server/snapshot-codec.ts';
import { decodeV2Store, encodeV2Store } from '../../../src/engine/server/v2-store.ts';
import { untar } from '../../parity/xray/files.ts';

/** The three members whose log a real etcd 3.4.23 wrote. */
const peers = [1, 2, 3].map((n) => ({
  nodeId: nodeId(n),
  name: `n${n}`,
  peerUrl: `http://127.0.0.1:310${n - 1}1`,
  clientUrl: `http://127.0.0.1:310${n - 1}0`,
}));
const table = new MemberTable(peers, 'etcd-cluster');

/** Entries 1, 5, 9 and 10 of that log: a member, its attributes, a put and a delete. */
const realChange =
  '0800100018fedde3f8f2d88ef20c224b7b226964223a3932383933323035303330383233303931302c227065657255524c73223a5b22687474' +
  '703a2f2f3132372e302e302e313a3331303131225d2c226e616d65223a226e32227d';
const realAttributes =
  '0882bcf3bac8c0a8d50912035055541a262f302f6d656d626572732f363461656531656364326364303961612f61747472696275746573223' +
  '57b226e616d65223a226e31222c22636c69656e7455524c73223a5b22687474703a2f2f3132372e302e302e313a3331303030225d7d280032' +
  '0038004800500058006000680070007800800100';
const realPut =
  '22200a0b77616c2f6b65792d303139121176616c75652d302d393631353939313631a2060a0886bcf3bac8c0a8d509';
const realDelete = '2a0d0a0b77616c2f6b65792d303334a2060a0887bcf3bac8c0a8d509';

test('member and cluster ids are those that etcd gives', () => {
  const lone = memberIdOf(['http://localhost:2380'], 'etcd-cluster');
  expect(lone.toString(16)).toBe('8e9e05c52164694d');
  expect(clusterIdOf([lone]).toString(16)).toBe('cdf818194e3a8c32');
  const ids = peers.map(({ nodeId: node }) => table.memberOf(node));
  expect(ids.map((id) => id.toString(16))).toEqual([
    '64aee1ecd2cd09aa',
    'ce43ac72f18eefe',
    '1962427ae06fde84',
  ]);
  expect(clusterIdOf(ids).toString(16)).toBe('892854e02577c1a6');
  expect(ids.map((id) => table.nodeOf(id))).toEqual([1, 2, 3]);
  expect([table.nodeOf(5n), table.nodeOf(0n), table.memberOf(nodeId(-1))]).toEqual([null, 0, 0n]);
});

test('a member, its attributes, a put and a delete stand in the log as a real etcd writes them', () => {
  const member = table.memberOf(nodeId(2));
  const json = memberToJson({
    id: member,
    peerUrls: [peers[1].peerUrl],
    isLearner: false,
    name: 'n2',
    clientUrls: [],
  });
  const data = encodeConfChange({
    id: 0n,
    type: 'ConfChangeAddNode',
    nodeId: nodeId(2),
    context: tagContext(member, encodeUtf8(json)),
  });
  const entry: Entry = { term: term(1), index: logIndex(1), type: 'EntryConfChange', data };
  const wire = entryToWire(entry);
  expect([wire.type, toHex(wire.data)]).toEqual([1, realChange]);
  expect(entryFromWire(wire, table)).toEqual(entry);
  const attributes = attributesToJson({ name: 'n1', clientUrls: ['http://127.0.0.1:31000'] });
  const path = attributesPath(table.memberOf(nodeId(1)));
  expect(toHex(encodeV2Put(696547232716742146n, path, attributes))).toBe(realAttributes);
  const put = create(PutRequestSchema, {
    key: encodeUtf8('wal/key-019'),
    value: encodeUtf8('value-0-961599161'),
  });
  expect(toHex(encodeWrite(696547232716742150n, { kind: 'put', body: put }))).toBe(realPut);
  const del = create(DeleteRangeRequestSchema, { key: encodeUtf8('wal/key-034') });
  expect(toHex(encodeWrite(696547232716742151n, { kind: 'deleteRange', body: del }))).toBe(realDelete);
});

test('what stands in the log is told apart and named', () => {
  const label = (hex: string, type: Entry['type'] = 'EntryNormal'): string =>
    entryLabel({ term: term(2), index: logIndex(9), type, data: fromHex(hex) }, table);
  expect([realPut, realDelete, realAttributes, ''].map((hex) => label(hex))).toEqual([
    'put wal/key-019',
    'del wal/key-034',
    'member attributes n1',
    'no-op',
  ]);
  expect(decodeLogged(fromHex(realAttributes))).toMatchObject({ kind: 'v2', id: 696547232716742146n });
  for (const garbage of ['ff', '0a', '12ff01', '420d08882710'])
    expect(label(garbage)).toBe('unknown request');
  expect(label('ff', 'EntryConfChange')).toBe('conf change');
});

test('labels are printable, whatever a key is', () => {
  const body = create(PutRequestSchema, { key: encodeUtf8('<img onerror>\u202e\n') });
  const data = encodeWrite(1n, { kind: 'put', body });
  expect(entryLabel({ term: term(1), index: logIndex(1), type: 'EntryNormal', data }, table)).toBe(
    'put <img onerror>\\u{202e}\\x0a',
  );
});

test('a members JSON keeps its 64-bit id and escapes as Go does', () => {
  const member = {
    id: 0xffffffffffffffffn as MemberId,
    peerUrls: ['http://a/?x=<1>&y'],
    isLearner: true,
    name: 'a"b',
    clientUrls: [],
  };
  expect(memberToJson(member)).toBe(
    '{"id":18446744073709551615,"peerURLs":["http://a/?x=\\u003c1\\u003e\\u0026y"],"isLearner":true,"name":"a\\"b"}',
  );
  expect(memberFromJson(memberToJson(member))).toEqual(member);
  for (const bad of ['', '[]', '{', '{"id":"x"', 'null', '{"name":"x"}'])
    expect(memberFromJson(bad)).toBe(null);
});

test('request ids carry member and time, and never repeat over two starts', () => {
  const first = new RequestIdGenerator(0x1234n as MemberId, 5_000_000, 1);
  const ids = Array.from({ length: 200 }, () => first.next());
  expect(ids[0]).toBe((0x1234n << 48n) | (5001n << 8n) | 1n);
  expect(new Set(ids).size).toBe(200);
  const second = new RequestIdGenerator(0x1234n as MemberId, 5_000_000, 2);
  expect(second.next()).toBeGreaterThan(ids[199]);
});

const types: MessageType[] = [
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
];
const number = fc.nat(2 ** 31).map((n) => n * 1000);
const node = fc.integer({ min: 1, max: 3 }).map(nodeId);
const entry = fc.record({
  term: number.map(term),
  index: number.map(logIndex),
  type: fc.constant('EntryNormal' as const),
  data: fc.uint8Array({ maxLength: 20 }),
});
const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom(...types),
    to: node,
    from: node,
    term: number.map(term),
    logTerm: number.map(term),
    index: number.map(logIndex),
    entries: fc.array(entry, { maxLength: 3 }),
    commit: number.map(logIndex),
    reject: fc.boolean(),
    rejectHint: number.map(logIndex),
    context: fc.option(fc.uint8Array({ maxLength: 9 })),
  })
  .map((fields) => ({ ...newMessage(fields.type, fields.to), ...fields }));

/** The same message by the protobuf library, every scalar and the empty snapshot given. */
function byLibrary(m: Message): Uint8Array {
  const metadata = { confState: { autoLeave: false }, index: 0n, term: 0n };
  return toBinary(
    pb.MessageSchema,
    create(pb.MessageSchema, {
      type: pb.MessageType[m.type],
      to: table.memberOf(m.to),
      from: table.memberOf(m.from),
      term: BigInt(m.term),
      logTerm: BigInt(m.logTerm),
      index: BigInt(m.index),
      commit: BigInt(m.commit),
      snapshot: { metadata },
      entries: m.entries.map((each) => ({
        Type: pb.EntryType.EntryNormal,
        Term: BigInt(each.term),
        Index: BigInt(each.index),
        ...(each.data.length > 0 ? { Data: each.data } : {}),
      })),
      reject: m.reject,
      rejectHint: BigInt(m.rejectHint),
      ...(m.context === null ? {} : { context: m.context }),
    }),
  );
}

test('messages travel as raftpb, and come back as they were', () => {
  fc.assert(
    fc.property(message, (m) => {
      const bytes = encodeMessage(m, table);
      expect(toHex(bytes)).toBe(toHex(byLibrary(m)));
      expect(decodeMessage(bytes, table)).toEqual(m);
    }),
  );
});

test('a message of a stranger or of an unknown type is refused', () => {
  const bytes = (more: object): Uint8Array => toBinary(pb.MessageSchema, create(pb.MessageSchema, more));
  expect(() => decodeMessage(bytes({ type: pb.MessageType.MsgApp, from: 77n }), table)).toThrow(
    'not of this cluster',
  );
  expect(() => decodeMessage(Uint8Array.of(8, 40), table)).toThrow('a message of type 40');
  expect(() => decodeMessage(Uint8Array.of(0x3a, 9, 1), table)).toThrow('unexpected end');
});

test.each(['e-member-n1-clean', 'e-member-n2-killed'])(
  'the snapshots of %s are read, and written again to the same bytes',
  (name) => {
    const archive = gunzipSync(readFileSync(`tests/testdata/xray/${name}.tar.gz`));
    const files = untar(new Uint8Array(archive));
    const snaps = listSnaps(files.keys());
    expect(snaps.map(({ index, term: of }) => [of, index])).toEqual(
      [909, 808, 707, 606, 505, 404, 303, 202, 101].map((n) => [2, n]),
    );
    for (const place of snaps) {
      const bytes = files.get(place.file) as Uint8Array;
      const snapshot = decodeSnapshot(decodeSnapFile(bytes) as Uint8Array, table);
      expect(snapshot).toMatchObject({
        index: place.index,
        term: 2,
        confState: { voters: [1, 2, 3], learners: [] },
      });
      expect(toHex(encodeSnapFile(encodeSnapshot(snapshot, (node) => table.memberOf(node))))).toBe(
        toHex(bytes),
      );
      const stored = decodeV2Store(snapshot.data);
      expect(
        stored?.members.map((member) => [member.name, ...member.peerUrls, ...member.clientUrls]).sort(),
      ).toEqual(peers.map((peer) => [peer.name, peer.peerUrl, peer.clientUrl]));
      expect([stored?.removed, stored?.version]).toEqual([[], '3.4.0']);
      const membership = new Membership();
      membership.reset(stored?.members ?? [], [], '3.4.0');
      expect(decodeV2Store(encodeV2Store(membership))).toEqual(stored);
    }
    const torn = (files.get(snaps[0].file) as Uint8Array).slice(0, -1);
    expect(decodeSnapFile(torn)).toBeNull();
  },
);

test('a member that only a vote has named gets its place from whoever says where it is, and keeps its id', () => {
  const [first] = peers;
  const joined = 0xabcd_1234_5678_9999n;
  const named = new MemberTable(peers, 'etcd-cluster');
  const nowhere = named.numberOf(joined);
  expect(nowhere).toBeGreaterThan(9);
  expect(named.accept(joined, nodeId(2))).toBe(2);
  expect(named.nodeOf(joined)).toBe(2);
  expect(named.memberOf(nowhere)).toBe(joined);
  const told = new MemberTable(peers, 'etcd-cluster');
  told.numberOf(joined);
  expect(told.numberOf(joined, [first.peerUrl])).toBe(1);
  expect(told.numberOf(joined)).toBe(1);
});

test('who is there keeps its place when the log tells of who was there before', () => {
  const [earlier, replaced, own] = [0xaaaa_0000_0000_0001n, 0xbbbb_0000_0000_0002n, 0xcccc_0000_0000_0003n];
  const [first, second] = peers;
  const joining = new MemberTable([], 'etcd-cluster', peers);
  joining.seatOwn(own as MemberId, nodeId(1));
  joining.meet(replaced as MemberId, nodeId(2));
  joining.seat(earlier as MemberId, joining.numberOf(earlier, [second.peerUrl]));
  expect([joining.memberOf(nodeId(2)), joining.nodeOf(replaced)]).toEqual([replaced, 2]);
  expect(joining.nodeOf(earlier)).toBe(null);
  const before = 0xdddd_0000_0000_0004n;
  const node = joining.numberOf(before, [first.peerUrl]);
  joining.seat(before as MemberId, node);
  expect(node).toBeGreaterThan(9);
  expect([joining.memberOf(node), joining.nodeOf(before)]).toEqual([before, null]);
  expect([joining.memberOf(nodeId(1)), joining.nodeOf(own)]).toEqual([own, 1]);
});
