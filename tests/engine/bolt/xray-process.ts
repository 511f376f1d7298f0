/** A process of its own that looks through one file, checks it, and says what it found and how much memory that took. */
import { chooseMeta, findPageSize } from '../../../src/engine/bolt/meta.ts';
import { checkFile } from '../../../src/engine/bolt/tx-check.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import { withFileWindow } from './node-file.ts';

const kiB = 1024;
const before = process.memoryUsage();
const rssBefore = process.resourceUsage().maxRSS;
const start = process.hrtime.bigint();
let listed = 0;
let items = 0;
const report = withFileWindow(process.argv[2], (window) =>
  xray(window, {
    item: () => {
      items++;
    },
    page: () => {
      listed++;
    },
  }),
);
const checked = withFileWindow(process.argv[2], (window) => {
  const meta = chooseMeta(window, findPageSize(window));
  return checkFile(window, meta.pageSize, meta);
});
const after = process.memoryUsage();
const milliseconds = Number((process.hrtime.bigint() - start) / 1000000n);
console.log(
  JSON.stringify({
    items,
    listed,
    milliseconds,
    keys: report.buckets.reduce((sum, bucket) => sum + bucket.keys, 0),
    bucketCount: report.bucketCount,
    freeCount: report.freeCount,
    unreachableCount: report.unreachableCount,
    kept: report.findings.length,
    checked: checked.length,
    checkedCodes: [...new Set(checked.map(({ code }) => code))],
    findings: Object.fromEntries(report.findingCounts),
    /** Bytes by which the process grew at its largest. */
    peakBytes: (process.resourceUsage().maxRSS - rssBefore) * kiB,
    heldBytes: after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers,
  }),
);
