/** What can be done to a disk, a link and a message now, and why the rest can not. */
import type { LinkSettings } from '../sim/fault-types.ts';
import type { FaultAction } from '../sim/types.ts';
import { isCut, memberOf, type ClusterView, type LinkView } from './cluster-view.ts';
import type { MenuAction } from './command-line.ts';

/** An entry of a menu: always the same ones in the same places. `hindrance` null: it can be done. */
export interface MenuEntry<Id extends string, Hindrance extends string> {
  readonly id: Id;
  readonly hindrance: Hindrance | null;
  /** The commands that do it, in order: each waits for the answer of the one before. */
  readonly commands: readonly MenuAction[];
}

export type DiskEntry = MenuEntry<'slowDisk' | 'usualDisk', 'alreadySlow' | 'notSlow'>;

const menuFactor = 10;

/** The entries for a member's disk. */
export function diskMenu(view: ClusterView, member: number): readonly DiskEntry[] {
  const factor = memberOf(view, member)?.diskFactor;
  if (factor === undefined) return [];
  const entry = (id: DiskEntry['id'], to: number, hindrance: DiskEntry['hindrance']): DiskEntry => ({
    id,
    hindrance: factor === to ? hindrance : null,
    commands: [{ type: 'slowDisk', member, factor: to }],
  });
  return [entry('slowDisk', menuFactor, 'alreadySlow'), entry('usualDisk', 1, 'notSlow')];
}

export type LinkEntryId =
  | 'cutThere'
  | 'cutBoth'
  | 'healThere'
  | 'healBoth'
  | 'flap'
  | 'delay'
  | 'lose'
  | 'jitter'
  | 'copy'
  | 'reorder'
  | 'narrow'
  | 'filter'
  | 'corrupt'
  | 'clog'
  | 'usualLink';
export type LinkEntry = MenuEntry<LinkEntryId, 'alreadyCut' | 'notCut' | 'alreadySo' | 'notBad'>;

const menuDelayUs = 50_000;
const menuLossPerMille = 100;
const menuFlapUs = 500_000;
const menuJitterUs = 50_000;
const menuSharePerMille = 200;
const menuClog = { clogPerMille: 50, clogMeanUs: 500_000 };
const menuNarrow = { bytesPerSecond: 20_000, queueBytes: 20_000 };

/** The link from one member to another: cuts of one direction or both, delay and loss of this direction. */
export function linkMenu(view: ClusterView, from: number, to: number): readonly LinkEntry[] {
  if (from === to || memberOf(view, from) === null || memberOf(view, to) === null) return [];
  const ways = [
    { from, to },
    { from: to, to: from },
  ];
  const change = (type: 'cut' | 'heal', both: boolean): readonly FaultAction[] =>
    (both ? ways : ways.slice(0, 1))
      .filter((way) => isCut(view, way.from, way.to) === (type === 'heal'))
      .map((way) => ({ type, ...way }));
  const bad = view.badLinks.find((link) => link.from === from && link.to === to);
  const flaps = view.flaps.some((link) => link.from === from && link.to === to);
  const ending = { type: 'flap', from, to, upUs: 0, downUs: 0 } as const;
  const entry = (
    id: LinkEntryId,
    why: LinkEntry['hindrance'],
    commands: readonly FaultAction[],
  ): LinkEntry => ({
    id,
    hindrance: commands.length === 0 ? why : null,
    commands,
  });
  return [
    entry('cutThere', 'alreadyCut', change('cut', false)),
    entry('cutBoth', 'alreadyCut', change('cut', true)),
    entry('healThere', 'notCut', change('heal', false)),
    entry('healBoth', 'notCut', change('heal', true)),
    entry('flap', 'alreadySo', flaps ? [] : [{ ...ending, upUs: menuFlapUs, downUs: menuFlapUs }]),
    entry('delay', 'alreadySo', degraded(from, to, bad, { extraDelayUs: menuDelayUs })),
    entry('lose', 'alreadySo', degraded(from, to, bad, { lossPerMille: menuLossPerMille })),
    entry('jitter', 'alreadySo', degraded(from, to, bad, { jitterUs: menuJitterUs })),
    entry('copy', 'alreadySo', degraded(from, to, bad, { duplicatePerMille: menuSharePerMille })),
    entry('reorder', 'alreadySo', degraded(from, to, bad, { reorderPerMille: menuSharePerMille })),
    entry('corrupt', 'alreadySo', degraded(from, to, bad, { corruptPerMille: menuSharePerMille })),
    entry('clog', 'alreadySo', degraded(from, to, bad, menuClog)),
    entry('narrow', 'alreadySo', degraded(from, to, bad, menuNarrow)),
    entry('filter', 'alreadySo', degraded(from, to, bad, { dropTypes: ['MsgApp'] })),
    entry('usualLink', 'notBad', [...(flaps ? [ending] : []), ...degraded(from, to, bad, usualSettings)]),
  ];
}

/** The command that changes so much of the link; none where it is so already. */
function degraded(
  from: number,
  to: number,
  present: LinkView | undefined,
  change: Partial<LinkSettings>,
): readonly FaultAction[] {
  const before = { ...usualSettings, ...present, from, to };
  const after = { ...before, ...change };
  return JSON.stringify(after) === JSON.stringify(before) ? [] : [linkAction(after)];
}

/** The action in its shortest form: what is as usual is not named. */
function linkAction({ from, to, extraDelayUs, lossPerMille, ...more }: LinkView): FaultAction {
  const named = Object.entries(more).filter(([, value]) => value !== 0 && !isEmpty(value));
  return { type: 'link', from, to, extraDelayUs, lossPerMille, ...Object.fromEntries(named) };
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const usualSettings: LinkSettings = {
  ...{ extraDelayUs: 0, lossPerMille: 0, jitterUs: 0, duplicatePerMille: 0, reorderPerMille: 0 },
  ...{ corruptPerMille: 0, bytesPerSecond: 0, queueBytes: 0, clogPerMille: 0, clogMeanUs: 0, dropTypes: [] },
};

export type MessageEntryId = 'drop' | 'hold' | 'deliver' | 'delay' | 'duplicate';
export type MessageEntry = MenuEntry<MessageEntryId, 'gone' | 'alreadyHeld' | 'waits'>;

const menuMessageDelayUs = 10_000;

/** A message by its number; once it has arrived or is lost, every entry says so. */
export function messageMenu(view: ClusterView, message: number): readonly MessageEntry[] {
  const found = view.messages.find(({ id }) => id === message);
  const gone = found === undefined || found.lost !== null ? 'gone' : null;
  const isHeld = found?.waiting?.because === 'command';
  const does = (id: MessageEntryId, hindrance: MessageEntry['hindrance']): MessageEntry => ({
    id,
    hindrance: gone ?? hindrance,
    commands: [
      { type: 'message', message, do: id, ...(id === 'delay' ? { delayUs: menuMessageDelayUs } : {}) },
    ],
  });
  const waits = found !== undefined && found.waiting !== null;
  return [
    does('hold', isHeld ? 'alreadyHeld' : null),
    does('deliver', null),
    does('delay', waits ? 'waits' : null),
    does('duplicate', null),
    does('drop', null),
  ];
}
