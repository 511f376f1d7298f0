/** Timelines as lanes over one axis of virtual time: which row each has, and where it leaves its parent. */
import type { RunMark } from '../run-mark.ts';

/** As much of a timeline as its lane needs. */
export interface LaneFacts {
  readonly id: number;
  /** Null: the root. */
  readonly parent: number | null;
  /** Virtual time at which it goes its own way, microseconds. */
  readonly fromUs: number;
  /** How far it has come, microseconds. */
  readonly timeUs: number;
}

export interface Lane {
  readonly id: number;
  /** From 0, at the top. */
  readonly row: number;
  /** The row that it leaves; null: the root, or its parent is not there. */
  readonly parentRow: number | null;
  /** From 0, the axis' left end, to 1. */
  readonly from: number;
  readonly to: number;
}

export interface LaneLayout {
  /** In the order of their rows. */
  readonly lanes: readonly Lane[];
  readonly fromUs: number;
  readonly toUs: number;
  /** The root began before the axis does: only its part near the branches is drawn. */
  readonly isCut: boolean;
}

/** So much of the axis, at the most, lies before the first branch. */
const shareBefore = 0.25;
/** A branch that has just been opened at the newest moment: so much time stands for what lies after it. */
const leastAfterUs = 200_000;

/**
 * A branch stands below its parent, the latest nearest: so no line down to a branch crosses another lane.
 * @param list the root first; the axis is cut where a long run lies before the first branch
 */
export function layoutLanes(list: readonly LaneFacts[]): LaneLayout {
  const startUs = list[0]?.fromUs ?? 0;
  const toUs = Math.max(startUs + 1, ...list.map(({ timeUs }) => timeUs));
  const firstForkUs = Math.min(toUs, ...list.slice(1).map(({ fromUs }) => fromUs));
  const afterUs = Math.max(toUs - firstForkUs, leastAfterUs);
  const fromUs = Math.max(startUs, firstForkUs - (afterUs * shareBefore) / (1 - shareBefore));
  const axis = { lanes: [], fromUs, toUs, isCut: fromUs > startUs };
  const rows = rowsOf(list);
  const rowOf = new Map(rows.map(({ id }, row) => [id, row]));
  const lanes = rows.map(({ id, parent, fromUs: forkUs, timeUs }, row) => ({
    id,
    row,
    parentRow: parent === null ? null : (rowOf.get(parent) ?? null),
    from: placeAt(axis, forkUs),
    to: placeAt(axis, timeUs),
  }));
  return { ...axis, lanes };
}

/** Where a time stands on the axis, from 0 to 1; what lies outside stands at its end. */
export function placeAt({ fromUs, toUs }: LaneLayout, timeUs: number): number {
  return Math.min(1, Math.max(0, (timeUs - fromUs) / Math.max(1, toUs - fromUs)));
}

/** Each timeline, then its branches, the latest first; one whose parent is gone stands last, by itself. */
function rowsOf(list: readonly LaneFacts[]): readonly LaneFacts[] {
  const ids = new Set(list.map(({ id }) => id));
  const roots = list.filter(({ parent }) => parent === null || !ids.has(parent));
  const below = (one: LaneFacts): readonly LaneFacts[] => [
    one,
    ...list
      .filter(({ parent }) => parent === one.id)
      .sort((a, b) => b.fromUs - a.fromUs || b.id - a.id)
      .flatMap(below),
  ];
  return roots.flatMap(below);
}

/** A lane as an SVG path, pixels: down from its parent, round the corner, and along its row. */
export function lanePath({ row, parentRow, from, to }: Lane, width: number, rowHeight: number): string {
  const [left, right] = [from * width, to * width];
  const y = (row + 0.5) * rowHeight;
  if (parentRow === null) return `M${px(left)},${px(y)}H${px(right)}`;
  const round = Math.min(7, rowHeight / 3, Math.max(0, right - left));
  const top = (parentRow + 0.5) * rowHeight;
  const corner = `V${px(y - round)}Q${px(left)},${px(y)} ${px(left + round)},${px(y)}`;
  return `M${px(left)},${px(top)}${corner}H${px(right)}`;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);

export interface LaneMark {
  readonly kind: RunMark['kind'];
  /** From 0 to 1, as the lanes. */
  readonly at: number;
  readonly sentence: string;
}

/** A lane's elections, faults and expiries, of each kind at most one a place; commits are too many. */
export function laneMarks(
  layout: LaneLayout,
  marks: readonly RunMark[],
  places: number,
): readonly LaneMark[] {
  const placed = new Map<string, LaneMark>();
  for (const { kind, timeUs, sentence } of marks) {
    if (kind === 'commit' || timeUs < layout.fromUs) continue;
    const at = placeAt(layout, timeUs);
    placed.set(`${kind} ${Math.floor(at * places)}`, { kind, at, sentence });
  }
  return [...placed.values()];
}
