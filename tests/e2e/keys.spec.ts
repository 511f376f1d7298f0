/** A reader follows keys through their revisions, tries a compaction, does it, and goes back. */
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect, openLab, run, runUntil, test } from './lab.ts';

const query = '?view=keys&scenario=history&seed=3&autoplay=0';
const keys = (page: Page): Locator => page.getByRole('region', { name: 'Keys' });
const row = (page: Page, key: string): Locator => keys(page).locator(`[data-key="${key}"]`);

test('each change is a mark at its revision; a deleted key that comes again has two lives', async ({
  page,
}) => {
  await openLab(page, query);
  await expect(row(page, 'app/color').locator('[data-mark]')).toHaveCount(3);
  await expect(row(page, 'job/1').locator('[data-mark=created]')).toHaveCount(2);
  await expect(row(page, 'job/1').locator('[data-mark=tombstone]')).toHaveCount(1);
  await expect(keys(page).locator('[data-watcher=synced]')).toHaveAttribute('data-at', '12');
  await keys(page)
    .getByRole('slider', { name: /keys of m1/ })
    .focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await expect(keys(page).locator('[data-words]')).toHaveText(
    'app/color: version 2 at revision 4, created at 2',
  );
  await keys(page).getByRole('searchbox').fill('job');
  await expect(keys(page).locator('[data-key]')).toHaveCount(1);
});

test('a compaction drops what was foretold, and going back shows it again', async ({ page }) => {
  await openLab(page, query);
  const line = keys(page).getByRole('slider', { name: 'What would a compaction drop?' });
  await line.fill('8');
  await expect(keys(page).locator('[data-goes=true]')).toHaveCount(5);
  await expect(keys(page).locator('[data-going]')).toContainText('would drop 5 of 10 revisions');
  await keys(page).getByRole('button', { name: 'Compact at 8' }).click();
  const done = keys(page).getByText('Compaction at 8: finished, 5 records deleted');
  await runUntil(page, 'the compaction is finished', () => done.isVisible());
  await expect(row(page, 'app/color').locator('[data-mark=dropped]')).toHaveCount(2);
  await page.getByRole('button', { name: 'Step back' }).click();
  await expect(async () => {
    await page.keyboard.press('Shift+ArrowLeft');
    expect(await keys(page).locator('[data-mark=dropped]').count()).toBe(0);
  }).toPass();
});

test('of many keys and revisions only what is in sight is drawn; the axis goes back to older ones', async ({
  page,
}) => {
  await openLab(page, '?view=keys&seed=3&storage=memory&autoplay=0');
  await page.evaluate(() => window.quorumLab.act({ type: 'load', kind: 'kubernetes', perSecond: 200 }));
  await run(page, 1000);
  const facts = await keys(page).locator('[data-facts]').textContent();
  expect(Number(/(\d+) keys alive/.exec(facts ?? '')?.[1])).toBeGreaterThan(30);
  expect(await keys(page).locator('[data-key]').count()).toBeLessThan(25);
  await keys(page).getByRole('button', { name: 'Older' }).click();
  await expect(keys(page).getByRole('button', { name: 'Newer' })).toBeEnabled();
});

for (const theme of ['light', 'dark'] as const) {
  test(`no accessibility violation in the ${theme} theme, wide and narrow, as picture and as table`, async ({
    page,
  }) => {
    await openLab(page, `?view=keys&scenario=compaction&seed=3&autoplay=0&theme=${theme}`);
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      const { violations } = await new AxeBuilder({ page }).include('main').analyze();
      expect(violations).toEqual([]);
    }
    await keys(page).getByRole('button', { name: 'Show as table' }).click();
    await expect(keys(page).getByRole('table').first()).toContainText('app/color');
    const { violations } = await new AxeBuilder({ page }).include('main').analyze();
    expect(violations).toEqual([]);
  });
}
