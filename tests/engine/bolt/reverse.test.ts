/** Real bbolt on the engine's files, where Go and bbolt are installed; `npm run parity -- bolt-reverse` does more of it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Db } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import {
  bboltIsMissing,
  buildBoltcheck,
  ourLines,
  reverseParity,
  writeHistory,
} from '../../parity/bolt-reverse.ts';

const missing = bboltIsMissing();
const folder = mkdtempSync(join(tmpdir(), 'quorum-lab-reverse-'));
afterAll(() => rmSync(folder, { recursive: true }));

const historyCount = 10;
const title = `real bbolt opens, checks and goes on writing ${historyCount} files of random histories, and sees what we see`;

test.skipIf(missing !== null)(
  missing === null ? title : `${title} (skipped: ${missing})`,
  () => {
    const program = buildBoltcheck(folder);
    expect(reverseParity(program, folder, 0, historyCount)).toEqual({
      passed: historyCount,
      failed: 0,
      report: '',
    });
    // what is compared is there, and a changed file is seen
    const { image } = writeHistory(3);
    const path = join(folder, 'changed.db');
    writeFileSync(path, image);
    const dump = (): string[] =>
      execFileSync(program, [path], { encoding: 'utf8' }).trimEnd().split('\n').slice(0, -1);
    const ours = ourLines(image);
    for (const kind of ['tx', 'item', 'bucket', 'stats', 'page']) {
      expect(ours.some((line) => line.startsWith(`${kind} `))).toBe(true);
    }
    expect(dump()).toEqual(ours);
    const pager = new MemoryPager(image);
    const tx = Db.open(pager, { noFreelistSync: true }).beginWrite();
    tx.createBucketIfNotExists(Uint8Array.of(1)).put(Uint8Array.of(2), Uint8Array.of(3));
    tx.commit();
    writeFileSync(path, pager.image());
    expect(dump()).not.toEqual(ours);
    expect(dump()).toEqual(ourLines(pager.image()));
  },
  120_000,
);
