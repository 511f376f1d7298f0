/** What can be done to a member's host and disk, beside ending and slowing them. */
import { memberOf } from './cluster-view.ts';
import { freeHost } from './membership-menu.ts';
import type { ClusterView } from './cluster-view.ts';
import type { MenuEntry } from './fault-menus.ts';
import type { Trouble } from './troubles.ts';
import type { DiskSettings } from '../sim/fault-types.ts';
import type { FaultAction } from '../sim/types.ts';

export type TroubleId =
  | 'crashAtSync'
  | 'slowCpu'
  | 'fastClock'
  | 'clockAhead'
  | 'swingingClock'
  | 'littleMemory'
  | 'noMemory'
  | 'supervised'
  | 'stalls'
  | 'slowReads'
  | 'fewOperations'
  | 'fullDisk'
  | 'lyingDisk'
  | 'failSyncs'
  | 'failReads'
  | 'rotLog'
  | 'rotPage'
  | 'misdirect'
  | 'losePage'
  | 'misread'
  | 'loseLog'
  | 'forceNewCluster'
  | 'copyMember'
  | 'keepImage'
  | 'restoreImage'
  | 'usualHost';

export type TroubleEntry = MenuEntry<TroubleId, 'alreadySo' | 'noTrouble' | 'noImage' | 'noHost'>;

const cpuFactor = 100;
const clockPerMille = 3000;
const clockAheadUs = 10_000_000;
const swing = { perMille: 500, periodUs: 2_000_000, shape: 'periodic' } as const;
const memoryBytes = 1_000_000;
const allocation = 20;
const restartUs = 3_000_000;
const readUs = 500_000;
const operationsPerSecond = 20;
const stall = { stallPerMille: 200, stallUs: 1_000_000 };
/** Not a byte more than there is. */
const fullBytes = 1;
const rotBits = 16;
const rotZones = ['meta', 'freelist', 'branch', 'leaf'] as const;

/** The entries of a member's host: always the same ones in the same places. */
export function troubleMenu(view: ClusterView, member: number): readonly TroubleEntry[] {
  const found = memberOf(view, member);
  if (found === null) return [];
  const { troubles, host } = found;
  const does = (id: TroubleId, command: FaultAction, unless: Trouble | null = null): TroubleEntry => ({
    id,
    hindrance: unless !== null && troubles.includes(unless) ? 'alreadySo' : null,
    commands: [command],
  });
  /** A disk that is worse in another way may become so too. */
  const disk = (id: TroubleId, change: Partial<DiskSettings>): TroubleEntry => {
    const names = Object.keys(change) as (keyof DiskSettings)[];
    const isSo = names.every((name) => host.disk?.[name] === change[name]);
    return { ...does(id, { type: 'disk', member, ...change }), hindrance: isSo ? 'alreadySo' : null };
  };
  const armed = { type: 'crashPoint', member, point: 'duringSync', nth: 1, then: 'powerCut' } as const;
  const fails = (on: 'read' | 'sync'): FaultAction => {
    return { type: 'diskError', member, on, code: 'EIO', lasts: 'always' };
  };
  const ends = endOf(troubles, member);
  return [
    does('crashAtSync', armed, 'crashPoint'),
    does('slowCpu', { type: 'slowCpu', member, factor: cpuFactor }, 'slowCpu'),
    does('fastClock', { type: 'clockRate', member, perMille: clockPerMille }, 'clock'),
    does('clockAhead', { type: 'clockStep', member, aheadUs: clockAheadUs }),
    does('swingingClock', { type: 'clockSwing', member, ...swing }, 'swing'),
    does('littleMemory', { type: 'memoryLimit', member, bytes: memoryBytes }, 'memory'),
    does('noMemory', { type: 'failAllocation', member, nth: allocation }, 'allocation'),
    does('supervised', { type: 'restartDelay', member, afterUs: restartUs }, 'supervisor'),
    disk('stalls', stall),
    disk('slowReads', { readMinUs: readUs }),
    disk('fewOperations', { operationsPerSecond }),
    disk('fullDisk', { quotaBytes: fullBytes }),
    disk('lyingDisk', { lying: 1 }),
    does('failSyncs', fails('sync'), 'syncErrors'),
    does('failReads', fails('read'), 'readErrors'),
    does('rotLog', { type: 'bitRot', member, zone: 'wal', bits: rotBits }),
    does('rotPage', { type: 'bitRot', member, zone: 'leaf', bits: rotBits }),
    does('misdirect', { type: 'misdirect', member }),
    does('losePage', { type: 'misdirect', member, how: 'lose' }),
    does('misread', { type: 'misdirect', member, how: 'read' }),
    does('loseLog', { type: 'loseFiles', member, file: 'wal' }),
    does('forceNewCluster', { type: 'forceNewCluster', member }),
    copyEntry(view, member),
    does('keepImage', { type: 'keepImage', member }),
    {
      id: 'restoreImage',
      hindrance: troubles.includes('image') ? null : 'noImage',
      commands: [{ type: 'restoreImage', member }],
    },
    { id: 'usualHost', hindrance: ends.length === 0 ? 'noTrouble' : null, commands: ends },
  ];
}

/** Its copy goes to a host that has none. */
function copyEntry(view: ClusterView, member: number): TroubleEntry {
  const host = freeHost(view);
  return {
    id: 'copyMember',
    hindrance: host === null ? 'noHost' : null,
    commands: host === null ? [] : [{ type: 'copyMember', member, host }],
  };
}

/** Bits of one page of a member's store rot; null for a page of a kind that nothing reads. */
export function rotOfPage(member: number, pgid: number, kind: string): FaultAction | null {
  const zone = rotZones.find((one) => one === kind);
  return zone === undefined ? null : { type: 'bitRot', member, zone, bits: rotBits, page: pgid };
}

/** The commands that end what goes on. */
function endOf(troubles: readonly Trouble[], member: number): FaultAction[] {
  return troubles.flatMap((trouble): FaultAction[] => {
    switch (trouble) {
      case 'crashPoint':
        return [{ type: 'crashPoint', member, point: 'duringSync', nth: 0, then: 'powerCut' }];
      case 'slowCpu':
        return [{ type: 'slowCpu', member, factor: 1 }];
      case 'clock':
        return [{ type: 'clockRate', member, perMille: 1000 }];
      case 'swing':
        return [{ type: 'clockSwing', member, ...swing, perMille: 0 }];
      case 'memory':
        return [{ type: 'memoryLimit', member, bytes: 0 }];
      case 'allocation':
        return [{ type: 'failAllocation', member, nth: 0 }];
      case 'supervisor':
        return [{ type: 'restartDelay', member, afterUs: 0 }];
      case 'disk':
        return [{ type: 'disk', member, ...usualSettings }];
      case 'syncErrors':
        return [{ type: 'diskError', member, on: 'sync', code: 'EIO', lasts: 'never' }];
      case 'readErrors':
        return [{ type: 'diskError', member, on: 'read', code: 'EIO', lasts: 'never' }];
      case 'image':
        return [];
      default:
        return trouble satisfies never;
    }
  });
}

const usualSettings = {
  ...{ syncMinUs: 0, syncMeanUs: 0, writeMinUs: 0, writeMeanUs: 0, stallPerMille: 0, stallUs: 0 },
  ...{ readMinUs: 0, readMeanUs: 0, operationsPerSecond: 0 },
  ...{ bytesPerSecond: 0, quotaBytes: 0, misdirectPerMille: 0, lying: 0 },
  ...{ keptWeight: 0, lostWeight: 0, tornWeight: 0 },
};
