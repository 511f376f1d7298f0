/**
 * The cluster's members change, all by menus: a learner catches up, is promoted and leads; one leaves; one is wiped
 * and replaced; one that was away too long comes back by a snapshot. Ring and tables agree.
 */
import type { Page } from '@playwright/test';
import { act, events, expect, leader, openLab, pick, run, runUntil, subject, test } from './lab.ts';

const query = '?view=raft&seed=5&storage=memory&autoplay=0';
const region = (page: Page, name: string) => page.getByRole('region', { name });
const row = (page: Page, member: number) =>
  region(page, 'Cluster').getByRole('row', { name: new RegExp(`^m${member} `) });

/** A dial that is not there yet says nothing. */
const dialSays = (page: Page, member: number, word: RegExp): Promise<void> =>
  runUntil(page, `m${member}: ${word.source}`, async () => {
    const labels = await subject(page, `member-${member}`).evaluateAll((found) =>
      found.map((one) => one.getAttribute('aria-label') ?? ''),
    );
    return labels.some((label) => word.test(label));
  });

const isInTable = async (page: Page, texts: Readonly<Record<number, readonly string[]>>): Promise<void> => {
  const cluster = region(page, 'Cluster');
  await cluster.getByRole('button', { name: 'Show as table' }).click();
  for (const [member, words] of Object.entries(texts))
    for (const word of words) await expect(row(page, Number(member))).toContainText(word);
  await cluster.getByRole('button', { name: 'Show as picture' }).click();
};

test('a learner joins, catches up, is promoted and leads; then another one leaves', async ({ page }) => {
  await openLab(page, query);
  await pick(page, 'host-4', /^Add as a voter/);
  await runUntil(page, 'a refusal', async () =>
    (await page.locator('[data-deed]').innerText()).includes('refused'),
  );
  await expect(page.locator('[data-deed]')).toContainText('etcdserver: unhealthy cluster');
  await page.locator('[data-deed]').getByRole('button', { name: 'Close' }).click();
  await run(page, 6000);

  await pick(page, 'host-4', /^Add as a learner/);
  await dialSays(page, 4, /, learner,/);
  await expect(region(page, 'Followers').getByRole('listitem', { name: 'Follower m4' })).toContainText(
    'learner',
  );
  await expect(region(page, 'Quorums')).toContainText(/Learners: receive, do not decide\s*m4/);
  await runUntil(page, 'm4 has the log', async () => {
    const [, log, applied] =
      /log (\d+) · applied (\d+)/.exec((await subject(page, 'member-4').textContent()) ?? '') ?? [];
    const [, last] = /its log ends at (\d+)/.exec(await region(page, 'Followers').innerText()) ?? [];
    return log !== undefined && log === applied && log === last;
  });
  await run(page, 6000);
  await pick(page, 'member-4', /^Promote/);
  await dialSays(page, 4, /, follower,/);
  await expect(region(page, 'Quorums')).toContainText('3 of 4 decide');
  await pick(page, 'member-4', /^Move leadership here/);
  // Message by message: the hand-over lasts a few of them.
  const isTold = (): Promise<boolean> =>
    region(page, 'Quorums')
      .getByText(/Leadership goes to m4|m4 was told to campaign/)
      .isVisible();
  for (let i = 0; i < 80 && !(await isTold()); i++) {
    await page.evaluate(() => window.quorumLab.step('message', 1));
  }
  expect(await isTold()).toBe(true);
  await dialSays(page, 4, /, leader,/);
  expect(
    (await events(page, 'raft.transferLeader')).map(({ event }) => 'step' in event && event.step),
  ).toContain('timeoutNow');

  await pick(page, 'member-2', /^Remove/);
  await runUntil(page, 'm2 is off the ring', async () => (await page.locator('button.gone').count()) === 1);
  await expect(page.locator('g[data-member]')).toHaveCount(3);
  await expect(region(page, 'Quorums')).toContainText('2 of 3 decide');
  await isInTable(page, { 2: ['halted', 'removed'], 4: ['running', 'leader'] });

  await region(page, 'Transport').getByRole('slider').first().focus();
  await page.keyboard.press('Home');
  await expect(page.locator('g[data-member]')).toHaveCount(3);
  await expect(subject(page, 'host-4')).toBeVisible();
});

test('a wiped member is refused as it was, and comes back as a new one', async ({ page }) => {
  await openLab(page, query);
  await run(page, 7000);
  const one = (await leader(page)) === 3 ? 2 : 3;
  const mark = `member-${one}`;
  await pick(page, mark, /^Wipe/);
  await dialSays(page, one, /, wiped,/);
  await pick(page, mark, /^Start, cluster state new/);
  await dialSays(page, one, /, (wiped|halted),/);
  await runUntil(page, 'it stops', async () => (await events(page, 'server.halt')).length > 0);
  await expect(page.locator('.notice')).toContainText('has already been bootstrapped');
  await pick(page, mark, /^Remove/);
  await runUntil(page, 'it has left', async () => (await page.locator('button.gone').count()) === 1);
  await run(page, 1000);
  // The start in vain has left files: etcd would read them.
  await pick(page, mark, /^Wipe/);
  await expect(page.locator('button.gone')).toContainText('its disk is empty');
  await pick(page, mark, /^Add as a voter/);
  await dialSays(page, one, /, follower,/);
  const follower = region(page, 'Followers').getByRole('listitem', { name: `Follower m${one}` });
  await runUntil(page, 'it replicates', async () => (await follower.innerText()).includes('replicate'));
  await expect(region(page, 'Quorums')).toContainText('2 of 3 decide');
  await isInTable(page, { [one]: ['running', 'follower'] });
});

test('a member that was away while the log was compacted comes back by a snapshot', async ({ page }) => {
  test.slow();
  await openLab(page, `${query}&layout=one`);
  const one = (await leader(page)) === 3 ? 2 : 3;
  const logs = region(page, 'Logs');
  await pick(page, `member-${one}`, /^Kill/);
  await act(page, { type: 'load', kind: 'hotKey', perSecond: 1000 });
  await run(page, 1000);
  await runUntil(page, 'the log is compacted', async () =>
    /up to \d+ in a snapshot/.test(await logs.innerText()),
  );
  await act(page, { type: 'load', kind: 'none', perSecond: 0 });
  await pick(page, `member-${one}`, /^Restart/);
  const seen = (): Promise<{ sent: boolean; progress: boolean; applied: boolean }> =>
    page.evaluate((peer) => {
      const told = window.quorumLab.events(0).map(({ event }) => event);
      return {
        sent: told.some((event) => event.type === 'sim.send' && event.messageType === 'MsgSnap'),
        progress: told.some(
          (event) => event.type === 'raft.progress' && event.peer === peer && event.state === 'snapshot',
        ),
        applied: told.some((event) => event.type === 'snapshot.apply'),
      };
    }, one);
  await runUntil(page, 'it has taken the snapshot', async () => (await seen()).applied);
  expect(await seen()).toEqual({ sent: true, progress: true, applied: true });
  const follower = region(page, 'Followers').getByRole('listitem', { name: `Follower m${one}` });
  await runUntil(page, 'it replicates', async () => (await follower.innerText()).includes('replicate'));
  const title = logs.getByRole('heading', { name: new RegExp(`^m${one} `) });
  await expect(title).toContainText(/up to \d+ in a snapshot/);
});
