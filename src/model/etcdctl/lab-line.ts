/** The console line that does an action: what buttons and menus type. */
import type { LabAction, LoadKind } from '../../sim/types.ts';
import { fatesText } from './fates-text.ts';
import { faultLine, hasFaultLine } from './world-fault-line.ts';
import { durationText, perMilleText } from './units.ts';

const memberWords = {
  kill: 'kill',
  stopMember: 'stop',
  restart: 'restart',
  pauseMember: 'pause',
  resumeMember: 'resume',
  isolate: 'isolate',
  wipe: 'wipe',
} as const;
const loadNames: Readonly<Record<LoadKind, string>> = {
  kubernetes: 'kubernetes',
  hotKey: 'hot-key',
  bigValues: 'big-values',
  zipf: 'zipf',
  hugeValues: 'huge-values',
  retries: 'retries',
  flood: 'flood',
  watchers: 'watchers',
  ranges: 'ranges',
  leases: 'leases',
  transactions: 'transactions',
  oldWatches: 'old-watches',
  none: 'off',
};

/** Read back by `parseLine`, the line means this action and no other. */
export function labLine(action: LabAction): string {
  if (hasFaultLine(action)) return faultLine(action);
  switch (action.type) {
    case 'kill':
    case 'stopMember':
    case 'restart':
    case 'pauseMember':
    case 'resumeMember':
    case 'isolate':
    case 'wipe':
      return `${memberWords[action.type]} m${action.member}`;
    case 'powerCut': {
      const { member, fates, names } = action;
      const chosen = fates === undefined ? '' : ` --fates ${fates.length === 0 ? '""' : fatesText(fates)}`;
      return `power-cut m${member}${chosen}${names === undefined ? '' : ` --names ${names}`}`;
    }
    case 'start': {
      const state = action.state === undefined ? '' : ` --initial-cluster-state ${action.state}`;
      return `start m${action.member}${state}`;
    }
    case 'cut':
    case 'heal':
      return `${action.type} m${action.from} m${action.to}`;
    case 'healAll':
      return 'heal all';
    case 'slowDisk':
      return `slow-disk m${action.member} ${action.factor === 1 ? 'off' : `x${action.factor}`}`;
    case 'link':
      return linkLine(action);
    case 'message': {
      const delay = action.do === 'delay' ? ` ${durationText(action.delayUs ?? 0)}` : '';
      return `${action.do} ${action.message}${delay}`;
    }
    case 'load': {
      const rate = action.kind === 'none' ? '' : ` --rate ${action.perSecond}`;
      return `load ${loadNames[action.kind]}${rate}`;
    }
    default:
      return action satisfies never;
  }
}

function linkLine(action: Extract<LabAction, { type: 'link' }>): string {
  const { type: _, from, to, extraDelayUs, lossPerMille, ...more } = action;
  if (Object.values(more).some((value) => value !== undefined)) return faultLine(action);
  const link = `link m${from} m${to}`;
  if (extraDelayUs === 0 && lossPerMille === 0) return `${link} off`;
  const delay = extraDelayUs === 0 ? '' : ` --delay ${durationText(extraDelayUs)}`;
  return `${link}${delay}${lossPerMille === 0 ? '' : ` --loss ${perMilleText(lossPerMille)}`}`;
}
