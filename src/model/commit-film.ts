/** A commit as frames that one looks at one after the other: each is what its events told so far. */
import type { CommitFilm, FileView, FilmEvent, MetaPair } from './file-view.ts';
import { mapKinds, type MapKind } from './page-map.ts';
import { treePage } from './tree-pages.ts';

type Of<Type extends FilmEvent['type']> = Extract<FilmEvent, { type: Type }>;

/** `seen`: how many of the film's events have happened when the frame stands. */
export type Frame = { readonly seen: number } & (
  | { readonly kind: 'before' }
  | { readonly kind: 'merge'; readonly event: Of<'bolt.merge'> }
  | { readonly kind: 'split'; readonly event: Of<'bolt.split'> }
  | { readonly kind: 'copy'; readonly event: Of<'bolt.spill'> }
  | { readonly kind: 'write'; readonly pages: readonly number[] }
  | { readonly kind: 'meta'; readonly event: Of<'bolt.writeMeta'> }
  | { readonly kind: 'release'; readonly event: Of<'bolt.release'> }
);

/**
 * A copied page, a split, a merge is a frame each; so are all writes with their sync, the meta page with its
 * sync, and the release. What was taken and freed on the way to a copy belongs to it.
 */
export function framesOf({ events }: CommitFilm): Frame[] {
  const frames: Frame[] = [{ kind: 'before', seen: 0 }];
  const written: number[] = [];
  events.forEach((event, i) => {
    const seen = i + 1;
    switch (event.type) {
      case 'bolt.merge':
        return frames.push({ kind: 'merge', event, seen });
      case 'bolt.split':
        return frames.push({ kind: 'split', event, seen });
      case 'bolt.spill':
        return frames.push({ kind: 'copy', event, seen });
      case 'bolt.writeMeta':
        return frames.push({ kind: 'meta', event, seen });
      case 'bolt.release':
        return frames.push({ kind: 'release', event, seen });
      case 'bolt.write':
        written.push(event.pgid);
        if (events[i + 1]?.type !== 'bolt.write') frames.push({ kind: 'write', pages: written, seen });
        return;
      case 'bolt.sync':
      case 'bolt.free':
        return stretch(frames, event.type, seen);
      case 'bolt.allocate':
        return;
      default:
        event satisfies never;
    }
  });
  return frames;
}

/** A sync belongs to the writes before it; a freed page to the merge that emptied it. */
function stretch(frames: Frame[], type: 'bolt.sync' | 'bolt.free', seen: number): void {
  const last = frames.at(-1);
  const belongs = type === 'bolt.sync' ? ['write', 'meta'] : ['merge'];
  if (last !== undefined && belongs.includes(last.kind)) frames[frames.length - 1] = { ...last, seen };
}

/** A page's state while a commit goes on; `reserved`: it was taken for a copy that is not written yet. */
export type PageState = MapKind | 'reserved';

/** The file at a frame of its newest commit. */
export interface Scene {
  readonly frame: Frame;
  /** Where a page's state differs from what it is after the last frame. */
  readonly states: ReadonlyMap<number, PageState>;
  /** New pages that have their place in the tree already. */
  readonly placed: ReadonlySet<number>;
  readonly metas: MetaPair;
}

/** The file when the first `frame.seen` events of its film had happened: the later ones are taken back. */
export function sceneAt(file: FileView, film: CommitFilm, frame: Frame): Scene {
  const states = new Map<number, PageState>();
  const set = (start: number, count: number, state: PageState): void => {
    for (let id = start; id < start + count; id++) states.set(id, state);
  };
  let { metas } = file;
  for (let i = film.events.length - 1; i >= frame.seen; i--) {
    const event = film.events[i] as FilmEvent;
    if (event.type === 'bolt.release') {
      event.runStarts.forEach((start, k) => set(start, event.runCounts[k] ?? 0, 'pending'));
    }
    if (event.type === 'bolt.writeMeta') metas = film.metasBefore;
    if (event.type === 'bolt.write') set(event.pgid, event.count, 'reserved');
    if (event.type === 'bolt.free') set(event.pgid, event.count, kindBefore(file, event.pgid));
    if (event.type === 'bolt.allocate')
      set(event.pgid, event.count, event.path === 'grow' ? 'never' : 'free');
  }
  const placed = new Set<number>();
  for (const event of film.events.slice(0, frame.seen)) {
    if (event.type === 'bolt.spill') placed.add(event.pgid);
  }
  return { frame, states, placed, metas };
}

/** What a freed page was: it keeps its content until it is written over. */
const kindBefore = (file: FileView, pgid: number): MapKind => treePage(file.pages, pgid)?.kind ?? 'freelist';

/** The file with nothing going on: after its newest commit, or before the first. */
export const stillScene = (file: FileView, frame: Frame): Scene => ({
  frame,
  states: new Map(),
  placed: new Set(),
  metas: file.metas,
});

/** What a commit did, counted from its events. */
export interface CommitSum {
  readonly txid: number;
  readonly wrote: readonly { readonly pgid: number; readonly count: number; readonly kind: MapKind }[];
  readonly slot: 0 | 1 | null;
  /** Pages, ascending. */
  readonly freed: readonly number[];
  readonly splitCount: number;
  readonly mergeCount: number;
  /** The transaction whose begin released what was freed; null: it still waits. */
  readonly releasedBy: number | null;
}

export function sumOf({ txid, events }: CommitFilm): CommitSum {
  const of = <Type extends FilmEvent['type']>(type: Type): Of<Type>[] =>
    events.filter((event): event is Of<Type> => event.type === type);
  const freed = of('bolt.free').flatMap(({ pgid, count }) =>
    Array.from({ length: count }, (_, i) => pgid + i),
  );
  const isIn = ({ runStarts, runCounts }: Of<'bolt.release'>, page: number): boolean =>
    runStarts.some((start, i) => page >= start && page < start + (runCounts[i] ?? 0));
  const release = of('bolt.release').find((one) => freed.every((page) => isIn(one, page)));
  return {
    txid,
    wrote: of('bolt.write').map(({ pgid, count, kind }) => ({
      pgid,
      count,
      kind: mapKinds[kind] as MapKind,
    })),
    slot: of('bolt.writeMeta')[0]?.slot ?? null,
    freed: freed.sort((a, b) => a - b),
    splitCount: of('bolt.split').length,
    mergeCount: of('bolt.merge').length,
    releasedBy: freed.length === 0 ? null : (release?.txid ?? null),
  };
}

/** Which page each copied page was made from; 0 for one that is wholly new. */
export function copiesOf(film: CommitFilm | null): ReadonlyMap<number, number> {
  const copies = new Map<number, number>();
  for (const event of film?.events ?? []) if (event.type === 'bolt.spill') copies.set(event.pgid, event.from);
  return copies;
}
