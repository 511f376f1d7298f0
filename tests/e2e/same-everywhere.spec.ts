/**
 * One seed and one list of actions, with every fault in it, give one chain hash at each step: in Node, in one worker, and
 * with a worker for each member on IndexedDB and in files.
 */
import type { Page } from '@playwright/test';
import { openInProcess } from '../../src/host/in-process.ts';
import { everyFault, faultSteps, type StepEnd } from '../contract/every-fault.ts';
import { PortUnderTest } from '../contract/port-under-test.ts';
import { expect, state, test } from './lab.ts';
import { labIn } from './lab-in-page.ts';

/** Each step is short; there are hundreds. */
test.describe.configure({ timeout: 600_000 });

let inNode: readonly StepEnd[] = [];
test.beforeAll(async () => {
  const lab = new PortUnderTest(() => openInProcess(), 'one');
  inNode = await everyFault(lab, { workspace: 'node', stored: false });
  await lab.port.close();
});

async function isSame(page: Page, query: string, stored: boolean): Promise<void> {
  // some of the faults are beyond what Raft survives: checkers would stop the run there
  const lab = labIn(page, `checks=0&${query}`, 'same');
  expect(await everyFault(lab, { workspace: 'faults', stored })).toEqual(inNode);
  expect(await lab.compareStore()).toEqual([]);
}

test('Node’s own run goes through all steps', () => {
  expect(inNode).toHaveLength(faultSteps.length);
  expect(new Set(inNode.map(({ chainHash }) => chainHash)).size).toBe(inNode.length);
});

test('one worker ends each step where Node does', async ({ page }) => {
  await isSame(page, 'layout=one', false);
});

for (const [storage, query] of [
  ['indexeddb', 'layout=workers'],
  ['opfs', 'layout=workers&storage=opfs'],
]) {
  test(`a worker for each member, stored in ${storage}, ends each step where Node does`, async ({ page }) => {
    await isSame(page, query, true);
    expect(await state(page)).toMatchObject({ storage, layout: 'workers', storageNotice: null });
  });
}
