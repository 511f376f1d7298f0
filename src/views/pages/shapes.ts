/** A form for each state of a page, so that colour is never alone: path data in a square of `size`. */
import type { PageState } from '../../model/commit-film.ts';

export type PageShape = PageState | 'overflow';

/** What the legend names, in its order. */
export const pageShapes: readonly PageShape[] = [
  'meta',
  'branch',
  'leaf',
  'overflow',
  'freelist',
  'free',
  'pending',
  'reserved',
  'never',
];

const text = (value: number): string => String(Math.round(value * 100) / 100);

/** Path data in shares of a square. */
class Pen {
  readonly #x: number;
  readonly #y: number;
  readonly #size: number;

  constructor(x: number, y: number, size: number) {
    [this.#x, this.#y, this.#size] = [x, y, size];
  }

  /** A line through points, two shares each. */
  line(...shares: readonly number[]): string {
    const at = shares.map((share, i) => text((i % 2 === 0 ? this.#x : this.#y) + share * this.#size));
    return `M${at.join(' ')}`;
  }

  box(left: number, top: number, width: number, height: number): string {
    const [right, bottom] = [left + width, top + height];
    return `${this.line(left, top, right, top, right, bottom, left, bottom)}z`;
  }

  circle(): string {
    const [radius, size] = [text(this.#size / 2), text(this.#size)];
    const half = (to: string): string => `a${radius} ${radius} 0 1 1 ${to} 0`;
    return `${this.line(0, 0.5)}${half(size)}${half(`-${size}`)}z`;
  }
}

/** @param join the gap to the cell before, over which an overflow page reaches */
export function shapePath(shape: PageShape, x: number, y: number, size: number, join = 0): string {
  const pen = new Pen(x, y, size);
  switch (shape) {
    case 'meta':
      return pen.circle();
    case 'branch':
      return `${pen.line(0.2, 0, 0.8, 0, 1, 1, 0, 1)}z`;
    case 'leaf':
      return pen.box(0, 0, 1, 1);
    case 'overflow':
      return pen.box(-join / size, 0.28, 1 + join / size, 0.44);
    case 'freelist':
      return [0, 0.38, 0.76].map((top) => pen.box(0, top, 1, 0.24)).join('');
    case 'free':
      return pen.box(0.14, 0.14, 0.72, 0.72);
    case 'pending':
      return pen.box(0.1, 0.1, 0.8, 0.8) + pen.line(0.1, 0.9, 0.9, 0.1);
    case 'reserved':
      return pen.box(0.08, 0.08, 0.84, 0.84) + pen.line(0.5, 0.3, 0.5, 0.7) + pen.line(0.3, 0.5, 0.7, 0.5);
    case 'never':
      return pen.box(0.4, 0.4, 0.2, 0.2);
    default:
      return shape satisfies never;
  }
}
