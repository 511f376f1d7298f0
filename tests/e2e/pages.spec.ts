/** A visitor puts a key and sees what the commit does to the file: copies, pending pages, the meta page's turn. */
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { events, expect, openLab, ready, run, test } from './lab.ts';

const query = '?view=pages&seed=3&storage=memory&autoplay=0';

const pages = (page: Page): Locator => page.getByRole('region', { name: 'Pages', exact: true });
const film = (page: Page): Locator =>
  pages(page).getByRole('group', { name: 'The newest commit, step by step' }).getByRole('slider');
const map = (page: Page): Locator => pages(page).getByRole('slider', { name: /^Pages of m\d’s file/ });
const sentence = (page: Page): Locator => pages(page).locator('[data-frame]');

async function put(page: Page, count: number): Promise<void> {
  await page.evaluate(async (puts) => {
    for (let i = 0; i < puts; i++) {
      void window.quorumLab.act({ type: 'put', key: `key-${i}`, value: 'v'.repeat(300) });
      await window.quorumLab.run(250_000);
    }
  }, count);
}

/** The frame in which the film stands after it was sent to this share of its length. */
async function frameAt(page: Page, share: number): Promise<string | null> {
  const last = Number(await film(page).getAttribute('max'));
  await film(page).fill(String(Math.round(share * last)));
  return sentence(page).getAttribute('data-frame');
}

/** What member 1's newest commit wrote, as its events tell it. */
async function lastCommit(page: Page): Promise<{ txid: number; wrote: number[]; slot: number }> {
  const own = (await events(page, 'bolt.writeMeta')).filter(({ at }) => at.member === 1);
  const meta = own.at(-1)?.event;
  if (meta?.type !== 'bolt.writeMeta') throw new Error('no commit');
  const writes = (await events(page, 'bolt.write')).filter(({ at }) => at.member === 1);
  const wrote = writes.flatMap(({ event }) =>
    event.type === 'bolt.write' && event.txid === meta.txid ? [event.pgid as number] : [],
  );
  return { txid: meta.txid, wrote, slot: meta.slot };
}

test('a put lights the path from leaf to root, and one meta page takes over from the other', async ({
  page,
}) => {
  await openLab(page, query);
  await put(page, 30);
  const { txid, wrote, slot } = await lastCommit(page);
  const lit = pages(page).locator('[data-new]');
  await expect.poll(() => frameAt(page, 1)).toBe('release');
  await expect(lit).toHaveCount(wrote.length);
  const shown = await lit.evaluateAll((cards) => cards.map((card) => Number(card.getAttribute('data-page'))));
  expect(shown.sort((a, b) => a - b)).toEqual(wrote);
  await expect(pages(page).locator('[data-sum]')).toContainText(
    `Commit ${txid}: wrote ${wrote.length + 1} pages`,
  );
  const meta = (of: number): Locator =>
    pages(page).getByRole('button', { name: new RegExp(`^Meta page ${of}:`) });
  await expect(meta(slot)).toHaveAccessibleName(/in force$/);

  expect(await frameAt(page, 0)).toBe('before');
  await expect(lit).toHaveCount(0);
  await expect(meta(slot)).toHaveAccessibleName(/the state before$/);
  await expect(meta(1 - slot)).toHaveAccessibleName(new RegExp(`transaction ${txid - 1},.*in force$`));
  const step = pages(page).getByRole('button', { name: 'Step', exact: true });
  for (let placed = 0; placed < wrote.length;) {
    await step.click();
    // a split is told between its parts' copies and those above them
    if ((await sentence(page).getAttribute('data-frame')) === 'copy') placed += 1;
    await expect(lit).toHaveCount(placed);
  }
  while ((await sentence(page).getAttribute('data-frame')) !== 'write') await step.click();
  await expect(sentence(page)).toContainText('leave for the disk, then a sync');
  await step.click();
  await expect(sentence(page)).toContainText(`transaction ${txid} is the database`);
});

test('the table counts what the member itself says of its pages', async ({ page }) => {
  await openLab(page, query);
  await put(page, 24);
  await frameAt(page, 1);
  await pages(page).getByRole('button', { name: 'Show as table' }).click();
  const rows = pages(page).getByRole('table', { name: 'Pages of m1’s file' }).locator('tbody tr');
  const cells = await rows.evaluateAll((all) =>
    all.map((row) => [...row.children].slice(0, 3).map((cell) => cell.textContent ?? '')),
  );
  const drawn: Record<string, number> = {};
  for (const [, kind, count] of cells) drawn[kind ?? ''] = (drawn[kind ?? ''] ?? 0) + Number(count);
  await page.goto(`./?seed=3&storage=memory&autoplay=0`);
  await ready(page);
  await put(page, 24);
  const home = page.getByRole('region', { name: 'Pages', exact: true });
  await home.getByRole('button', { name: 'Show as table' }).click();
  const table = home.getByRole('table').first();
  const kinds = await table.locator('thead th').allTextContents();
  const counts = await table.locator('tbody tr').first().locator('th, td').allTextContents();
  for (let i = 1; i < kinds.length; i++) expect(drawn[kinds[i] ?? ''] ?? 0).toBe(Number(counts[i]));
});

test('arrow keys go through the file, Enter opens a page as the member decodes it', async ({ page }) => {
  await openLab(page, query);
  await put(page, 24);
  await frameAt(page, 1);
  await map(page).focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
  await expect(map(page)).toHaveAttribute('aria-valuenow', '2');
  await expect(map(page)).toHaveAttribute('aria-valuetext', /^page 2 · /);
  const root = pages(page).locator('[data-page]').first();
  await expect(root).toHaveAccessibleName(/leaf · root bucket · \d+ items · .* of 4.096 bytes · written by/);
  await root.click();
  await expect(pages(page)).toContainText('consistent_index');
});

test('going back shows the file as it was, and coming back as it is', async ({ page }) => {
  await openLab(page, query);
  await put(page, 12);
  await frameAt(page, 1);
  const sum = pages(page).locator('[data-sum]');
  const metas = async (): Promise<string[]> =>
    pages(page)
      .getByRole('button', { name: /^Meta page/ })
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  const then = [await sum.textContent(), await metas(), await map(page).getAttribute('aria-valuemax')];
  await put(page, 14);
  await expect(sum).not.toHaveText(then[0] as string);
  const now = [await sum.textContent(), await metas()];
  const scrubber = page.locator('[data-scrubber]');
  const last = Number(await scrubber.getAttribute('max'));
  const steps = Array.from({ length: 40 }, (_, i) => Math.round((last * (40 - i)) / 41));
  let found = false;
  for (const step of steps) {
    await scrubber.fill(String(step));
    if ((await sum.textContent()) === then[0]) {
      found = true;
      break;
    }
  }
  expect(found).toBe(true);
  await frameAt(page, 1);
  expect([await sum.textContent(), await metas(), await map(page).getAttribute('aria-valuemax')]).toEqual(
    then,
  );
  await pages(page).locator('[data-page]').first().click();
  await expect(pages(page)).toContainText('consistent_index');
  await page.keyboard.press('End');
  await expect(sum).toHaveText(now[0] as string);
});

test('both freelists answer what the member asks, the array as the member itself did', async ({ page }) => {
  await openLab(page, query);
  await put(page, 20);
  const lists = page.getByRole('region', { name: 'Freelist, live' });
  const { txid } = await lastCommit(page);
  await expect(lists).toContainText(`Transaction ${txid} step by step`);
  const told = (await events(page, 'bolt.allocate')).filter(({ at }) => at.member === 1);
  const scanned = told.reduce(
    (sum, { event }) => sum + (event.type === 'bolt.allocate' ? event.scanned : 0),
    0,
  );
  const looked = Number(await lists.locator('[data-looked=array] strong').textContent());
  // the array also looks for the place of what is released: it never looks at less
  expect(looked).toBeGreaterThanOrEqual(scanned);
  expect(scanned).toBeGreaterThan(0);
  expect(Number(await lists.locator('[data-looked=hashmap] strong').textContent())).toBeGreaterThan(0);
  const steps = lists.getByRole('slider');
  await steps.fill('0');
  await lists.getByRole('button', { name: 'Step', exact: true }).click();
  await expect(steps).toHaveValue('1');
  expect(Number(await lists.locator('[data-looked=array] strong').textContent())).toBeLessThan(looked);
});

test('under load the newest commit is always shown, and nothing is cut off at 320 pixels', async ({
  page,
}) => {
  await page.setViewportSize({ width: 320, height: 700 });
  for (const path of [`./embed.html${query}&theme=dark`, `./${query}`]) {
    await page.goto(path);
    await ready(page);
    await page.getByRole('combobox', { name: 'Kind of load' }).selectOption('kubernetes');
    await run(page, 4000);
    const { txid } = await lastCommit(page);
    await expect(pages(page).locator('[data-sum]')).toContainText(`Commit ${txid}:`);
    await expect(page.getByRole('region', { name: 'Cluster' })).toHaveCount(path.includes('embed') ? 0 : 1);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  }
});

test('no serious accessibility fault, in light and dark, as picture and as table, with a page open', async ({
  page,
}) => {
  await openLab(page, query);
  const check = async (state: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${state} ${colorScheme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
  };
  await put(page, 16);
  await frameAt(page, 0.5);
  await check('half way');
  await frameAt(page, 1);
  await pages(page).locator('[data-page]').last().click();
  await expect(pages(page)).toContainText('revision');
  await check('page open');
  await pages(page).getByRole('button', { name: 'Show as table' }).click();
  await check('table');
});
