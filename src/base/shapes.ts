/** How objects are built: their class, and the names of their fields in order. */

export interface Shape {
  readonly place: number;
  readonly prototype: object | null;
  readonly names: readonly string[];
}

const all: Shape[] = [];
const byPrototype = new Map<object | null, Shape[]>();

/** The shape of an object with these fields. There are as many as the code that builds objects makes. */
export function shapeOf(value: object, names: readonly string[]): Shape {
  const prototype = Object.getPrototypeOf(value) as object | null;
  let known = byPrototype.get(prototype);
  if (known === undefined) byPrototype.set(prototype, (known = []));
  for (const shape of known) if (isSame(shape.names, names)) return shape;
  const shape: Shape = { place: all.length, prototype, names };
  all.push(shape);
  known.push(shape);
  return shape;
}

export const shapeAt = (place: number): Shape => all[place];

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
