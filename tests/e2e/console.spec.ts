/** The console as a person uses it: a txn, a watch over a member's death, a snapshot that is a real file. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { openDb } from '../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { checkFile } from '../../src/engine/bolt/tx-check.ts';
import { databaseOf } from '../../src/engine/server/restore.ts';
import { snapshotStatus } from '../../src/engine/server/snapshot-status.ts';
import { expect, openLab, run, test } from './lab.ts';

const region = (page: Page) => page.getByRole('region', { name: 'Console' });
const field = (page: Page) => region(page).getByRole('textbox');
const log = (page: Page) => region(page).getByRole('log');

async function type(page: Page, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    await field(page).fill(line);
    await field(page).press('Enter');
  }
}

/** What was printed, line by line, without the welcome. */
async function printed(page: Page): Promise<string[]> {
  return (await log(page).locator('p').allTextContents()).slice(1);
}

test('a txn is typed line by line, asked for part by part, and pasted whole', async ({ page }) => {
  await openLab(page, '?seed=7&workspace=txn&autoplay=1');
  await type(page, 'txn -i');
  await expect(log(page)).toContainText('compares:');
  await expect(field(page)).toHaveAccessibleName('Line for: compares');
  await type(page, 'mod("stock") = "0"', '');
  await expect(log(page)).toContainText('success requests (get, put, del):');
  await type(page, 'put stock "ten left"', 'get stock', '', '');
  await expect(log(page)).toContainText('SUCCESS');
  await expect(field(page)).toHaveAccessibleName('Command');
  const lines = await printed(page);
  expect(lines.slice(lines.indexOf('SUCCESS'))).toEqual(['SUCCESS', '', 'OK', '', 'stock', 'ten left']);
  await field(page).focus();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text/plain', 'txn\nmod("stock") = "0"\n\nget nothing\n\ndel stock --prev-kv\n\n');
    const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector('[data-console]')?.dispatchEvent(paste);
  });
  await expect(log(page)).toContainText('FAILURE');
  const after = await printed(page);
  expect(after.slice(after.indexOf('FAILURE'))).toEqual(['FAILURE', '', '1', 'stock', 'ten left']);
  await type(page, 'txn', 'nonsense');
  await expect(log(page)).toContainText('Error: malformed comparison: nonsense');
  await type(page, 'txn');
  await region(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(field(page)).toHaveAccessibleName('Command');
});

test('a watch prints what others put, goes on after its member is killed, and ends with Stop', async ({
  page,
}) => {
  await openLab(page, '?seed=7&workspace=watch&autoplay=1');
  await type(page, 'watch news --prefix --prev-kv');
  const stop = region(page).getByRole('button', { name: 'Stop watch news --prefix --prev-kv' });
  await expect(stop).toBeVisible();
  await type(page, 'put news/1 first');
  await expect(log(page)).toContainText('PUT');
  const at = await page.evaluate(() => {
    const told = window.quorumLab.events(0).filter(({ event }) => event.type === 'sim.clientSend');
    const sent = told.find(({ event }) => event.type === 'sim.clientSend' && event.label.startsWith('watch'));
    return sent?.event.type === 'sim.clientSend' ? sent.event.to : 0;
  });
  expect(at).toBeGreaterThan(0);
  await type(page, `kill m${at}`);
  await expect(log(page)).toContainText(`m${at} killed`);
  await page.evaluate(() => window.quorumLab.run(5_000_000));
  await type(page, 'put news/2 second');
  await expect(log(page).locator('p', { hasText: /^PUT$/ })).toHaveCount(2);
  const lines = await printed(page);
  const last = lines.lastIndexOf('PUT');
  expect(lines.slice(last, last + 3)).toEqual(['PUT', 'news/2', 'second']);
  await stop.click();
  await expect(stop).toHaveCount(0);
  await type(page, 'put news/3 third');
  // a get that is asked before the put is answered may be answered first
  await expect(log(page).locator('p', { hasText: /^OK$/ })).toHaveCount(3);
  await type(page, 'get news/3');
  await expect(log(page).locator('p').last()).toHaveText('third');
  expect((await printed(page)).filter((line) => line === 'PUT')).toHaveLength(2);
  await type(page, 'watch news/3');
  await expect(region(page).getByRole('button', { name: 'Stop watch news/3' })).toBeVisible();
  await field(page).press('Control+c');
  await expect(log(page)).toContainText('stopped: watch news/3');
});

test('snapshot save downloads a file that a reader of databases accepts, and it becomes a lab', async ({
  page,
}) => {
  await openLab(page, '?seed=7&workspace=snapshot&autoplay=1');
  await type(page, 'put greeting hello');
  await expect(log(page)).toContainText('OK');
  const coming = page.waitForEvent('download');
  await type(page, 'snapshot save backup.db --endpoints m2');
  const download = await coming;
  expect(download.suggestedFilename()).toBe('backup.db');
  await expect(log(page)).toContainText('Snapshot saved at backup.db');
  const file = new Uint8Array(readFileSync(await download.path()));
  const pager = new MemoryPager(databaseOf(file, false));
  const db = openDb(pager);
  const status = snapshotStatus(db);
  expect(checkFile(pager, db.pageSize, db.meta)).toEqual([]);
  expect(status.revision).toBe(2);
  await type(page, 'snapshot status last');
  await expect(log(page)).toContainText(`${status.hash.toString(16)}, 2, ${status.totalKey}, `);
  await type(page, 'snapshot restore last');
  await expect(log(page)).toContainText('restored last: a lab of one member');
  await type(page, 'get greeting --print-value-only');
  await expect(log(page).locator('p').last()).toHaveText('hello');
});

/** What the line printed, once its last line has come. */
async function answer(page: Page, line: string, last: RegExp): Promise<string[]> {
  const before = (await printed(page)).length;
  await type(page, line);
  await expect
    .poll(async () => {
      await run(page, 200);
      return (await printed(page)).slice(before + 1).findLast((text) => last.test(text));
    })
    .toBeTruthy();
  return (await printed(page)).slice(before + 1).filter((text) => !text.includes('The store is full'));
}

test('a full store is found out, compacted, defragmented and disarmed, each step in etcdctl’s words', async ({
  page,
}) => {
  test.setTimeout(240_000);
  await openLab(page, '?seed=7&scenario=nospace&layout=one&autoplay=0');
  const space = page.locator('[data-space]').first();
  await expect(space).toContainText(/of 1 MiB, (99|100) % ?NOSPACE/, { timeout: 60_000 });
  expect(await answer(page, 'load off', /load/)).toEqual(['load ended']);
  const full = 'Error: etcdserver: mvcc: database space exceeded';
  expect(await answer(page, 'put greeting again', /Error/)).toEqual([full]);
  const listed = await answer(page, 'alarm list', /^memberID:/);
  expect(listed[0]).toMatch(/^memberID:\d+ alarm:NOSPACE $/);
  const [status] = await answer(page, 'endpoint status --endpoints m1 -w json', /^\[/);
  const { revision } = /"revision":(?<revision>\d+)/.exec(status)?.groups ?? {};
  expect(await answer(page, `compaction ${revision} --physical`, /compacted/)).toEqual([
    `compacted revision ${revision}`,
  ]);
  const finished = (port: number) => `Finished defragmenting etcd member[http://127.0.0.1:${port}]`;
  expect(await answer(page, 'defrag', /:32379/)).toEqual([finished(2379), finished(22379), finished(32379)]);
  await expect(space).toContainText(/KiB of 1 MiB, \d\d? % ?NOSPACE/);
  expect(await answer(page, 'put greeting again', /Error/)).toEqual([full]);
  expect((await answer(page, 'alarm disarm', /^memberID:/))[0]).toBe(listed[0]);
  await expect(page.locator('[data-space] b')).toHaveCount(0);
  expect(await answer(page, 'put greeting again', /OK/)).toEqual(['OK']);
});
