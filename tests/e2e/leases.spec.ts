/** A visitor grants leases, puts keys with them, and sees what the clock takes away. */
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { act, actAndRun, events, expect, openLab, ready, run, test } from './lab.ts';

const query = '?view=leases&seed=3&storage=memory&autoplay=0';
const key = '/services/web-1';

const leases = (page: Page): Locator => page.getByRole('region', { name: 'Leases' });
const dials = (page: Page): Locator => leases(page).getByRole('img', { name: /^Lease / });

async function grantAndPut(page: Page, ttl: number, id: string): Promise<void> {
  await actAndRun(page, { type: 'leaseGrant', ttl, id }, 300);
  await actAndRun(page, { type: 'put', key, value: 'up', lease: id }, 300);
}

const found = async (page: Page): Promise<unknown> => actAndRun(page, { type: 'get', key }, 300);

test('buttons grant a lease, put a key with it, keep it alive and revoke it, as console lines', async ({
  page,
}) => {
  await openLab(page, query);
  await expect(leases(page)).toContainText('A lease is a promise with a time limit.');
  await leases(page).getByRole('button', { name: 'Grant a lease of 10 s' }).click();
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('lease grant 10');
  await run(page, 400);
  await expect(dials(page)).toHaveCount(1);
  await leases(page)
    .getByRole('button', { name: /^Put a key/ })
    .click();
  await expect(page.getByRole('region', { name: 'Console' })).toContainText(`put ${key} up --lease=`);
  await run(page, 400);
  await expect(leases(page).getByRole('listitem').filter({ hasText: key }).first()).toBeVisible();

  await run(page, 3000);
  await expect(dials(page)).toHaveAccessibleName(/: 6\.\d of 10 s left, keys: 1$/);
  await leases(page)
    .getByRole('button', { name: /^Keep alive/ })
    .click();
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('lease keep-alive --once');
  await run(page, 60);
  await expect(leases(page).locator('[data-kept]')).toBeVisible();
  await run(page, 300);
  await expect(dials(page)).toHaveAccessibleName(/: 9\.\d of 10 s left/);
  await expect(leases(page).locator('[data-kept]')).toHaveCount(0);

  await leases(page)
    .getByRole('button', { name: /^Revoke/ })
    .click();
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('lease revoke');
  await run(page, 1000);
  await expect(dials(page)).toHaveCount(0);
  await expect(leases(page)).toContainText('was revoked: a client asked');
  expect(await found(page)).toMatchObject({ ok: true, outcome: { ok: true, count: 0 } });
});

test('what a button types is on its way before the next thing that is asked of the lab', async ({ page }) => {
  await openLab(page, query);
  await leases(page).getByRole('button', { name: 'Grant a lease of 10 s' }).click();
  await run(page, 400);
  await leases(page)
    .getByRole('button', { name: /^Keep alive/ })
    .evaluate(async (button: HTMLButtonElement) => {
      button.click();
      await new Promise((soon) => setTimeout(soon));
      await window.quorumLab.run(60_000);
    });
  expect(await events(page, 'lease.renew')).toHaveLength(1);
});

test('a lease of 5 s runs out: its dial goes, its key goes, and the log says why', async ({ page }) => {
  await openLab(page, query);
  await grantAndPut(page, 5, 'abc');
  await expect(dials(page)).toHaveAccessibleName(/^Lease abc: 4\.\d of 5 s left, keys: 1$/);
  expect(await found(page)).toMatchObject({ outcome: { count: 1 } });
  await run(page, 7000);
  await expect(dials(page)).toHaveCount(0);
  expect(await found(page)).toMatchObject({ outcome: { count: 0 } });
  const entries = await events(page, 'server.entries');
  const [told] = entries.filter(
    ({ event }) => 'labels' in event && event.labels.includes('lease revoke abc'),
  );
  if (told?.event.type !== 'server.entries') throw new Error('no revoke in the log');
  const index = told.event.firstIndex + told.event.labels.indexOf('lease revoke abc');
  const end = leases(page).locator('[data-end=abc]');
  await expect(end).toContainText('abc expired');
  await expect(end).toContainText(`entry ${index} of the log, is applied by`);
  await expect(end).toContainText(`Keys removed: ${key}.`);
  await expect(end).toContainText('applied 3 / 3');
});

test('keep-alives keep a lease past its time, and the table says the same as the picture', async ({
  page,
}) => {
  await openLab(page, query);
  await grantAndPut(page, 5, 'abc');
  await actAndRun(page, { type: 'leaseGrant', ttl: 60, id: 'def' }, 300);
  for (let i = 0; i < 3; i++) {
    await actAndRun(page, { type: 'leaseKeepAlive', id: 'abc', once: true }, 3000);
  }
  expect(await found(page)).toMatchObject({ outcome: { count: 1 } });
  await expect(dials(page)).toHaveCount(2);
  const heap = leases(page).getByRole('img', { name: /^Heap of 2 entries; lease abc is at the top/ });
  await expect(heap).toBeVisible();
  await leases(page).getByRole('button', { name: 'Show as table' }).click();
  const rows = leases(page)
    .getByRole('table', { name: /^Leases of m\d$/ })
    .getByRole('row');
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(1)).toContainText('abc');
  await expect(rows.nth(1)).toContainText(key);
  await expect(rows.nth(1).getByRole('cell').last()).toHaveText('3');
  await expect(
    leases(page)
      .getByRole('table', { name: /^The heap/ })
      .getByRole('row')
      .nth(1),
  ).toContainText('abc');
});

test('while nobody leads no lease runs out, and the picture says so', async ({ page }) => {
  await openLab(page, query);
  await grantAndPut(page, 5, 'abc');
  for (const member of [1, 2, 3]) if (member !== 2) await act(page, { type: 'kill', member });
  await run(page, 8000);
  await expect(leases(page)).toContainText('nobody leads: no lease expires');
  await expect(dials(page)).toHaveAccessibleName(/no clock counts/);
  await act(page, { type: 'restart', member: 1 });
  await run(page, 4000);
  await expect(leases(page)).toContainText(/m[12]’s clock counts/);
  await expect(dials(page)).toHaveAccessibleName(/of 5 s left/);
});

test('no serious accessibility fault, in light and dark, with leases, with ends and as a table', async ({
  page,
}) => {
  await openLab(page, query);
  const check = async (state: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${state} ${colorScheme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
  };
  await check('empty');
  await grantAndPut(page, 2, 'abc');
  await actAndRun(page, { type: 'leaseGrant', ttl: 60, id: 'def' }, 300);
  await check('two leases');
  await run(page, 3000);
  await check('one gone');
  await leases(page).getByRole('button', { name: 'Show as table' }).click();
  await check('table');
});

test('the picture stands alone in an embed, and at 320 pixels wide nothing is cut off sideways', async ({
  page,
}) => {
  await page.setViewportSize({ width: 320, height: 700 });
  for (const path of [`./embed.html${query}&theme=dark`, `./${query}`]) {
    await page.goto(path);
    await ready(page);
    await grantAndPut(page, 30, 'abc');
    await expect(dials(page)).toHaveCount(1);
    const isEmbed = path.includes('embed');
    await expect(page.getByRole('region', { name: 'Cluster' })).toHaveCount(isEmbed ? 0 : 1);
    await expect(page.getByRole('region', { name: 'Transport' })).toBeVisible();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  }
});
