/** Sizes as etcdctl prints them. */

const units: readonly string[] = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Rounds to a whole number, halves to the even one, as Go prints `%.0f`. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * A size in bytes in decimal units, two digits or more: 20480 is `20 kB`, 1200 is `1.2 kB`.
 * @source dustin/go-humanize bytes.go Bytes
 */
export function humanizeBytes(sizeBytes: number): string {
  if (sizeBytes < 10) return `${sizeBytes} B`;
  let unit = 0;
  let scale = 1;
  while (unit < units.length - 1 && sizeBytes >= scale * 1000) {
    unit++;
    scale *= 1000;
  }
  const tenths = Math.floor((sizeBytes / scale) * 10 + 0.5) / 10;
  return `${tenths < 10 ? tenths.toFixed(1) : roundHalfEven(tenths)} ${units[unit]}`;
}
