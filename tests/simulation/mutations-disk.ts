/** Planted bugs of pages, of the log on the disk, of revisions and of leases. */
import { alone, asking, cluster, kinds, restarts, second } from './mutation.ts';
import type { Mutation } from './mutation.ts';
import type { RunPlan } from './run.ts';

export const diskMutations: readonly Mutation[] = [
  cluster('22', 'the index before the effect', 'indexBeforeEffect', ['C5', 'C7'], restarts),
  alone('23', 'meta pages are not checked', 'metaUnchecked', 'C6'),
  alone('24', 'meta before data', 'metaBeforeData', 'C6', 'crashes'),
  alone('25', 'always meta page 0', 'firstMetaCounts', 'C6'),
  alone('26', 'readers are forgotten', 'readersForgotten', 'C6'),
  alone('27', 'the left span is not merged', 'leftSpanNotMerged', 'C6'),
  alone('28', 'a taken span stays', 'takenSpanStays', 'C6'),
  alone('29', 'a count in 16 bits', 'shortFreelistCount', 'C6', 'longFreelist', 1),
  alone('30', 'overflow stays', 'overflowStays', 'C6'),
  alone('31', 'a split loses a key', 'splitLosesKey', 'C6'),
  alone('32', 'a rollback frees', 'rollbackFrees', 'C6'),
  cluster('33', 'disk errors are ignored', 'diskErrorsIgnored', ['C1', 'C2', 'C6'], {
    ...kinds('powerCut', 'kill'),
    ...failing(),
  }),
  cluster(
    '34',
    'the log is not checked',
    'walUnchecked',
    ['C1', 'C2', 'C7', 'C9'],
    kinds('powerCut', 'blackout'),
    200,
  ),
  cluster(
    '35',
    'a compaction takes the newest',
    'compactionDropsNewest',
    ['C5', 'C3'],
    asking('put', 'compaction', 'del'),
  ),
  cluster('36', 'the revision by records', 'revisionByRecords', ['C5', 'C7'], {
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
];

/** Disks that fail once, then the power: what was taken for written is gone. */
function failing(): Partial<RunPlan> {
  const schedule = Array.from({ length: 12 }, (_, i) => {
    const atUs = (5 + 4 * i) * second;
    const member = 1 + (i % 3);
    return [
      { atUs, action: { type: 'diskError', member, on: 'sync', code: 'EIO', lasts: 'once' } as const },
      { atUs: atUs + 1_500_000, action: { type: 'powerCut', member } as const },
      { atUs: atUs + 2_000_000, action: { type: 'start', member } as const },
    ];
  });
  return { schedule: schedule.flat(), perSecond: 8 };
}
