/** What can be done to a disk, a link and a message now, and why the rest can not. */
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

export type LinkEntryId = 'cutThere' | 'cutBoth' | 'healThere' | 'healBoth' | 'delay' | 'lose' | 'usualLink';
export type LinkEntry = MenuEntry<LinkEntryId, 'alreadyCut' | 'notCut' | 'alreadySo' | 'notBad'>;

const menuDelayUs = 50_000;
const menuLossPerMille = 100;

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
    entry('delay', 'alreadySo', degraded(from, to, bad, { extraDelayUs: menuDelayUs })),
    entry('lose', 'alreadySo', degraded(from, to, bad, { lossPerMille: menuLossPerMille })),
    entry('usualLink', 'notBad', degraded(from, to, bad, { extraDelayUs: 0, lossPerMille: 0 })),
  ];
}

/** The command that changes so much of the link; none where it is so already. */
function degraded(
  from: number,
  to: number,
  present: LinkView | undefined,
  change: { readonly extraDelayUs?: number; readonly lossPerMille?: number },
): readonly FaultAction[] {
  const before = { extraDelayUs: present?.extraDelayUs ?? 0, lossPerMille: present?.lossPerMille ?? 0 };
  const after = { ...before, ...change };
  const isSame = after.extraDelayUs === before.extraDelayUs && after.lossPerMille === before.lossPerMille;
  return isSame ? [] : [{ type: 'link', from, to, ...after }];
}

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
