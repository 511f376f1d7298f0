/** A run is given away: as a link in another browser profile, and as a file. */
import { readFile } from 'node:fs/promises';
import { actAndRun, expect, openLab, ready, run, test } from './lab.ts';

test('a shared link and a saved file bring the same run back, hash for hash', async ({ page, browser }) => {
  await openLab(page, '?seed=11&storage=memory&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 300);
  await actAndRun(page, { type: 'kill', member: 1 }, 1500);
  const { moment, chainHash } = await page.evaluate(() => window.quorumLab.state());

  await page.getByRole('button', { name: 'Share…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Share this run' });
  await expect(dialog).toContainText(`at input ${moment}`);
  const link = await dialog.getByLabel('Link').inputValue();
  expect(link.length).toBeLessThan(2000);
  const saving = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Save as a file' }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toMatch(/\.qlrun$/);

  const other = await browser.newContext();
  const there = await other.newPage();
  await there.goto(link);
  expect(await ready(there)).toMatchObject({ seed: 11, moment, chainHash, playing: false });
  await expect(there.getByRole('status').filter({ hasText: 'done again' })).toContainText(
    'came out as it was',
  );
  await run(there, 500);

  await there.goto('about:blank');
  await there.goto(new URL('?storage=memory&autoplay=0#run=damaged', link).href);
  await ready(there);
  await expect(there.getByRole('status').filter({ hasText: 'could not be opened' })).toBeVisible();
  const bytes = await readFile(await saved.path());
  await there
    .locator('input[type=file]')
    .setInputFiles({ name: 'kept.qlrun', mimeType: 'application/json', buffer: bytes });
  await expect(there.getByRole('status').filter({ hasText: 'done again' })).toContainText(
    'came out as it was',
  );
  expect(await there.evaluate(() => window.quorumLab.state())).toMatchObject({ moment, chainHash });
  await there.locator('input[type=file]').setInputFiles({
    name: 'bad.qlrun',
    mimeType: 'application/json',
    buffer: Buffer.from('{"format":"qlrun","version":9}'),
  });
  await expect(there.locator('[data-file-problem]')).toContainText('another version');
  await other.close();
});
