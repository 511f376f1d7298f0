/** A visitor goes back, does something else there, and has two histories: shown, compared, named, closed, stored. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { act, actAndRun, expect, leader, openLab, ready, run, state, test } from './lab.ts';

const lanes = (page: Page) => page.getByRole('group', { name: 'Timelines' });
const lane = (page: Page, name: RegExp) => lanes(page).getByRole('button', { name });
const scrubber = (page: Page) => page.locator('[data-scrubber]');
const shown = (page: Page) => page.evaluate(() => window.quorumLab.timelines().shown);

/** A value is stored, then its leader is killed; the pictures then stand before the kill. */
async function beforeTheKill(page: Page, query: string): Promise<{ member: number; hash: string }> {
  await openLab(page, query);
  await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 1000);
  const { moment } = await state(page);
  const member = (await leader(page)) as number;
  await act(page, { type: 'kill', member });
  await run(page, 3000);
  const { chainHash } = await state(page);
  const sought = await page.evaluate((wanted) => window.quorumLab.seek(wanted), moment);
  expect(sought).toMatchObject({ ok: true, proven: true });
  return { member, hash: chainHash };
}

async function pickOf(page: Page, timeline: string, entry: RegExp): Promise<void> {
  await lanes(page)
    .getByRole('button', { name: `Menu of the timeline ${timeline}` })
    .click();
  await page.getByRole('menuitem', { name: entry }).click();
}

test('what is done in the past opens a second history; both can be shown, compared, named, undone and closed', async ({
  page,
}) => {
  const { member, hash } = await beforeTheKill(page, '?seed=7&storage=memory&layout=one&autoplay=0');
  const note = page.locator('[data-time-note]');
  await expect(note).toContainText('in the past: what you do here opens a new timeline');
  await expect(lanes(page)).toHaveCount(0);
  await page.locator('body').click({ position: { x: 4, y: 4 } });
  await page.keyboard.press('p');
  await expect(lanes(page).locator('[data-timeline]')).toHaveCount(2);
  await expect(note).toContainText('This is a new history now: put greeting hello.');
  await run(page, 1000);
  expect(await leader(page)).toBe(member);
  await expect(lane(page, /^put greeting hello:.*It is shown\./)).toHaveAttribute('aria-current', 'true');

  await pickOf(page, 'put greeting hello', /^Rename/);
  await lanes(page).getByLabel('Name of the timeline').fill('nobody dies');
  await page.keyboard.press('Enter');
  await expect(lane(page, /^nobody dies:/)).toBeVisible();

  await lane(page, /^The first history:/).click();
  await expect.poll(() => shown(page)).toBe(0);
  expect((await state(page)).chainHash).toBe(hash);
  await expect(page.getByRole('region', { name: 'Cluster' })).toContainText('down');

  await pickOf(page, 'nobody dies', /^Compare/);
  const dialog = page.getByRole('dialog', { name: 'Where two timelines part' });
  await expect(dialog).toContainText(/They are equal up to input \d+/);
  await expect(dialog.getByRole('region', { name: 'The first history' })).toContainText('was killed');
  await dialog.getByRole('button', { name: 'Go there in nobody dies' }).click();
  await expect.poll(() => shown(page)).toBe(1);
  await expect(page.getByRole('button', { name: 'Back to now' })).toBeEnabled();

  await page.locator('body').click({ position: { x: 4, y: 4 } });
  await page.keyboard.press('Control+z');
  await expect.poll(() => shown(page)).toBe(0);
  await expect(note).toContainText('in the past');
  await expect(lanes(page).locator('[data-timeline]')).toHaveCount(2);

  await pickOf(page, 'nobody dies', /^Close/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close it' }).click();
  await expect(lanes(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Back to now' }).click();
  expect((await state(page)).chainHash).toBe(hash);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('Ctrl + Z');
});

test('console, menus, faults and load all branch the same way, and a refused command leaves nothing', async ({
  page,
}) => {
  const { member } = await beforeTheKill(page, '?seed=7&storage=memory&layout=one&autoplay=0');
  const other = (member % 3) + 1;
  const step = await scrubber(page).inputValue();
  const back = async () => {
    await page.evaluate(() => window.quorumLab.show(0));
    await scrubber(page).fill(step);
  };
  const names = async () =>
    (await page.evaluate(() => window.quorumLab.timelines().list)).map(({ name }) => name);

  expect(await act(page, { type: 'start', member })).toMatchObject({ ok: false });
  expect(await names()).toEqual(['']);
  await expect(scrubber(page)).toHaveValue(step);

  const field = page.locator('[data-console]');
  await field.fill(`kill m${other}`);
  await field.press('Enter');
  await expect.poll(names).toEqual(['', `kill m${other}`]);
  await back();
  await page.locator(`[data-subject="member-${other}"]`).focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: /^Isolate/ }).click();
  await expect.poll(async () => (await names()).length).toBe(3);
  await back();
  await page.getByRole('group', { name: 'Load' }).getByRole('combobox').selectOption({ index: 1 });
  await expect.poll(async () => (await names()).length).toBe(4);
  await run(page, 1000);
  expect((await names()).slice(1).every((name) => name !== '')).toBe(true);
});

test('a history is made the stored one, and a reload comes back to it', async ({ page }) => {
  const { hash } = await beforeTheKill(page, '?seed=7&workspace=histories&layout=one&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'only', value: 'here' }, 1000);
  await expect(lane(page, /^The first history:.*It is the stored one\./)).toBeVisible();
  await pickOf(page, 'put only here', /^Make this the stored one/);
  const dialog = page.getByRole('dialog', { name: 'Store put only here instead?' });
  await dialog.getByRole('button', { name: 'Store put only here' }).click();
  await expect(lane(page, /^put only here:.*It is the stored one\./)).toBeVisible();
  expect((await state(page)).storage).toBe('indexeddb');
  expect((await state(page)).chainHash).not.toBe(hash);
  await page.reload();
  await ready(page);
  const got = await actAndRun(page, { type: 'get', key: 'only' }, 3000);
  expect(got).toMatchObject({ ok: true, outcome: { count: 1 } });
});

test('a link made in a branch comes to the branch’s hash elsewhere', async ({ page, browser, baseURL }) => {
  await beforeTheKill(page, '?seed=7&storage=memory&layout=one&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'only', value: 'here' }, 1000);
  const { chainHash, moment } = await state(page);
  await page.getByRole('button', { name: 'Share…' }).click();
  const link = await page.getByRole('dialog').getByRole('textbox').first().inputValue();
  const elsewhere = await browser.newContext(baseURL === undefined ? {} : { baseURL });
  const other = await elsewhere.newPage();
  await openLab(other, link);
  expect(await state(other)).toMatchObject({ chainHash, moment, replayed: { proven: true } });
  await elsewhere.close();
});

for (const colorScheme of ['light', 'dark'] as const)
  test(`on a phone, ${colorScheme}: two histories with names, nothing beyond the edge, axe finds nothing`, async ({
    page,
  }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 390, height: 844 });
    await beforeTheKill(page, '?seed=7&storage=memory&layout=one&autoplay=0');
    await page.getByRole('button', { name: /^Put/ }).click();
    await expect(lanes(page).locator('[data-timeline]')).toHaveCount(2);
    await run(page, 1000);
    await expect(lane(page, /^put greeting hello:/)).toBeVisible();
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(beyond).toBeLessThanOrEqual(0);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await pickOf(page, 'put greeting hello', /^Compare/);
    await expect(page.getByRole('dialog')).toContainText('They are equal up to input');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await lanes(page).getByRole('button', { name: 'Show as table' }).click();
    await expect(page.getByRole('table', { name: 'All timelines' })).toContainText('put greeting hello');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
