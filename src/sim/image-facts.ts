/** What a disk's files say: how far the log is sound, which meta page wins, what `check` finds. */
import { BoltError } from '../engine/bolt/errors.ts';
import { findPageSize, chooseMeta } from '../engine/bolt/meta.ts';
import { MemoryPager } from '../engine/bolt/pager.ts';
import { checkFile } from '../engine/bolt/tx-check.ts';
import { chooseXrayMeta } from '../engine/bolt/xray-meta.ts';
import { WireError } from '../base/wire.ts';
import { backendFile } from '../engine/server/disk.ts';
import { Decoder } from '../engine/wal/decoder.ts';
import { WalError } from '../engine/wal/errors.ts';
import { decodeEntry, decodeHardState, recordType } from '../engine/wal/record.ts';
import { listSegments } from '../engine/wal/segment.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { XrayMeta } from '../engine/bolt/xray-meta.ts';

/** The log's records up to the last sound one. */
export interface LogFacts {
  readonly segments: number;
  readonly records: number;
  /** The last entry: 0 for none. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Of the last hard state: 0 for none. */
  readonly term: number;
  readonly commit: number;
  /** It ends within a record: that is cut off, and the log goes on before it. */
  readonly isTorn: boolean;
  /** Why it can not be read to its end; null: it can. */
  readonly error: string | null;
}

export interface StoreFacts {
  readonly pageCount: number;
  readonly metas: readonly { readonly txid: string; readonly fault: XrayMeta['fault'] }[];
  /** The meta page in force; null: neither is valid. */
  readonly inForce: 0 | 1 | null;
  /** What bolt's check finds first, and how much it finds; null: nothing. */
  readonly problem: string | null;
  readonly problemCount: number;
}

/** Null where there is no such file. */
export interface ImageFacts {
  readonly fileCount: number;
  readonly log: LogFacts | null;
  readonly store: StoreFacts | null;
}

export function imageFacts(files: DiskImage): ImageFacts {
  const image = files.get(backendFile);
  return {
    fileCount: files.size,
    log: logFacts(files),
    store: image === undefined ? null : storeFacts(image),
  };
}

function logFacts(files: DiskImage): LogFacts | null {
  const segments = listSegments(files.keys()).map(({ file }) => files.get(file) as Uint8Array);
  if (segments.length === 0) return null;
  const decoder = new Decoder(segments);
  const facts = { records: 0, lastIndex: 0, lastTerm: 0, term: 0, commit: 0 };
  let error: string | null = null;
  try {
    for (let record = decoder.next(); record !== null; record = decoder.next()) {
      facts.records++;
      if (record.data === null) continue;
      if (record.type === recordType.entry) {
        const { index, term } = decodeEntry(record.data);
        Object.assign(facts, { lastIndex: index, lastTerm: term });
      } else if (record.type === recordType.state) {
        const { term, commit } = decodeHardState(record.data);
        Object.assign(facts, { term, commit });
      }
    }
  } catch (caught) {
    if (!(caught instanceof WalError || caught instanceof WireError)) throw caught;
    error = caught.message;
  }
  return { segments: segments.length, ...facts, isTorn: decoder.torn, error };
}

function storeFacts(image: Uint8Array): StoreFacts {
  const pager = new MemoryPager(image);
  const { metas, chosen } = chooseXrayMeta(pager);
  const facts = {
    pageCount: Math.floor(image.length / (chosen?.pageSize ?? 4096)),
    metas: metas.map(({ txid, fault }) => ({ txid: String(txid), fault })),
    inForce: chosen === null ? null : chosen.meta.page === 0 ? (0 as const) : (1 as const),
  };
  try {
    const pageSize = findPageSize(pager);
    const findings = checkFile(pager, pageSize, chooseMeta(pager, pageSize));
    return { ...facts, problem: findings[0]?.text ?? null, problemCount: findings.length };
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    return { ...facts, problem: error.message, problemCount: 1 };
  }
}
