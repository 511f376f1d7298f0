/** Home as a visitor meets it: keys, menus, the journey of a put, the screen of an internal error. */
import { act, events, expect, leader, openLab, state, test } from './lab.ts';

test('a visitor puts, kills the leader and reads the value back, with the keys alone', async ({ page }) => {
  await openLab(page, '?seed=7&storage=memory&autoplay=1');
  const first = (await leader(page)) as number;
  await page.keyboard.press('p');
  const console_ = page.getByRole('region', { name: 'Console' });
  await expect(console_).toContainText('OK');
  const journey = page.getByRole('region', { name: 'Journey' });
  await journey.getByText(/show as table/i).click();
  await expect(journey.getByRole('row', { name: /committed/ })).toContainText(/m\d/);
  await page.keyboard.press('k');
  await expect.poll(() => leader(page)).not.toBe(first);
  await expect(page.getByRole('region', { name: 'Cluster' })).toContainText('down');
  await page.keyboard.press('g');
  await expect(console_).toContainText('hello');
  await page.keyboard.press('.');
  await expect.poll(async () => (await state(page)).playing).toBe(false);
  const before = (await state(page)).moment;
  await page.keyboard.press('ArrowRight');
  await expect.poll(async () => (await state(page)).moment).toBeGreaterThan(before);
});

test('a key typed into the console is text, not a command of the page', async ({ page }) => {
  await openLab(page, '?seed=7&storage=memory&autoplay=0');
  const prompt = page.getByRole('region', { name: 'Console' }).getByRole('textbox');
  await prompt.focus();
  await page.keyboard.type('pkg ?');
  await expect(prompt).toHaveValue('pkg ?');
  expect(await events(page, 'sim.kill')).toEqual([]);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('the same menu opens on right-click and with M, and says why an entry is off', async ({ page }) => {
  await openLab(page, '?seed=7&storage=memory&autoplay=0');
  const dial = page.getByRole('region', { name: 'Cluster' }).getByRole('button', { name: /^m2/ }).first();
  await dial.click({ button: 'right' });
  const menu = page.getByRole('menu');
  await expect(menu.getByRole('menuitem', { name: /restart/i })).toBeDisabled();
  await expect(menu).toContainText(/it runs/i);
  await page.keyboard.press('Escape');
  await expect(menu).toHaveCount(0);
  await dial.focus();
  await page.keyboard.press('m');
  await menu.getByRole('menuitem', { name: /^kill/i }).click();
  await expect
    .poll(() => events(page, 'sim.kill').then((kills) => kills.map(({ at }) => at.member)))
    .toEqual([2]);
});

test('the pace is slow while something is on its way and fast while nothing is', async ({ page }) => {
  await openLab(page, '?seed=7&storage=memory&autoplay=1');
  const seen = await page.evaluate(async () => {
    const speeds = new Set<number>();
    const start = window.quorumLab.state().moment;
    while (window.quorumLab.state().moment < start + 40) {
      speeds.add(window.quorumLab.state().speed);
      await new Promise((frame) => requestAnimationFrame(frame));
    }
    return { slowest: Math.min(...speeds), fastest: Math.max(...speeds) };
  });
  expect(seen.fastest).toBeGreaterThan(3 * seen.slowest);
});

test('an internal error shows a sentence, the moment and a run file to copy', async ({
  page,
  complaints,
}) => {
  await page.route('**/lab.worker*.js', async (route) => {
    const response = await route.fetch();
    const planted = "\n;setTimeout(()=>{if(!self.name.includes('member'))throw new Error('planted')},4000);";
    await route.fulfill({ response, body: (await response.text()) + planted });
  });
  await openLab(page, '?seed=7&storage=memory&autoplay=1');
  await act(page, { type: 'put', key: 'a', value: 'b' });
  const screen = page.getByRole('dialog');
  await expect(screen).toContainText(/planted/);
  await expect(screen).toContainText(/\d+/);
  await screen.getByRole('button', { name: /copy/i }).click();
  await expect(screen.getByRole('textbox')).toHaveValue(/"format": "qlrun"[\s\S]*"error": ".*planted/);
  complaints.rows.length = 0;
});
