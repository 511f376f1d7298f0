import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { nodeId } from '../../../src/engine/raft/types.ts';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Member } from '../../../src/engine/server/member.ts';
import { Rig } from './rig.ts';

const seconds = 1_000_000;
const walFile = 'member/wal/0000000000000000-0000000000000000.wal';
const backendFile = 'member/snap/db';

/** What bbolt's own check says of a member's store, as it lies on the disk. */
function faults(rig: Rig, member: number): string[] {
  const bytes = rig.disks[member - 1].cache.get(backendFile);
  if (bytes === undefined || bytes.length === 0) return [];
  const tx = openDb(new MemoryPager(bytes)).beginRead();
  const findings = tx.check().map(({ text }) => text);
  tx.rollback();
  return findings;
}

/** Key, version and modification revision of every key that a member holds. */
function versions(rig: Rig, member: number): string[] {
  const reply = rig.reply(rig.get(member, '\0', { rangeEnd: new Uint8Array(1), serializable: true }));
  const { kvs } = fromBinary(rpc.RangeResponseSchema, reply.bytes);
  return kvs.map((kv) => `${String.fromCharCode(...kv.key)} v${kv.version} @${kv.modRevision}`);
}

/**
 * A lone member that is asked for puts, its disk serving `limit` requests and then no more.
 * @returns the keys whose puts were acknowledged
 */
function runUntilServed(rig: Rig, limit: number): string[] {
  const puts: [string, number][] = [];
  let served = 0;
  const serve = (): void => {
    while (served < limit && rig.serveOne(1)) served++;
  };
  rig.start(1);
  for (let step = 0; step < 80 && served < limit; step++) {
    serve();
    if (step >= 40 && step % 4 === 0) puts.push([`k${step}`, rig.put(1, `k${step}`, 'v')]);
    serve();
    rig.advance();
  }
  return puts.filter(([, request]) => rig.replies.get(request)?.code === 0).map(([key]) => key);
}

function servedInAll(): number {
  const rig = new Rig({ members: 1, disk: 'manual' });
  runUntilServed(rig, Infinity);
  return rig.disks[0].served.length;
}

for (const end of ['kill', 'powerCut'] as const) {
  test(`after a ${end} behind any disk request a member starts again with all it acknowledged`, () => {
    const total = servedInAll();
    expect(total).toBeGreaterThan(60);
    for (let limit = 0; limit <= total; limit++) {
      const rig = new Rig({ members: 1, disk: 'manual' });
      const acknowledged = runUntilServed(rig, limit);
      rig[end](1);
      expect(faults(rig, 1), `store after ${limit} requests`).toEqual([]);
      rig.start(1);
      rig.serveAll(1);
      rig.runUntil(() => (rig.serveAll(1), rig.leader() === 1));
      expect(rig.halted[0], `after ${limit} requests`).toBe(null);
      const keys = Object.keys(rig.local(1));
      expect(
        acknowledged.filter((key) => !keys.includes(key)),
        `after ${limit} requests`,
      ).toEqual([]);
      expect(versions(rig, 1).filter((text) => !text.includes(' v1 '))).toEqual([]);
    }
  });
}

test('an entry takes effect once, though the log has it again after a crash before the backend commit', () => {
  const rig = new Rig({ trace: true });
  rig.startAll();
  const leader = rig.electLeader();
  rig.runFor(300_000);
  for (const value of ['1', '2', '3']) rig.reply(rig.put(leader, 'k', value));
  expect(rig.eventsOf(leader, 'backend.commit').at(-1)?.operationCount).toBeGreaterThan(0);
  rig.powerCut(leader);
  rig.start(leader);
  rig.runFor(2 * seconds);
  expect(versions(rig, leader)).toEqual(['k v3 @4']);
  rig.runFor(seconds);
  rig.powerCut(leader);
  const from = rig.events.length;
  rig.start(leader);
  rig.runFor(2 * seconds);
  expect(versions(rig, leader)).toEqual(['k v3 @4']);
  const applied = rig.events
    .slice(from)
    .flatMap(({ member, event }) =>
      member === leader && event.type === 'server.apply' && event.label === 'put k' ? [event.skipped] : [],
    );
  expect(applied).toEqual([true, true, true]);
});

test('a backend commit waits until the one before it is durable', () => {
  const rig = new Rig({ members: 1, disk: 'manual', batchLimit: 1, trace: true });
  rig.start(1);
  rig.runUntil(() => (rig.serveAll(1), rig.leader() === 1));
  rig.runUntil(() => (rig.serveAll(1), rig.status(1).raftAppliedIndex === 4n));
  const commitsOnTheWay = () =>
    rig.disks[0].queue.filter((r) => r.kind === 'sync' && r.file === backendFile && !r.barrier).length;
  const puts = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => rig.put(1, key, 'v'));
  const seen = new Set<number>();
  do seen.add(commitsOnTheWay());
  while (rig.serveOne(1));
  expect([...seen].sort()).toEqual([0, 1]);
  for (const put of puts) expect(rig.reply(put).code).toBe(0);
  const order = rig.disks[0].served
    .filter(({ file }) => file === backendFile)
    .map((request) =>
      request.kind === 'write'
        ? request.offset < 8192 && request.data.length === 4096
          ? 'meta'
          : 'pages'
        : request.kind === 'sync'
          ? request.barrier
            ? 'barrier'
            : 'sync'
          : request.kind,
    );
  const text = order
    .join(' ')
    .replaceAll(/pages( pages)+/g, 'pages')
    .replaceAll('truncate barrier ', '');
  expect(text).toMatch(/^pages barrier( pages barrier meta sync)+$/);
});

test('a torn write at the end of the log is cut off', () => {
  const rig = new Rig({ trace: true });
  rig.startAll();
  const leader = rig.electLeader();
  rig.reply(rig.put(leader, 'k', 'v'));
  rig.runFor(500_000);
  rig.kill(leader);
  const wal = rig.disks[leader - 1].cache.get(walFile) as Uint8Array;
  rig.disks[leader - 1].cache.set(walFile, wal.slice(0, wal.length - 5));
  rig.start(leader);
  rig.runFor(3 * seconds);
  expect(rig.eventsOf(leader, 'wal.open').at(-1)?.tornBytes).toBeGreaterThan(0);
  expect(rig.local(leader)).toEqual({ k: 'v' });
});

test('data that cannot be taken up stop the start with a sentence that says which', () => {
  const rig = new Rig();
  rig.startAll();
  rig.reply(rig.put(rig.electLeader(), 'k', 'v'));
  rig.runFor(500_000);
  const files = rig.disks[0].image();
  const boot = (changed: [string, Uint8Array | null][], config = rig.config(1)) => {
    const image = new Map(files);
    for (const [file, bytes] of changed) bytes === null ? image.delete(file) : image.set(file, bytes);
    return Member.boot(config, image, 0).output.halted;
  };
  expect(boot([])).toBe(null);
  expect(boot([[backendFile, null]])).toMatch(/^the member cannot start: member\/snap\/db is missing/);
  expect(boot([[backendFile, new Uint8Array(16384)]])).toMatch(
    /store member\/snap\/db is damaged \(invalid database/,
  );
  const wal = files.get(walFile)?.slice() as Uint8Array;
  wal[wal.length >> 1] ^= 0xff;
  expect(boot([[walFile, wal]])).toMatch(/log in member\/wal is damaged/);
  expect(boot([], rig.config(2))).toMatch(
    /^the member cannot start: the log belongs to member [0-9a-f]+, which is m1:/,
  );
  expect(boot([], { ...rig.config(1), nodeId: nodeId(9) })).toMatch(/member 9 is not among the peers/);
});

test('a member goes on from the data directory of a real etcd 3.4.23', () => {
  const file = (name: string): Uint8Array => {
    const path = new URL(`../../testdata/server/etcd-3.4.23-member.${name}.gz`, import.meta.url);
    return new Uint8Array(gunzipSync(readFileSync(path)));
  };
  const rig = new Rig();
  const peers = [1, 2, 3].map((n) => ({
    nodeId: nodeId(n),
    name: `n${n}`,
    peerUrl: `http://127.0.0.1:310${n - 1}1`,
    clientUrl: `http://127.0.0.1:310${n - 1}0`,
  }));
  const ours = rig.config.bind(rig);
  rig.config = (member) => ({ ...ours(member), peers, clusterToken: 'etcd-cluster' });
  rig.disks[0].cache = new Map([
    [walFile, file('wal')],
    [backendFile, file('db')],
  ]);
  rig.start(1);
  expect(rig.halted[0]).toBe(null);
  const kvs = rig.local(1);
  expect(Object.keys(kvs)).toHaveLength(124);
  expect(kvs['wal/key-104']).toBe('value-899-294470125');
  const status = rig.status(1);
  expect([status.header?.revision, status.raftAppliedIndex, status.raftTerm]).toEqual([915n, 934n, 3n]);
  expect([status.header?.memberId, status.header?.clusterId]).toEqual([
    0x64aee1ecd2cd09aan,
    0x892854e02577c1a6n,
  ]);
  const list = rig.reply(rig.request(1, 'etcdserverpb.Cluster/MemberList', new Uint8Array(0)));
  const { members } = fromBinary(rpc.MemberListResponseSchema, list.bytes);
  expect(members.map(({ name, clientURLs }) => [name, ...clientURLs])).toEqual([
    ['n2', 'http://127.0.0.1:31010'],
    ['n3', 'http://127.0.0.1:31020'],
    ['n1', 'http://127.0.0.1:31000'],
  ]);
  expect(faults(rig, 1)).toEqual([]);
});

type Act =
  | { readonly kind: 'put'; readonly member: number; readonly key: number }
  | { readonly kind: 'crash'; readonly member: number; readonly powerCut: boolean }
  | { readonly kind: 'restart'; readonly member: number }
  | { readonly kind: 'serve'; readonly member: number; readonly count: number }
  | { readonly kind: 'pass'; readonly ticks: number };

const member = fc.integer({ min: 1, max: 3 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('put' as const), member, key: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), member, powerCut: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const), member }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('serve' as const), member, count: fc.nat(12) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ticks: fc.nat(60) }) },
);

test('whatever crashes, no acknowledged put is lost and all members agree in the end', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.array(act, { minLength: 20, maxLength: 60 }), (seed, acts) => {
      const rig = new Rig({ disk: 'manual', seed, batchLimit: 1 + (seed % 20) });
      const serve = () => rig.ids.forEach((id) => rig.serveAll(id));
      rig.startAll();
      // half of the runs may crash members before the cluster was ever whole
      if (seed % 2 === 0) rig.runUntil(() => (serve(), rig.leader() !== 0));
      const puts: { readonly key: string; readonly value: string; readonly request: number }[] = [];
      for (const [i, each] of acts.entries()) perform(rig, each, i, puts);
      for (const id of rig.ids) if (rig.running[id - 1] === null) rig.start(id);
      rig.runUntil(() => (serve(), rig.leader() !== 0));
      for (let i = 0; i < 60; i++) (serve(), rig.advance());
      expect(rig.halted).toEqual([null, null, null]);
      const stores = rig.ids.map((id) => versions(rig, id));
      expect(stores[1]).toEqual(stores[0]);
      expect(stores[2]).toEqual(stores[0]);
      serve();
      for (const id of rig.ids) expect(faults(rig, id)).toEqual([]);
      checkAcknowledged(rig, puts);
    }),
    { numRuns: 20 },
  );
});

function perform(
  rig: Rig,
  each: Act,
  i: number,
  puts: { key: string; value: string; request: number }[],
): void {
  switch (each.kind) {
    case 'put': {
      if (rig.running[each.member - 1] === null) return;
      const [key, value] = [`key${each.key}`, `value${i}`];
      puts.push({ key, value, request: rig.put(each.member, key, value) });
      return;
    }
    case 'crash':
      if (rig.running[each.member - 1] !== null)
        each.powerCut ? rig.powerCut(each.member) : rig.kill(each.member);
      return;
    case 'restart':
      if (rig.running[each.member - 1] === null) rig.start(each.member);
      return;
    case 'serve':
      for (let n = 0; n < each.count; n++) rig.serveOne(each.member);
      rig.deliverAll();
      return;
    case 'pass':
      for (let n = 0; n < each.ticks; n++) if (rig.running.some((one) => one !== null)) rig.advance();
  }
}

/** An acknowledged put is in the history at the revision that the answer named, whatever came after it. */
function checkAcknowledged(rig: Rig, puts: readonly { key: string; value: string; request: number }[]): void {
  for (const { key, value, request } of puts) {
    const reply = rig.replies.get(request);
    if (reply?.code !== 0) continue;
    const revision = fromBinary(rpc.PutResponseSchema, reply.bytes).header?.revision ?? 0n;
    expect(rig.values(rig.get(1, key, { revision, serializable: true }))).toEqual({ [key]: value });
  }
}
