/**
 * One seed and one list of actions give one chain hash: in Node, in one worker, and with a worker for each
 * member on IndexedDB.
 */
import type { Page } from '@playwright/test';
import { openInProcess } from '../../src/host/in-process.ts';
import type { Action } from '../../src/sim/types.ts';
import type { LabOptions, LabPort } from '../../src/host/port.ts';
import { actAndRun, expect, openLab, state, test } from './lab.ts';

/** What is done, and for how much virtual time the lab then runs, milliseconds. */
const script: readonly (readonly [Action, number])[] = [
  [{ type: 'put', key: 'greeting', value: 'hello' }, 400],
  [{ type: 'kill', member: 1 }, 37],
  [{ type: 'put', key: 'second', value: 'x'.repeat(5000) }, 4000],
  [{ type: 'powerCut', member: 2 }, 210],
  [{ type: 'restart', member: 1 }, 20],
  [{ type: 'restart', member: 2 }, 3000],
  [{ type: 'isolate', member: 3 }, 2500],
  [{ type: 'put', key: 'third', value: 'z', endpoints: ['m1', 'm2'] }, 3],
  [{ type: 'powerCut', member: 1 }, 0],
  [{ type: 'restart', member: 1 }, 4000],
  [{ type: 'healAll' }, 3000],
  [{ type: 'get', key: '', prefix: true }, 500],
];

const seed = 20191111;

async function hashesInNode(): Promise<string[]> {
  const port: LabPort = openInProcess();
  const options: LabOptions = {
    seed,
    members: 3,
    storage: 'memory',
    layout: 'one',
    workspace: 'node',
    lookOnly: false,
    startPaused: true,
    preVote: true,
  };
  const opened = await port.open(options);
  expect(opened.ok).toBe(true);
  const hashes = [(await port.state()).chainHash];
  for (const [action, virtualMs] of script) {
    void port.act(action);
    await port.run(virtualMs * 1000);
    hashes.push((await port.state()).chainHash);
  }
  await port.close();
  return hashes;
}

async function hashesInPage(page: Page, query: string): Promise<string[]> {
  const opened = await openLab(page, `?seed=${seed}&autoplay=0&${query}`);
  const hashes = [opened.chainHash];
  for (const [action, virtualMs] of script) {
    await actAndRun(page, action, virtualMs);
    hashes.push((await state(page)).chainHash);
  }
  expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  return hashes;
}

test('the chain hash is the same in Node, in one worker and in a worker for each member', async ({
  page,
}) => {
  const node = await hashesInNode();
  expect(new Set(node).size).toBe(node.length);
  expect(await hashesInPage(page, 'storage=memory&layout=one')).toEqual(node);
  expect(await hashesInPage(page, 'workspace=same&layout=workers')).toEqual(node);
  expect((await state(page)).storage).toBe('indexeddb');
});
