/** Bytes of any kind at every door of a cluster: nobody stops, and no acknowledged write is lost. */
import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { stream } from '../../../src/base/prng.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { concatBytes } from '../../../src/base/bytes.ts';
import * as pb from '../../../src/engine/pb/gen/rpc_pb.ts';
import { nodeId } from '../../../src/engine/raft/types.ts';
import type { RpcMethod } from '../../../src/engine/server/types.ts';
import { encodeJson, hashKvRoute, routes, watchRoute } from '../../parity/etcd/gateway.ts';
import type { Route } from '../../parity/etcd/gateway.ts';
import { Rig } from './rig.ts';

/** Sound requests that delete, close the door for all or take the quorum away are no damage. */
const lawful = /DeleteRange|Txn|Alarm|Member(Add|Remove|Update)|AuthEnable|Compact$/;
const doors: readonly Route[] = [...Object.values(routes), hashKvRoute, watchRoute].filter(
  ({ method }) => !lawful.test(method),
);
const sound = {
  key: 'YQ==',
  range_end: 'AA==',
  ID: '7',
  TTL: '60',
  revision: '3',
  name: 'u',
  role: 'r',
  limit: '9',
};

const random = (draws: Prng, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => draws.below(256));

/** A field that no version knows: number 2000, with bytes. */
const unknownField = (draws: Prng): Uint8Array =>
  concatBytes([Uint8Array.of(0x82, 0x7d, 5), random(draws, 5)]);

function damaged(draws: Prng, route: Route): Uint8Array {
  const whole = encodeJson(route.request, sound);
  switch (draws.below(5)) {
    case 0:
      return random(draws, draws.below(60));
    case 1:
      return whole.slice(0, draws.below(whole.length + 1));
    case 2:
      return concatBytes([whole, unknownField(draws)]);
    case 3:
      return concatBytes([whole, random(draws, 1 + draws.below(8))]);
    default: {
      if (whole.length > 0) whole[draws.below(whole.length)] = draws.below(256);
      return whole;
    }
  }
}

/** What comes over a peer's connection and is no message, or a request between members with a broken body. */
function badMessage(draws: Prng): Uint8Array {
  const bytes = random(draws, draws.below(80));
  return draws.below(2) === 0 ? bytes : concatBytes([Uint8Array.of(0, draws.below(24)), bytes]);
}

const codesOf = (rig: Rig): Set<number> => new Set([...rig.replies.values()].map(({ code }) => code));

test.each([1, 2, 3])('seed %i: every member goes on, and has every write that was acknowledged', (seed) => {
  const draws = stream(seed, 'bad bytes');
  const rig = new Rig({ seed, more: { bcryptCost: 4 } });
  rig.startAll();
  rig.electLeader();
  const acknowledged: Record<string, string> = {};
  for (let i = 0; i < 150; i++) {
    const member = 1 + draws.below(3);
    const route = doors[draws.below(doors.length)];
    const request = rig.request(member, route.method, damaged(draws, route));
    rig.step(member, {
      kind: 'stream',
      request: draws.below(2) === 0 ? request : draws.below(9999),
      bytes: random(draws, 9),
    });
    rig.step(member, { kind: 'message', from: nodeId(1 + draws.below(3)), bytes: badMessage(draws) });
    if (draws.below(3) === 0) rig.step(member, { kind: 'cancel', request });
    if (i % 5 !== 0) continue;
    const [key, value] = [`acknowledged/${i}`, `value ${draws.next()}`];
    if (rig.reply(rig.put(member, key, value)).code === 0) acknowledged[key] = value;
  }
  expect(rig.halted).toEqual([null, null, null]);
  expect(Object.keys(acknowledged).length).toBeGreaterThan(25);
  expect([0, 13].every((code) => codesOf(rig).has(code))).toBe(true);
  for (const id of rig.ids) rig.powerCut(id);
  for (const id of rig.ids) rig.start(id);
  rig.electLeader();
  rig.runFor(1_000_000);
  for (const id of rig.ids) expect(rig.local(id)).toMatchObject(acknowledged);
});

test('a request over the limit is refused, with the limit of its size or before it is read, and leaves nothing', () => {
  const rig = new Rig({ members: 1, more: { maxRequestBytes: 4096 } });
  rig.startAll();
  rig.electLeader();
  const put = (size: number): [number, string] => {
    const body = create(pb.PutRequestSchema, { key: Uint8Array.of(97), value: new Uint8Array(size) });
    const { code, message } = rig.reply(
      rig.request(1, 'etcdserverpb.KV/Put', toBinary(pb.PutRequestSchema, body)),
    );
    return [code, message];
  };
  expect(put(4000)[0]).toBe(0);
  expect(put(4096)).toEqual([3, 'etcdserver: request is too large']);
  expect(put(4096 + 524_288)).toEqual([8, 'grpc: received message larger than max (528391 vs. 528384)']);
  const unknown = rig.reply(rig.request(1, 'etcdserverpb.KV/Nothing' as RpcMethod, new Uint8Array(0)));
  expect(unknown.code).toBe(12);
  expect(rig.local(1)).toEqual({ a: '\0'.repeat(4000) });
});
