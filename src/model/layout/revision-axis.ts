/** Revisions side by side: which of them fit into a width, and where each stands. Pure geometry. */

export interface RevisionAxis {
  /** The first and the last revision that are shown. */
  readonly from: number;
  readonly to: number;
  readonly pitch: number;
  readonly width: number;
  /** Not all of them fit: there are others before or after. */
  readonly isCut: boolean;
}

const widestPitch = 44;
/** Closer than this, marks would touch. */
const leastPitch = 18;

/**
 * As many revisions as fit, with the widest pitch that lets all of them fit.
 * @param last the last revision that is of interest
 * @param end the last revision to be shown; null: the last there is
 */
export function axisOf(first: number, last: number, width: number, end: number | null): RevisionAxis {
  const fit = Math.max(1, Math.floor(width / leastPitch));
  const count = last - first + 1;
  if (count <= fit) {
    return { from: first, to: last, pitch: Math.min(widestPitch, width / count), width, isCut: false };
  }
  const to = Math.min(last, Math.max(first + fit - 1, end ?? last));
  return { from: to - fit + 1, to, pitch: width / fit, width, isCut: true };
}

/** The middle of a revision's column; what lies before or after stands at the edge. */
export function columnAt({ from, to, pitch }: RevisionAxis, revision: number): number {
  const held = Math.min(to, Math.max(from, revision));
  return (held - from + 0.5) * pitch;
}

export const isShown = ({ from, to }: RevisionAxis, revision: number): boolean =>
  revision >= from && revision <= to;

/** The revision whose column `x` is in; null outside. */
export function revisionAt({ from, to, pitch }: RevisionAxis, x: number): number | null {
  const revision = from + Math.floor(x / pitch);
  return x >= 0 && revision <= to ? revision : null;
}

/** Revisions that are named: all, or every second, fifth, tenth... so that names do not touch. */
export function namedRevisions({ from, to, pitch }: RevisionAxis): readonly number[] {
  const nameWidth = 8 + 8 * String(to).length;
  const step = [1, 2, 5, 10, 20, 50, 100].find((one) => one * pitch >= nameWidth) ?? 100;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
}
