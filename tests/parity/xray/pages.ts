/** A database's pages in the words of a manifest: metas, census, free spans, buckets. */
import { bucketStats } from '../../../src/engine/bolt/bucket-stats.ts';
import type { Bucket } from '../../../src/engine/bolt/bucket.ts';
import type { Db } from '../../../src/engine/bolt/db.ts';
import { chooseXrayMeta } from '../../../src/engine/bolt/xray-meta.ts';
import type { XrayMeta } from '../../../src/engine/bolt/xray-meta.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import { hasTrailer } from '../../../src/engine/server/restore.ts';
import { sha256 } from '../bolt/lines.ts';
import { spanPairs } from '../bolt/facts.ts';
import { shown } from './manifest.ts';
import type { Facts } from './manifest.ts';

const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, '0');
/** As the manifest's reader has numbers: past 2^53 as text. */
const number = (value: bigint): number | string => {
  const text = String(value);
  return text.length > 15 ? text : Number(value);
};

function metaFacts(meta: XrayMeta): Facts {
  return {
    checksum: hex(meta.checksum, 16),
    flags: meta.flags,
    freelist_pgid: number(meta.freelist),
    high_water_pgid: number(meta.highWater),
    magic: hex(meta.magic, 8),
    page_size: meta.pageSize,
    root_pgid: number(meta.root),
    root_sequence: number(meta.sequence),
    txid: number(meta.txid),
    version: meta.version,
  };
}

export function fileFacts(file: Uint8Array): Facts {
  const isWhole = hasTrailer(file);
  const body = file.subarray(0, file.length - 32);
  const trailer = Buffer.from(file.subarray(body.length)).toString('hex');
  return {
    file_size: file.length,
    sha256_of_file: sha256(file),
    has_sha256_trailer: isWhole,
    ...(isWhole ? { trailer_matches: trailer === sha256(body) } : {}),
  };
}

export function metaPagesFacts(db: Db): Facts {
  const { metas, chosen } = chooseXrayMeta(db.pager);
  return {
    meta0: metaFacts(metas[0]),
    meta1: metaFacts(metas[1]),
    current_txid: number(chosen?.meta.txid ?? 0n),
  };
}

/** Pages by kind, and the free ones as spans; found by a walk that believes nothing. */
export function pageFacts(db: Db): {
  readonly pages: Facts;
  readonly free: Facts;
  readonly findings: number;
} {
  const counts = {
    branch: 0,
    free: 0,
    leaf: 0,
    meta: 0,
    overflow_of_branch: 0,
    overflow_of_leaf: 0,
    freelist: 0,
  };
  const report = xray(db.pager, {
    page: ({ kind, overflow }) => {
      if (kind === 'free' || kind === 'unreachable') counts.free += overflow + 1;
      else if (kind !== 'invalid') counts[kind]++;
      if (kind === 'branch' || kind === 'leaf') counts[`overflow_of_${kind}`] += overflow;
    },
  });
  const { freelist, ...others } = counts;
  const { highWater } = db.meta;
  const sizeBytes = highWater * db.pageSize;
  const pages = {
    by_type: freelist === 0 ? others : counts,
    high_water: highWater,
    in_use_bytes: sizeBytes - counts.free * db.pageSize,
    page_size: db.pageSize,
    tx_size: sizeBytes,
  };
  return { pages, free: freeFacts(db), findings: report.findings.length };
}

/** The store's own freelist; where none is stored it was made by a walk. */
function freeFacts(db: Db): Facts {
  const spans = spanPairs(db.freelist.freeSpans());
  const ids = spans.flatMap(([start, count]) => Array.from({ length: count }, (_, i) => start + i));
  const byLength: Record<string, number> = {};
  for (const [, count] of spans) byLength[count] = (byLength[count] ?? 0) + 1;
  return {
    count: ids.length,
    first_ids: ids.slice(0, 10),
    longest_span: spans.reduce((longest, [, count]) => Math.max(longest, count), 0),
    sha256_of_ids_as_lines: sha256(Buffer.from(ids.map((id) => `${id}\n`).join(''))),
    spans: spans.length,
    spans_by_length: byLength,
  };
}

function statsFacts(bucket: Bucket): Facts {
  const stats = bucketStats(bucket);
  let [keyBytes, valueBytes] = [0, 0];
  const cursor = bucket.cursor();
  for (let item = cursor.first(); item !== null; item = cursor.next()) {
    keyBytes += item.key.length;
    valueBytes += item.value?.length ?? 0;
  }
  return {
    branch_alloc: stats.branchAllocBytes,
    branch_inuse: stats.branchInuseBytes,
    branch_overflow: stats.branchOverflowCount,
    branch_pages: stats.branchPageCount,
    depth: stats.depth,
    inline_buckets: stats.inlineBucketCount,
    key_bytes: keyBytes,
    keys: stats.keyCount,
    leaf_alloc: stats.leafAllocBytes,
    leaf_inuse: stats.leafInuseBytes,
    leaf_overflow: stats.leafOverflowCount,
    leaf_pages: stats.leafPageCount,
    root_pgid: bucket.rootPgid,
    sequence: Number(bucket.sequence),
    value_bytes: valueBytes,
  };
}

/** The buckets in the file's order, each with its statistics. */
export function bucketFacts(db: Db): Facts {
  const facts: Record<string, Facts> = {};
  const tx = db.beginRead();
  const names = tx.cursor();
  for (let name = names.first(); name !== null; name = names.next()) {
    const bucket = tx.bucket(name.key);
    if (bucket !== null) facts[shown(name.key)] = statsFacts(bucket);
  }
  tx.rollback();
  return facts;
}
