/** What a key's row draws: marks at revisions, bars over lives, what a compaction at a line would take. */
import { cutAt, type KeyHistory, type Revision } from './key-history.ts';

export interface KeyMark extends Revision {
  /** `dropped`, `droppedTombstone`: gone with the last compaction. */
  readonly kind: 'created' | 'put' | 'tombstone' | 'dropped' | 'droppedTombstone';
  /** Of a put; 0 for the others. */
  readonly version: number;
  /** A compaction at the line would drop it. */
  readonly goes: boolean;
  /** Older than the line, and kept: what a read at the line sees. */
  readonly stays: boolean;
}

export interface LifeBar {
  readonly from: number;
  /** Null: to the present. */
  readonly to: number | null;
  /** The first revision that is left: what was before it is compacted away. */
  readonly kept: number;
}

export interface KeyRow {
  readonly key: string;
  readonly marks: readonly KeyMark[];
  readonly bars: readonly LifeBar[];
}

const placeOf = ({ main, sub }: Revision): string => `${main}.${sub}`;

/** @param line the revision at which a compaction is tried; null: none is */
export function rowOf(history: KeyHistory, line: number | null): KeyRow {
  const { key, lives, dropped } = history;
  const going = new Set(line === null ? [] : cutAt(history, line).dropped.map(placeOf));
  const marks: KeyMark[] = dropped.map((one) => ({
    main: one.main,
    sub: one.sub,
    kind: one.isTombstone ? 'droppedTombstone' : 'dropped',
    version: 0,
    goes: false,
    stays: false,
  }));
  const bars: LifeBar[] = [];
  lives.forEach(({ revisions, created, version }, place) => {
    const isOver = place < lives.length - 1;
    const [first, last] = [revisions[0], revisions.at(-1)];
    if (first === undefined || last === undefined) return;
    bars.push({ from: created.main, to: isOver ? last.main : null, kept: first.main });
    revisions.forEach((revision, i) => {
      const isTombstone = isOver && i === revisions.length - 1;
      const isCreated = revision.main === created.main && revision.sub === created.sub;
      const goes = going.has(placeOf(revision));
      marks.push({
        ...revision,
        kind: isTombstone ? 'tombstone' : isCreated ? 'created' : 'put',
        version: isTombstone ? 0 : version - (revisions.length - 1 - i),
        goes,
        stays: line !== null && !goes && revision.main <= line,
      });
    });
  });
  return { key, marks, bars };
}
