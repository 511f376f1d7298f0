/** The space that a member may use is over: the alarm, and the way back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import type { MemberConfig } from '../../../src/engine/server/types.ts';
import { Rig } from './rig.ts';

const noSpace = [8, 'etcdserver: mvcc: database space exceeded'];
const quotaBytes = 200_000;
const large = 'x'.repeat(20_000);

const answer = (rig: Rig, request: number): [number, string] => {
  const { code, message } = rig.reply(request);
  return [code, message];
};

function alarm(rig: Rig, member: number, asked: Partial<rpc.AlarmRequest>): rpc.AlarmMember[] {
  const body = toBinary(rpc.AlarmRequestSchema, create(rpc.AlarmRequestSchema, asked as never));
  const { bytes } = rig.reply(rig.request(member, 'etcdserverpb.Maintenance/Alarm', body));
  return fromBinary(rpc.AlarmResponseSchema, bytes).alarms;
}

/** The first member has no quota: what it lets pass is too much for the others. */
class UnevenRig extends Rig {
  override config(member: number): MemberConfig {
    return { ...super.config(member), quotaBytes: member === 1 ? -1 : quotaBytes };
  }
}

test('a write over the quota is made, and then each member whose quota it was raises the alarm', () => {
  const rig = new UnevenRig();
  rig.startAll();
  rig.electLeader();
  for (let i = 0; alarm(rig, 1, {}).length === 0; i++) {
    expect(i).toBeLessThan(30);
    expect(answer(rig, rig.put(1, 'k', `${large}${i}`))[0]).toBe(0);
    rig.runFor(300_000);
  }
  rig.runFor(1_000_000);
  const ids = [2, 3].map((member) => rig.status(member).header?.memberId ?? 0n);
  expect(alarm(rig, 1, {}).map(({ memberID }) => memberID)).toEqual(ids.sort((a, b) => (a < b ? -1 : 1)));
  for (const id of rig.ids) expect(answer(rig, rig.put(id, 'k', 'small'))).toEqual(noSpace);
  const records = rig.ids.map((id) => rig.running[id - 1]?.applied()?.records);
  expect(records[1]).toEqual(records[0]);
  expect(records[2]).toEqual(records[0]);
});

test('the drill: delete, compact, defragment, disarm, and writes are taken again', () => {
  const rig = new Rig({ members: 1, more: { quotaBytes } });
  rig.startAll();
  rig.electLeader();
  let code = 0;
  for (let i = 0; code === 0 && i < 40; i++) {
    [code] = answer(rig, rig.put(1, `k${i % 3}`, large));
    rig.runFor(300_000);
  }
  expect(code).toBe(8);
  expect(answer(rig, rig.put(1, 'k', 'small'))).toEqual(noSpace);
  expect(answer(rig, rig.get(1, 'k0'))[0]).toBe(0);
  expect(answer(rig, rig.del(1, 'k0', 'k9'))[0]).toBe(0);
  const revision = rig.status(1).header?.revision ?? 0n;
  const compaction = create(rpc.CompactionRequestSchema, { revision, physical: true });
  const bytes = toBinary(rpc.CompactionRequestSchema, compaction);
  expect(answer(rig, rig.request(1, 'etcdserverpb.KV/Compact', bytes))[0]).toBe(0);
  const full = rig.status(1).dbSize;
  expect(answer(rig, rig.request(1, 'etcdserverpb.Maintenance/Defragment', new Uint8Array(0)))[0]).toBe(0);
  expect(rig.status(1).dbSize).toBeLessThan(full / 2n);
  expect(answer(rig, rig.put(1, 'k', 'small'))).toEqual(noSpace);
  const [raised] = alarm(rig, 1, {});
  const { memberID } = raised;
  alarm(rig, 1, { action: rpc.AlarmRequest_AlarmAction.DEACTIVATE, memberID, alarm: rpc.AlarmType.NOSPACE });
  expect(alarm(rig, 1, {})).toEqual([]);
  expect(answer(rig, rig.put(1, 'k', 'small'))[0]).toBe(0);
});
