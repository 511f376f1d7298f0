/** Records the run that tests replay without an engine: node tests/run.mjs tests/model/record-run.ts */
import { writeFileSync } from 'node:fs';
import { openInProcess } from '../../src/host/in-process.ts';
import { liveRun } from './fixtures/real-run.ts';
import { recordedPath, written } from './fixtures/recorded-port.ts';

export async function main(): Promise<void> {
  const told = await liveRun(openInProcess());
  writeFileSync(recordedPath, written(told));
  console.log(`${told.length} events in ${recordedPath}`);
}
