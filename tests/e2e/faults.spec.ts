/** Faults from the screen: each by its menu, each with the effect that one sees. */
import type { Page } from '@playwright/test';
import { actAndRun, events, expect, leader, openLab, pick, run, subject, test } from './lab.ts';

const quiet = '?seed=7&storage=memory&layout=one&autoplay=0';

/** Steps until a message is on its way that nobody holds; its number. */
async function messageInFlight(page: Page): Promise<number> {
  for (let i = 0; i < 40; i++) {
    await page.evaluate(() => window.quorumLab.step('message', 1));
    const marks = await page
      .locator('[data-subject^="message-"]')
      .evaluateAll((found) =>
        found
          .filter((one) => one.getAttribute('aria-label')?.includes('on its way'))
          .map((one) => one.getAttribute('data-subject')),
      );
    const last = marks.at(-1);
    if (last !== undefined && last !== null) return Number(last.replace('message-', ''));
  }
  throw new Error('no message was on its way within forty steps');
}

const countOf = async (page: Page, type: string, message: number): Promise<number> =>
  (await events(page, type)).filter(({ event }) => 'message' in event && event.message === message).length;

test('a slow disk is labelled on its member, says why it can not be slowed again, and recovers', async ({
  page,
}) => {
  await openLab(page, quiet);
  const member = subject(page, 'member-1');
  await pick(page, 'member-1', /^Slow disk/);
  await expect(member).toContainText('disk ×10');
  await expect(member).toHaveAccessibleName(/disk ×10/);
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('slow-disk m1 x10');
  await member.click({ button: 'right' });
  const again = page.getByRole('menuitem', { name: /^Slow disk/ });
  await expect(again).toHaveAttribute('aria-disabled', 'true');
  await expect(again).toContainText('Its disk is slow.');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('menu')).toHaveCount(0);
  await page.getByRole('region', { name: 'Cluster' }).getByRole('button', { name: 'Show as table' }).click();
  await expect(page.getByRole('row', { name: /^m1 / }).first()).toContainText('×10');
  await page.getByRole('button', { name: 'Show as picture' }).first().click();
  await pick(page, 'member-1', /^Normal disk/);
  await expect(member).not.toContainText('disk');
});

test('one direction of a link is cut and healed, the other stays as it is', async ({ page }) => {
  await openLab(page, quiet);
  const from = (await leader(page)) as number;
  const to = from === 1 ? 2 : 1;
  const [there, back] = [subject(page, `link-${from}-${to}`), subject(page, `link-${to}-${from}`)];
  await pick(page, `link-${from}-${to}`, /^Cut this direction/);
  await expect(there).toHaveAccessibleName(`link m${from} to m${to}, cut`);
  await expect(back).toHaveAccessibleName(`link m${to} to m${from}, as usual`);
  await expect(there.locator('.cut')).toHaveCount(1);
  await run(page, 3000);
  const lost = (await events(page, 'sim.drop')).filter(
    ({ event }) => event.type === 'sim.drop' && event.because === 'cut',
  );
  expect(lost.length).toBeGreaterThan(0);
  await pick(page, `link-${from}-${to}`, /^Heal this direction/);
  await expect(there).toHaveAccessibleName(`link m${from} to m${to}, as usual`);
  await expect(there.locator('.cut')).toHaveCount(0);
});

test('delay and loss of a link are written beside it until it is as usual again', async ({ page }) => {
  await openLab(page, quiet);
  const link = subject(page, 'link-2-3');
  await pick(page, 'link-2-3', /^Delay by 50 ms/);
  await expect(link).toHaveAccessibleName('link m2 to m3, +50 ms');
  await pick(page, 'link-2-3', /^Lose 10 %/);
  await expect(link).toHaveAccessibleName('link m2 to m3, +50 ms, 10 % lost');
  await expect(link).toContainText('+50 ms, 10 % lost');
  await expect(link.locator('.bad')).toHaveCount(1);
  await pick(page, 'link-2-3', /^Link as usual/);
  await expect(link).toHaveAccessibleName('link m2 to m3, as usual');
  await expect(link.locator('.bad')).toHaveCount(0);
});

test('a held message stands still until it is delivered, another one is dropped', async ({ page }) => {
  await openLab(page, quiet);
  const held = await messageInFlight(page);
  const mark = subject(page, `message-${held}`);
  await pick(page, `message-${held}`, /^Hold/);
  await expect(mark).toHaveAccessibleName(/, held$/);
  const place = await mark.getAttribute('transform');
  await run(page, 500);
  await expect(mark).toHaveAttribute('transform', place as string);
  expect(await countOf(page, 'sim.deliver', held)).toBe(0);
  await pick(page, `message-${held}`, /^Deliver now/);
  await run(page, 100);
  expect(await countOf(page, 'sim.deliver', held)).toBe(1);
  await expect(mark).toHaveCount(0);

  const dropped = await messageInFlight(page);
  await pick(page, `message-${dropped}`, /^Drop/);
  await expect(subject(page, `message-${dropped}`)).toHaveCount(0);
  await run(page, 100);
  expect(await countOf(page, 'sim.drop', dropped)).toBe(1);
  expect(await countOf(page, 'sim.deliver', dropped)).toBe(0);
});

test('a load counts what it does every second, and counts no more once it has stopped', async ({ page }) => {
  await openLab(page, quiet);
  const control = page.getByRole('group', { name: 'Load' });
  await control.getByLabel('Requests per second').fill('30');
  await control.getByLabel('Kind of load').selectOption('Kubernetes-like');
  // its line stands there before it is done, its answer after
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('load kubernetes --rate 30');
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('30 requests a second');
  await run(page, 2100);
  await expect(control).toContainText(/\b[1-9]\d* ok \/ s, 0 failed \/ s, p99 \d/);
  const busy = await actAndRun(page, { type: 'get', key: '/registry/', prefix: true, countOnly: true }, 500);
  expect(
    busy?.ok && busy.outcome?.ok && busy.outcome.type === 'get' ? busy.outcome.count : 0,
  ).toBeGreaterThan(0);
  // a load that somebody else asks for is told by both fields
  await actAndRun(page, { type: 'load', kind: 'hotKey', perSecond: 70 }, 1500);
  await expect(control.getByLabel('Requests per second')).toHaveValue('70');
  await expect(control.getByLabel('Kind of load')).toHaveValue('hotKey');
  await control.getByLabel('Kind of load').selectOption('none');
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('load ended');
  await run(page, 4000);
  await expect(control.getByRole('status')).toHaveText('');
  await expect(control.getByLabel('Kind of load')).toHaveValue('none');
});
