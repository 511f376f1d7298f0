/** Automatic compaction: when it falls due, and at which revision. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import * as pb from '../../../src/engine/pb/gen/rpc_pb.ts';
import { makeCompactor } from '../../../src/engine/server/compactor.ts';
import { LoneMember } from '../../parity/etcd/lone-member.ts';

const minuteUs = 60_000_000;

test('by time: first after a whole period, then each period, at the revision of a period ago', () => {
  const compactor = makeCompactor({ mode: 'periodic', retentionUs: 10 * minuteUs }, 1, 0);
  expect(compactor.intervalUs).toBe(minuteUs);
  const due: string[] = [];
  for (let minute = 1; minute <= 31; minute++) {
    const nowUs = minute * minuteUs;
    const revision = compactor.tick(1 + minute * 100, true, nowUs);
    if (revision === null) continue;
    due.push(`${minute}: ${revision}`);
    compactor.done(revision, nowUs);
  }
  expect(due).toEqual(['10: 1', '20: 901', '30: 1901']);
});

test('by time: a period of a day is looked at each six minutes, and compacted each hour from then on', () => {
  const compactor = makeCompactor({ mode: 'periodic', retentionUs: 24 * 60 * minuteUs }, 1, 0);
  expect(compactor.intervalUs).toBe(6 * minuteUs);
  const due: number[] = [];
  for (let minute = 6; minute <= 26 * 60; minute += 6) {
    const revision = compactor.tick(minute, true, minute * minuteUs);
    if (revision === null) continue;
    due.push(minute / 60);
    compactor.done(revision, minute * minuteUs);
  }
  expect(due).toEqual([24, 25, 26]);
});

test('by time: who does not lead keeps count, and compacts as soon as it leads', () => {
  const compactor = makeCompactor({ mode: 'periodic', retentionUs: 10 * minuteUs }, 1, 0);
  for (let minute = 1; minute <= 15; minute++)
    expect(compactor.tick(minute, false, minute * minuteUs)).toBeNull();
  expect(compactor.tick(16, true, 16 * minuteUs)).toBe(5);
});

test('by count: all but the last revisions, and nothing while nothing new has come', () => {
  const compactor = makeCompactor({ mode: 'revision', retention: 100 }, 1, 0);
  expect(compactor.intervalUs).toBe(5 * minuteUs);
  expect(compactor.tick(100, true, 0)).toBeNull();
  expect(compactor.tick(150, false, 0)).toBeNull();
  expect(compactor.tick(150, true, 0)).toBe(50);
  compactor.done(50, 0);
  expect(compactor.tick(150, true, 0)).toBeNull();
  expect(compactor.tick(151, true, 0)).toBe(51);
});

test('a member that leads compacts by itself', () => {
  const member = new LoneMember(1, { autoCompaction: { mode: 'revision', retention: 10 } });
  for (let i = 0; i < 30; i++) {
    const body = create(pb.PutRequestSchema, { key: encodeUtf8('a') });
    member.call('etcdserverpb.KV/Put', toBinary(pb.PutRequestSchema, body));
  }
  member.advance(6 * minuteUs);
  const answer = member.call('etcdserverpb.Maintenance/HashKV', new Uint8Array(0));
  expect(Number(fromBinary(pb.HashKVResponseSchema, answer.bytes).compactRevision)).toBe(21);
});
