/** What sets many things at once, for the page: hosts of a kind, and mistakes of operators. */
import { hostProfileNames, profileActions } from '../sim/host-profiles.ts';
import { mistakeActions, mistakes } from '../sim/mistakes.ts';
import type { HostProfile } from '../sim/host-profiles.ts';
import type { Mistake, MistakeScene } from '../sim/mistakes.ts';
import type { Action, LabAction } from '../sim/types.ts';

export type { HostProfile, Mistake };
export const shelfProfiles: readonly HostProfile[] = hostProfileNames;
export const shelfMistakes: readonly Mistake[] = mistakes;

export const mistakeOf = (mistake: Mistake, scene: MistakeScene): readonly Action[] =>
  mistakeActions(mistake, scene);

/** For one member, or for each of several; a link that two of them share is set once. */
export function profileOf(
  profile: HostProfile,
  chosen: readonly number[],
  members: readonly number[],
): readonly LabAction[] {
  const all = chosen.flatMap((member) => profileActions(profile, member, members));
  const texts = all.map((action) => JSON.stringify(action));
  return all.filter((_, place) => texts.indexOf(texts[place]) === place);
}
