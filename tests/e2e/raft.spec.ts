/** A reader watches what a leader knows of its followers, who decides, and what changes when one is cut off. */
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { act, actAndRun, events, expect, leader, openLab, run, test } from './lab.ts';

const query = '?view=raft&seed=3&storage=memory&autoplay=0';
const followers = (page: Page): Locator => page.getByRole('region', { name: 'Followers' });
const quorums = (page: Page): Locator => page.getByRole('region', { name: 'Quorums' });

/** A follower of the leader. */
async function aFollower(page: Page): Promise<number> {
  const leads = (await leader(page)) ?? 0;
  return leads === 1 ? 2 : 1;
}

test('votes are seen with their reasons, and followers replicate', async ({ page }) => {
  await openLab(page, query);
  const leads = await leader(page);
  await expect(quorums(page)).toContainText(/Pre-vote for term \d+\s*m\d asks/);
  await expect(quorums(page)).toContainText(/Vote for term \d+\s*m\d asks/);
  await expect(quorums(page).getByText('votes for itself').first()).toBeVisible();
  await actAndRun(page, { type: 'put', key: 'a', value: '1' }, 500);
  const rows = followers(page).getByRole('listitem');
  await expect(rows).toHaveCount(2);
  await expect(followers(page)).toContainText(`as m${leads} knows them`);
  for (const row of await rows.all()) await expect(row).toContainText('replicate');
  await expect(quorums(page)).toContainText('2 of 3 decide');
});

test('a follower that is cut off keeps its match while its window fills', async ({ page }) => {
  await openLab(page, query);
  const cut = await aFollower(page);
  const row = followers(page).getByRole('listitem', { name: `Follower m${cut}` });
  await act(page, { type: 'isolate', member: cut });
  await run(page, 50);
  await actAndRun(page, { type: 'put', key: 'a', value: '1' }, 100);
  await actAndRun(page, { type: 'put', key: 'b', value: '2' }, 100);
  const told = (await events(page, 'raft.progress')).filter(
    ({ event }) => event.type === 'raft.progress' && event.peer === cut,
  );
  const last = told.at(-1)?.event;
  if (last?.type !== 'raft.progress') throw new Error('no progress was told');
  expect(last.next).toBeGreaterThan(last.match + 1);
  expect(last.inflightCount).toBeGreaterThan(1);
  await expect(row).toContainText(`${last.inflightCount} of ${last.inflightLimit} in flight`);
  await expect(row).toContainText(`match ${last.match}, next ${last.next}`);
  await followers(page).getByRole('button', { name: 'Show as table' }).click();
  const cells = followers(page).getByRole('row', { name: new RegExp(`^m${cut} `) });
  await expect(cells).toContainText(String(last.match));
});

test('a read shows who confirms the leader, and that it is answered', async ({ page }) => {
  await openLab(page, query);
  await actAndRun(page, { type: 'put', key: 'a', value: '1' }, 300);
  await actAndRun(page, { type: 'get', key: 'a' }, 300);
  await expect(quorums(page)).toContainText(/Read at \d+\s*confirmed by m\d, m\d/);
  await expect(quorums(page)).toContainText('answered');
});

for (const theme of ['light', 'dark'] as const) {
  test(`the page has no accessibility violation in its ${theme} theme, at three widths`, async ({ page }) => {
    await openLab(page, `${query}&theme=${theme}`);
    await actAndRun(page, { type: 'put', key: 'a', value: '1' }, 300);
    for (const width of [1440, 1024, 390]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      const { violations } = await new AxeBuilder({ page }).include('main').analyze();
      expect(violations).toEqual([]);
    }
  });
}
