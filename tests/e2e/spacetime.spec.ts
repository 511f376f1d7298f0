/** A visitor reads the run as a diagram of space and time: finds a message, and goes to where it arrived. */
import AxeBuilder from '@axe-core/playwright';
import { actAndRun, expect, openLab, test } from './lab.ts';

test('messages are drawn between lanes, can be found, picked with keys and gone to', async ({ page }) => {
  await openLab(page, '?view=spacetime&seed=3&storage=memory&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 150);
  const diagram = page.getByRole('region', { name: 'Spacetime' });
  const flights = diagram.locator('[data-flight]');
  await expect(flights).not.toHaveCount(0);
  const all = await flights.count();

  await diagram.getByLabel('Find messages').fill('MsgApp');
  await expect.poll(() => flights.count()).toBeLessThan(all);
  await diagram.getByRole('group', { name: /^Messages between 3 members/ }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(diagram.getByRole('heading', { level: 3 })).toContainText(' from m');
  await expect(diagram.locator('dl')).toContainText('Arrived');
  await diagram.getByRole('button', { name: 'Show its sending' }).click();
  await expect(page.getByRole('button', { name: 'Back to now' })).toBeEnabled();
  await page.getByRole('button', { name: 'Back to now' }).click();

  await diagram.getByLabel('Find messages').fill('');
  await diagram.getByRole('button', { name: /m1$/ }).click();
  await expect.poll(() => flights.count()).toBeLessThan(all);
  await diagram.getByRole('button', { name: /m1$/ }).click();

  await actAndRun(page, { type: 'kill', member: 1 }, 100);
  await diagram.getByRole('button', { name: 'Show as table' }).click();
  const rows = diagram.getByRole('table', { name: /^Messages, newest first/ }).getByRole('row');
  await expect.poll(() => rows.count()).toBeGreaterThan(2);
  await expect(diagram.getByRole('table', { name: /^What happened at members/ })).toContainText('m1');
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations).toEqual([]);
});
