/** `npm run parity -- <raft|bolt|etcd> <dir>`: runs a folder of conformance data and closes with `N passed, N failed`. */
import { runBoltParity } from './bolt.ts';
import { runEtcdParity } from './etcd.ts';
import { runRaftParity } from './raft.ts';

export interface ParityResult {
  readonly passed: number;
  readonly failed: number;
  /** What failed, readable, with differences. */
  readonly report: string;
}

const areas: Readonly<Record<string, (dir: string) => ParityResult>> = {
  raft: runRaftParity,
  bolt: runBoltParity,
  etcd: runEtcdParity,
};

/** @returns the exit code: 0 when nothing failed */
export function main([area = '', dir = '']: readonly string[]): number {
  const run = areas[area];
  if (run === undefined || dir === '') {
    console.error(`usage: npm run parity -- <${Object.keys(areas).join('|')}> <dir>`);
    return 2;
  }
  const { passed, failed, report } = run(dir);
  if (report !== '') console.log(report);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
