/** What is left of a lease outlives its leader where the leader tells the others. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import * as rpc from '../../../src/engine/pb/gen/rpc_pb.ts';
import { Rig } from './rig.ts';

const secondUs = 1_000_000;
const granted = 600;

function withLease(more: NonNullable<ConstructorParameters<typeof Rig>[0]>['more']) {
  const rig = new Rig({ trace: true, ...(more === undefined ? {} : { more }) });
  rig.startAll();
  const leader = rig.electLeader();
  const body = create(rpc.LeaseGrantRequestSchema, { ID: 7n, TTL: BigInt(granted) });
  rig.reply(
    rig.request(leader, 'etcdserverpb.Lease/LeaseGrant', toBinary(rpc.LeaseGrantRequestSchema, body)),
  );
  return { rig, leader };
}

function leftOf(rig: Rig, member: number): number {
  const body = toBinary(
    rpc.LeaseTimeToLiveRequestSchema,
    create(rpc.LeaseTimeToLiveRequestSchema, { ID: 7n }),
  );
  const { bytes } = rig.reply(rig.request(member, 'etcdserverpb.Lease/LeaseTimeToLive', body));
  return Number(fromBinary(rpc.LeaseTimeToLiveResponseSchema, bytes).TTL);
}

function newLeader(rig: Rig, old: number): number {
  rig.kill(old);
  rig.runUntil(() => ![0, old].includes(rig.leader()));
  rig.runFor(2 * secondUs);
  return rig.leader();
}

test('without checkpoints a new leader gives a lease its whole time again', () => {
  const { rig, leader } = withLease({});
  rig.runFor(150 * secondUs);
  expect(leftOf(rig, newLeader(rig, leader))).toBeGreaterThan(granted - 5);
});

test('with checkpoints a new leader goes on from the last', () => {
  const { rig, leader } = withLease({ leaseCheckpoints: { intervalUs: 60 * secondUs } });
  rig.runFor(150 * secondUs);
  expect(rig.eventsOf(leader, 'lease.checkpoint').map(({ remainingSeconds }) => remainingSeconds)).toEqual([
    540, 480,
  ]);
  const next = newLeader(rig, leader);
  expect(leftOf(rig, next)).toBeGreaterThan(470);
  expect(leftOf(rig, next)).toBeLessThanOrEqual(481);
  const digests = rig.ids.filter((id) => id !== leader).map((id) => rig.running[id - 1]?.applied()?.records);
  expect(digests[0]).toEqual(digests[1]);
});

test('a renewal takes a checkpoint back through the log before it is answered', () => {
  const { rig, leader } = withLease({ leaseCheckpoints: { intervalUs: 60 * secondUs, persist: true } });
  rig.runFor(100 * secondUs);
  const body = toBinary(rpc.LeaseKeepAliveRequestSchema, create(rpc.LeaseKeepAliveRequestSchema, { ID: 7n }));
  const { code, bytes } = rig.reply(rig.request(leader, 'etcdserverpb.Lease/LeaseKeepAlive', body));
  expect([code, fromBinary(rpc.LeaseKeepAliveResponseSchema, bytes).TTL]).toEqual([0, BigInt(granted)]);
  const told = rig.ids.map((id) => rig.eventsOf(id, 'lease.checkpoint').at(-1)?.remainingSeconds);
  expect(told.filter((seconds) => seconds === 0).length).toBeGreaterThanOrEqual(2);
  expect(leftOf(rig, newLeader(rig, leader))).toBeGreaterThan(granted - 5);
});

test('a checkpoint that is stored outlives the death of all', () => {
  const { rig } = withLease({ leaseCheckpoints: { intervalUs: 60 * secondUs, persist: true } });
  rig.runFor(130 * secondUs);
  for (const id of rig.ids) rig.kill(id);
  for (const id of rig.ids) rig.start(id);
  const leader = rig.electLeader();
  expect(leftOf(rig, leader)).toBeLessThanOrEqual(481);
});
