/** A lab on a page, as the contract's cases drive it. */
import type { Page } from '@playwright/test';
import type { LabUnderTest } from '../contract/lab-port.ts';
import { actAndRun, events, openLab, ready, run, state } from './lab.ts';

/**
 * @param query what the address says of the layout and, for labs that are stored, of the store
 * @param workspace what stored labs' names begin with
 */
export function labIn(page: Page, query: string, workspace: string): LabUnderTest {
  return {
    open: ({ seed, workspace: name, stored }) => {
      const storage = stored ? `workspace=${workspace}-${name}` : 'storage=memory';
      return openLab(page, `?seed=${seed}&autoplay=0&${query}&${storage}`);
    },
    reload: async () => {
      await page.reload();
      return ready(page);
    },
    actAndRun: (action, virtualMs) => actAndRun(page, action, virtualMs),
    run: async (virtualMs) => void (await run(page, virtualMs)),
    step: (unit, count) =>
      page.evaluate(([wanted, times]) => window.quorumLab.step(wanted, times), [unit, count] as const),
    state: () => state(page),
    compareStore: () => page.evaluate(() => window.quorumLab.compareStore()),
    events: (type) => events(page, type),
  };
}
