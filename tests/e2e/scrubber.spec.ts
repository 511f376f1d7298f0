/** Going back: the past is shown exactly as it was, by buttons, keys and the scrubber, and touched by nothing. */
import type { Page } from '@playwright/test';
import { stream } from '../../src/base/prng.ts';
import { act, actAndRun, expect, leader, openLab, run, test } from './lab.ts';

/** All that the page says in its regions, and all that its marks and dials are called. */
const visible = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const regions = [...document.querySelectorAll('section[aria-label], [role="region"]')];
    return regions
      .map((region) => {
        const names = [...region.querySelectorAll('[aria-label]')].map((one) =>
          one.getAttribute('aria-label'),
        );
        const places = [...region.querySelectorAll('[transform]')].map((one) =>
          one.getAttribute('transform'),
        );
        return [region.textContent, ...names, ...places].join('|');
      })
      .join('\n');
  });

/** A leader is elected, a put is stored, the leader is killed, another one leads. */
async function openRun(page: Page): Promise<number> {
  await openLab(page, '?seed=7&storage=memory&layout=one&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 1000);
  const first = (await leader(page)) as number;
  await act(page, { type: 'kill', member: first });
  await run(page, 4000);
  const inputs = await page.evaluate(
    () => new Set(window.quorumLab.events().map(({ at }) => at.moment)).size,
  );
  await expect(scrubber(page)).toHaveAttribute('max', String(inputs));
  return first;
}

const scrubber = (page: Page) => page.getByRole('slider', { name: 'Moment of the run' });

test('so many steps back and as many forward show the same again', async ({ page }) => {
  await openRun(page);
  const back = page.getByRole('button', { name: 'Step back' });
  const step = page.getByRole('button', { name: 'Step', exact: true });
  const box = await step.boundingBox();
  for (const unit of ['input', 'tick', 'message', 'raft', 'commit', 'page', 'command']) {
    await page.getByLabel('Step by').selectOption(unit);
    const seen: string[] = [];
    // a short run has few of some units: the way back ends at its beginning
    for (let i = 0; i < 8 && (await back.isEnabled()); i++) {
      await back.click();
      seen.push(await visible(page));
    }
    expect(new Set(seen).size).toBeGreaterThan(1);
    for (let i = seen.length - 2; i >= 0; i--) {
      await step.click();
      expect(await visible(page)).toBe(seen[i]);
    }
    await step.click();
    await expect(page.getByRole('button', { name: 'Now', exact: true })).toBeDisabled();
  }
  expect(await step.boundingBox()).toEqual(box);
});

test('two hundred jumps by the scrubber return to equal pictures', async ({ page }) => {
  await openRun(page);
  const draws = stream(5, 'jumps');
  const last = Number(await scrubber(page).getAttribute('max'));
  const steps = Array.from({ length: 20 }, () => draws.between(0, last - 1));
  const seen = new Map<number, string>();
  for (let jump = 0; jump < 200; jump++) {
    const step = steps[draws.between(0, steps.length - 1)] as number;
    await scrubber(page).fill(String(step));
    const now = await visible(page);
    expect(now).toContain(`Step ${step} of ${last}`);
    expect(now).toBe(seen.get(step) ?? now);
    seen.set(step, now);
  }
  expect(new Set(seen.values()).size).toBe(seen.size);
});

test('keys go back, to marks and to the ends; the past can be acted in, the first history stays', async ({
  page,
}) => {
  await openRun(page);
  const last = Number(await scrubber(page).getAttribute('max'));
  await page.getByLabel('Step by').selectOption('input');
  await page.locator('body').click({ position: { x: 4, y: 4 } });
  await page.keyboard.press('ArrowLeft');
  await expect(scrubber(page)).toHaveValue(String(last - 1));
  await page.keyboard.press('ArrowRight');
  await expect(scrubber(page)).toHaveValue(String(last));
  await page.keyboard.press('Home');
  await expect(scrubber(page)).toHaveValue('0');
  await expect(page.getByRole('region', { name: 'Cluster' })).toContainText('not started');
  await expect(page.getByRole('button', { name: /^Put/ })).toBeEnabled();
  await expect(page.locator('[data-time-note]')).toContainText('Step 0, in the past');
  await page.keyboard.press('Shift+ArrowRight');
  await expect(scrubber(page)).toHaveAttribute('aria-valuetext', /entry \d+ as committed\.$/);
  await page.keyboard.press('Shift+ArrowRight');
  await expect(scrubber(page)).toHaveAttribute('aria-valuetext', /leads in term \d+\.$/);
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(scrubber(page)).toHaveAttribute('aria-valuetext', /leads in term \d+\.$/);
  await page.keyboard.press('End');
  await expect(page.getByRole('button', { name: 'Now', exact: true })).toBeDisabled();
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('button', { name: 'Back to now' }).click();
  await expect(scrubber(page)).toHaveValue(String(last));
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('Shift + ← and →');
});

test('going back while it plays pauses it; playing goes on from now', async ({ page }) => {
  await openLab(page, '?seed=7&storage=memory&layout=one&autoplay=1');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Back to now' })).toBeEnabled();
  const at = await scrubber(page).inputValue();
  await page.keyboard.press('Space');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Now', exact: true })).toBeDisabled();
  await expect.poll(async () => Number(await scrubber(page).inputValue())).toBeGreaterThan(Number(at) + 1);
});

test('a kill is marked on the scrubber: its mark tells the sentence and leads there', async ({ page }) => {
  const first = await openRun(page);
  const mark = page.getByRole('button', { name: `fault: m${first} was killed.` });
  await mark.hover();
  await expect(mark).toHaveAttribute('title', `fault: m${first} was killed.`);
  await mark.click();
  await expect(scrubber(page)).toHaveAttribute('aria-valuetext', new RegExp(`m${first} was killed\\.$`));
  await expect(page.getByRole('region', { name: 'Transport' })).toContainText(`m${first} was killed.`);
  await expect(page.locator(`[data-member="${first}"]`).first()).toHaveAttribute('aria-label', /down/);
  await page.getByRole('button', { name: 'Step back' }).click();
  await expect(page.locator(`[data-member="${first}"]`).first()).not.toHaveAttribute('aria-label', /down/);
});
