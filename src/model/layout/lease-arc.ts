/** The dials of leases: what is left of the time to live, as a part of a ring around (0, 0). */
import { arc } from 'd3-shape';

export interface LeaseDial {
  /** Radii in the picture's units. */
  readonly outer: number;
  readonly inner: number;
}

const draw = arc<LeaseDial & { readonly share: number }>()
  .innerRadius(({ inner }) => inner)
  .outerRadius(({ outer }) => outer)
  .startAngle(0)
  .endAngle(({ share }) => 2 * Math.PI * share)
  .cornerRadius(({ inner, outer }) => (outer - inner) / 2)
  .digits(2);

/** The part that is left, clockwise from the top, as path data; empty for none. Held to 0..1. */
export function leaseArc(dial: LeaseDial, share: number): string {
  const held = Math.min(1, Math.max(0, share));
  return held === 0 ? '' : (draw({ ...dial, share: held }) ?? '');
}

/** Short strokes on the ring, one a second for short leases; none where they would stand too close. */
export function leaseTicks({ inner, outer }: LeaseDial, ttlSeconds: number): string {
  const count = [1, 5, 10, 60, 600, 3600].map((step) => ttlSeconds / step).find((parts) => parts <= 30) ?? 0;
  return Array.from({ length: Math.floor(count) }, (_, i) => {
    const angle = (2 * Math.PI * i) / count;
    const at = (radius: number): string =>
      `${(radius * Math.sin(angle)).toFixed(2)},${(-radius * Math.cos(angle)).toFixed(2)}`;
    return `M${at(inner)}L${at(outer)}`;
  }).join('');
}
