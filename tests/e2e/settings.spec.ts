/** The settings dialog: a new lab whose members keep to what was set, and whose address brings it back. */
import { actAndRun, expect, openLab, ready, test } from './lab.ts';

test('a lab begun with other settings keeps to them, and its address brings them back', async ({ page }) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=0');
  await page.getByRole('button', { name: 'Settings…' }).click();
  const dialog = page.getByRole('dialog', { name: 'A new lab' });
  const begin = dialog.getByRole('button', { name: 'Begin' });
  await dialog.getByLabel('--election-timeout').fill('100');
  await expect(dialog.getByRole('status')).not.toHaveText('');
  await expect(begin).toBeDisabled();
  await dialog.getByRole('button', { name: 'As usual' }).click();
  await dialog.getByLabel('Seed').fill('5');
  await dialog.getByLabel('Members').selectOption('1');
  await dialog.getByLabel('--max-request-bytes').fill('1');
  await begin.click();
  await page.waitForURL(/seed=5.*maxRequestBytes=1024/);
  const wanted = { seed: 5, members: 1, settings: { maxRequestBytes: 1024 } };
  expect(await ready(page)).toMatchObject(wanted);
  const put = (bytes: number) => ({ type: 'put' as const, key: 'k', value: 'x'.repeat(bytes) });
  expect(await actAndRun(page, put(900), 1000)).toMatchObject({ outcome: { ok: true } });
  const refused = { ok: false, message: 'etcdserver: request is too large' };
  expect(await actAndRun(page, put(1100), 1000)).toMatchObject({ outcome: refused });
  await page.reload();
  expect(await ready(page)).toMatchObject(wanted);
});
