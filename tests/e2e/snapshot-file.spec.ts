/** A file of a real etcd becomes the lab: chosen or dropped; what is damaged or none is refused in words. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { expect, openLab, test } from './lab.ts';

const query = '?view=keys&seed=3&storage=memory&autoplay=0';
const snapshot = gunzipSync(readFileSync('tests/testdata/xray/a-small.snapshot.db.gz'));
const manifest = JSON.parse(
  readFileSync('tests/testdata/xray/a-small.snapshot.db.manifest.json', 'utf8'),
) as {
  mvcc: { last_main_revision: number; live_keys: number };
  hashkv_recomputed: { hash: number };
  etcdctl_snapshot_status: { hash: number; revision: number; totalKey: number };
};

const choose = (page: Page, name: string, buffer: Buffer): Promise<void> =>
  page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });

test('a chosen snapshot becomes a lab of one member with its revision, keys and HashKV', async ({ page }) => {
  await openLab(page, query);
  await page.getByRole('button', { name: 'Open a snapshot…' }).focus();
  await expect(page.getByRole('button', { name: 'Open a snapshot…' })).toBeFocused();
  await choose(page, 'a-small.snapshot.db', snapshot);
  const { mvcc, hashkv_recomputed: hashKv } = manifest;
  const notice = page.locator('.notice', { hasText: 'a-small.snapshot.db' });
  await expect(notice).toContainText(
    `revision ${mvcc.last_main_revision}, ${mvcc.live_keys} keys alive, HashKV ${hashKv.hash}`,
  );
  await expect(page.locator('[data-facts]')).toContainText(`Revision ${mvcc.last_main_revision}`);
  await expect(page.locator('[data-facts]')).toContainText(`${mvcc.live_keys} keys alive`);
  const state = await page.evaluate(() => window.quorumLab.state());
  expect(state).toMatchObject({ members: 1, storage: 'memory' });
  const run = await page.evaluate(() => window.quorumLab.runFile());
  expect(run.origin?.file).toBe('a-small.snapshot.db');
  await page.evaluate(() => window.quorumLab.pause());
  const asked = page.evaluate(() => window.quorumLab.act({ type: 'endpointHashKv' }));
  await page.evaluate(() => window.quorumLab.run(1_000_000));
  expect(await asked).toMatchObject({ outcome: { endpoints: [{ hash: hashKv.hash }] } });
});

test('an opened file is known to the console: its status is etcdctl’s, and it is restored again', async ({
  page,
}) => {
  await openLab(page, query);
  await choose(page, 'a-small.snapshot.db', snapshot);
  await expect(page.locator('.notice', { hasText: 'a-small.snapshot.db' })).toBeVisible();
  const terminal = page.getByRole('region', { name: 'Console' });
  const type = async (line: string): Promise<void> => {
    await terminal.getByRole('textbox').fill(line);
    await terminal.getByRole('textbox').press('Enter');
  };
  const { hash, revision, totalKey } = manifest.etcdctl_snapshot_status;
  const line = terminal.getByRole('log').getByText(`${hash.toString(16)}, ${revision}, ${totalKey}, `);
  await type('snapshot status a-small.snapshot.db');
  await expect(line).toHaveCount(1);
  await type('snapshot status last');
  await expect(line).toHaveCount(2);
  await page.evaluate(() => window.quorumLab.act({ type: 'kill', member: 1 }));
  await type('snapshot restore a-small.snapshot.db');
  await expect(terminal.getByRole('log')).toContainText('restored a-small.snapshot.db: a lab of one member');
  await expect(page.locator('[data-facts]')).toContainText(`Revision ${revision}`);
  expect(await page.evaluate(() => window.quorumLab.events(0).map(({ event }) => event.type))).not.toContain(
    'sim.kill',
  );
});

test('a dropped file is taken as well, on any page of the lab', async ({ page }) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=0');
  const data = await page.evaluateHandle(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.db'));
      return transfer;
    },
    [...snapshot.subarray(0, snapshot.length - 32)],
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: data });
  await expect(page.getByText('Drop an etcd snapshot or a member’s db')).toBeVisible();
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(page.locator('.notice', { hasText: 'dropped.db' })).toContainText('without a hash of its own');
  await expect(page.getByText('Drop an etcd snapshot or a member’s db')).toHaveCount(0);

  await page.getByRole('link', { name: 'Keys and revisions' }).click();
  await expect(page).toHaveTitle('Quorum Lab: Keys');
  await expect(page.locator('[data-facts]')).toContainText(`${manifest.mvcc.live_keys} keys alive`);
  await page.getByRole('link', { name: 'Back to the whole lab' }).click();
  await expect(page.getByRole('region', { name: 'Logs' })).toBeVisible();
  await expect(page.locator('.notice', { hasText: 'dropped.db' })).toBeVisible();
});

test('a cut snapshot and a text are refused in words, and the lab stays as it was', async ({ page }) => {
  await openLab(page, query);
  const before = await page.evaluate(() => window.quorumLab.state());
  const problem = page.locator('[data-file-problem]');
  await choose(page, 'cut.db', snapshot.subarray(0, 300_000));
  await expect(problem).toContainText('"cut.db" cannot be opened as a lab: it is no etcd database, or one');
  await page.getByRole('button', { name: 'Close' }).click();
  await choose(page, 'notes.txt', Buffer.from('buy milk\n'.repeat(1000)));
  await expect(problem).toContainText('"notes.txt" cannot be opened as a lab');
  await page.keyboard.press('Escape');
  await expect(problem).toHaveCount(0);
  expect(await page.evaluate(() => window.quorumLab.state())).toEqual(before);
});

test('a file that is chosen while another is read is read after it', async ({ page }) => {
  await openLab(page, query);
  await choose(page, 'a-small.snapshot.db', snapshot);
  await choose(page, 'notes.txt', Buffer.from('buy milk\n'.repeat(1000)));
  await expect(page.locator('[data-file-problem]')).toContainText('"notes.txt" cannot be opened as a lab');
  await expect(page.locator('[data-facts]')).toContainText(`${manifest.mvcc.live_keys} keys alive`);
});
