/** The pages of a file in order, after a walk has said what each of them is. */
import { pageHeaderBytes } from './page.ts';
import type { PageSource } from './pager.ts';
import type { Findings } from './xray-findings.ts';
import { maxFreeSpans } from './xray-freelist.ts';
import { SpanList } from './xray-pages.ts';
import type { PageTable } from './xray-pages.ts';
import type { XrayPageKind, XraySpans, XrayVisitor } from './xray-report.ts';

type UnusedKind = 'free' | 'unreachable';

/** Goes through all pages: tells them to a visitor, counts those that nothing uses. */
export class PageListing {
  freeCount = 0;
  unreachableCount = 0;
  private readonly source: PageSource;
  private readonly pageSize: number;
  private readonly visitor: XrayVisitor;
  private readonly findings: Findings;
  private readonly spans = new SpanList(maxFreeSpans);
  private unused: { pgid: number; kind: UnusedKind; count: number } | null = null;

  constructor(source: PageSource, pageSize: number, visitor: XrayVisitor, findings: Findings) {
    this.source = source;
    this.pageSize = pageSize;
    this.visitor = visitor;
    this.findings = findings;
  }

  get free(): XraySpans {
    return this.spans.spans;
  }

  get freeSpanCount(): number {
    return this.spans.spanCount;
  }

  /** @param unknown what a page is that neither a bucket nor the freelist names */
  run(table: PageTable, unknown: UnusedKind): void {
    const { sizeBytes } = this.source;
    for (let id = 0; id < table.pageCount; id++) {
      const kind = table.kindOf(id);
      const isHead = kind !== 'unknown' && kind !== 'overflow';
      const silent = table.silentFrom(id);
      if (isHead && id * this.pageSize + pageHeaderBytes <= sizeBytes) {
        this.flush();
        const overflow = this.listUsed(id, kind);
        if (overflow > sizeBytes) break;
        id += overflow;
      } else if (silent > 0) {
        if (!table.isCut) this.addUnused(id, unknown, silent);
        id += silent - 1;
      } else if (table.isFreed(id)) this.addUnused(id, 'free', 1);
      else if (kind === 'unknown') this.addUnused(id, unknown, 1);
    }
    this.flush();
  }

  private addUnused(pgid: number, kind: UnusedKind, count: number): void {
    if (kind === 'free') {
      this.spans.add(pgid, count);
      this.freeCount += count;
    } else {
      this.unreachableCount += count;
      this.findings.tellRun('unreachable-unfreed', pgid, count);
    }
    const last = this.unused;
    if (last?.kind === kind && (kind === 'free' || last.pgid + last.count === pgid)) last.count += count;
    else {
      this.flush();
      this.unused = { pgid, kind, count };
    }
  }

  private flush(): void {
    if (this.unused === null) return;
    const { pgid, kind, count } = this.unused;
    this.unused = null;
    this.visitor.page?.({ pgid, kind, flags: 0, count: 0, overflow: count - 1 });
  }

  /** @returns the page's overflow, as its header says */
  private listUsed(pgid: number, kind: XrayPageKind): number {
    const { view, at } = this.source.run(pgid * this.pageSize, pageHeaderBytes, 1);
    const overflow = view.getUint32(at + 12, true);
    const flags = kind === 'invalid' ? view.getUint16(at + 8, true) : 0;
    this.visitor.page?.({ pgid, kind, flags, count: view.getUint16(at + 10, true), overflow });
    return overflow;
  }
}
