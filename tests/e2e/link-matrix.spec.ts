/** All links as one table: what is wrong with each direction is read there, and its form is opened from there. */
import AxeBuilder from '@axe-core/playwright';
import { act, expect, openLab, subject, test } from './lab.ts';

const quiet = '?seed=7&storage=memory&layout=one&autoplay=0';

test('the table of links is walked with arrow keys, says what is wrong, and opens the form of a link', async ({
  page,
}) => {
  await openLab(page, quiet);
  await act(page, { type: 'cut', from: 1, to: 3 });
  await page.getByRole('button', { name: 'All links' }).click();
  const grid = page.getByRole('grid', { name: 'All links' });
  const cell = (from: number, to: number) =>
    grid.getByRole('button', { name: new RegExp(`^link m${from} to m${to},`) });
  await expect(grid.getByRole('button')).toHaveCount(6);
  await expect(cell(1, 3)).toHaveAccessibleName('link m1 to m3, cut');
  // one stop for Tab; arrows go on, past where a member would meet itself
  await expect(grid.locator('button[tabindex="0"]')).toHaveCount(1);
  await cell(1, 2).focus();
  await page.keyboard.press('ArrowRight');
  await expect(cell(1, 3)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(cell(2, 3)).toBeFocused();
  await page.keyboard.press('ArrowLeft');
  await expect(cell(2, 1)).toBeFocused();
  await page.keyboard.press('Enter');
  const form = page.getByRole('dialog', { name: 'Faults of link m2 to m1' });
  await form.getByLabel(/^Clogs at/).fill('5');
  await form.getByLabel(/^Clogged for, on average/).fill('500');
  await form.getByRole('group', { name: 'This direction' }).getByRole('button', { name: 'Set' }).click();
  await expect(form.getByRole('status')).toContainText('fault link m2 m1 ');
  await form.getByRole('button', { name: 'Close' }).click();
  await expect(cell(2, 1)).toHaveAccessibleName('link m2 to m1, 5 % clog for 500 ms');
  await expect(cell(2, 1)).toBeFocused();
  const axe = await new AxeBuilder({ page }).include('dialog[open]').analyze();
  expect(axe.violations).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(subject(page, 'link-2-1')).toHaveAccessibleName('link m2 to m1, 5 % clog for 500 ms');
});

test('nine members fit a phone: no sideways scroll, and the line below says what a cell only counts', async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openLab(page, `${quiet}&members=9`);
  await act(page, { type: 'cut', from: 4, to: 8 });
  await act(page, {
    ...{ type: 'link', from: 4, to: 9, extraDelayUs: 50_000, lossPerMille: 100, jitterUs: 20_000 },
    ...{ reorderPerMille: 50 },
  });
  await page.getByRole('button', { name: 'All links' }).click();
  const dialog = page.getByRole('dialog', { name: 'All links' });
  const cells = dialog.getByRole('grid').getByRole('button');
  await expect(cells).toHaveCount(72);
  await dialog.locator('[data-link="4-9"]').focus();
  await expect(dialog.locator('[data-link="4-9"]')).toHaveText('4');
  await expect(dialog.locator('[data-state]')).toHaveText(
    /m4 → m9\s+\+50 ms, 10 % lost, ±20 ms, 5 % overtaken/,
  );
  const over = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
  const { height, width } = (await cells.first().boundingBox()) ?? { height: 0, width: 0 };
  expect(Math.min(height, width)).toBeGreaterThanOrEqual(24);
});
