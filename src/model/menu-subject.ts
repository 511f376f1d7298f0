/** What a menu can belong to, as the page's elements name it. */
import { memberOf, type ClusterView } from './cluster-view.ts';
import { diskMenu, linkMenu, messageMenu, type DiskEntry } from './fault-menus.ts';
import type { LinkEntry, MenuEntry, MessageEntry } from './fault-menus.ts';
import { memberActions, type MemberAction } from './member-menu.ts';
import { troubleMenu, type TroubleEntry } from './trouble-menu.ts';
import { hostMenu, membershipMenu, type MembershipEntry } from './membership-menu.ts';

export type MenuSubject =
  | { readonly kind: 'member'; readonly member: number }
  /** A host that has no member yet. */
  | { readonly kind: 'host'; readonly host: number }
  | { readonly kind: 'link'; readonly from: number; readonly to: number }
  | { readonly kind: 'message'; readonly message: number };

/** No command: it opens the forms with every fault of the object, in numbers. */
export type TuneEntry = MenuEntry<'tune', 'gone'>;

/** No command: it opens the preview of a power cut. */
export type CutEntry = MenuEntry<'cutByHand', never>;

/** An entry of any menu. */
export type FaultEntry =
  CutEntry | MemberAction | MembershipEntry | DiskEntry | TroubleEntry | LinkEntry | MessageEntry | TuneEntry;

const cutByHand: CutEntry = { id: 'cutByHand', hindrance: null, commands: [] };

const withPreview = (entry: MemberAction): readonly FaultEntry[] =>
  entry.id === 'powerCut' ? [entry, cutByHand] : [entry];

const tune = (hindrance: TuneEntry['hindrance'] = null): TuneEntry => ({
  id: 'tune',
  hindrance,
  commands: [],
});

/** The menu of a subject: always the same entries in the same places; none where there is no such thing. */
export function menuOf(view: ClusterView, subject: MenuSubject): readonly FaultEntry[] {
  switch (subject.kind) {
    case 'member':
      return [
        ...memberActions(view, subject.member).flatMap(withPreview),
        ...diskMenu(view, subject.member),
        ...membershipMenu(view, subject.member),
        ...troubleMenu(view, subject.member),
        ...(memberOf(view, subject.member) === null ? [] : [tune()]),
      ];
    case 'host':
      return hostMenu(view, subject.host);
    case 'link':
      return withTune(linkMenu(view, subject.from, subject.to));
    case 'message':
      return withTune(messageMenu(view, subject.message));
    default:
      return subject satisfies never;
  }
}

/** A message that is gone is nobody's any more. */
function withTune(entries: readonly (LinkEntry | MessageEntry)[]): readonly FaultEntry[] {
  const isGone = entries.some(({ hindrance }) => hindrance === 'gone');
  return entries.length === 0 ? [] : [...entries, tune(isGone ? 'gone' : null)];
}

/** The mark of an element that has a menu: `member-1`, `host-4`, `link-1-2`, `message-41`. */
export function subjectMark(subject: MenuSubject): string {
  switch (subject.kind) {
    case 'link':
      return `link-${subject.from}-${subject.to}`;
    case 'member':
      return `member-${subject.member}`;
    case 'host':
      return `host-${subject.host}`;
    case 'message':
      return `message-${subject.message}`;
    default:
      return subject satisfies never;
  }
}

/** The subject of a mark; null for any other text. */
export function subjectOf(mark: string | null): MenuSubject | null {
  const parts = /^(member|host|link|message)-(\d+)(?:-(\d+))?$/.exec(mark ?? '');
  if (parts === null) return null;
  const [first, second] = [Number(parts[2]), Number(parts[3])];
  if (parts[1] === 'member') return { kind: 'member', member: first };
  if (parts[1] === 'host') return { kind: 'host', host: first };
  if (parts[1] === 'message') return { kind: 'message', message: first };
  return { kind: 'link', from: first, to: second };
}
