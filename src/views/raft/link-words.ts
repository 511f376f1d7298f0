/** What is wrong with one direction of a link, in short. */
import { m } from '../../paraglide/messages.js';
import { isCut, type ClusterView } from '../../model/cluster-view.ts';
import { messageTypeWord } from '../../model/message-words.ts';
import type { LinkSettings } from '../../sim/fault-types.ts';
import { spanText } from '../words.ts';

export type Link = { readonly from: number; readonly to: number };

const percent = (perMille: number): number => perMille / 10;

/** One word for each fault that is set, the most usual ones first. */
const faultWords: readonly ((link: LinkSettings) => string | null)[] = [
  ({ extraDelayUs: us }) => (us === 0 ? null : m.link_delay({ delay: spanText(us) })),
  ({ lossPerMille: share }) => (share === 0 ? null : m.link_loss({ loss: percent(share) })),
  ({ jitterUs: us }) => (us === 0 ? null : m.link_jitter({ delay: spanText(us) })),
  ({ clogPerMille: share, clogMeanUs: us }) =>
    share === 0 ? null : m.link_clogs({ share: percent(share), span: spanText(us) }),
  ({ duplicatePerMille: share }) => (share === 0 ? null : m.link_doubled({ share: percent(share) })),
  ({ reorderPerMille: share }) => (share === 0 ? null : m.link_overtaken({ share: percent(share) })),
  ({ corruptPerMille: share }) => (share === 0 ? null : m.link_corrupt({ share: percent(share) })),
  ({ bytesPerSecond: rate }) => (rate === 0 ? null : m.link_narrow({ rate: Math.ceil(rate / 1000) })),
  ({ dropTypes: types }) =>
    types.length === 0 ? null : m.link_without({ types: types.map(messageTypeWord).join(', ') }),
];

/** What a direction does to messages beside cutting them; none: nothing. */
export function badLinkList(view: ClusterView, { from, to }: Link): readonly string[] {
  const bad = view.badLinks.find((link) => link.from === from && link.to === to);
  return bad === undefined ? [] : faultWords.map((words) => words(bad)).filter((word) => word !== null);
}

export const isFlapping = (view: ClusterView, { from, to }: Link): boolean =>
  view.flaps.some((link) => link.from === from && link.to === to);

/** All of it, cuts first; none: the link is as usual. */
export function linkFaultList(view: ClusterView, link: Link): readonly string[] {
  const cut = isCut(view, link.from, link.to) ? [m.link_is_cut()] : [];
  const flaps = isFlapping(view, link) ? [m.link_flaps()] : [];
  return [...cut, ...flaps, ...badLinkList(view, link)];
}
