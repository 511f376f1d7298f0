/**
 * One menu, whichever way it is asked for: right button, long press or key; what each of its entries does to the
 * picture; and that a picture full of faults can be read by everyone.
 */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { act, expect, leader, openLab, pick, run, subject, test } from './lab.ts';

const quiet = '?seed=7&storage=memory&layout=one&autoplay=0';

/** Steps until a message is on its way; its mark. */
async function messageInFlight(page: Page): Promise<string> {
  for (let i = 0; i < 40; i++) {
    await page.evaluate(() => window.quorumLab.step('message', 1));
    const [first] = await page.locator('[data-subject^="message-"][aria-label$="on its way"]').all();
    if (first !== undefined) return (await first.getAttribute('data-subject')) as string;
  }
  throw new Error('no message was on its way within forty steps');
}

const entriesOf = (page: Page): Promise<string[]> => page.getByRole('menuitem').allInnerTexts();

async function closed(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await expect(page.getByRole('menu')).toHaveCount(0);
}

test.describe('with fingers', () => {
  test.use({ hasTouch: true });

  test('member, link and message have the same menu by right button, long press and key', async ({
    page,
  }) => {
    await openLab(page, quiet);
    const message = await messageInFlight(page);
    const touches = await page.context().newCDPSession(page);
    for (const mark of ['member-2', 'link-1-2', message]) {
      await subject(page, mark).focus();
      await page.keyboard.press('m');
      const byKey = await entriesOf(page);
      expect(byKey.length).toBeGreaterThan(4);
      await closed(page);
      await expect(subject(page, mark)).toBeFocused();

      await subject(page, mark).dispatchEvent('contextmenu');
      expect(await entriesOf(page)).toEqual(byKey);
      await closed(page);

      // The middle of a lane's box lies on the lane; that of a member or message, in it.
      const box = (await subject(page, mark).locator('path, circle').first().boundingBox()) as DOMRect;
      const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      await touches.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] });
      await expect(page.getByRole('menu')).toBeVisible();
      await touches.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      expect(await entriesOf(page)).toEqual(byKey);
      await closed(page);
    }
  });
});

test('the right button opens the menu where it is pressed, on a member and on a link', async ({ page }) => {
  await openLab(page, quiet);
  for (const mark of ['member-1', 'link-2-3']) {
    await subject(page, mark).locator('path.reach, circle.disc').click({ button: 'right', force: true });
    await expect(page.getByRole('menu')).toBeVisible();
    await closed(page);
  }
});

test('killed, without power, paused, started again: the dial says each, and the table too', async ({
  page,
}) => {
  await openLab(page, quiet);
  const one = ((await leader(page)) as number) === 1 ? 2 : 1;
  const dial = subject(page, `member-${one}`);
  const says = (word: RegExp) => expect(dial).toHaveAccessibleName(word);
  await pick(page, `member-${one}`, /^Kill/);
  await says(/, down,/);
  await expect(dial.locator('.cross')).toHaveCount(1);
  await pick(page, `member-${one}`, /^Restart/);
  await run(page, 1000);
  await says(/, follower,/);
  await expect(dial.locator('.cross')).toHaveCount(0);
  await pick(page, `member-${one}`, /^Power cut(?!, write)/);
  await says(/, down,/);
  await expect(page.getByRole('region', { name: 'Transport' })).toContainText(`m${one} lost power`);
  await pick(page, `member-${one}`, /^Restart/);
  await run(page, 1000);
  await pick(page, `member-${one}`, /^Pause/);
  await says(/, paused,/);
  await expect(dial.locator('.pause')).toHaveCount(1);
  await page.getByRole('region', { name: 'Cluster' }).getByRole('button', { name: 'Show as table' }).click();
  await expect(page.getByRole('row', { name: new RegExp(`^m${one} paused`) })).toBeVisible();
  await page.getByRole('button', { name: 'Show as picture' }).first().click();
  await pick(page, `member-${one}`, /^Resume/);
  await says(/, follower,/);
});

test('a member that is cut off has no open lane, and every lane again once it is healed', async ({
  page,
}) => {
  await openLab(page, quiet);
  const cut = page.locator('.lane.cut');
  await pick(page, 'member-3', /^Isolate|^Cut off/);
  await expect(cut).toHaveCount(4);
  await pick(page, 'member-3', /^Heal/);
  await expect(cut).toHaveCount(0);
  await subject(page, 'link-1-2').press('Enter');
  await expect(cut).toHaveCount(2);
  await pick(page, 'link-2-1', /^Heal both/);
  await expect(cut).toHaveCount(0);
});

test('a message is delayed, and a second one like it is sent', async ({ page }) => {
  await openLab(page, quiet);
  const late = await messageInFlight(page);
  const due = async (): Promise<string> => (await subject(page, late).getAttribute('transform')) as string;
  const before = await due();
  await pick(page, late, /^Delay/);
  await expect.poll(due).not.toBe(before);
  const count = await page.locator('[data-subject^="message-"]').count();
  await pick(page, late, /^Duplicate/);
  await expect(page.locator('[data-subject^="message-"]')).toHaveCount(count + 1);
});

test('many messages that wait on one link stand apart, and those that are too many are counted', async ({
  page,
}) => {
  await openLab(page, quiet);
  const held = await messageInFlight(page);
  await pick(page, held, /^Hold/);
  await act(page, { type: 'load', kind: 'hotKey', perSecond: 200 });
  await run(page, 400);
  const waiting = page.locator('[data-subject^="message-"]', { has: page.locator('.pause') });
  const more = waiting.locator('.more text');
  await expect(more).toHaveText(/^\+\d+$/);
  // the shown time comes to where the run stands within a few frames
  const events = await page.evaluate(() => window.quorumLab.events());
  const told = (type: string): number => events.filter(({ event }) => event.type === type).length;
  const counts = async (): Promise<[number, number]> => [
    await waiting.count(),
    Number((await more.textContent())?.slice(1)),
  ];
  await expect
    .poll(async () => (await counts())[0] + (await counts())[1])
    .toBe(told('sim.hold') - told('sim.release'));
  const [drawn, counted] = await counts();
  expect(drawn).toBeLessThanOrEqual(4);
  await page.getByRole('region', { name: 'Cluster' }).getByRole('button', { name: 'Show as table' }).click();
  await expect(page.getByRole('row', { name: /(held|waits behind a held one)$/ })).toHaveCount(
    drawn + counted,
  );
  await page.getByRole('button', { name: 'Show as picture' }).first().click();
  const boxes = await waiting.locator('circle.reach').evaluateAll((found) =>
    found.map((one) => {
      const { x, y } = one.getBoundingClientRect();
      return { x, y };
    }),
  );
  for (const [i, a] of boxes.entries())
    for (const b of boxes.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(20);
});

test('axe finds nothing serious with every fault drawn and with each menu open, light and dark', async ({
  page,
}) => {
  test.slow();
  await openLab(page, quiet);
  const message = await messageInFlight(page);
  await pick(page, message, /^Hold/);
  await act(page, { type: 'slowDisk', member: 1, factor: 10 });
  await act(page, { type: 'link', from: 1, to: 2, extraDelayUs: 50_000, lossPerMille: 100 });
  await act(page, { type: 'cut', from: 2, to: 1 });
  await act(page, { type: 'pauseMember', member: 2 });
  await act(page, { type: 'load', kind: 'hotKey', perSecond: 100 });
  await run(page, 300);
  await page.getByText('What the marks mean').click();
  const check = async (what: string, within = '#app'): Promise<void> => {
    const { violations } = await new AxeBuilder({ page }).include(within).analyze();
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${what} ${id}: ${nodes[0]?.html}`)).toEqual([]);
  };
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await check(`faults ${colorScheme}`);
    for (const mark of ['member-1', 'link-1-2', message]) {
      await subject(page, mark).focus();
      await page.keyboard.press('m');
      await expect(page.getByRole('menu')).toBeVisible();
      await check(`${mark} ${colorScheme}`, '[role="menu"]');
      await closed(page);
    }
  }
  await page.keyboard.press('?');
  await check('help');
  await page.keyboard.press('Escape');
  await act(page, { type: 'kill', member: 1 });
  await act(page, { type: 'powerCut', member: 3 });
  await check('all down');
});
