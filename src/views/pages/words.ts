/** Words for a file's pages: what one is, what a step of a commit does, what a commit came to. */
import { m } from '../../paraglide/messages.js';
import type { CommitSum, Frame } from '../../model/commit-film.ts';
import type { FileView } from '../../model/file-view.ts';
import type { PageFacts } from '../../model/file-page.ts';
import { treePage } from '../../model/tree-pages.ts';
import { kindWord } from '../words.ts';
import type { PageShape } from './shapes.ts';

export function shapeWord(shape: PageShape): string {
  if (shape === 'overflow') return m.pg_kind_overflow();
  return shape === 'reserved' ? m.pg_kind_reserved() : kindWord(shape);
}

/** Bytes and counts with a space between thousands. */
export const numberText = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');

/** `12, 13, 17`; runs as `12–14`; at most `most` of them. */
export function pagesText(pages: readonly number[], most = 12): string {
  const runs: [number, number][] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] + 1 === page) last[1] = page;
    else runs.push([page, page]);
  }
  const texts = runs.slice(0, most).map(([from, to]) => {
    if (from === to) return String(from);
    return to === from + 1 ? `${from}, ${to}` : m.fl_run({ start: from, end: to });
  });
  const more = runs.length - texts.length;
  return more > 0 ? `${texts.join(', ')} ${m.pg_sum_more({ count: more })}` : texts.join(', ');
}

/** A page in one sentence. */
export function factWords(facts: PageFacts, pageSize: number): string {
  const { pgid, state, page, place, waitsFor, meta } = facts;
  const isOverflow = page !== null && page.pgid !== pgid;
  const parts = [m.pg_say_page({ page: pgid }), shapeWord(isOverflow ? 'overflow' : state)];
  if (isOverflow) parts.push(m.pg_say_page({ page: page.pgid }));
  if (meta !== null) {
    const about = { txid: meta.txid, root: meta.root ?? '?' };
    parts.push(meta.isNewest ? m.pg_say_newest(about) : m.pg_say_older(about));
  }
  if (waitsFor !== null) parts.push(m.pg_say_waits({ txid: waitsFor }));
  if (page !== null) {
    if (place !== null) parts.push(bucketWord(place.buckets));
    if (place?.parent != null) parts.push(m.pg_say_parent({ parent: place.parent }));
    const count = page.itemCount;
    parts.push(page.kind === 'branch' ? m.pg_say_children({ count }) : m.pg_say_items({ count }));
    parts.push(m.pg_say_fill({ used: numberText(page.usedBytes), all: numberText(page.count * pageSize) }));
    parts.push(page.txid === null ? m.pg_say_before() : m.pg_say_written({ txid: page.txid }));
  }
  return parts.join(' · ');
}

export const bucketWord = (buckets: readonly string[]): string =>
  buckets.length === 0 ? m.pg_root_bucket() : m.pg_say_bucket({ bucket: buckets.join(' / ') });

/** What happens in a frame of a commit. */
export function frameWords(file: FileView, frame: Frame): string {
  const { film } = file;
  const txid = film?.txid ?? 0;
  switch (frame.kind) {
    case 'before': {
      const count = film?.operationCount ?? null;
      return count === null ? m.pg_frame_before_unknown({ txid }) : m.pg_frame_before({ txid, count });
    }
    case 'copy':
      return copyWords(file, frame);
    case 'split': {
      const { pgid: page, parts } = frame.event;
      return page === 0 ? m.pg_frame_split_new({ parts }) : m.pg_frame_split({ page, parts });
    }
    case 'merge':
      return m.pg_frame_merge({ from: frame.event.from, page: frame.event.pgid });
    case 'write':
      return m.pg_frame_write({ pages: pagesText(frame.pages) });
    case 'meta': {
      const { slot, root } = frame.event;
      return m.pg_frame_meta({ slot, root, txid, other: 1 - slot });
    }
    case 'release': {
      const { runStarts, runCounts } = frame.event;
      const pages = runStarts.flatMap((start, i) =>
        Array.from({ length: runCounts[i] ?? 0 }, (_, k) => start + k),
      );
      return m.pg_frame_release({ txid: frame.event.txid, pages: pagesText(pages) });
    }
    default:
      return frame satisfies never;
  }
}

function copyWords(file: FileView, { event }: Extract<Frame, { kind: 'copy' }>): string {
  const { pgid: page, from, leaf } = event;
  if (from === 0) return leaf ? m.pg_frame_new_leaf({ page }) : m.pg_frame_new_branch({ page });
  if (!leaf) return m.pg_frame_branch({ page, from });
  const holdsBuckets = (treePage(file.pages, page)?.buckets.length ?? 0) > 0;
  return holdsBuckets ? m.pg_frame_root({ page, from }) : m.pg_frame_leaf({ page, from });
}

/** The whole commit in one sentence. */
export function sumWords({ txid, wrote, slot, freed, releasedBy }: CommitSum): string {
  const named = wrote.map(({ kind, pgid }) => m.pg_sum_kind({ kind: kindWord(kind), page: pgid }));
  if (slot !== null) named.push(m.pg_sum_kind({ kind: kindWord('meta'), page: slot }));
  const most = 8;
  const more = named.length - most;
  const pages = [
    ...named.slice(0, most).reverse(),
    ...(more > 0 ? [m.pg_sum_more({ count: more })] : []),
  ].join(', ');
  const count = wrote.reduce((sum, run) => sum + run.count, slot === null ? 0 : 1);
  const said = m.pg_sum_wrote({ txid, count, pages });
  if (freed.length === 0) return m.pg_sum_nothing({ wrote: said, freed: m.pg_sum_freed_none() });
  const freedWords = m.pg_sum_freed({ count: freed.length, pages: pagesText(freed) });
  const fate = releasedBy === null ? m.pg_sum_waits() : m.pg_sum_released({ txid: releasedBy });
  return m.pg_sum({ wrote: said, freed: freedWords, fate });
}
