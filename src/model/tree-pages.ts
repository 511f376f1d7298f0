/** The pages of a file's trees by page id: a list in pieces, so that a later state shares what stayed. */
export interface TreePage {
  readonly pgid: number;
  /** Physical pages: 1, and those it overflows into. */
  readonly count: number;
  readonly kind: 'branch' | 'leaf' | 'freelist';
  /** The transaction that wrote it; null where it was there before the file was opened. */
  readonly txid: number | null;
  /** Items of a leaf, children of a branch, ids of a freelist. */
  readonly itemCount: number;
  /** Bytes in use, header included. */
  readonly usedBytes: number;
  /** Of a branch, in key order. */
  readonly children: readonly number[];
  /** Names of the buckets in a leaf, in key order. */
  readonly buckets: readonly string[];
  /** Their root pages; 0 for a bucket that is stored inline. */
  readonly bucketRoots: readonly number[];
}

type Piece = readonly (TreePage | null)[];

/** Piece i holds pages `64 * i` and on. A freed page stays until it is written over, as in the file. */
export type TreePages = readonly Piece[];

const pieceSize = 64;
const emptyPiece: Piece = Array.from({ length: pieceSize }, () => null);

export const noTreePages: TreePages = [];

/** The page that begins at `pgid`; null for one that is not of a tree, or that belongs to the page before. */
export function treePage(pages: TreePages, pgid: number): TreePage | null {
  return pages[Math.floor(pgid / pieceSize)]?.[pgid % pieceSize] ?? null;
}

/** The tree page that covers `pgid`, be it by overflowing; null for none. `count` is how far to look back. */
export function coveringPage(pages: TreePages, pgid: number, mostCount: number): TreePage | null {
  for (let first = pgid; first >= 0 && pgid - first < mostCount; first--) {
    const page = treePage(pages, first);
    if (page !== null) return first + page.count > pgid ? page : null;
  }
  return null;
}

/** Each page takes the place of what was in its run; the pages before stay as they were. */
export function withPages(before: TreePages, written: readonly TreePage[]): TreePages {
  if (written.length === 0) return before;
  const pieces = [...before];
  const own = new Set<number>();
  const set = (pgid: number, page: TreePage | null): void => {
    const at = Math.floor(pgid / pieceSize);
    while (pieces.length <= at) pieces.push(emptyPiece);
    if (!own.has(at)) {
      pieces[at] = [...(pieces[at] as Piece)];
      own.add(at);
    }
    (pieces[at] as (TreePage | null)[])[pgid % pieceSize] = page;
  };
  for (const page of written) {
    set(page.pgid, page);
    for (let id = page.pgid + 1; id < page.pgid + page.count; id++) set(id, null);
  }
  return pieces;
}
