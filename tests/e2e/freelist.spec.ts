/**
 * The freelist race on the screen: the article's numbers, exact steps back, keys, the table, and the picture
 * alone in a frame.
 */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { stream } from '../../src/base/prng.ts';
import { expect, test } from './lab.ts';

const open = async (page: Page, query = ''): Promise<void> => {
  await page.goto(`./?view=freelist&autoplay=0${query}`);
  await expect(page.getByRole('region', { name: 'Segregated hashmap' })).toBeVisible();
};
const scrubber = (page: Page) => page.getByRole('slider', { name: 'Step' });
const side = (page: Page, name: string) => page.getByRole('region', { name });
const shown = (page: Page): Promise<string> => page.getByRole('main').innerText();

/** Goes to the last step of the nth operation that is told with these words. */
async function toEndOf(page: Page, asked: string): Promise<void> {
  const status = page.getByRole('main').getByRole('status');
  await scrubber(page).focus();
  const last = Number(await scrubber(page).getAttribute('max'));
  let found = -1;
  for (let step = 0; step <= last; step++) {
    await scrubber(page).fill(String(step));
    if ((await status.innerText()).startsWith(asked)) found = step;
    else if (found >= 0) break;
  }
  expect(found).toBeGreaterThan(0);
  await scrubber(page).fill(String(found));
}

async function row(page: Page, map: string): Promise<string[]> {
  const rows = await page.getByRole('list', { name: map }).getByRole('listitem').allInnerTexts();
  return rows.map((text) => text.replace(/\s+/g, ' ').trim());
}

test("the article's figure: three pages from 47 in both lists, after 5 looks and after 2", async ({
  page,
}) => {
  await open(page);
  await toEndOf(page, 'Allocate 3 pages');
  for (const name of ['Linear scan (array)', 'Segregated hashmap']) {
    for (const taken of [47, 48, 49]) {
      await expect(
        side(page, name)
          .getByRole('listitem')
          .filter({ hasText: new RegExp(`${taken}\\s*, handed out`) }),
      ).toHaveCount(1);
    }
  }
  await expect(page.locator('[data-now=array]')).toHaveText('Gives page 47.');
  await expect(page.locator('[data-looked=array] strong')).toHaveText('5');
  await expect(page.locator('[data-looked=hashmap] strong')).toHaveText('2');
  expect(await row(page, 'freemaps')).toEqual(['1 42, 44']);
});

test("the article's figure: 45 and 46 come back, and one span of six begins at 44", async ({ page }) => {
  await open(page);
  await page.keyboard.press('End');
  await expect(scrubber(page)).toHaveValue((await scrubber(page).getAttribute('max')) ?? '');
  expect(await row(page, 'forwardMap')).toEqual(['42 1', '44 6']);
  expect(await row(page, 'backwardMap')).toEqual(['42 1', '49 6']);
  expect(await row(page, 'freemaps')).toEqual(['1 42', '6 44']);
  await expect(
    side(page, 'Segregated hashmap').getByRole('figure', { name: 'Neighbours become one' }),
  ).toContainText('44–49 size 6');
  await expect(scrubber(page)).toHaveAttribute(
    'aria-valuetext',
    /Step \d+ of \d+\. The next write transaction begins.*Array:.*Hashmap:/,
  );
});

test('each step back shows the past exactly, however it is reached', async ({ page }) => {
  await open(page, '&scenario=random-deletes&seed=3');
  const last = Number(await scrubber(page).getAttribute('max'));
  const prng = stream(11, 'freelist', 'steps');
  for (let i = 0; i < 20; i++) {
    const step = 1 + prng.below(last - 1);
    await scrubber(page).fill(String(step));
    const before = await shown(page);
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    expect(await shown(page)).not.toBe(before);
    await page.getByRole('button', { name: 'Back' }).click();
    expect(await shown(page)).toBe(before);
  }
});

test('keys step and play; a preset is picked; the table says what the picture shows', async ({ page }) => {
  await open(page);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await expect(scrubber(page)).toHaveValue('1');
  await page.keyboard.press('Space');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect(scrubber(page)).not.toHaveValue('1');
  await page.keyboard.press('Home');
  await expect(scrubber(page)).toHaveValue('0');
  await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();
  await page.getByLabel('Workload').selectOption('interleaved');
  await expect(page.getByRole('main').getByRole('status')).toHaveText(/A fresh start with \d+ free pages/);
  await page.keyboard.press('End');
  const looked = await page.locator('[data-looked=array] strong').innerText();
  await page.getByRole('button', { name: 'Show as table' }).click();
  await expect(
    page
      .getByRole('row', { name: /Entries looked at/ })
      .getByRole('cell')
      .first(),
  ).toHaveText(looked);
});

test('the picture stands alone in a page for frames, dark or light, and an unknown preset is told', async ({
  page,
}) => {
  await page.goto('./embed.html?view=freelist&scenario=big-value-holes&seed=5&theme=dark&autoplay=0');
  await expect(side(page, 'Linear scan (array)')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(0);
  await expect(page.getByLabel('Workload')).toHaveValue('big-value-holes');
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
  await page.goto('./embed.html?view=freelist&scenario=nothing&autoplay=0');
  await expect(page.getByText('The address asks for scenario = nothing')).toBeVisible();
});

test('Home has a door to it, and loads nothing of it', async ({ page }) => {
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));
  await page.goto('./?autoplay=0');
  const door = page.getByRole('link', { name: /^Freelist/ });
  await expect(door).toBeVisible();
  await page.waitForFunction(() => window.quorumLab.ready.then(() => true));
  expect(loaded.filter((url) => /\/freelist/.test(url))).toEqual([]);
  await door.click();
  await expect(side(page, 'Segregated hashmap')).toBeVisible();
  expect(loaded.some((url) => /\/freelist/.test(url))).toBe(true);
});

test('nothing serious is found by axe, and nothing is wider than a phone', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const theme of ['light', 'dark']) {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`./?view=freelist&scenario=interleaved&theme=${theme}`);
    await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();
    await scrubber(page).fill('9');
    for (const width of [320, 390, 1024]) {
      await page.setViewportSize({ width, height: 844 });
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
    }
    const found = await new AxeBuilder({ page }).analyze();
    expect(found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual(
      [],
    );
  }
});
