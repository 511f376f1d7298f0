/**
 * The fixture of all browser tests: a page that must stay free of errors, violations and foreign requests.
 */
import { expect, test as base, type Locator, type Page } from '@playwright/test';
import type { ActResult, LabState, Result } from '../../src/host/port.ts';
import type { Action } from '../../src/sim/types.ts';
import type { LabEvent } from '../../src/sim/types.ts';
import type { Envelope } from '../../src/engine/events.ts';

export interface SeenEvent {
  readonly at: Envelope;
  readonly event: LabEvent;
}

/** What a page reported against itself since the test began. */
export interface Complaints {
  readonly rows: string[];
}

interface Fixtures {
  readonly complaints: Complaints;
}

/**
 * Watches a page: console errors, uncaught errors, policy violations and requests to other origins are
 * complaints.
 */
export function watch(page: Page, rows: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') rows.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => rows.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    const own = url.hostname === '127.0.0.1' || url.protocol === 'blob:' || url.protocol === 'data:';
    if (!own) rows.push(`request: ${request.url()}`);
  });
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ page }, use) => {
      const rows: string[] = [];
      watch(page, rows);
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      await use({ rows });
      expect(rows).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect } from '@playwright/test';

/** Opens the lab and waits until it is ready: a leader is elected. */
export async function openLab(page: Page, query = '?autoplay=0'): Promise<LabState> {
  await page.goto(query.startsWith('?') ? `./${query}` : query);
  return ready(page);
}

export async function ready(page: Page): Promise<LabState> {
  await page.waitForFunction(() => 'quorumLab' in window);
  return page.evaluate(async () => {
    await window.quorumLab.ready;
    return window.quorumLab.state();
  });
}

export const act = (page: Page, action: Action): Promise<Result<ActResult>> =>
  page.evaluate((given) => window.quorumLab.act(given), action);

/** Starts an action without waiting for its end, then runs so much virtual time. */
export async function actAndRun(
  page: Page,
  action: Action,
  virtualMs: number,
): Promise<Result<ActResult> | null> {
  return page.evaluate(
    async ([given, us]) => {
      let result: Result<ActResult> | null = null;
      void window.quorumLab.act(given).then((settled) => (result = settled));
      await window.quorumLab.run(us);
      return result;
    },
    [action, virtualMs * 1000] as const,
  );
}

export const run = (page: Page, virtualMs: number): Promise<unknown> =>
  page.evaluate((us) => window.quorumLab.run(us), virtualMs * 1000);

export const state = (page: Page): Promise<LabState> => page.evaluate(() => window.quorumLab.state());

export const events = (page: Page, type: string): Promise<SeenEvent[]> =>
  page.evaluate((wanted) => window.quorumLab.events(0).filter(({ event }) => event.type === wanted), type);

/** The member that leads, as the newest raft.becomeLeader tells; null before any. */
export async function leader(page: Page): Promise<number | null> {
  const elections = await events(page, 'raft.becomeLeader');
  return elections.at(-1)?.at.member ?? null;
}

/** What is drawn under a subject's mark: a member, a link, a message, a disk. */
export const subject = (page: Page, mark: string): Locator => page.locator(`[data-subject="${mark}"]`);

/** Opens the menu of what is drawn, by its key, and picks an entry. */
export async function pick(page: Page, mark: string, entry: RegExp): Promise<void> {
  await subject(page, mark).focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: entry }).click();
  await expect(page.getByRole('menu')).toHaveCount(0);
}

/** Runs in short pieces, so that the page can do the second command once the first has its answer. */
export async function runUntil(page: Page, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await holds()) return;
    await run(page, 200);
  }
  throw new Error(`within twelve seconds it was not so: ${what}`);
}
