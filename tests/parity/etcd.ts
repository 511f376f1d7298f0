/** Parity with a real etcd over a folder of recorded conversations. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { replay } from './etcd/replay.ts';
import { readTranscript } from './etcd/transcript.ts';
import type { ParityResult } from './main.ts';

/** Replays every `*.jsonl` of a folder on an engine of its own. Counts are of compared answers. */
export function runEtcdParity(dir: string): ParityResult {
  const files = readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  const report: string[] = [];
  let [passed, failed] = [0, 0];
  for (const name of files) {
    const result = replay(readTranscript(join(dir, name)));
    passed += result.passed;
    failed += result.failed;
    report.push(`${basename(name, '.jsonl')}: ${result.passed} passed, ${result.failed} failed`);
    for (const line of result.first) report.push(`    ${line}`);
  }
  if (files.length === 0) return { passed: 0, failed: 1, report: `no *.jsonl in ${dir}` };
  return { passed, failed, report: report.join('\n') };
}
