/** Times and shares as the console reads and prints them. */

const unitsUs: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

/** Microseconds of `500us`, `50ms` or `1.5s`; null for any other text. */
export function readDuration(text: string): number | null {
  const parts = /^(\d{1,6})(?:\.(\d{1,3}))?(us|ms|s)$/.exec(text);
  if (parts === null) return null;
  const [, whole, fraction = '', unit] = parts;
  const thousandths = Number(whole) * 1000 + Number(fraction.padEnd(3, '0'));
  return Math.floor((thousandths * unitsUs[unit]) / 1000);
}

/** The shortest of the units that tells the time exactly. */
export function durationText(us: number): string {
  if (us >= 1_000_000 && us % 1000 === 0) return `${us / 1_000_000}s`;
  return us >= 1000 ? `${us / 1000}ms` : `${us}us`;
}

/** Thousandths of `10%` or `0.5%`; null for any other text and for more than all. */
export function readPerMille(text: string): number | null {
  const parts = /^(\d{1,3})(?:\.(\d))?%$/.exec(text);
  if (parts === null) return null;
  const perMille = Number(parts[1]) * 10 + Number(parts[2] ?? '0');
  return perMille <= 1000 ? perMille : null;
}

export function perMilleText(perMille: number): string {
  return `${perMille / 10}%`;
}
