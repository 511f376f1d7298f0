/** A page of the store as text: what a person sees who opens it. */
import { readU64be, readU64le } from '../../base/u64.ts';
import { printable } from '../../base/utf8.ts';
import { WireError } from '../../base/wire.ts';
import { metaAt } from '../bolt/meta.ts';
import { bucketLeafFlag, Page, pageHeaderBytes, readPage } from '../bolt/page.ts';
import type { Pager } from '../bolt/pager.ts';
import type { PageKind, PageRun } from '../bolt/types.ts';
import { decodeKeyValue } from '../pb/hot.ts';

export interface PageItem {
  readonly key: string;
  readonly value: string;
}

export interface DecodedPage {
  readonly pgid: number;
  readonly kind: PageKind;
  /** Elements in the page's table; 0 where a page has none. */
  readonly count: number;
  /** Pages that follow and belong to it. */
  readonly overflow: number;
  /** A leaf's items, a branch's children, a meta page's fields; all printable. */
  readonly items: readonly PageItem[];
}

const keyLimit = 120;
const valueLimit = 200;
const inBucketBytes = 16;

/** Decodes the logical page that covers `id`; null for a page past the end of the store. */
export function decodePage(
  pager: Pager,
  pageSize: number,
  runs: readonly PageRun[],
  id: number,
): DecodedPage | null {
  const run = runs.find(({ pgid, count }) => id >= pgid && id < pgid + count);
  if (run === undefined) return null;
  const { kind } = run;
  if (kind === 'free' || kind === 'pending') return { pgid: id, kind, count: 0, overflow: 0, items: [] };
  if (kind === 'meta')
    return { pgid: id, kind, count: 0, overflow: 0, items: metaItems(pager, id * pageSize) };
  const page = readPage(pager, run.pgid, pageSize);
  const items = kind === 'leaf' ? leafItems(page) : kind === 'branch' ? branchItems(page) : [];
  return { pgid: run.pgid, kind, count: page.count, overflow: page.overflow, items };
}

function metaItems(pager: Pager, offset: number): PageItem[] {
  const meta = metaAt(pager, offset);
  if (typeof meta === 'string') return [{ key: 'fault', value: meta }];
  return [
    { key: 'txid', value: String(meta.txid) },
    { key: 'root page', value: String(meta.root.root) },
    { key: 'freelist page', value: meta.freelist === null ? 'not stored' : String(meta.freelist) },
    { key: 'high water', value: String(meta.highWater) },
    { key: 'page size', value: String(meta.pageSize) },
  ];
}

function branchItems(page: Page): PageItem[] {
  return indexes(page).map((i) => ({ key: keyText(page.key(i)), value: `page ${page.child(i)}` }));
}

function leafItems(page: Page): PageItem[] {
  return indexes(page).flatMap((i) => {
    const [key, value] = [page.key(i), page.value(i)];
    if ((page.elementFlags(i) & bucketLeafFlag) !== 0) return bucketItems(page, i);
    return [
      { key: keyText(key), value: revisionText(key) === null ? valueText(value) : keyValueText(value) },
    ];
  });
}

/**
 * A bucket, and what is in it if it is stored inline: 8 bytes root page, 8 bytes sequence, a page's image.
 */
function bucketItems(page: Page, index: number): PageItem[] {
  const at = page.keyAt(index) + page.keySize(index);
  const size = page.valueSize(index);
  const name = keyText(page.key(index));
  const root = size < inBucketBytes ? 0 : readU64le(page.view, at);
  if (root !== 0) return [{ key: name, value: `bucket, root page ${root}` }];
  if (size < inBucketBytes + pageHeaderBytes) return [{ key: name, value: 'a damaged bucket' }];
  const inline = new Page({ view: page.view, bytes: page.bytes, at: at + inBucketBytes }, at + size);
  const items = leafItems(inline).map(({ key, value }) => ({ key: `${name} / ${key}`, value }));
  return [{ key: name, value: 'bucket, stored inline' }, ...items];
}

function indexes(page: Page): number[] {
  return Array.from({ length: page.count }, (_, i) => i);
}

/**
 * A key of the bucket `key` in words: `revision 5.0`. Its form gives it away: 8 bytes, an underscore, 8
 * bytes, and
 * a `t` if it is a tombstone. Null for any other key.
 */
function revisionText(key: Uint8Array): string | null {
  const isTombstone = key.length === 18 && key[17] === 0x74;
  if ((key.length !== 17 && !isTombstone) || key[8] !== 0x5f) return null;
  const view = new DataView(key.buffer, key.byteOffset);
  const revision = `revision ${readU64be(view, 0)}.${readU64be(view, 9)}`;
  return isTombstone ? `${revision}, tombstone` : revision;
}

const keyText = (key: Uint8Array): string => revisionText(key) ?? printable(key, keyLimit);

const valueText = (value: Uint8Array): string => printable(value, valueLimit);

function keyValueText(value: Uint8Array): string {
  try {
    const kv = decodeKeyValue(value);
    const key = printable(kv.key, keyLimit);
    if (kv.version === 0) return key;
    const text = printable(kv.value, valueLimit);
    return `${key} = ${text} (version ${kv.version}, created at ${kv.createRevision})`;
  } catch (error) {
    if (error instanceof WireError) return `no KeyValue: ${error.message}`;
    throw error;
  }
}
