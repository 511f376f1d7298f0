/** Planted bugs of pages, of the log on the disk, of revisions and of leases. */
import { alone, asking, cluster, kinds, restarts, second } from './mutation.ts';
import type { Mutation } from './mutation.ts';
import type { RunPlan } from './run.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';

/** A member alone, for no other makes good what its disk has lost; every so often a fault, then a start. */
function lone(
  times: number,
  everyUs: number,
  fault: (atUs: number, nth: number) => readonly ScheduledAction[],
): Partial<RunPlan> {
  const schedule = Array.from({ length: times }, (_, i) => {
    const atUs = 5 * second + everyUs * i;
    return [...fault(atUs, i), { atUs: atUs + everyUs / 2, action: { type: 'start', member: 1 } } as const];
  });
  return { members: 1, schedule: schedule.flat(), perSecond: 6, heeds: ['C2', 'C6'] };
}

/** A disk that fails once, then the power: what was taken for written is gone. */
const failing = lone(12, 4 * second, (atUs, nth) => [
  {
    atUs,
    action: {
      type: 'diskError',
      member: 1,
      on: nth % 2 === 0 ? 'sync' : 'write',
      code: nth % 2 === 0 ? 'EIO' : 'ENOSPC',
      lasts: 'once',
    },
  },
  { atUs: atUs + 1_500_000, action: { type: 'powerCut', member: 1 } },
]);

/** The power goes in the midst of a sync of the log, and its records are on the disk in part. */
const tearing = {
  ...lone(24, 2 * second, (atUs, nth) => [
    { atUs, action: { type: 'disk', member: 1, tornWeight: 1 } },
    {
      atUs,
      action: {
        type: 'crashPoint',
        member: 1,
        point: 'duringSync',
        nth: 1 + (nth % 3),
        then: 'powerCut',
        file: 'wal',
      },
    },
  ]),
  ...asking('largePut', 'get', 'range'),
  heeds: ['C1', 'C2'] as const,
};

export const diskMutations: readonly Mutation[] = [
  cluster('22', 'the index before the effect', 'indexBeforeEffect', ['C5', 'C7'], restarts),
  cluster('22b', 'a defragmentation loses the index', 'defragmentLosesIndex', ['C5', 'C7'], {
    ...kinds('kill', 'restart'),
    ...asking('put', 'defrag'),
  }),
  alone('23', 'meta pages are not checked', 'metaUnchecked', 'C6'),
  alone('24', 'meta before data', 'metaBeforeData', 'C6', 'crashes'),
  alone('25', 'always meta page 0', 'firstMetaCounts', 'C6'),
  alone('26', 'readers are forgotten', 'readersForgotten', 'C6'),
  alone('27', 'the left span is not merged', 'leftSpanNotMerged', 'C6'),
  alone('28', 'a taken span stays', 'takenSpanStays', 'C6'),
  alone('29', 'a count in 16 bits', 'shortFreelistCount', 'C6', 'longFreelist', 1),
  alone('30', 'overflow stays', 'overflowStays', 'C6'),
  alone('31', 'a split loses a key', 'splitLosesKey', 'C6'),
  alone('31b', 'a separator is the last key', 'lastKeySeparates', 'C6'),
  alone('32', 'a rollback frees', 'rollbackFrees', 'C6'),
  cluster('33', 'disk errors are ignored', 'diskErrorsIgnored', ['C2', 'C6'], failing),
  cluster('34', 'the log is not checked', 'walUnchecked', ['C1', 'C2'], tearing),
  cluster(
    '35',
    'a compaction takes the newest',
    'compactionDropsNewest',
    ['C5', 'C3'],
    asking('put', 'compaction', 'del'),
  ),
  cluster('36', 'the revision by records', 'revisionByRecords', ['C5', 'C2'], {
    ...restarts,
    ...asking('put', 'del', 'compaction'),
  }),
  cluster(
    '40',
    'the end of a lease leaves a key',
    'revokeLeavesKey',
    ['C4'],
    asking('put', 'grant', 'leasedPut'),
  ),
  cluster(
    '40b',
    'leases end by every clock',
    'everyClockEndsLeases',
    ['C4'],
    asking('grant', 'leasedPut', 'keepAlive'),
  ),
  cluster('40c', 'a new leader gives leases no time', 'promotionEndsLeases', ['C4'], {
    ...restarts,
    ...asking('put', 'grant', 'leasedPut', 'keepAlive'),
  }),
];
