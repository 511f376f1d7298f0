/** A client that asks for a leader is told when there is none, and its watches end. */
import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig } from './rig.ts';

const secondUs = 1_000_000;

function ask(
  rig: Rig,
  member: number,
  request: number,
  method: 'KV/Range' | 'Watch/Watch',
  requireLeader: boolean,
) {
  const key = Uint8Array.of(97);
  const bytes =
    method === 'KV/Range'
      ? toBinary(rpc.RangeRequestSchema, create(rpc.RangeRequestSchema, { key, serializable: true }))
      : toBinary(
          rpc.WatchRequestSchema,
          create(rpc.WatchRequestSchema, {
            requestUnion: { case: 'createRequest', value: { key } } as never,
          }),
        );
  rig.step(member, { kind: 'request', request, method: `etcdserverpb.${method}`, bytes, requireLeader });
}

test('a watch that requires a leader ends after three election timeouts without one; another goes on', () => {
  const rig = new Rig();
  rig.startAll();
  const leader = rig.electLeader();
  const [lonely, other] = rig.ids.filter((id) => id !== leader);
  ask(rig, lonely, 1001, 'Watch/Watch', true);
  ask(rig, lonely, 1002, 'Watch/Watch', false);
  expect([1001, 1002].map((id) => rig.replies.get(id)?.more)).toEqual([true, true]);
  rig.kill(leader);
  rig.kill(other);
  rig.runFor(2 * secondUs);
  expect(rig.replies.get(1001)?.code).toBe(0);
  rig.runFor(5 * secondUs);
  expect(rig.replies.get(1001)).toMatchObject({ code: 14, message: 'etcdserver: no leader' });
  expect(rig.replies.get(1002)?.code).toBe(0);
  ask(rig, lonely, 1003, 'KV/Range', true);
  ask(rig, lonely, 1004, 'Watch/Watch', true);
  ask(rig, lonely, 1005, 'KV/Range', false);
  expect([1003, 1004, 1005].map((id) => rig.replies.get(id)?.code)).toEqual([14, 14, 0]);
});
