/** Parity of the raft core with upstream's scripts, and with ours of the same kind. */
import { runScripts } from '../engine/raft/harness/runner.ts';
import type { ParityResult } from './main.ts';

/** Runs every `*.txt` below a folder: interaction, confchange and quorum scripts. Counts are of blocks. */
export function runRaftParity(dir: string): ParityResult {
  return runScripts(dir);
}
