/** A heap's array as a small tree: each entry under its parent, the top above all. */
import type { Point } from './ring.ts';

export interface HeapTree {
  readonly width: number;
  readonly height: number;
  /** Index 0 is the top; as many as fit. */
  readonly places: readonly Point[];
  /** From parent to child, as path data. */
  readonly edges: string;
}

/**
 * @param available CSS pixels that the tree may be wide
 * @param node width and height of an entry
 */
export function layoutHeap(
  entryCount: number,
  available: number,
  node: { readonly width: number; readonly height: number },
): HeapTree {
  const widest = Math.max(1, Math.floor(available / (node.width + 6)));
  const mostLevels = Math.floor(Math.log2(widest)) + 1;
  const levels = Math.min(mostLevels, Math.floor(Math.log2(Math.max(1, entryCount))) + 1);
  const shown = Math.min(entryCount, 2 ** levels - 1);
  const width = Math.min(available, 2 ** (levels - 1) * (node.width + 28));
  const pitch = node.height + 20;
  const places = Array.from({ length: shown }, (_, i) => {
    const level = Math.floor(Math.log2(i + 1));
    const across = 2 ** level;
    const x = ((i + 1 - across + 0.5) / across) * width;
    return { x, y: node.height / 2 + 1 + level * pitch };
  });
  const edges = places.slice(1).map((child, i) => {
    const parent = places[i >> 1] as Point;
    return `M${parent.x},${parent.y}L${child.x},${child.y}`;
  });
  return { width, height: levels * pitch - 20 + 2, places, edges: edges.join('') };
}
