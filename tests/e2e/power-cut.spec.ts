/** A power cut before it is done: the page shows each write on its way, and the disk then holds what it told. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { act, events, expect, openLab, pick, run, state, test } from './lab.ts';

const quiet = '?seed=7&storage=memory&layout=one&autoplay=0';
const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Power cut of m2' });

/** A member whose slow disk has writes on their way. */
async function busyMember(page: Page): Promise<void> {
  await openLab(page, quiet);
  await act(page, { type: 'disk', member: 2, syncMinUs: 60_000 });
  await act(page, { type: 'load', kind: 'bigValues', perSecond: 60 });
  await run(page, 700);
}

test('writes on their way are shown, chosen and cut; what is told of the disk is what a start finds', async ({
  page,
}) => {
  await busyMember(page);
  await pick(page, 'member-2', /^Power cut, write by write/);
  const dialog = dialogOf(page);
  await expect(dialog.locator('[data-change="0"]')).toBeVisible();
  await expect(dialog.locator('code')).toHaveText('power-cut m2');
  const count = await dialog.locator('[data-change]').count();
  const byDice = await dialog.locator('table').innerText();

  await dialog.getByRole('button', { name: 'All are lost' }).click();
  await expect(dialog.locator('[data-counts]')).toContainText('Writes: 0 arrive');
  await expect(dialog.locator('code')).toContainText('--fates lose');

  await dialog.getByRole('button', { name: 'As the dice fall' }).click();
  await expect(dialog.locator('table')).toHaveText(byDice.replaceAll('\t', '').replaceAll('\n', ''));

  await dialog.getByRole('button', { name: 'All arrive' }).click();
  const torn = dialog.locator('[data-change]').filter({ hasText: 'is torn' }).first();
  await torn.getByRole('radio', { name: 'is torn' }).check();
  await expect(dialog.locator('[data-counts]')).toContainText(', 1 torn');
  await torn.getByRole('button', { name: 'sector 1', exact: true }).click();
  await expect(dialog.locator('[data-counts]')).toContainText('arrive');
  const axe = await new AxeBuilder({ page }).include('dialog').analyze();
  expect(axe.violations).toEqual([]);

  const [told, start] = [
    await dialog.locator('[data-counts]').innerText(),
    await dialog.locator('[data-start]').innerText(),
  ];
  const [kept, lost, tornCount] = (told.match(/\d+/g) ?? []).map(Number);
  expect(kept + tornCount).toBeLessThanOrEqual(count);
  await dialog.getByRole('button', { name: 'Cut the power' }).click();
  await expect(dialog).toHaveCount(0);
  const cuts = await events(page, 'sim.powerCut');
  expect(cuts.at(-1)?.event).toMatchObject({ keptWrites: kept, lostWrites: lost, tornWrites: tornCount });

  await act(page, { type: 'load', kind: 'none', perSecond: 0 });
  await act(page, { type: 'isolate', member: 2 });
  await act(page, { type: 'start', member: 2 });
  await run(page, 400);
  const opened = (await events(page, 'wal.open')).filter(({ at }) => at.member === 2).at(-1)?.event;
  expect(opened).toMatchObject({ entryCount: Number(/log to entry (\d+)/.exec(start)?.[1]) });
});

test('whoever leaves it has changed nothing, and the lab goes on as before', async ({ page }) => {
  await busyMember(page);
  const before = await state(page);
  await pick(page, 'member-2', /^Power cut, write by write/);
  await dialogOf(page).getByRole('button', { name: 'All are lost' }).click();
  await expect(dialogOf(page).locator('[data-counts]')).toContainText('Writes: 0 arrive');
  await dialogOf(page).getByRole('button', { name: 'Leave it' }).click();
  await expect(dialogOf(page)).toHaveCount(0);
  const after = await state(page);
  expect([after.moment, after.chainHash]).toEqual([before.moment, before.chainHash]);
});
