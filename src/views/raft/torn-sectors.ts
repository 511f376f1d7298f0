/** Sectors of a torn write, as a fate names them: `0-3+6`. */

/** @param fate names sectors */
export function sectorsIn(fate: string): readonly number[] {
  return fate.split('+').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** @param sectors ascending */
export function tornText(sectors: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const sector of sectors) {
    const last = ranges.at(-1);
    if (last?.[1] === sector - 1) last[1] = sector;
    else ranges.push([sector, sector]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join('+');
}
