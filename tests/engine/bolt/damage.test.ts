/** Damaged and hostile files: never a crash, never a hang, never a fault of our own; a sound one has no findings. */
import { expect, test } from 'vitest';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import type { XrayPage } from '../../../src/engine/bolt/xray-report.ts';
import { mutant, soundFile, treat } from './mutants.ts';

const mutantCount = 1000;

test('a sound file has nothing to report, with and without a stored freelist', () => {
  for (const noFreelistSync of [false, true]) {
    const pages: XrayPage[] = [];
    const report = xray(new MemoryPager(soundFile(noFreelistSync)), { page: (page) => pages.push(page) });
    expect(report.findings).toEqual([]);
    expect(report.unreachableCount).toBe(0);
    expect(pages.some(({ kind }) => kind === 'branch')).toBe(true);
    expect(pages.some(({ kind, overflow }) => kind === 'leaf' && overflow > 0)).toBe(true);
    expect(report.buckets.some(({ isInline }) => isInline)).toBe(true);
    expect(report.freeCount).toBeGreaterThan(0);
  }
});

test('whatever is done to a file, it is read, refused with words, or changed without a fault of ours', () => {
  const sound = [soundFile(false), soundFile(true)];
  let damaged = 0;
  for (let seed = 0; seed < mutantCount; seed++) {
    const bytes = mutant(sound[seed % 2], seed);
    try {
      if (treat(bytes, seed % 4 < 2).findings.length > 0) damaged++;
    } catch (error) {
      throw new Error(`mutant ${seed}`, { cause: error });
    }
  }
  // most mutations are seen: else the mutants, or the reader, are too tame
  expect(damaged).toBeGreaterThan(mutantCount / 2);
}, 60_000);
