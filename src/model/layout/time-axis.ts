/** A window of virtual time over a width: where a time stands, and which times are named. Pure geometry. */

export interface TimeAxis {
  readonly fromUs: number;
  readonly toUs: number;
  /** Left and right end, pixels. */
  readonly left: number;
  readonly right: number;
}

/** Where a time stands; before the window it is left of it, after it right. */
export function xAt({ fromUs, toUs, left, right }: TimeAxis, timeUs: number): number {
  return left + ((timeUs - fromUs) / Math.max(1, toUs - fromUs)) * (right - left);
}

/** Names of times do not come closer than this. */
const leastGapPx = 84;

/** Round times inside the window: multiples of 1, 2 or 5 times a power of ten, in microseconds. */
export function namedTimes({ fromUs, toUs, left, right }: TimeAxis): readonly number[] {
  const wanted = ((toUs - fromUs) * leastGapPx) / Math.max(1, right - left);
  let step = 1;
  for (let i = 0; step < wanted; i++) step *= i % 3 === 1 ? 2.5 : 2;
  const first = Math.ceil(fromUs / step) * step;
  return Array.from(
    { length: Math.max(0, Math.floor((toUs - first) / step) + 1) },
    (_, i) => first + i * step,
  );
}

/** Rows for members, one below the other; folded ones are low. */
export function rowsAt(count: number, isFolded: (row: number) => boolean, top: number): readonly number[] {
  const middles: number[] = [];
  let y = top;
  for (let row = 0; row < count; row++) {
    const height = isFolded(row) ? 28 : 84;
    middles.push(y + height / 2);
    y += height;
  }
  return [...middles, y];
}
