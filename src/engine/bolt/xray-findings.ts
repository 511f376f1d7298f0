/** Findings as they come: the first ones are kept, all are counted. */
import type { XrayCode, XrayFinding } from './xray-report.ts';

const maxFindings = 2000;

export class Findings {
  readonly kept: XrayFinding[] = [];
  readonly counts = new Map<XrayCode, number>();

  /** @param message made only for a finding that is kept */
  tell(code: XrayCode, page: number | bigint, message?: () => string): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    if (this.kept.length < maxFindings)
      this.kept.push({ code, page: String(page), message: message?.() ?? '' });
  }

  /** The same of neighbouring pages. */
  tellRun(code: XrayCode, page: number, count: number): void {
    const room = Math.min(count, maxFindings - this.kept.length);
    for (let i = 0; i < room; i++) this.kept.push({ code, page: String(page + i), message: '' });
    this.counts.set(code, (this.counts.get(code) ?? 0) + count);
  }
}
