/** `npm run sim -- --run FILE`: does a saved run again, under all checkers, and tells what they find. */
import { readFileSync } from 'node:fs';
import { openInProcess } from '../../src/host/in-process.ts';
import { readRunText } from '../../src/host/run-schema.ts';

/** @returns the exit code: 0 without a violation and with the run's own hash, 2 for a file that is no run */
export async function runAgain(path: string): Promise<number> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const read = await readRunText(text);
  if (!read.ok) {
    console.error(`${path}: ${read.message}`);
    return 2;
  }
  const { run } = read;
  const lab = openInProcess();
  const { seed, members, preVote } = run;
  const opened = await lab.open({
    ...{ seed, members, preVote, run, storage: 'memory', layout: 'one', workspace: 'again' },
    ...{ lookOnly: false, checks: true },
  });
  const { violation, moment, chainHash, replayed, timeUs } = await lab.state();
  await lab.close();
  if (!opened.ok) {
    console.error(`${path}: ${opened.message}`);
    return 2;
  }
  const proof = replayed?.proven === false ? 'NOT the hash of the run' : 'as the run had it';
  console.log(`input ${moment}, ${(timeUs / 1_000_000).toFixed(3)} s, chain hash ${chainHash}, ${proof}`);
  if (violation === null) console.log('no violation');
  else {
    console.log(`${violation.property} at input ${violation.moment}: ${violation.evidence}`);
    console.log(`  ${violation.sentence}`);
  }
  return violation === null && replayed?.proven !== false ? 0 : 1;
}
