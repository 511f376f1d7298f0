/** Reads database files, sound and damaged, and compares with what bbolt and a bounds-checked reader said. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { addBucketStats, bucketStats, newBucketStats } from '../../../src/engine/bolt/bucket-stats.ts';
import type { BucketStats } from '../../../src/engine/bolt/bucket-stats.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import { BoltError } from '../../../src/engine/bolt/errors.ts';
import { chooseMeta } from '../../../src/engine/bolt/meta.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { checkFile } from '../../../src/engine/bolt/tx-check.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import type { XrayBucket, XrayPage, XrayReport, XrayValue } from '../../../src/engine/bolt/xray-report.ts';
import type { XrayMeta } from '../../../src/engine/bolt/xray-meta.ts';
import { logicalHash, spanPairs } from './facts.ts';
import { differences, readLines, readMaybeZipped, sha256 } from './lines.ts';
import type { TraceCase } from './traces.ts';

export interface IndexEntry {
  readonly name: string;
  readonly kind: 'valid' | 'damaged' | 'crash';
  readonly size: number;
  readonly sha256: string;
  readonly file: string;
  readonly manifest: string;
  readonly structurallySound: boolean;
  readonly kvListed: boolean;
  readonly bbolt: Record<string, { bboltCrash?: string }>;
}

type Line = Record<string, unknown> & { readonly t: string };

/** The bytes of an entry: a file, or another entry's with edits. */
export function readDatabase(dir: string, file: string, entries: readonly IndexEntry[]): Uint8Array {
  const bytes = readMaybeZipped(join(dir, file));
  if (!/\.patch\.json(\.gz)?$/.test(file)) return bytes;
  const patch = JSON.parse(new TextDecoder().decode(bytes)) as {
    base: string;
    size: number;
    edits: [number, string][];
  };
  const base = entries.find(
    ({ name, file: path }) => name === patch.base || path === patch.base || path.includes(`/${patch.base}.`),
  );
  if (base === undefined) throw new Error(`${file}: base ${patch.base} is not in the index`);
  const patched = new Uint8Array(patch.size);
  patched.set(readDatabase(dir, base.file, entries).subarray(0, patch.size));
  for (const [offset, hex] of patch.edits) patched.set(fromHex(hex), offset);
  return patched;
}

const faultless = (meta: XrayMeta): object => (meta.fault === null ? {} : { err: meta.fault });

function metaLine(meta: XrayMeta): object {
  const isThere = meta.fault !== 'short' && meta.fault !== 'not found';
  return {
    t: 'meta',
    page: meta.page,
    ok: meta.fault === null,
    ...faultless(meta),
    magic: meta.magic,
    version: meta.version,
    pageSize: meta.pageSize,
    flags: meta.flags,
    ...(isThere
      ? {
          root: String(meta.root),
          sequence: String(meta.sequence),
          freelist: String(meta.freelist),
          pgid: String(meta.highWater),
          txid: String(meta.txid),
          checksum: meta.checksum.toString(16).padStart(16, '0'),
        }
      : { root: '', sequence: '', freelist: '', pgid: '', txid: '', checksum: '' }),
  };
}

const bytes32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

function wholeValue(value: XrayValue): Uint8Array {
  const bytes = new Uint8Array(value.sizeBytes);
  for (let at = 0; at < bytes.length; at += 65536) bytes.set(value.part(at, 65536), at);
  return bytes;
}

/** Collects, during a walk, items as lines and each bucket's logical hash. */
class Collector {
  readonly kv: object[] = [];
  readonly pages: XrayPage[] = [];
  readonly hashes = new Map<XrayBucket, string>();
  readonly #open: { bucket: XrayBucket; hash: Hash }[] = [];
  readonly #withItems: boolean;

  constructor(withItems: boolean) {
    this.#withItems = withItems;
  }

  enterBucket(bucket: XrayBucket): void {
    this.#open.push({ bucket, hash: createHash('sha256') });
  }

  item(bucket: XrayBucket, key: Uint8Array, inFile: XrayValue): void {
    const { hash } = this.#open[this.#open.length - 1];
    const value = wholeValue(inFile);
    hash
      .update(Uint8Array.of(0))
      .update(bytes32(key.length))
      .update(key)
      .update(bytes32(value.length))
      .update(value);
    if (!this.#withItems) return;
    const shown = value.length <= 64 ? { v: toHex(value) } : { vsha: sha256(value) };
    this.kv.push({ t: 'kv', path: bucket.path.map(toHex), k: toHex(key), vlen: value.length, ...shown });
  }

  page(page: XrayPage): void {
    this.pages.push(page);
  }

  leaveBucket(bucket: XrayBucket, name: Uint8Array | null): void {
    const digest = (this.#open.pop() as { hash: Hash }).hash.digest();
    this.hashes.set(bucket, digest.toString('hex'));
    if (name === null) return;
    const sequence = new Uint8Array(8);
    new DataView(sequence.buffer).setBigUint64(0, bucket.sequence);
    const { hash } = this.#open[this.#open.length - 1];
    hash.update(Uint8Array.of(1)).update(bytes32(name.length)).update(name).update(sequence).update(digest);
  }
}

function bucketLine(bucket: XrayBucket, hash: string | undefined): object {
  return {
    t: 'bucket',
    path: bucket.path.map(toHex),
    root: String(bucket.root),
    inline: bucket.isInline,
    sequence: String(bucket.sequence),
    keys: bucket.keys,
    buckets: bucket.buckets,
    depth: bucket.depth,
    leafPages: bucket.leafPages,
    leafOverflow: bucket.leafOverflow,
    branchPages: bucket.branchPages,
    branchOverflow: bucket.branchOverflow,
    inuseBytes: bucket.inuseBytes,
    hash,
  };
}

/** Unreachable pages are listed one by one. */
const pageEntries = ({ pgid, kind, flags, count, overflow }: XrayPage): unknown[][] =>
  kind === 'unreachable'
    ? Array.from({ length: overflow + 1 }, (_, i) => [pgid + i, kind, 0, 0])
    : [[pgid, kind === 'invalid' ? `invalid<0x${flags.toString(16)}>` : kind, count, overflow]];

/** The reader's lines of a manifest, in its order. */
function readerLines(image: Uint8Array, report: XrayReport, collector: Collector): object[] {
  const lines: object[] = [
    { t: 'file', size: image.length, sha256: sha256(image) },
    ...report.metas.map(metaLine),
  ];
  const { chosen } = report;
  // the reader that made the manifests knows no limit of keys
  const told = report.findings.filter(({ code }) => code !== 'key-too-large');
  const errors = told.map(({ code, page, message }) => ({
    code,
    page,
    ...(message === '' ? {} : { msg: message }),
  }));
  if (chosen === null) return [...lines, { t: 'raw', errors }];
  lines.push({
    t: 'chosen',
    page: chosen.meta.page,
    txid: String(chosen.meta.txid),
    pageSize: chosen.pageSize,
  });
  lines.push(...collector.kv);
  for (const bucket of report.buckets) lines.push(bucketLine(bucket, collector.hashes.get(bucket)));
  lines.push({
    t: 'freelist',
    synced: report.isFreelistStored,
    page: String(chosen.meta.freelist),
    count: report.freeCount,
    spans: spanPairs(report.free),
  });
  lines.push({ t: 'pages', pages: collector.pages.flatMap(pageEntries) }, { t: 'raw', errors });
  return lines;
}

const readerTypes = new Set(['file', 'meta', 'chosen', 'kv', 'bucket', 'freelist', 'pages', 'raw']);

function compareReader(entry: IndexEntry, image: Uint8Array, manifest: readonly Line[]): string[] {
  const collector = new Collector(entry.kvListed);
  const report = xray(new MemoryPager(image), collector);
  const actual = readerLines(image, report, collector);
  const expected = manifest.filter(({ t }) => readerTypes.has(t));
  const found: string[] = [];
  for (let i = 0; i < Math.max(actual.length, expected.length) && found.length < 5; i++) {
    const label = `line ${i} (${String(expected[i]?.t ?? (actual[i] as Line).t)})`;
    for (const line of differences(expected[i] ?? {}, actual[i] ?? {})) found.push(`${label}: ${line}`);
  }
  return found;
}

/** bbolt's check, where bbolt lived to tell. */
function compareCheck(image: Uint8Array, manifest: readonly Line[]): string[] {
  const line = manifest.find(({ t }) => t === 'check');
  const result = manifest.find(({ t }) => t === 'result');
  if (line === undefined || result?.bboltCrash !== undefined) return [];
  const pager = new MemoryPager(image);
  const meta = chooseMeta(pager, xray(pager).chosen?.pageSize ?? 4096);
  const texts = checkFile(pager, meta.pageSize, meta)
    .slice(0, 500)
    .map(({ text }) => text);
  return differences(
    { check: line.errors },
    { check: texts.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) },
  );
}

const statsFields = (stats: BucketStats): object => ({
  BranchAlloc: stats.branchAllocBytes,
  BranchInuse: stats.branchInuseBytes,
  BranchOverflowN: stats.branchOverflowCount,
  BranchPageN: stats.branchPageCount,
  BucketN: stats.bucketCount,
  Depth: stats.depth,
  InlineBucketInuse: stats.inlineBucketInuseBytes,
  InlineBucketN: stats.inlineBucketCount,
  KeyN: stats.keyCount,
  LeafAlloc: stats.leafAllocBytes,
  LeafInuse: stats.leafInuseBytes,
  LeafOverflowN: stats.leafOverflowCount,
  LeafPageN: stats.leafPageCount,
});

/** Opens the file as a database, and compares contents and bbolt's statistics. */
function compareDatabase(entry: IndexEntry, image: Uint8Array, manifest: readonly Line[]): string[] {
  const result = manifest.find(({ t }) => t === 'result') ?? { t: 'result' };
  const db = Db.open(new MemoryPager(image), { noFreelistSync: result.freelist === '18446744073709551615' });
  const tx = db.beginRead();
  const found: string[] = [];
  if (result.bboltOk === true && result.agree === true) {
    const hash = toHex(logicalHash(tx.cursor(), (name) => tx.bucket(name)));
    found.push(...differences({ hash: result.hash }, { hash }));
  }
  const total = newBucketStats();
  const lines = manifest.filter(({ t }) => t === 'bucketStats');
  for (const line of lines) {
    const bucket = tx.bucket(fromHex(String(line.name)));
    if (bucket === null) return [...found, `bucket ${String(line.name)} is not there`];
    const stats = bucketStats(bucket);
    addBucketStats(total, stats);
    found.push(...differences({ stats: line.stats }, { stats: statsFields(stats) }));
  }
  const sum = manifest.find(({ t }) => t === 'stats');
  if (sum !== undefined) {
    const actual = {
      t: 'stats',
      topLevelBuckets: lines.length,
      stats: statsFields(total),
      size: tx.sizeBytes,
      txid: tx.id,
    };
    found.push(...differences(sum, actual));
  }
  const dbStats = manifest.find(({ t }) => t === 'dbStats');
  if (dbStats !== undefined && entry.structurallySound) {
    found.push(
      ...differences(dbStats, {
        t: 'dbStats',
        freePageN: db.freePageCount,
        pendingPageN: db.pendingPageCount,
      }),
    );
  }
  if (entry.structurallySound) {
    found.push(...tx.check().map(({ text }) => `check: ${text}`));
    const pages = db.pageRuns().reduce((count, run) => count + run.count, 0);
    found.push(...differences({ highWater: String(result.highWater) }, { highWater: String(pages) }));
  }
  return found;
}

function compareFile(dir: string, entry: IndexEntry, entries: readonly IndexEntry[]): string[] {
  const image = readDatabase(dir, entry.file, entries);
  const manifest = readLines<Line>(join(dir, entry.manifest));
  const found = compareReader(entry, image, manifest);
  found.push(...compareCheck(image, manifest));
  try {
    found.push(...compareDatabase(entry, image, manifest));
  } catch (error) {
    // a damaged file may refuse, with words; a sound one may not
    if (!(error instanceof BoltError) || entry.structurallySound) throw error;
  }
  return found;
}

/** All files that the index of a folder's db/ lists. */
export function databaseCases(dir: string): TraceCase[] {
  const index = join(dir, 'db', 'index.json');
  if (!existsSync(index)) return [];
  const entries = JSON.parse(readFileSync(index, 'utf8')) as IndexEntry[];
  return entries.map((entry) => ({
    name: `db ${entry.kind} ${entry.name}`,
    run: () => compareFile(dir, entry, entries),
  }));
}
