/** A database's content in the words of a manifest: keys and their history, leases, members, users. */
import { createHash } from 'node:crypto';
import { crc32c } from '../../../src/base/checksum.ts';
import { compareBytes, toHex } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import type { Db } from '../../../src/engine/bolt/db.ts';
import { decodeLease } from '../../../src/engine/lease/lease-store.ts';
import { decodeRevision, isTombstone } from '../../../src/engine/mvcc/revision.ts';
import { decodeKeyValue } from '../../../src/engine/pb/hot.ts';
import type { KeyValue } from '../../../src/engine/pb/hot.ts';
import { bytesShown, shown } from './manifest.ts';
import type { Facts } from './manifest.ts';

/** Calls for each item of a bucket; nothing where there is no such bucket. */
export function forEachItem(
  db: Db,
  bucket: string,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): void {
  const tx = db.beginRead();
  const cursor = tx.bucket(encodeUtf8(bucket))?.cursor();
  for (let item = cursor?.first() ?? null; item !== null; item = cursor?.next() ?? null) {
    if (item.value !== null) visit(item.key, item.value);
  }
  tx.rollback();
}

interface KeyHistory {
  readonly key: Uint8Array;
  recordCount: number;
  tombstoneCount: number;
  /** The last record that is no tombstone. */
  newest: KeyValue | null;
  isLive: boolean;
}

/** What a walk over the bucket `key` comes to. */
export interface History {
  readonly keys: readonly KeyHistory[];
  readonly facts: Facts;
}

/** In byte order of the keys. */
export function readHistory(db: Db): History {
  const keys = new Map<string, KeyHistory>();
  let crc = crc32c(encodeUtf8('key'));
  let [recordCount, first, last, maxSub] = [0, 0, 0, 0];
  forEachItem(db, 'key', (place, value) => {
    crc = crc32c(value, crc32c(place, crc));
    const { main, sub } = decodeRevision(place);
    if (recordCount++ === 0) first = main;
    [last, maxSub] = [main, Math.max(maxSub, sub)];
    const kv = decodeKeyValue(value);
    const id = toHex(kv.key);
    const known = keys.get(id) ?? {
      key: kv.key.slice(),
      recordCount: 0,
      tombstoneCount: 0,
      newest: null,
      isLive: false,
    };
    keys.set(id, known);
    known.recordCount++;
    known.isLive = !isTombstone(place);
    if (known.isLive) known.newest = { ...kv, key: known.key, value: kv.value.slice() };
    else known.tombstoneCount++;
  });
  const sorted = [...keys.values()].sort((a, b) => compareBytes(a.key, b.key));
  const facts = {
    crc32c_of_key_bucket: crc,
    distinct_keys: sorted.length,
    first_main_revision: first,
    last_main_revision: last,
    max_sub_revision: maxSub,
    revisions_stored: recordCount,
    ...liveFacts(sorted),
  };
  return { keys: sorted, facts };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const liveOf = (keys: readonly KeyHistory[]): KeyValue[] =>
  keys.flatMap(({ newest, isLive }) => (isLive && newest !== null ? newest : []));

function liveFacts(keys: readonly KeyHistory[]): Facts {
  const live = liveOf(keys);
  const byLease: Record<string, number> = {};
  for (const { lease } of live) if (lease !== 0n) byLease[String(lease)] = (byLease[String(lease)] ?? 0) + 1;
  return {
    live_bytes: sum(live.map(({ key, value }) => key.length + value.length)),
    live_keys: live.length,
    live_keys_by_lease: byLease,
    sha256_of_live_state: stateHash(live),
    tombstones: sum(keys.map(({ tombstoneCount }) => tombstoneCount)),
  };
}

/** A key as the store or an answer has it. */
export type StoredKey = {
  readonly [Field in keyof KeyValue]: KeyValue[Field] extends number ? number | bigint : KeyValue[Field];
};

/** For every key in byte order a line: key and value in hex, created, changed, version, lease. */
export function stateHash(live: readonly StoredKey[]): string {
  const hash = createHash('sha256');
  for (const { key, value, createRevision, modRevision, version, lease } of live) {
    hash.update(`${toHex(key)} ${toHex(value)} ${createRevision} ${modRevision} ${version} ${lease}\n`);
  }
  return hash.digest('hex');
}

/** Counts and bytes under each prefix that the manifest names; a key counts under the longest. */
export function prefixFacts({ keys }: History, prefixes: readonly string[]): Facts {
  const others = '(none)';
  const known = prefixes
    .filter((prefix) => prefix !== others)
    .map((prefix) => ({ prefix, bytes: bytesShown(prefix) }))
    .sort((a, b) => b.bytes.length - a.bytes.length);
  const startsWith = (key: Uint8Array, start: Uint8Array): boolean =>
    start.every((byte, i) => key[i] === byte);
  const groups = new Map<string, KeyHistory[]>(prefixes.map((prefix) => [prefix, []]));
  for (const history of keys) {
    const prefix = known.find(({ bytes }) => startsWith(history.key, bytes))?.prefix ?? others;
    groups.set(prefix, [...(groups.get(prefix) ?? []), history]);
  }
  return Object.fromEntries([...groups].map(([prefix, group]) => [prefix, groupFacts(group)]));
}

function groupFacts(group: readonly KeyHistory[]): Facts {
  const live = liveOf(group);
  return {
    live_key_bytes: sum(live.map(({ key }) => key.length)),
    live_keys: live.length,
    live_value_bytes: sum(live.map(({ value }) => value.length)),
    revisions_stored: sum(group.map(({ recordCount }) => recordCount)),
    tombstones: sum(group.map(({ tombstoneCount }) => tombstoneCount)),
  };
}

/** The keys with the most records; of equals, the first in byte order. */
export function topFacts({ keys }: History, count: number): Facts[] {
  const sorted = [...keys].sort((a, b) => b.recordCount - a.recordCount || compareBytes(a.key, b.key));
  return sorted.slice(0, count).map(({ key, recordCount, tombstoneCount, newest, isLive }) => ({
    key: shown(key),
    revisions_stored: recordCount,
    tombstones: tombstoneCount,
    live: isLive,
    ...(newest === null ? {} : newestFacts(newest)),
  }));
}

function newestFacts({ createRevision, modRevision, version, lease, value }: KeyValue): Facts {
  return {
    Create: createRevision,
    Mod: modRevision,
    Version: version,
    Lease: lease === 0n ? 0 : String(lease),
    value_bytes: value.length,
  };
}

export function leaseFacts(db: Db): Facts {
  const leases: Facts[] = [];
  const byTtl: Record<string, number> = {};
  forEachItem(db, 'lease', (_key, value) => {
    const { id, ttlSeconds, remainingTtlSeconds } = decodeLease(value);
    leases.push({ ID: String(id), TTL: ttlSeconds, remaining: remainingTtlSeconds });
    byTtl[ttlSeconds] = (byTtl[ttlSeconds] ?? 0) + 1;
  });
  return { by_ttl: byTtl, count: leases.length, first50: leases.slice(0, 50) };
}
