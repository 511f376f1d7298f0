/** The page stores in a real browser: the contract in a worker, tabs that close in mid-commit, and files that vanish. */
import type { Page } from '@playwright/test';
import { pageStoreCases } from '../contract/page-store.ts';
import { act, actAndRun, expect, openLab, ready, state, test } from './lab.ts';
import type { Kind, Task } from './page-store.worker.ts';
import { serveWorker, type WorkerPage } from './worker-page.ts';

let suite: WorkerPage;

test.beforeAll(async () => {
  suite = await serveWorker('tests/e2e/page-store.worker.ts', 'stores');
});

test.afterAll(() => suite.close());

/** Does a task in a worker of its own; throws the worker's error. */
async function perform(page: Page, task: Task): Promise<unknown> {
  await page.goto(suite.origin);
  return page.evaluate(
    (given) =>
      new Promise((resolve, reject) => {
        const worker = new Worker('/suite.js');
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.onmessage = ({ data }) => {
          worker.terminate();
          if ('error' in data) reject(new Error(data.error));
          else resolve(data.value);
        };
        worker.postMessage(given);
      }),
    task,
  );
}

/** Lets a worker write until so many commits are acknowledged. */
async function writeUntil(page: Page, kind: Kind, workspace: string, count: number): Promise<number> {
  await page.goto(suite.origin);
  return page.evaluate(
    ([given, wanted]) =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker('/suite.js');
        let first: number | null = null;
        worker.onmessage = ({ data }) => {
          if (typeof data !== 'number') return reject(new Error(JSON.stringify(data)));
          first ??= data;
          if (data >= first + wanted) resolve(data);
        };
        worker.postMessage(given);
      }),
    [{ task: 'write', kind, workspace } satisfies Task, count] as const,
  );
}

for (const kind of ['indexeddb', 'opfs'] as const) {
  for (const [index, { title }] of pageStoreCases.entries()) {
    test(`${kind}: ${title}`, async ({ page }) => {
      await perform(page, { task: 'case', kind, index });
    });
  }

  test(`${kind}: a tab closed in mid-commit is found at its last acknowledged commit, or the one under way`, async ({
    context,
  }) => {
    let acknowledged = 0;
    for (let round = 1; round <= 6; round++) {
      const writer = await context.newPage();
      acknowledged = await writeUntil(writer, kind, 'killed', 7 * round);
      await writer.close();
      const reader = await context.newPage();
      const held = (await perform(reader, { task: 'read', kind, workspace: 'killed' })) as {
        readonly last: number;
        readonly whole: boolean;
      };
      expect(held.whole).toBe(true);
      expect(held.last).toBeGreaterThanOrEqual(acknowledged);
      await reader.close();
    }
    expect(acknowledged).toBeGreaterThan(100);
  });
}

test('a lab in files: its tab closes while it plays, and the next one has every acknowledged write', async ({
  page,
  context,
}) => {
  const query = '?seed=3&storage=opfs&workspace=files&autoplay=0';
  expect((await openLab(page, query)).storage).toBe('opfs');
  expect(await actAndRun(page, { type: 'put', key: 'a', value: 'kept' }, 1000)).toMatchObject({ ok: true });
  expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  void act(page, { type: 'load', kind: 'kubernetes', perSecond: 200 }).catch(() => {});
  await page.evaluate(() => window.quorumLab.play());
  await page.waitForFunction((from) => window.quorumLab.state().storedCommits > from, 60);
  await page.close();
  const next = await context.newPage();
  const opened = await openLab(next, query);
  expect(opened).toMatchObject({ storage: 'opfs', boot: 2, lossNotice: null });
  expect(await actAndRun(next, { type: 'get', key: 'a' }, 3000)).toMatchObject({
    ok: true,
    outcome: { ok: true, count: 1 },
  });
  expect(await next.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
});

test('files that the browser dropped are missed by name', async ({ page }) => {
  const query = '?seed=3&storage=opfs&workspace=dropped&autoplay=0';
  await openLab(page, query);
  await actAndRun(page, { type: 'put', key: 'a', value: 'b' }, 1000);
  await openLab(page, '?storage=memory&autoplay=0');
  await expect(async () => {
    await page.evaluate(async () =>
      (await navigator.storage.getDirectory()).removeEntry('quorum-lab', { recursive: true }),
    );
  }).toPass();
  await page.goto(`./${query}`);
  expect((await ready(page)).lossNotice).toMatch(/dropped the lab's storage at commit \d+ of boot 1/);
  await expect(page.getByText(/dropped the lab's storage/).first()).toBeVisible();
  expect((await state(page)).storage).toBe('opfs');
});
