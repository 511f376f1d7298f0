/**
 * The contract of a lab, in a real browser with a real store: one worker for all, and a worker for each
 * member.
 */
import type { Page } from '@playwright/test';
import type { LabState } from '../../src/host/port.ts';
import type { LabUnderTest } from '../contract/lab-port.ts';
import { labPortCases } from '../contract/lab-port.ts';
import { actAndRun, events, openLab, ready, run, state, test } from './lab.ts';

function labIn(page: Page, layout: string): LabUnderTest {
  return {
    open: ({ seed, workspace, stored }) => {
      const storage = stored ? `workspace=${layout}-${workspace}` : 'storage=memory';
      return openLab(page, `?seed=${seed}&autoplay=0&layout=${layout}&${storage}`);
    },
    reload: async () => {
      await page.reload();
      return ready(page);
    },
    actAndRun: (action, virtualMs) => actAndRun(page, action, virtualMs),
    run: async (virtualMs) => void (await run(page, virtualMs)),
    step: (unit, count) =>
      page.evaluate(([wanted, times]) => window.quorumLab.step(wanted, times), [unit, count] as const),
    state: (): Promise<LabState> => state(page),
    compareStore: () => page.evaluate(() => window.quorumLab.compareStore()),
    events: (type) => events(page, type),
  };
}

for (const layout of ['workers', 'one']) {
  for (const [number, { title, run: tell }] of labPortCases.entries()) {
    test(`layout ${layout}: ${title}`, async ({ page }) => tell(labIn(page, layout), `case${number}`));
  }
}
