/** The checkers on the page: a planted bug is caught live, told, shown again from its link; and what they look at. */
import type { Locator, Page } from '@playwright/test';
import { loadKinds } from '../../src/sim/load-kinds.ts';
import { expect, openLab, pick, ready, run, state, subject, test } from './lab.ts';

test('a planted bug is caught while the lab plays, accuses a member, and its link shows the same again', async ({
  page,
  browser,
}) => {
  await openLab(page, '?storage=memory');
  await page.getByRole('button', { name: 'Plant a bug…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Plant a bug' });
  await expect(dialog.locator('[data-bug="commitOlderTerms"]')).toBeAttached();
  await dialog.locator('[data-bug="keepConflicts"]').click();
  await ready(page);

  const note = page.locator('[data-violation]');
  await expect(note).toContainText('C1 is violated');
  await expect(note).toContainText('Raft is safe');
  await expect(note).toContainText('Entries that conflict with the leader');
  const { violation, moment, chainHash, stopped, planted } = await state(page);
  expect({ kind: stopped?.kind, planted }).toEqual({ kind: 'violation', planted: ['keepConflicts'] });
  await expect(note).toContainText(violation?.evidence ?? '?');
  await expect(note).toContainText(`npm run sim -- --run run-7-${moment}.qlrun`);
  const accused = Number(/m(\d)/.exec(violation?.evidence ?? '')?.[1]);
  await expect(subject(page, `member-${accused}`)).toHaveClass(/accused/);
  await expect(subject(page, `member-${accused}`)).toHaveAccessibleName(/accused by a checker/);

  await note.getByRole('button', { name: 'Link or file…' }).click();
  const link = await page.getByRole('dialog', { name: 'Share this run' }).getByLabel('Link').inputValue();
  expect(link.length).toBeLessThan(2000);
  const other = await browser.newContext();
  const there = await other.newPage();
  await there.goto(link);
  expect(await ready(there)).toMatchObject({
    ...{ violation, moment, chainHash, planted: ['keepConflicts'] },
    replayed: { proven: true },
  });
  await expect(there.locator('[data-violation]')).toContainText(violation?.evidence ?? '?');
  await other.close();
});

test('a violation is shown among the checks, in the same lab, which may go on all the same', async ({
  page,
}) => {
  await openLab(page, '?bug=splitRevisions');
  const note = page.locator('[data-violation]');
  await expect(note).toContainText('C3 is violated');
  const { violation, moment } = await state(page);
  await note.getByRole('link', { name: 'All checks' }).click();
  await expect(page.locator('[data-property="C3"]')).toHaveClass(/violated/);
  await expect(page.locator('[data-property="C3"]')).toContainText(violation?.evidence ?? '?');
  await note.getByRole('button', { name: 'Go on all the same' }).click();
  await expect(note).toContainText('nobody checks it any more');
  await expect.poll(async () => (await state(page)).moment).toBeGreaterThan(moment);
});

/** What a bug's violation accuses is red, in its own view, with words beside the colour. */
const views = [
  { bug: 'keepConflicts', link: 'See the log', red: '.entry.accused', words: /entry \d+/ },
  { bug: 'splitRevisions', link: 'See the keys', red: '[data-key].accused', words: /key \S/ },
  { bug: 'revokeLeavesKey', link: 'See the leases', red: null, words: /lease [0-9a-f]+/ },
] as const;
for (const { bug, link, red, words } of views)
  test(`what the bug ${bug} breaks is marked where it is drawn`, async ({ page }) => {
    await openLab(page, `?bug=${bug}${bug === 'keepConflicts' ? '&prevote=0' : ''}`);
    const note = page.locator('[data-violation]');
    await expect(note).toContainText('is violated');
    await expect(note).toContainText(words);
    await note.getByRole('link', { name: link }).click();
    await expect(page.locator('[data-accused]').first()).toContainText(words);
    if (red !== null) await expect(page.locator(red).first()).toBeVisible();
    const panel = page.locator('section', { has: page.locator('[data-accused]') }).last();
    await panel.getByRole('button', { name: 'Show as table' }).click();
    if (red !== null)
      await expect(page.getByRole('cell', { name: /⚠.*accused by a checker/ }).first()).toBeVisible();
  });

/** Picks a bug from the dialog and waits until the checkers have stopped the run; what the person then sees of it. */
async function plant(page: Page, bug: string): Promise<{ note: Locator; evidence: string }> {
  await openLab(page, '?storage=memory');
  await page.getByRole('button', { name: 'Plant a bug…' }).click();
  await page.getByRole('dialog', { name: 'Plant a bug' }).locator(`[data-bug="${bug}"]`).click();
  await ready(page);
  const note = page.locator('[data-violation]');
  await expect(note).toContainText('is violated');
  const { violation, stopped, moment } = await state(page);
  expect(stopped?.kind).toBe('violation');
  await expect(note).toContainText(violation?.sentence ?? '?');
  await expect(note).toContainText(`npm run sim -- --run run-7-${moment}.qlrun`);
  await expect(page.getByText('The run has stopped:').first()).toBeVisible();
  return { note, evidence: violation?.evidence ?? '' };
}

/** How the red of the page is drawn, in whatever theme. */
const danger = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const probe = document.createElement('i');
    probe.style.color = 'var(--danger)';
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  });

test('an acknowledgement that must not be sent is red on its way, and so are its lane and its sender', async ({
  page,
}) => {
  const { note, evidence } = await plant(page, 'ackBeforeSync');
  const [, sender = '', index = ''] = /^m(\d) acknowledges entry (\d+)/.exec(evidence) ?? [];
  const [, message = '', to = ''] = /message (\d+) from m\d to m(\d)/.exec(await note.innerText()) ?? [];
  await expect(note).toContainText(`entry ${index} of m${sender}, message ${message} from m${sender}`);

  const lane = subject(page, `link-${sender}-${to}`);
  await expect(lane).toHaveClass(/accused/);
  await expect(lane).toHaveAccessibleName(/accused by a checker/);
  await expect(lane.locator('.lane')).toHaveCSS('stroke', await danger(page));
  await expect(page.locator('.link.accused')).toHaveCount(1);
  const sent = subject(page, `message-${message}`);
  await expect(sent).toHaveAccessibleName(/accused by a checker/);
  await expect(sent.locator('.accused circle')).toHaveCSS('stroke', await danger(page));
  await expect(subject(page, `member-${sender}`)).toHaveClass(/accused/);
  await expect(page.getByRole('button', { name: /^Put/ })).toBeDisabled();
});

test('a watcher that is told wrongly is red among the keys, on its own member, with the key that it heard of', async ({
  page,
}) => {
  const { note } = await plant(page, 'watchSkipsFirst');
  const [, watcher = '', member = ''] = /watcher (\d+) of m(\d)/.exec(await note.innerText()) ?? [];
  await note.getByRole('link', { name: 'See the keys' }).click();
  const keys = page.getByRole('region', { name: 'Keys' });
  await expect(keys.getByRole('button', { name: `m${member}` })).toHaveAttribute('aria-pressed', 'true');
  await expect(keys.locator('[data-accused]')).toHaveText(
    `Accused by a checker: key a, watcher ${watcher} of m${member}`,
  );
  const lane = keys.locator('[data-watcher].accused');
  await expect(lane).toHaveCount(1);
  await expect(lane.locator('.eye')).toHaveCSS('stroke', await danger(page));
  await expect(keys.locator('[data-key="a"].accused')).toHaveCount(1);
  await keys.getByRole('button', { name: 'Show as table' }).click();
  await expect(keys.getByRole('row', { name: new RegExp(`^${watcher} a\\* ⚠`) })).toBeVisible();
});

test('a page that a checker accuses is crossed out in tree and map, and named', async ({ page }) => {
  await openLab(page, '?bug=overflowStays&freelist=map&autoplay=0');
  await page.evaluate(() => void window.quorumLab.act({ type: 'load', kind: 'bigValues', perSecond: 20 }));
  for (let i = 0; i < 8 && (await state(page)).violation === null; i++) await run(page, 500);
  const note = page.locator('[data-violation]');
  await expect(note).toContainText(/C6 is violated/);
  await expect(page.locator('path[data-accused-page]').first()).toBeVisible();
  await note.getByRole('link', { name: 'See the pages' }).click();
  await expect(page.locator('[data-accused]')).toContainText(/page \d+ of m\d/);
  await expect(page.locator('g[data-accused-page]').first()).toBeAttached();
});

test('faults in numbers are set on a member and on a link, and shown as they are set', async ({ page }) => {
  await openLab(page, '?storage=memory&autoplay=0');
  const forms = page.getByRole('dialog', { name: /^Faults of/ });
  await pick(page, 'member-2', /^All faults/);
  const disk = forms.getByRole('form', { name: 'Disk', exact: true });
  await disk.getByLabel('Sync, at least').fill('12.5');
  await expect(disk).toContainText('fault disk m2 syncMinUs=12500');
  await disk.getByRole('button', { name: 'Set' }).click();
  await expect(forms.getByRole('status')).toHaveText('Done: fault disk m2 syncMinUs=12500');
  await forms.getByRole('button', { name: 'Close' }).click();
  await run(page, 50);
  await pick(page, 'member-2', /^All faults/);
  await expect(disk.getByLabel('Sync, at least')).toHaveValue('12.5');
  await forms.getByRole('button', { name: 'Close' }).click();

  await pick(page, 'link-1-2', /^All faults/);
  await forms.getByLabel('The way back too').check();
  const link = forms.getByRole('form', { name: 'This direction' });
  await link.getByLabel('Lost').fill('25');
  await link.getByRole('button', { name: 'Set' }).click();
  await forms.getByRole('button', { name: 'Close' }).click();
  await expect(page.locator('.lane.bad')).toHaveCount(2);
});

test('the checks tell what they have looked at, as cards and as a table', async ({ page }) => {
  await openLab(page, '?view=checks&storage=memory&autoplay=0');
  await page.evaluate(() => void window.quorumLab.act({ type: 'put', key: 'a', value: 'b' }));
  await run(page, 2000);
  const checks = page.getByRole('region', { name: 'Checks' });
  await expect(checks.locator('[data-property]')).toHaveCount(9);
  await expect(checks.locator('[data-property="C2"]')).toContainText('requests in the history: 1');
  await expect(checks.locator('[data-property="C1"]')).toContainText('holds so far');
  await expect(checks.locator('[data-property="C3"]')).toContainText('watching');
  await checks.getByRole('button', { name: 'Show as table' }).click();
  await expect(checks.getByRole('row', { name: /^C7 holds so far/ })).toBeVisible();
});

test('mistakes and hosts of another kind are done from their shelf, as lines of the console', async ({
  page,
}) => {
  await openLab(page, '?storage=memory&autoplay=0');
  await page.evaluate(() => void window.quorumLab.act({ type: 'put', key: 'a', value: 'b' }));
  await run(page, 500);
  const shelf = page.getByRole('dialog', { name: 'Mistakes, partitions, hosts' });
  await page.getByRole('button', { name: 'Mistakes and more…' }).click();
  await shelf.locator('[data-host="laptop"]').click();
  await expect(
    page.locator('[data-console-log]').or(page.getByRole('region', { name: 'Console' })),
  ).toContainText('fault disk m3');
  await page.getByRole('button', { name: 'Mistakes and more…' }).click();
  await shelf.locator('[data-mistake="deleteEverything"]').click();
  await expect(page.getByRole('region', { name: 'Console' })).toContainText('del "" --from-key');
  const loads = page.getByRole('combobox', { name: 'Kind of load' }).getByRole('option');
  await expect(loads).toHaveCount(loadKinds.length);
});
