/** A database's state in the words of the conformance data: logical hash, page map, spans. */
import { createHash } from 'node:crypto';
import type { Cursor } from '../../../src/engine/bolt/cursor.ts';
import type { Bucket } from '../../../src/engine/bolt/bucket.ts';
import type { Db } from '../../../src/engine/bolt/db.ts';
import type { XraySpans } from '../../../src/engine/bolt/xray-report.ts';
import type { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { crcText, sha256 } from './lines.ts';

const u32be = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

/** sha256 over items in order: 0, key, value; or 1, name, sequence, the bucket's own hash. */
export function logicalHash(cursor: Cursor, open: (name: Uint8Array) => Bucket | null): Uint8Array {
  const hash = createHash('sha256');
  for (let item = cursor.first(); item !== null; item = cursor.next()) {
    hash.update(Uint8Array.of(item.value === null ? 1 : 0));
    hash.update(u32be(item.key.length)).update(item.key);
    if (item.value !== null) {
      hash.update(u32be(item.value.length)).update(item.value);
      continue;
    }
    const child = open(item.key) as Bucket;
    const sequence = new Uint8Array(8);
    new DataView(sequence.buffer).setBigUint64(0, child.sequence);
    hash.update(sequence).update(logicalHash(child.cursor(), (name) => child.bucket(name)));
  }
  return hash.digest();
}

export const spanPairs = ({ starts, counts }: XraySpans): [number, number][] =>
  Array.from(starts, (start, i) => [start, counts[i]]);

const letters = { meta: 'm', freelist: 'f', branch: 'b', leaf: 'l', free: '.', pending: '.' };

/** m meta, f freelist, b branch, l leaf, + overflow, . free or pending; with run lengths. */
export function pageMapText(db: Db): string {
  let plain = '';
  for (const { kind, count } of db.pageRuns()) {
    const isFree = kind === 'free' || kind === 'pending';
    plain += isFree ? '.'.repeat(count) : letters[kind] + '+'.repeat(count - 1);
  }
  return plain.replace(/(.)\1+/g, (run, letter: string) => `${letter}${run.length}`);
}

/** A file as a trace last saw it: up to the high water mark, and how long it was with the zeros behind. */
export interface SeenFile {
  readonly content: Uint8Array;
  readonly sizeBytes: number;
}

/** What a trace records after each commit, reopen and rollback; `previous` is the file before. */
export function stateOf(
  db: Db,
  pager: MemoryPager,
  previous: SeenFile,
): { readonly record: object; readonly seen: SeenFile } {
  const { meta, pageSize } = db;
  const content = pager.copy(0, meta.highWater * pageSize);
  const changed: [number, string][] = [];
  for (let id = 0; id < meta.highWater; id++) {
    const page = content.subarray(id * pageSize, (id + 1) * pageSize);
    const before = previous.content.subarray(id * pageSize, (id + 1) * pageSize);
    const wasZero = before.length === 0 && (id + 1) * pageSize <= previous.sizeBytes;
    const isSame = wasZero ? page.every((byte) => byte === 0) : Buffer.compare(page, before) === 0;
    if (!isSame) changed.push([id, crcText(page)]);
  }
  const tx = db.beginRead();
  const hash = Buffer.from(logicalHash(tx.cursor(), (name) => tx.bucket(name))).toString('hex');
  const findings = tx.check();
  tx.rollback();
  const pending = Object.fromEntries(
    [...db.freelist.pendingSpans()].map(([id, spans]) => [id, spanPairs(spans)]),
  );
  const record = {
    changed,
    content: sha256(content),
    fileSize: pager.sizeBytes,
    free: spanPairs(db.freelist.freeSpans()),
    freeN: db.freePageCount,
    hash,
    pages: pageMapText(db),
    pendingN: db.pendingPageCount,
    meta: {
      freelist: meta.freelist === null ? '18446744073709551615' : String(meta.freelist),
      page: meta.txid % 2,
      pgid: meta.highWater,
      root: meta.root.root,
      sequence: Number(meta.root.sequence),
      txid: meta.txid,
    },
    ...(db.pendingPageCount > 0 ? { pending } : {}),
    ...(findings.length > 0 ? { findings } : {}),
  };
  return { record, seen: { content, sizeBytes: pager.sizeBytes } };
}
