/**
 * `npm run parity -- <raft|bolt|etcd|xray> <dir>`: runs a folder of conformance data. `npm run parity -- bolt-reverse`:
 * real bbolt reads what the engine wrote. Both close with `N passed, N failed`.
 */
import { runBoltParity } from './bolt.ts';
import { runBoltReverse } from './bolt-reverse.ts';
import { runEtcdParity } from './etcd.ts';
import { runRaftParity } from './raft.ts';
import { runXrayParity } from './xray.ts';

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
  xray: runXrayParity,
};

/** @returns the exit code: 0 when nothing failed */
export function main([area = '', ...args]: readonly string[]): number {
  const [dir = ''] = args;
  const run = area === 'bolt-reverse' ? () => runBoltReverse(args) : areas[area];
  if (run === undefined || (dir === '' && area !== 'bolt-reverse')) {
    console.error(`usage: npm run parity -- <${Object.keys(areas).join('|')}> <dir>`);
    console.error('       npm run parity -- bolt-reverse [--histories 200] [--seed N]');
    return 2;
  }
  const { passed, failed, report } = run(dir);
  if (report !== '') console.log(report);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
