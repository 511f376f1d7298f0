/** While an alarm stands, and after it, the checkers know what the store should be. */
import { expect, test } from 'vitest';
import { AlarmRequest_AlarmAction as Do, AlarmType } from '../../src/engine/pb/gen/rpc_pb.ts';
import { AlarmModel } from '../../src/sim/checkers/alarm-model.ts';
import { runSeed } from './run.ts';
import type { AlarmRequest } from '../../src/engine/pb/gen/rpc_pb.ts';
import type { KvRequest } from '../../src/sim/checkers/kv-request.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';
import type { RunPlan, RunResult } from './run.ts';

const second = 1_000_000;

/** The store is full in a few seconds; then it is emptied, folded tight and opened again, as etcd's manual has it. */
const drill = (emptyAt: number): readonly ScheduledAction[] => [
  { atUs: 9 * second, action: { type: 'alarmList' } },
  { atUs: 9.5 * second, action: { type: 'del', key: 'k', prefix: true } },
  { atUs: 10 * second, action: { type: 'compaction', revision: emptyAt } },
  ...['m1', 'm2', 'm3'].map((member, i) => ({
    atUs: (11 + i / 2) * second,
    action: { type: 'defrag', endpoints: [member] } as const,
  })),
  { atUs: 14 * second, action: { type: 'alarmDisarm' } },
  { atUs: 16 * second, action: { type: 'compaction', revision: emptyAt + 1 } },
];

const run = (emptyAt: number, defects: RunPlan['defects'] = {}): RunResult =>
  runSeed({
    seed: 3,
    members: 3,
    virtualUs: 17 * second,
    faults: [],
    perSecond: 6,
    defects,
    schedule: drill(emptyAt),
    requests: ['largePut', 'get', 'range'],
    config: { settings: { quotaBytes: 200_000 } },
  });

/** The revision at which the drill has emptied the store; a compaction of revision 0 is refused. */
const emptied = (): number =>
  run(0).judge.log.requests.find(({ request, changes }) => request.kind === 'delete' && changes.length > 0)
    ?.revision ?? 0;

test('a store that was full and is opened again is judged throughout', { timeout: 60_000 }, () => {
  const emptyAt = emptied();
  const { violation, judge } = run(emptyAt);
  expect(violation).toBeNull();
  expect(judge.log.isSilent).toBe(false);
  const puts = judge.log.requests.filter(({ request }) => request.kind === 'put');
  const lastRefused = puts.findLastIndex(({ answer }) => answer === null);
  expect(lastRefused).toBeGreaterThan(0);
  expect(puts.slice(lastRefused + 1).length).toBeGreaterThan(3);
  // the first compaction takes no key that lives; the second comes after the alarm
  const broken = run(emptyAt, { compactionDropsNewest: true });
  expect(broken.violation).toMatchObject({ property: 'C5' });
  expect(broken.virtualUs).toBeGreaterThan(16 * second);
});

const asked = (action: Do, alarm: AlarmType, memberID: bigint) =>
  ({ action, alarm, memberID }) as AlarmRequest;
const put = { kind: 'put' } as KvRequest;
const del = { kind: 'delete' } as KvRequest;
const txn = (...kinds: string[]) =>
  ({
    kind: 'txn',
    compares: [],
    success: [],
    failure: kinds.map((kind) => ({ kind })),
  }) as unknown as KvRequest;

test('an alarm stands until the last who raised it is disarmed; what needs no space is let through', () => {
  const model = new AlarmModel();
  for (const member of [1n, 2n]) model.take(asked(Do.ACTIVATE, AlarmType.NOSPACE, member));
  expect([put, del, txn('delete'), txn('delete', 'put')].map((each) => model.refuses(each))).toEqual([
    true,
    false,
    false,
    true,
  ]);
  model.take(asked(Do.DEACTIVATE, AlarmType.NOSPACE, 1n));
  expect(model.refuses(put)).toBe(true);
  model.take(asked(Do.DEACTIVATE, AlarmType.NOSPACE, 2n));
  expect(model.refuses(put)).toBe(false);
});

test('over corrupt data nothing is changed; with both kinds at once nobody can say what is refused', () => {
  const model = new AlarmModel();
  expect(model.take(asked(Do.ACTIVATE, AlarmType.CORRUPT, 3n))).toBe(true);
  expect([put, del, txn('delete')].map((each) => model.refuses(each))).toEqual([true, true, true]);
  expect(model.take(asked(Do.GET, AlarmType.NONE, 0n))).toBe(true);
  expect(model.take(asked(Do.ACTIVATE, AlarmType.NOSPACE, 1n))).toBe(false);
});
