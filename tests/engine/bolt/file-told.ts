/** All that the reader and bbolt's check tell of a file, as plain data that a worker can send. */
import { toHex } from '../../../src/base/bytes.ts';
import { chooseMeta, findPageSize } from '../../../src/engine/bolt/meta.ts';
import type { PageSource } from '../../../src/engine/bolt/pager.ts';
import { checkFile } from '../../../src/engine/bolt/tx-check.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import type { XrayPage } from '../../../src/engine/bolt/xray-report.ts';

export interface FileTold {
  readonly items: number;
  readonly freeCount: number;
  readonly unreachableCount: number;
  readonly findingCounts: Readonly<Record<string, number>>;
  /** The whole report, its pages, and what the check says. */
  readonly text: string;
}

function checkedTexts(source: PageSource): string[] {
  try {
    const meta = chooseMeta(source, findPageSize(source));
    return checkFile(source, meta.pageSize, meta).map(({ code, text }) => `${code}: ${text}`);
  } catch (error) {
    return [String(error)];
  }
}

/** A report's values that JSON has no words for. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return value instanceof Map ? Object.fromEntries(value) : value;
}

export function tell(source: PageSource): FileTold {
  const pages: XrayPage[] = [];
  let items = 0;
  const { pages: table, ...report } = xray(source, {
    item: () => void items++,
    page: (page) => void pages.push(page),
  });
  const kinds = pages.map(({ pgid }) => table.kindOf(pgid));
  return {
    items,
    freeCount: report.freeCount,
    unreachableCount: report.unreachableCount,
    findingCounts: Object.fromEntries(report.findingCounts),
    text: JSON.stringify({ report, pages, kinds, checked: checkedTexts(source) }, plain),
  };
}
