/** The two meta pages: what a database is at one transaction, and which of the two is in force. */
import { fnv1a64 } from '../../base/checksum.ts';
import { readU64le, writeU64le } from '../../base/u64.ts';
import { type Defects, noDefects } from '../defects.ts';
import { BoltError } from './errors.ts';
import type { BoltErrorCode } from './errors.ts';
import { metaFlag, pageHeaderBytes, writePageHeader } from './page.ts';
import type { PageSource } from './pager.ts';
import { pgid, txid } from './types.ts';
import type { Meta } from './types.ts';

const magic = 0xed0cdaed;
const version = 2;
/** Bytes of a meta before its checksum. */
const checkedBytes = 56;
export const metaBytes = 64;

/** A u64 as bigint, for what may be any 64 bits. */
export function readBig64(view: DataView, at: number): bigint {
  return (BigInt(view.getUint32(at + 4, true)) << 32n) | BigInt(view.getUint32(at, true));
}

export function writeBig64(view: DataView, at: number, value: bigint): void {
  view.setUint32(at, Number(value & 0xffffffffn), true);
  view.setUint32(at + 4, Number((value >> 32n) & 0xffffffffn), true);
}

/**
 * What is wrong with a meta, tested in bbolt's order; null where nothing is.
 * @param at where its 64 bytes begin, behind the page header
 */
export function metaFault(view: DataView, bytes: Uint8Array, at: number): BoltErrorCode | null {
  if (view.getUint32(at, true) !== magic) return 'invalid database';
  if (view.getUint32(at + 4, true) !== version) return 'version mismatch';
  const [low, high] = fnv1a64(bytes, at, at + checkedBytes);
  if (view.getUint32(at + 56, true) !== low || view.getUint32(at + 60, true) !== high)
    return 'checksum error';
  return null;
}

/**
 * Decodes a meta.
 *   0 magic u32 | 4 version u32 | 8 pageSize u32, bytes | 12 flags u32 | 16 root u64, pgid | 24 sequence u64
 *   | 32 freelist u64, pgid; all ones = not stored | 40 highWater u64, pages | 48 txid u64 | 56 checksum u64
 * @returns a copy, valid when the bytes change
 * @throws BoltError 'invalid database' | 'version mismatch' | 'checksum error', tested in this order
 * @source bbolt v1.4 internal/common/meta.go, Meta.Validate
 */
export function readMeta(view: DataView, bytes: Uint8Array, at: number): Meta {
  const fault = metaFault(view, bytes, at);
  if (fault !== null) throw new BoltError(fault);
  return readFields(view, at);
}

function readFields(view: DataView, at: number): Meta {
  const unstored =
    view.getUint32(at + 32, true) === 0xffffffff && view.getUint32(at + 36, true) === 0xffffffff;
  return {
    pageSize: view.getUint32(at + 8, true),
    flags: view.getUint32(at + 12, true),
    root: { root: pgid(readU64le(view, at + 16)), sequence: readBig64(view, at + 24) },
    freelist: unstored ? null : pgid(readU64le(view, at + 32)),
    highWater: pgid(readU64le(view, at + 40)),
    txid: txid(readU64le(view, at + 48)),
  };
}

/** Encodes a meta page at the start of `bytes`, which are zero: slot = transaction modulo 2. */
export function writeMetaPage(bytes: Uint8Array, meta: Meta): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  writePageHeader(view, 0, { id: meta.txid % 2, flags: metaFlag, count: 0, overflow: 0 });
  const at = pageHeaderBytes;
  view.setUint32(at, magic, true);
  view.setUint32(at + 4, version, true);
  view.setUint32(at + 8, meta.pageSize, true);
  view.setUint32(at + 12, meta.flags, true);
  writeU64le(view, at + 16, meta.root.root);
  writeBig64(view, at + 24, meta.root.sequence);
  if (meta.freelist === null) writeBig64(view, at + 32, 0xffffffffffffffffn);
  else writeU64le(view, at + 32, meta.freelist);
  writeU64le(view, at + 40, meta.highWater);
  writeU64le(view, at + 48, meta.txid);
  const [low, high] = fnv1a64(bytes, at, at + checkedBytes);
  view.setUint32(at + 56, low, true);
  view.setUint32(at + 60, high, true);
}

const minPageBytes = 512;
/** What a page size is guessed to be where no meta tells it: what most systems have. */
const defaultPageBytes = 4096;

/** The meta of the page that begins at `offset` (a multiple of 512), or what is wrong with it. */
export function metaAt(pager: PageSource, offset: number): Meta | BoltErrorCode {
  if (offset + minPageBytes > pager.sizeBytes) return 'invalid database';
  const { view, bytes, at } = pager.run(offset / minPageBytes, 1, minPageBytes);
  return metaFault(view, bytes, at + pageHeaderBytes) ?? readMeta(view, bytes, at + pageHeaderBytes);
}

/** A planted mistake: what looks like a meta is one. See `Defects.metaUnchecked`. */
function uncheckedMetaAt(pager: PageSource, offset: number): Meta | BoltErrorCode {
  const sound = metaAt(pager, offset);
  if (sound !== 'checksum error') return sound;
  const { view, at } = pager.run(offset / minPageBytes, 1, minPageBytes);
  return readFields(view, at + pageHeaderBytes);
}

/** Whether this store can work with a page size: a power of two from 512 to 65,536. */
export function isPageSize(size: number): boolean {
  return size >= minPageBytes && size <= 65536 && (size & (size - 1)) === 0;
}

/**
 * The file's page size: what meta 0 says where it is valid, else what a valid meta 1 says that lies at
 * 1024 << i, else 4096.
 * @source bbolt v1.3.12 db.go getPageSize
 */
export function findPageSize(pager: PageSource): number {
  const first = metaAt(pager, 0);
  if (typeof first === 'object') return first.pageSize;
  for (let i = 0; i < 15; i++) {
    const offset = 1024 * 2 ** i;
    if (offset >= pager.sizeBytes - 1024) break;
    const second = metaAt(pager, offset);
    if (typeof second === 'object') return second.pageSize;
  }
  return defaultPageBytes;
}

/**
 * The meta in force: the valid one with the higher transaction.
 * @throws BoltError with what is wrong with meta 0 where neither is valid
 * @source bbolt db.go mmap, meta
 */
export function chooseMeta(pager: PageSource, pageSize: number, defects: Defects = noDefects): Meta {
  const read = defects.metaUnchecked ? uncheckedMetaAt : metaAt;
  const first = read(pager, 0);
  const second = read(pager, pageSize);
  if (defects.firstMetaCounts && typeof first === 'object') return first;
  if (typeof first === 'object' && typeof second === 'object')
    return second.txid > first.txid ? second : first;
  if (typeof first === 'object') return first;
  if (typeof second === 'object') return second;
  throw new BoltError(first);
}
