/** What a violation concerns, and what the run did before it that no cluster has to survive. */
import type { Violation } from '../sim/checkers/checker.ts';
import type { Intervention } from '../sim/types.ts';

/** The members that the evidence names, in its order. */
export function accusedMembers(violation: Violation | null): readonly number[] {
  const named = violation?.evidence.matchAll(/\bm([1-9])\b/g) ?? [];
  return [...new Set([...named].map((match) => Number(match[1])))];
}

/** Damage beyond what Raft promises to survive. */
export type Beyond = 'wipe' | 'image' | 'rot' | 'misdirect' | 'lying' | 'copy';

export function beyondRaft(interventions: readonly Intervention[]): readonly Beyond[] {
  const found = interventions.flatMap(({ action }): Beyond[] => {
    switch (action.type) {
      case 'wipe':
        return ['wipe'];
      case 'restoreImage':
        return ['image'];
      case 'bitRot':
        return ['rot'];
      case 'misdirect':
        return ['misdirect'];
      case 'disk':
        if ((action.misdirectPerMille ?? 0) > 0) return ['misdirect'];
        return (action.lying ?? 0) > 0 ? ['lying'] : [];
      case 'message':
        return action.do === 'duplicate' ? ['copy'] : [];
      case 'link':
        return (action.duplicatePerMille ?? 0) > 0 ? ['copy'] : [];
      default:
        return [];
    }
  });
  return [...new Set(found)];
}
