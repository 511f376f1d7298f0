import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig } from './rig.ts';

test('a put on any member is acknowledged, and every member has it', () => {
  const rig = new Rig({ trace: true });
  rig.startAll();
  const leader = rig.electLeader();
  const follower = rig.ids.find((id) => id !== leader) as number;
  const onLeader = rig.reply(rig.put(leader, 'greeting', 'hello'));
  const onFollower = rig.reply(rig.put(follower, 'other', 'value'));
  expect([onLeader.code, onFollower.code]).toEqual([0, 0]);
  expect(onFollower.from).toBe(follower);
  expect(fromBinary(rpc.PutResponseSchema, onFollower.bytes).header?.revision).toBe(3n);
  rig.runFor(300_000);
  for (const id of rig.ids) expect(rig.local(id)).toEqual({ greeting: 'hello', other: 'value' });
  expect(rig.values(rig.get(follower, 'greeting'))).toEqual({ greeting: 'hello' });
});
