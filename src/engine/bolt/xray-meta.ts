/** The two metas of a file of unknown soundness, with what is wrong with each. */
import { metaBytes, metaFault, readBig64 } from './meta.ts';
import { pageHeaderBytes } from './page.ts';
import type { PageSource } from './pager.ts';

/** A meta as it lies in the file, believed or not; 64-bit numbers are exact. */
export interface XrayMeta {
  readonly page: number;
  readonly fault: 'short' | 'not found' | 'magic' | 'version' | 'checksum' | null;
  readonly magic: number;
  readonly version: number;
  readonly pageSize: number;
  readonly flags: number;
  readonly root: bigint;
  readonly sequence: bigint;
  readonly freelist: bigint;
  readonly highWater: bigint;
  readonly txid: bigint;
  readonly checksum: bigint;
}

const faultNames = {
  'invalid database': 'magic',
  'version mismatch': 'version',
  'checksum error': 'checksum',
} as const;

function missingMeta(page: number, fault: 'short' | 'not found'): XrayMeta {
  return {
    page,
    fault,
    magic: 0,
    version: 0,
    pageSize: 0,
    flags: 0,
    root: 0n,
    sequence: 0n,
    freelist: 0n,
    highWater: 0n,
    txid: 0n,
    checksum: 0n,
  };
}

/** Reads the meta behind the page header at `offset`. */
function readXrayMeta(source: PageSource, offset: number, page: number): XrayMeta {
  if (offset + pageHeaderBytes + metaBytes > source.sizeBytes) return missingMeta(page, 'short');
  const { view, bytes, at: from } = source.run(offset, pageHeaderBytes + metaBytes, 1);
  const at = from + pageHeaderBytes;
  const fault = metaFault(view, bytes, at);
  return {
    page,
    fault: fault === null ? null : faultNames[fault as keyof typeof faultNames],
    magic: view.getUint32(at, true),
    version: view.getUint32(at + 4, true),
    pageSize: view.getUint32(at + 8, true),
    flags: view.getUint32(at + 12, true),
    root: readBig64(view, at + 16),
    sequence: readBig64(view, at + 24),
    freelist: readBig64(view, at + 32),
    highWater: readBig64(view, at + 40),
    txid: readBig64(view, at + 48),
    checksum: readBig64(view, at + 56),
  };
}

/** The page size that meta 0 tells, else the first valid meta 1 at 1024 << i; 0 where none does. */
function pageSizeOf(source: PageSource, first: XrayMeta): number {
  if (first.fault === null) return first.pageSize;
  for (let i = 0; i < 15; i++) {
    const offset = 1024 * 2 ** i;
    if (offset >= source.sizeBytes - 1024) break;
    const second = readXrayMeta(source, offset, 1);
    if (second.fault === null) return second.pageSize;
  }
  return 0;
}

const minPageBytes = 64;

/** Both metas and the one in force: the valid one with the higher transaction. */
export function chooseXrayMeta(source: PageSource): {
  readonly metas: readonly [XrayMeta, XrayMeta];
  readonly chosen: { readonly meta: XrayMeta; readonly pageSize: number } | null;
} {
  const first = readXrayMeta(source, 0, 0);
  const pageSize = pageSizeOf(source, first);
  const isInside = pageSize > 0 && pageSize < source.sizeBytes;
  const second = isInside ? readXrayMeta(source, pageSize, 1) : missingMeta(1, 'not found');
  const [newer, older] = second.txid > first.txid ? [second, first] : [first, second];
  const meta = newer.fault === null ? newer : older;
  const isUsable = meta.fault === null && pageSize >= minPageBytes && source.sizeBytes >= 2 * pageSize;
  return { metas: [first, second], chosen: isUsable ? { meta, pageSize } : null };
}
