/** A page map's cells: how many columns fit and where page n lies. Pure geometry, in picture units. */

export interface GridLayout {
  readonly columns: number;
  readonly rows: number;
  /** A cell with the gap after it. */
  readonly pitch: number;
  readonly cell: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The largest square cells of `pitches` with which all pages fit into `width` x `height`; with the smallest
 * pitch the picture grows downwards instead.
 */
export function layoutGrid(
  pageCount: number,
  width: number,
  height: number,
  pitches: readonly number[],
): GridLayout {
  const fitting = pitches.find((pitch) => rowsFor(pageCount, width, pitch) * pitch <= height);
  const pitch = fitting ?? pitches.at(-1) ?? 8;
  const columns = Math.max(1, Math.floor(width / pitch));
  const rows = Math.max(1, rowsFor(pageCount, width, pitch));
  return {
    columns,
    rows,
    pitch,
    cell: pitch - Math.max(1, Math.round(pitch / 8)),
    width,
    height: rows * pitch,
  };
}

function rowsFor(pageCount: number, width: number, pitch: number): number {
  return Math.ceil(pageCount / Math.max(1, Math.floor(width / pitch)));
}

/** The upper left corner of page n's cell. */
export function cellAt(grid: GridLayout, page: number): { x: number; y: number } {
  return { x: (page % grid.columns) * grid.pitch, y: Math.floor(page / grid.columns) * grid.pitch };
}
