/** Words of a power cut's preview: writes on their way, what becomes of them, what a disk then holds. */
import { m } from '../../paraglide/messages.js';
import type { ChangeContent } from '../../sim/change-contents.ts';
import type { CutPreview, RiskyChange, RiskyName, StartFacts } from '../../sim/cut-preview.ts';
import type { ImageFacts } from '../../sim/image-facts.ts';

const count = (value: number): string => value.toLocaleString('en');

/** The log's segment, the store, or a file's own name. */
function fileText(file: string): string {
  if (file.endsWith('.wal')) return m.cut_file_wal();
  if (file === 'member/snap/db') return m.cut_file_db();
  return file.split('/').at(-1) ?? file;
}

/** `log: entries 13–14, state (commit 12)`; `store: leaf page 7`. */
export function changeText({ file, kind, contents }: RiskyChange): string {
  const what = kind === 'truncate' ? [m.cut_size()] : contentTexts(contents);
  return what.length === 0 ? fileText(file) : `${fileText(file)}: ${what.join(', ')}`;
}

function contentTexts(contents: readonly ChangeContent[]): string[] {
  const entries = contents.flatMap((one) =>
    one.kind === 'record' && one.record === 'entry' ? [one.index] : [],
  );
  const [first, last] = [entries[0], entries.at(-1)];
  const told =
    first === undefined || last === undefined
      ? []
      : [first === last ? m.cut_entry({ index: first }) : m.cut_entries({ first, last })];
  for (const one of contents) {
    if (one.kind === 'page') told.push(m.cut_page({ kind: one.page, page: one.pgid }));
    else if (one.record === 'state') told.push(m.cut_state({ term: one.term, commit: one.index }));
    else if (one.record === 'snapshot') told.push(m.cut_mark({ index: one.index }));
    else if (one.record !== 'entry') told.push(m.cut_head());
  }
  return told.filter((text, i) => told.indexOf(text) === i);
}

export function placeText({ kind, offset, sizeBytes, sectors }: RiskyChange): string {
  if (kind === 'truncate') return m.cut_place_size({ size: count(offset) });
  return m.cut_place({ offset: count(offset), size: count(sizeBytes), sectors: count(sectors) });
}

export function stageText({ stage }: RiskyChange): string {
  return {
    lied: m.cut_stage_lied,
    syncing: m.cut_stage_syncing,
    open: m.cut_stage_open,
    behind: m.cut_stage_behind,
  }[stage]();
}

/** `+ member/wal/0…1.wal`: a change of a directory. */
export function nameText(kind: RiskyName['kind'], name: string): string {
  return `${{ create: '+', rename: '→', remove: '−' }[kind]} ${name}`;
}

/** `3 arrive, 1 is lost, 1 is torn.` */
export const countsText = ({ kept, lost, torn }: CutPreview['counts']): string =>
  m.cut_counts({ kept, lost, torn });

export interface OutcomeRow {
  readonly name: string;
  readonly now: string;
  readonly after: string;
  /** What is after is damage. */
  readonly isBad: boolean;
}

/** What two states of a disk hold, side by side. */
export function outcomeRows({ now, after }: CutPreview): readonly OutcomeRow[] {
  const row = (name: string, text: (facts: ImageFacts) => string, isBad = false): OutcomeRow => ({
    name,
    now: text(now),
    after: text(after),
    isBad,
  });
  return [
    row(m.cut_row_log(), lastRecord, after.log?.error != null),
    row(m.cut_row_state(), ({ log }) =>
      log === null ? m.cut_nothing() : m.cut_state_text({ term: log.term, commit: log.commit }),
    ),
    row(m.cut_row_tail(), tailText, after.log?.error != null),
    row(m.cut_row_meta(), metaText, after.store?.inForce === null),
    row(m.cut_row_check(), checkText, after.store?.problem != null),
  ];
}

function lastRecord({ log }: ImageFacts): string {
  if (log === null) return m.cut_nothing();
  const { records, lastIndex: index, lastTerm: term } = log;
  return index === 0
    ? m.cut_records({ records: count(records) })
    : m.cut_last({ index, term, records: count(records) });
}

function tailText({ log }: ImageFacts): string {
  if (log === null) return m.cut_nothing();
  if (log.error !== null) return log.error;
  return log.isTorn ? m.cut_tail_torn() : m.cut_tail_whole();
}

function metaText({ store }: ImageFacts): string {
  if (store === null) return m.cut_nothing();
  const { inForce, metas } = store;
  if (inForce === null) return m.cut_meta_none();
  const other = metas[1 - inForce];
  const rest =
    other.fault === null ? m.cut_meta_txid({ txid: other.txid }) : m.cut_meta_fault({ why: other.fault });
  return m.cut_meta({ page: inForce, txid: metas[inForce].txid, other: rest });
}

function checkText({ store }: ImageFacts): string {
  if (store === null) return m.cut_nothing();
  if (store.problem === null) return m.cut_check_ok();
  const more = store.problemCount - 1;
  return more === 0 ? store.problem : m.cut_check_more({ problem: store.problem, count: more });
}

export function startText({ halted, lastIndex, term, commit, revision }: StartFacts): string {
  if (halted !== null) return m.cut_start_halts({ why: halted });
  if (lastIndex === 0) return m.cut_start_new();
  return m.cut_start({ lastIndex, term, commit, revision });
}
