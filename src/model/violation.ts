/** What a violation concerns, and what the run did before it that no cluster has to survive. */
import type { Accused, Violation } from '../sim/checkers/checker.ts';
import type { Intervention } from '../sim/types.ts';

/** The members that the evidence names, in its order. */
export function accusedMembers(violation: Violation | null): readonly number[] {
  return (violation?.about ?? []).flatMap((one) => (one.kind === 'member' ? [one.member] : []));
}

/**
 * What of a picture a violation is about. What is at one member alone is asked for with it; a thing that the
 * checkers accuse without a member is meant wherever it is.
 */
export class AccusedParts {
  readonly about: readonly Accused[];

  constructor(violation: Violation | null) {
    this.about = violation?.about ?? [];
  }

  member(member: number): boolean {
    return this.about.some((one) => one.kind === 'member' && one.member === member);
  }

  entry(member: number, index: number): boolean {
    return this.about.some((one) => one.kind === 'entry' && one.index === index && isAt(one.member, member));
  }

  key(member: number, key: string): boolean {
    return this.about.some((one) => one.kind === 'key' && one.key === key && isAt(one.member, member));
  }

  /** The pages of a member's store. */
  pages(member: number): readonly number[] {
    return this.about.flatMap((one) => (one.kind === 'page' && one.member === member ? [one.page] : []));
  }

  /** `lease`: its id in hex, with or without zeros before it. */
  lease(lease: string): boolean {
    const id = withoutZeros(lease);
    return this.about.some((one) => one.kind === 'lease' && withoutZeros(one.lease) === id);
  }

  watcher(member: number, watcher: number): boolean {
    return this.about.some(
      (one) => one.kind === 'watcher' && one.member === member && one.watcher === watcher,
    );
  }

  /** Whose watcher is accused; null: nobody's. */
  get watchedMember(): number | null {
    return this.about.find((one) => one.kind === 'watcher')?.member ?? null;
  }

  message(message: number): boolean {
    return this.about.some((one) => one.kind === 'message' && one.message === message);
  }

  /** The way that an accused message takes. */
  link(from: number, to: number): boolean {
    return this.about.some((one) => one.kind === 'message' && one.from === from && one.to === to);
  }
}

const isAt = (accused: number | undefined, member: number): boolean =>
  accused === undefined || accused === member;
const withoutZeros = (hex: string): string => hex.replace(/^0+(?=.)/, '');

/** Damage beyond what Raft promises to survive. */
export type Beyond =
  'wipe' | 'image' | 'rot' | 'misdirect' | 'lying' | 'copy' | 'clock' | 'files' | 'forced' | 'twice';

export function beyondRaft(interventions: readonly Intervention[]): readonly Beyond[] {
  const found = interventions.flatMap(({ action }): Beyond[] => {
    switch (action.type) {
      case 'wipe':
        return ['wipe'];
      case 'loseFiles':
        return ['files'];
      case 'copyMember':
        return ['twice'];
      case 'forceNewCluster':
        return ['forced'];
      case 'restoreImage':
        return ['image'];
      case 'bitRot':
        return ['rot'];
      // a lease lasts as long as its leader's clock says
      case 'clockStep':
        return ['clock'];
      case 'clockRate':
        return action.perMille === 1000 ? [] : ['clock'];
      case 'clockSwing':
        return action.perMille === 0 ? [] : ['clock'];
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
