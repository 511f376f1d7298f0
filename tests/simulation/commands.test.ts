/** The commands that show a violation again: of a seed, of its smaller run, and of a run that was saved on the page. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { main } from './main.ts';
import { readPlan, savePlan } from './saved-plan.ts';
import { runSeed } from './run.ts';
import { shrink } from './shrink.ts';
import type { RunPlan } from './run.ts';

let said: string[] = [];
let folder = '';
beforeEach(() => {
  said = [];
  folder = mkdtempSync(join(tmpdir(), 'quorum-lab-'));
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((text: string) => void said.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

test('the command that a failing seed prints shows the same violation', { timeout: 60_000 }, async () => {
  const words = '--seeds 3..3 --minutes 0.2 --faults kill,cut --defect halfIsQuorum --shrink no'.split(' ');
  expect(await main(words)).toBe(1);
  const [found] = said;
  expect(found).toMatch(/^seed 3: C1 at moment \d+, .* m\d commits entry/);
  const again = said.find((line) => line.includes('again: npm run sim -- '))?.split('-- ')[1] ?? '';
  said = [];
  expect(await main([...again.split(' '), '--shrink', 'no'])).toBe(1);
  expect(said[0]).toBe(found);
});

test('the smaller run is saved, and its command shows the violation', { timeout: 60_000 }, async () => {
  const plan: RunPlan = {
    ...{ seed: 1, members: 3, virtualUs: 12_000_000, faults: ['kill', 'cut', 'restart'], perSecond: 2 },
    defects: { voteNotStored: true },
  };
  const result = runSeed(plan);
  expect(result.violation?.property).toBe('C1');
  const small = shrink(plan, result, 20);
  expect(small.result.schedule.length).toBeLessThan(result.schedule.length);
  const path = savePlan(small.plan, folder);
  expect(readPlan(path)).toEqual(small.plan);
  expect(await main(['--plan', path])).toBe(1);
  expect(said[0]).toContain(`C1 at moment ${small.result.violation?.moment}, `);
  expect(said[0]).toContain(small.result.violation?.evidence);
  writeFileSync(path, '{"seed": 1}');
  expect(await main(['--plan', path])).toBe(2);
  expect(said.at(-1)).toContain('is no plan that a failing seed has left');
});

test('a run that was saved when a checker spoke is done again: the same violation and hash', async () => {
  const lab = openInProcess();
  await lab.open({
    ...{ seed: 7, members: 3, preVote: true, storage: 'memory', layout: 'one', workspace: 'saved' },
    ...{ lookOnly: false, checks: true, startPaused: true, planted: ['halfIsQuorum'] },
  });
  void lab.act({ type: 'put', key: 'a', value: '1' });
  await lab.run(2_000_000);
  const { violation, chainHash } = await lab.state();
  const path = join(folder, 'saved.qlrun');
  writeFileSync(path, JSON.stringify(await lab.runFile()));
  await lab.close();
  expect(violation?.property).toBe('C1');
  expect(await main(['--run', path])).toBe(1);
  expect(said[0]).toContain(`chain hash ${chainHash}, as the run had it`);
  expect(said[1]).toBe(`C1 at input ${violation?.moment}: ${violation?.evidence}`);
  writeFileSync(path, '{}');
  expect(await main(['--run', path])).toBe(2);
  expect(said.at(-1)).toContain('saved.qlrun: ');
  expect(await main(['--run', join(folder, 'absent.qlrun')])).toBe(2);
  expect(said.at(-1)).toContain('absent.qlrun');
});
