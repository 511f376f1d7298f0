/** Revisions of one key in their order, which copies share but for the newest. */
import { SharedPart } from '../../base/fork.ts';
import type { Below } from '../../base/fork.ts';
import type { Revision } from './types.ts';

const pieceLength = 32;

/** About what an engine takes for a revision and its place. */
export const revisionBytes = 36;

/** So many revisions, and the pieces before them; it never changes. */
class Piece extends SharedPart {
  readonly before: Piece | null;
  readonly revisions: readonly Revision[];
  /** With those of the pieces before. */
  readonly count: number;

  constructor(before: Piece | null, revisions: readonly Revision[]) {
    super();
    this.before = before;
    this.revisions = revisions;
    this.count = (before?.count ?? 0) + revisions.length;
  }

  measure(visit: (below: Below) => void): number {
    if (this.before !== null) visit(this.before);
    return 64 + revisionBytes * this.revisions.length;
  }
}

/** Ascending. What is read most is the newest; the rest is gone through backwards. */
export class RevisionTrail {
  private filled: Piece | null = null;
  /** Never empty where there are any. */
  private recent: Revision[] = [];
  private oldest: Revision | null = null;

  /** Has the revisions to itself from then on. */
  static of(revisions: readonly Revision[]): RevisionTrail {
    const trail = new RevisionTrail();
    for (const revision of revisions) trail.push(revision);
    return trail;
  }

  /** A copy that costs a few references. */
  clone(): RevisionTrail {
    const copy = new RevisionTrail();
    copy.filled = this.filled;
    copy.recent = this.recent.slice();
    copy.oldest = this.oldest;
    return copy;
  }

  get length(): number {
    return (this.filled?.count ?? 0) + this.recent.length;
  }

  get first(): Revision | null {
    return this.oldest;
  }

  get last(): Revision | null {
    return this.recent.length > 0 ? this.recent[this.recent.length - 1] : null;
  }

  push(revision: Revision): void {
    if (this.recent.length === pieceLength) {
      this.filled = new Piece(this.filled, this.recent);
      this.recent = [];
    }
    this.oldest ??= revision;
    this.recent.push(revision);
  }

  /** The last revision up to main revision `at`, and how many stand before it. */
  upTo(at: number): { readonly revision: Revision; readonly place: number } | null {
    let revisions: readonly Revision[] = this.recent;
    for (let before = this.filled; ; before = before.before) {
      const place = revisions.findLastIndex((revision) => revision.main <= at);
      if (place >= 0) return { revision: revisions[place], place: (before?.count ?? 0) + place };
      if (before === null) return null;
      revisions = before.revisions;
    }
  }

  /** All of them in order. */
  all(): Revision[] {
    const parts: (readonly Revision[])[] = [this.recent];
    for (let piece = this.filled; piece !== null; piece = piece.before) parts.push(piece.revisions);
    return parts.reverse().flat();
  }

  /** Without so many of the oldest. */
  from(place: number): RevisionTrail {
    return RevisionTrail.of(this.all().slice(place));
  }

  measure(visit: (below: Below) => void): number {
    if (this.filled !== null) visit(this.filled);
    return 96 + revisionBytes * this.recent.length;
  }
}
