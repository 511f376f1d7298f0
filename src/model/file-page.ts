/** One page of a file in facts: what it is, what holds it, who wrote it, what it waits for. */
import type { PageState, Scene } from './commit-film.ts';
import { newestSlot, type FileView, type MetaView } from './file-view.ts';
import { mapKinds, type MapKind } from './page-map.ts';
import type { PagePlace } from './tree-shape.ts';
import { coveringPage, type TreePage } from './tree-pages.ts';

export interface PageFacts {
  readonly pgid: number;
  readonly state: PageState;
  /** The tree page that it is, or that it belongs to by overflowing; null for none in use. */
  readonly page: TreePage | null;
  readonly place: PagePlace | null;
  /** The transaction under which it waits; null where it does not. */
  readonly waitsFor: number | null;
  readonly meta: (MetaView & { readonly isNewest: boolean }) | null;
}

/** A run of pages that the map draws in one way. */
export interface MapRun {
  readonly pgid: number;
  readonly count: number;
  readonly state: PageState;
}

/** A page's state at a scene. @param kinds page n's kind as an index of `mapKinds`, after the last event */
export function stateAt(kinds: Uint8Array, scene: Scene | null, pgid: number): PageState {
  return scene?.states.get(pgid) ?? mapKinds[kinds[pgid] ?? 6] ?? 'never';
}

const inTree = (state: PageState): boolean => state === 'branch' || state === 'leaf' || state === 'freelist';

/** The tree page in use that covers `pgid`: a run may be as long as a value of a few megabytes. */
function pageAt(file: FileView, pgid: number, state: PageState): TreePage | null {
  return inTree(state) ? coveringPage(file.pages, pgid, 4096) : null;
}

/** True where a page is the continuation of the one before. */
export function isOverflow(file: FileView, pgid: number, state: PageState): boolean {
  const page = pageAt(file, pgid, state);
  return page !== null && page.pgid !== pgid;
}

/** @param places where the pages of the file's trees stand */
export function factsOf(
  file: FileView,
  kinds: Uint8Array,
  scene: Scene | null,
  places: ReadonlyMap<number, PagePlace>,
  pgid: number,
): PageFacts {
  const state = stateAt(kinds, scene, pgid);
  const page = pageAt(file, pgid, state);
  const metas = scene?.metas ?? file.metas;
  const meta = state === 'meta' ? (metas[pgid === 0 ? 0 : 1] ?? null) : null;
  const waits = file.pending.find((run) => pgid >= run.pgid && pgid < run.pgid + run.count);
  const isWaiting = state === 'pending';
  return {
    pgid,
    state,
    page,
    place: page === null ? null : (places.get(page.pgid) ?? null),
    waitsFor: isWaiting ? (waits?.txid ?? file.film?.txid ?? null) : null,
    meta: meta === null ? null : { ...meta, isNewest: newestSlot(metas) === pgid },
  };
}

/** The whole file as runs: each page of a tree is one, neighbours alike that are in no tree are one. */
export function mapRuns(file: FileView, kinds: Uint8Array, scene: Scene | null): MapRun[] {
  const runs: MapRun[] = [];
  for (let pgid = 0; pgid < kinds.length;) {
    const state = stateAt(kinds, scene, pgid);
    let end = pgid + 1;
    if (inTree(state)) end = pgid + (pageAt(file, pgid, state)?.count ?? 1);
    else if (state !== 'meta') while (end < kinds.length && stateAt(kinds, scene, end) === state) end += 1;
    runs.push({ pgid, count: end - pgid, state });
    pgid = end;
  }
  return runs;
}

/** How many pages are of a kind at a scene. */
export function countAt(kinds: Uint8Array, scene: Scene | null, wanted: MapKind): number {
  const code = mapKinds.indexOf(wanted);
  let count = 0;
  for (const kind of kinds) if (kind === code) count += 1;
  for (const [pgid, state] of scene?.states ?? []) {
    if (pgid >= kinds.length) continue;
    if (kinds[pgid] === code) count -= 1;
    if (state === wanted) count += 1;
  }
  return count;
}
