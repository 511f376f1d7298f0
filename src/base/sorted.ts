/** Binary search over sorted sequences. */

/**
 * The least index in [0, count] at which `isAt` holds, given that it never turns false again; as Go's
 * sort.Search.
 */
export function searchFirst(count: number, isAt: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAt(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
