/**
 * A branch becomes the stored run in a real browser, and its page ends at any instant of that. BRANCH_KILLS=100 says
 * how often; END_SEED=7 draws other instants.
 */
import type { BrowserContext, Page } from '@playwright/test';
import { stream } from '../../src/base/prng.ts';
import { expect, test } from './lab.ts';
import { endNames, ends, findingsOf } from './lost-pages.ts';
import { servePage, type WorkerPage } from './worker-page.ts';
import type {} from './branch-page.ts';

const asked = (name: string, usual: number): number => Number(process.env[name] ?? usual);
const kills = asked('BRANCH_KILLS', 4);
const seed = asked('END_SEED', 1);

let suite: WorkerPage;

test.beforeAll(async () => {
  suite = await servePage('tests/e2e/branch-page.ts', 'branch');
});

test.afterAll(() => suite.close());

async function bare(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(suite.origin);
  await page.waitForFunction(() => 'branchPage' in window);
  return page;
}

const kinds = ['indexeddb', 'opfs'] as const;
for (const [i, kind] of kinds.entries()) {
  const rounds = Math.floor((kills + 1 - i) / 2);
  test(`${kind}: a branch becomes the stored run; ${rounds} pages that end meanwhile leave one run whole`, async ({
    context,
  }) => {
    test.setTimeout(90_000 + rounds * 60_000);
    const draws = stream(seed, 'branch', kind);
    const storage = kind === 'opfs' ? 'opfs' : 'auto';
    const found: string[] = [];
    let usualMs = 0;
    for (let round = 0; round <= rounds; round++) {
      const where = { workspace: `branch-${round}`, storage } as const;
      const page = await bare(context);
      const runs = await page.evaluate((asked) => window.branchPage.open(asked), where);
      let ended = 'close';
      if (round === 0) {
        const tookMs = await page.evaluate(() => window.branchPage.swap(0));
        expect(tookMs).toEqual(expect.any(Number));
        usualMs = Number(tookMs);
        const lives = await page.evaluate(() => window.branchPage.goOn());
        expect(lives).toEqual({ storages: ['memory', kind], differences: [] });
        await page.close();
      } else {
        // what the test is about: an end at no particular moment; the end itself takes a while to arrive
        const afterMs = draws.below(60);
        void page.evaluate((ms) => window.branchPage.swap(ms), afterMs).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, draws.below(Math.ceil(usualMs * 1.2))));
        ended = endNames[draws.below(endNames.length)];
        await ends[ended as keyof typeof ends](page);
      }
      const { members, problems } = await findingsOf(context, `${suite.origin}/`, {
        kind,
        workspace: where.workspace,
      });
      expect([round, ended, members, problems]).toEqual([round, ended, 3, []]);
      if (!page.isClosed()) await page.close();
      const next = await bare(context);
      const again = await next.evaluate((asked) => window.branchPage.reopen(asked), where);
      expect(again).toMatchObject({ proven: true, differences: [] });
      expect(again.state).toMatchObject({ storage: kind, lossNotice: null, storageNotice: null });
      const which = again.keys.mine ? 'new' : 'old';
      expect(again.keys).toEqual({ root: which === 'old', mine: which === 'new' });
      if (round > 0) expect(again.actions).toBe(runs[which]);
      else expect(which).toBe('new');
      found.push(which);
      await next.close();
    }
    console.log(
      `${kind}: ${usualMs.toFixed(0)} ms undisturbed; after ${rounds} ends: ${found.slice(1).join(' ')}`,
    );
  });
}
