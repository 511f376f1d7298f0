/** Damaged and hostile files: never a crash, never a hang, never a fault of our own; a sound one has no findings. */
import { expect, test } from 'vitest';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import { fuzzBolt } from '../../fuzz/bolt.ts';
import { soundFiles } from '../../fuzz/bolt-mutants.ts';
import { treat } from '../../fuzz/bolt-treatment.ts';

const mutantCount = 2000;

test('a sound file has nothing to report, with and without a stored freelist', () => {
  for (const sound of soundFiles()) {
    const report = xray(new MemoryPager(sound.bytes));
    expect(report.findings).toEqual([]);
    expect(report.unreachableCount).toBe(0);
    expect(report.buckets.some(({ isInline }) => isInline)).toBe(true);
    expect(report.freeCount).toBeGreaterThan(0);
    expect(sound.runs.length).toBeGreaterThan(0);
    expect(treat(sound.bytes, sound.noFreelistSync)).toMatchObject({ isOpened: true, isChecked: true });
  }
  expect(soundFiles().some(({ branches }) => branches.length > 2)).toBe(true);
});

test(`whatever is done to a file, it is read, refused with words, or changed without a fault of ours (seeds 0 to ${
  mutantCount - 1
})`, () => {
  const { failures, damaged, opened, made } = fuzzBolt(0, mutantCount);
  expect(failures).toEqual([]);
  // most mutations are seen, and many files open all the same: else the mutants, or the reader, are too tame
  expect(damaged).toBeGreaterThan(mutantCount / 2);
  expect(opened).toBeGreaterThan(mutantCount / 3);
  expect([...made].filter(([, times]) => times === 0)).toEqual([]);
}, 120_000);
