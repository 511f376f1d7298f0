/** Which numbers faults may have. */
import { hostCount } from '../base/hosts.ts';
import { diskSettingNames } from './disk-faults.ts';
import type { DiskSettings, WorldFault } from './fault-types.ts';

export const isWhole = (value: number, low: number, high: number): boolean =>
  Number.isSafeInteger(value) && value >= low && value <= high;

export const maxDelayUs = 10_000_000;
export const maxBytes = 1_000_000_000_000;
export const maxSteps = 1_000_000;
export const maxRotBits = 4096;
/** An hour. */
export const maxStepUs = 3_600_000_000;
export const maxSwingPerMille = 900;
export const minSwingUs = 20_000;
/** As supervisors have it: never at once, and an hour at most. */
export const minRestartUs = 10_000;
export const maxRestartUs = 3_600_000_000;
export const maxOperations = 1_000_000;

const maxOf = (name: keyof DiskSettings): number => {
  if (name.endsWith('Us')) return maxDelayUs;
  if (name === 'lying') return 1;
  if (name === 'operationsPerSecond') return maxOperations;
  return name.endsWith('PerMille') || name.endsWith('Weight') ? 1000 : maxBytes;
};

/** The largest value of each of a disk's settings; the smallest is 0. */
export const diskBounds = Object.fromEntries(diskSettingNames.map((name) => [name, maxOf(name)])) as Readonly<
  Record<keyof DiskSettings, number>
>;

/** What is wrong with a fault's numbers, as a sentence; null where nothing is. */
export function worldFaultProblem(action: WorldFault): string | null {
  switch (action.type) {
    case 'crashPoint':
      return isWhole(action.nth, 0, maxSteps)
        ? null
        : 'a crash point is the 1st to 1,000,000th step; 0 ends it';
    case 'slowCpu':
      return isWhole(action.factor, 1, 1000) ? null : 'a processor is slowed 1 to 1000 times; 1 ends it';
    case 'clockRate':
      return isWhole(action.perMille, 10, 100_000)
        ? null
        : 'a clock runs at 10 to 100,000 thousandths; 1000 ends it';
    case 'clockStep':
      return isWhole(action.aheadUs, 1, maxStepUs) ? null : 'a clock is set ahead by up to an hour';
    case 'clockSwing':
      return swingProblem(action);
    case 'copyMember':
      return isWhole(action.host, 1, hostCount) ? null : `a host is 1 to ${hostCount}`;
    case 'memoryLimit':
      return isWhole(action.bytes, 0, maxBytes) ? null : 'a limit of memory is 1 byte to 1 TB; 0 ends it';
    case 'failAllocation':
      return isWhole(action.nth, 0, maxSteps)
        ? null
        : 'the 1st to 1,000,000th allocation fails; 0 takes it back';
    case 'restartDelay':
      return action.afterUs === 0 || isWhole(action.afterUs, minRestartUs, maxRestartUs)
        ? null
        : 'a member is started again after 10 milliseconds to an hour; 0 ends it';
    case 'bitRot':
      return isWhole(action.bits, 1, maxRotBits) ? null : `1 to ${maxRotBits} bits rot at once`;
    case 'flap':
      return flapProblem(action.upUs, action.downUs);
    case 'disk':
      return diskProblem(action);
    case 'link':
      return linkProblem(action);
    default:
      return null;
  }
}

function swingProblem({ perMille, periodUs }: Extract<WorldFault, { type: 'clockSwing' }>): string | null {
  if (!isWhole(periodUs, minSwingUs, maxDelayUs))
    return 'a clock swings once in 20 milliseconds to 10 seconds';
  return isWhole(perMille, 0, maxSwingPerMille) ? null : 'a clock swings by 1 to 900 thousandths; 0 ends it';
}

function flapProblem(upUs: number, downUs: number): string | null {
  if (upUs === 0 && downUs === 0) return null;
  const isFine = isWhole(upUs, 1000, maxDelayUs) && isWhole(downUs, 1000, maxDelayUs);
  return isFine ? null : 'a link is up and down for a millisecond to 10 seconds each; zeros end it';
}

function diskProblem(action: Extract<WorldFault, { type: 'disk' }>): string | null {
  for (const name of diskSettingNames) {
    if (!isWhole(action[name] ?? 0, 0, diskBounds[name])) return `${name} is 0 to ${diskBounds[name]}`;
  }
  return null;
}

function linkProblem(action: Extract<WorldFault, { type: 'link' }>): string | null {
  const { jitterUs = 0, duplicatePerMille = 0, reorderPerMille = 0, corruptPerMille = 0 } = action;
  if (!isWhole(jitterUs, 0, maxDelayUs)) return 'a link jitters by 0 to 10 seconds';
  if (!isWhole(duplicatePerMille, 0, 1000)) return 'a link doubles 0 to 1000 of a thousand messages';
  if (!isWhole(reorderPerMille, 0, 1000)) return 'a link reorders 0 to 1000 of a thousand messages';
  if (!isWhole(corruptPerMille, 0, 1000)) return 'a link corrupts 0 to 1000 of a thousand messages';
  const { clogPerMille = 0, clogMeanUs = 0 } = action;
  if (!isWhole(clogPerMille, 0, 1000)) return 'a link clogs at 0 to 1000 of a thousand messages';
  if (!isWhole(clogMeanUs, clogPerMille > 0 ? 1 : 0, maxDelayUs))
    return 'a link clogs for a microsecond to 10 seconds on average';
  const isFine =
    isWhole(action.bytesPerSecond ?? 0, 0, maxBytes) && isWhole(action.queueBytes ?? 0, 0, maxBytes);
  return isFine ? null : 'a link carries and queues 1 byte to 1 TB; 0 ends it';
}
