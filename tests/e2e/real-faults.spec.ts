/** Faults that are done to the page itself, by its own dialog: workers, tabs, stores, and a page that sleeps. */
import type { Page } from '@playwright/test';
import { Member } from '../../src/engine/server/member.ts';
import type { RunFile } from '../../src/host/port.ts';
import { timeWorkerName } from '../../src/host/worker-script.ts';
import { replay } from '../../src/sim/run.ts';
import { clusterConfig } from '../sim/worlds.ts';
import { actAndRun, events, expect, openLab, ready, run, state, test } from './lab.ts';

const put = (page: Page, key: string) => actAndRun(page, { type: 'put', key, value: 'x' }, 1500);
const ok = { ok: true, outcome: { ok: true } };

/** The row of a fault in the dialog, which is opened. */
async function openRow(page: Page, fault: string) {
  await page.getByRole('button', { name: 'Real faults…' }).click();
  return page.getByRole('dialog', { name: 'Real faults of this browser' }).locator(`[data-real=${fault}]`);
}

async function keysOf(page: Page): Promise<number> {
  const got = await actAndRun(page, { type: 'get', key: 'a', prefix: true, countOnly: true }, 4000);
  return got?.ok && got.outcome?.ok && got.outcome.type === 'get' ? got.outcome.count : -1;
}

/** What the dedicated workers are called that the browser runs for the lab: the one that keeps its past is beside it. */
async function workersOf(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { targetInfos } = await session.send('Target.getTargets', { filter: [{ type: 'worker' }] });
  await session.detach();
  return targetInfos
    .map(({ title }) => title)
    .filter((title) => title !== timeWorkerName)
    .sort();
}

test("a member's worker is really ended, and the run keeps it as a kill with the same chain hash", async ({
  page,
}) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=0');
  expect(await put(page, 'a')).toMatchObject(ok);
  expect(await workersOf(page)).toEqual(['lab', 'm1', 'm2', 'm3']);
  const row = await openRow(page, 'endMember');
  await row.getByLabel('Member').selectOption('m2');
  await row.getByRole('button', { name: 'End it' }).click();
  await expect(page.getByRole('button', { name: /^m2, down/ })).toBeVisible();
  await expect.poll(() => workersOf(page)).toEqual(['lab', 'm1', 'm3']);
  await run(page, 3000);
  const file = (await page.evaluate(() => window.quorumLab.runFile())) as RunFile;
  expect(file.interventions.map(({ action }) => action)).toContainEqual({ type: 'kill', member: 2 });
  const { cluster } = replay(clusterConfig({ seed: 3 }), file.interventions, Member.boot, file.moment);
  expect(cluster.chainHash).toBe(file.chainHash);
});

test('in one worker no member can be ended alone, in memory nothing can be lost: each says why, and leads on', async ({
  page,
}) => {
  await openLab(page, '?seed=3&storage=memory&layout=one&autoplay=0');
  const row = await openRow(page, 'endMember');
  await expect(row.getByRole('button')).toBeDisabled();
  await expect(row).toContainText('all members live in one worker');
  const list = page.getByRole('dialog');
  for (const fault of ['endLab', 'reload', 'drop'])
    await expect(list.locator(`[data-real=${fault}]`).getByRole('button')).toBeDisabled();
  const [other] = await Promise.all([page.waitForEvent('popup'), row.getByRole('link').click()]);
  expect(await ready(other)).toMatchObject({ layout: 'workers', seed: 3 });
  await other.close();
});

for (const storage of ['indexeddb', 'opfs'] as const) {
  const where = `storage=${storage === 'opfs' ? 'opfs' : 'auto'}`;

  test(`${storage}: the lab's worker ended in mid-write, and the tab reloaded in one, lose nothing acknowledged`, async ({
    page,
  }) => {
    await openLab(page, `?seed=3&workspace=real&autoplay=0&${where}`);
    for (const key of ['a1', 'a2', 'a3']) expect(await put(page, key)).toMatchObject(ok);
    await (await openRow(page, 'endLab')).getByRole('button', { name: 'End it' }).click();
    await expect(page.getByRole('dialog', { name: "The lab's worker has ended" })).toBeVisible();
    await expect.poll(() => workersOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.waitForFunction(() => 'quorumLab' in window);
    expect(await ready(page)).toMatchObject({ storage, boot: 2, lossNotice: null });
    await run(page, 2000);
    await expect(page.getByText(/You ended the lab's worker .* all of it: boot 2/)).toBeVisible();
    expect(await keysOf(page)).toBe(3);
    const reloaded = page.waitForEvent('load');
    await (await openRow(page, 'reload')).getByRole('button', { name: 'Reload' }).click();
    await reloaded;
    expect(await ready(page)).toMatchObject({ storage, boot: 3, lossNotice: null });
    await run(page, 2000);
    await expect(page.getByText(/You reloaded this tab .* all of it: boot 3/)).toBeVisible();
    expect(await keysOf(page)).toBe(3);
    expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  });
}

for (const [kind, query] of [
  ['a database', 'workspace=dropped'],
  ['a bucket', 'workspace=dropped&bucket=4'],
  ['files', 'workspace=dropped&storage=opfs'],
] as const) {
  test(`${kind} dropped under the lab is missed, named after a reload, and its members begin wiped`, async ({
    page,
  }) => {
    await openLab(page, `?seed=3&autoplay=0&${query}`);
    expect(await put(page, 'a')).toMatchObject(ok);
    await (await openRow(page, 'drop')).getByRole('button', { name: 'Drop it…' }).click();
    const sure = page.getByRole('dialog', { name: /Drop all that the lab “dropped” stored/ });
    await sure.getByRole('button', { name: 'Cancel' }).click();
    expect((await state(page)).stopped).toBeNull();
    await page.locator('[data-real=drop]').getByRole('button').click();
    await sure.getByRole('button', { name: 'Drop it' }).click();
    await expect.poll(async () => (await state(page)).stopped).not.toBeNull();
    const { stopped } = await state(page);
    if (kind === 'files') expect(stopped?.kind).toBe('ended');
    else expect(stopped?.message).toMatch(/storage|stored lab.*It had come to commit \d+ of boot 1/);
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.waitForFunction(() => 'quorumLab' in window);
    const { lossNotice, boot } = await ready(page);
    expect(boot).toBe(1);
    expect(lossNotice).toMatch(
      /dropped the lab's storage at commit \d+ of boot 1: all members' disks are wiped/,
    );
    await expect(page.getByText(/all members' disks are wiped/).first()).toBeVisible();
    expect((await events(page, 'sim.wipe')).map(({ at }) => at.member)).toEqual([1, 2, 3]);
    expect(await keysOf(page)).toBe(0);
  });
}

test('a bucket is filled until the browser refuses a write with QuotaExceededError; what was acknowledged stays', async ({
  page,
}) => {
  await openLab(page, '?seed=3&workspace=small&bucket=4&autoplay=0');
  await expect(page.getByText(/bucket of its own, of at most 4 MiB/)).toBeVisible();
  expect(await put(page, 'a')).toMatchObject(ok);
  const row = await openRow(page, 'fill');
  await expect(row).toContainText(/holds .* of 4 MiB/);
  await row.getByRole('button', { name: 'Fill it' }).click();
  await expect
    .poll(async () => (await events(page, 'server.halt')).length, { timeout: 60_000 })
    .toBeGreaterThan(0);
  await expect(page.getByText(/storage is full \(QuotaExceededError/i).first()).toBeVisible();
  const file = (await page.evaluate(() => window.quorumLab.runFile())) as RunFile;
  expect(file.interventions.map(({ action }) => action)).toContainEqual(
    expect.objectContaining({ type: 'storeFailed', code: 'ENOSPC' }),
  );
  await page.reload();
  await page.waitForFunction(() => 'quorumLab' in window);
  const { storage, storageNotice } = await ready(page);
  expect(storage === 'memory' ? storageNotice : 'is full').toMatch(/is full/);
  expect(await keysOf(page)).toBe(1);
  await (await openRow(page, 'drop')).getByRole('button').click();
  await page.getByRole('button', { name: 'Drop it' }).click();
  await expect(page.getByText(/dropped the lab's storage at commit \d+ of boot 1/).first()).toBeVisible();
  expect(await ready(page)).toMatchObject({ storage: 'indexeddb', boot: 1 });
});

test('who leaves and goes back finds the lab with its store, and every acknowledged write', async ({
  page,
}) => {
  await openLab(page, '?seed=3&workspace=back&autoplay=0');
  expect(await put(page, 'a')).toMatchObject(ok);
  await page.goto('./embed.html?view=freelist');
  await page.goBack();
  await page.waitForFunction(() => 'quorumLab' in window);
  expect(await ready(page)).toMatchObject({ storage: 'indexeddb', lossNotice: null, stopped: null });
  expect(await keysOf(page)).toBe(1);
  expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
});

test('inside another page no real faults are offered', async ({ page, baseURL }) => {
  const html = `<!doctype html><iframe src="${baseURL as string}?seed=3&autoplay=0" width="1200" height="800">`;
  await page.route('**/framing', (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto('./framing');
  const frame = page.frameLocator('iframe');
  await expect(frame.getByRole('button', { name: 'Mistakes and more…' })).toBeVisible();
  await expect(frame.getByRole('button', { name: 'Real faults…' })).toHaveCount(0);
  await page.goto('./embed.html?seed=3&autoplay=0');
  await expect(page.getByRole('button', { name: 'Mistakes and more…' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Real faults…' })).toHaveCount(0);
});
