/** Where members stand on the ring and how links and messages run between them: pure geometry. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface RingLayout {
  readonly width: number;
  readonly height: number;
  /** A member's disc, with its timer. */
  readonly nodeRadius: number;
  readonly client: Point;
  /** By the member's number. */
  readonly members: ReadonlyMap<number, Point>;
}

/**
 * Members stand evenly on an ellipse, the first at the top; the client in the upper left corner.
 * @param ids the members' numbers, ascending
 * @param available CSS pixels that the picture may be wide: one unit is one pixel, so text keeps its size
 */
export function layoutRing(ids: readonly number[], available: number): RingLayout {
  const width = within(available, 340, 820);
  const isRoomy = width > 560;
  const { nodeRadius, height } = sizesFor(ids.length, width);
  const [marginTop, marginBottom] = [12, 32];
  const angles = ids.map((_, i) => (2 * Math.PI * i) / ids.length - Math.PI / 2);
  const lowest = Math.max(0, ...angles.map(Math.sin));
  const radiusY = (height - 2 * nodeRadius - marginTop - marginBottom) / (1 + lowest);
  const center = { x: width / 2 + (isRoomy ? 28 : 0), y: marginTop + nodeRadius + radiusY };
  const radiusX = Math.min(250, width - center.x - nodeRadius - 4);
  const members = new Map<number, Point>();
  angles.forEach((angle, i) => {
    const place = { x: center.x + radiusX * Math.cos(angle), y: center.y + radiusY * Math.sin(angle) };
    members.set(ids[i] as number, place);
  });
  return { width, height, nodeRadius, client: { x: 46, y: isRoomy ? 92 : 34 }, members };
}

/** A crowd has smaller dials, and where the picture is narrow a higher one. */
function sizesFor(count: number, width: number): Pick<RingLayout, 'nodeRadius' | 'height'> {
  const isNarrow = width < 480;
  if (count <= 3) return { nodeRadius: within(width * 0.1, 52, 74), height: 400 };
  if (count <= 5)
    return { nodeRadius: isNarrow ? 46 : within(width * 0.1, 46, 58), height: isNarrow ? 440 : 432 };
  return isNarrow ? { nodeRadius: 36, height: 580 } : { nodeRadius: 46, height: 540 };
}

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

export interface Line {
  readonly from: Point;
  readonly to: Point;
}

/** The straight line from disc to disc, moved sideways by `lane` to the right of its direction. */
export function linkBetween(from: Point, to: Point, inset: number, lane: number): Line {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const shift = { x: -uy * lane, y: ux * lane };
  return {
    from: { x: from.x + ux * inset + shift.x, y: from.y + uy * inset + shift.y },
    to: { x: to.x - ux * inset + shift.x, y: to.y - uy * inset + shift.y },
  };
}

/** The point a share of the way along a line; shares beyond 0 and 1 stay at its ends. */
export function along({ from, to }: Line, share: number): Point {
  const part = Math.min(1, Math.max(0, share));
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

/**
 * Where messages stand that wait one behind another, as shares of their way: the first where it stopped, each
 * other one no nearer than `gap` behind it. Those for which there is no room are left out.
 * @param stops where each stopped, the first in the queue first
 */
export function queuePlaces(stops: readonly number[], gap: number): readonly number[] {
  const places: number[] = [];
  for (const stop of stops) {
    const place = Math.min(stop, (places.at(-1) ?? Infinity) - gap);
    if (place < 0 && places.length > 0) break;
    places.push(place);
  }
  return places;
}

/** How far a message sent and due at these times has come at `timeUs`, from 0 to 1. */
export function progressAt(sentAtUs: number, deliverAtUs: number, timeUs: number): number {
  if (deliverAtUs <= sentAtUs) return 1;
  return Math.min(1, Math.max(0, (timeUs - sentAtUs) / (deliverAtUs - sentAtUs)));
}

/** The line of a ring's part, from the top clockwise around (0, 0), as path data; empty for no share. */
export function arcPath(radius: number, share: number): string {
  if (share <= 0) return '';
  const angle = 2 * Math.PI * Math.min(share, 0.9999) - Math.PI / 2;
  const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
  return `M0,${-radius}A${radius},${radius} 0 ${share > 0.5 ? 1 : 0} 1 ${x.toFixed(2)},${y.toFixed(2)}`;
}

/** A cross with corners at plus and minus `reach`, open in the middle so that words can stand there. */
export function crossPath(reach: number): string {
  const inner = reach * 0.64;
  const corners = [-1, 1].flatMap((x) => [-1, 1].map((y) => ({ x, y })));
  return corners.map(({ x, y }) => `M${x * reach},${y * reach}L${x * inner},${y * inner}`).join('');
}

/** Short strokes around a dial, one for each of `count` equal parts. */
export function dialStrokes(inner: number, outer: number, count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const at = (radius: number): string => `${(cos * radius).toFixed(2)},${(sin * radius).toFixed(2)}`;
    return `M${at(inner)}L${at(outer)}`;
  }).join('');
}
