/** The past of a run in a worker of its own, in a real browser, beside a lab with a worker for each member. */
import type { Page, Worker } from '@playwright/test';
import { expect, test } from './lab.ts';
import type { TimePage } from './time-page.ts';
import { servePage, type WorkerPage } from './worker-page.ts';

let suite: WorkerPage;

test.beforeAll(async () => {
  suite = await servePage('tests/e2e/time-page.ts', 'time');
});

test.afterAll(() => suite.close());

declare const window: { readonly timePage: TimePage };

/** A lab with a run under load: four faults, so many virtual milliseconds apart. */
async function openLab(page: Page, embedded: boolean, ms: number): Promise<void> {
  await page.goto(suite.origin);
  await page.waitForFunction(() => 'timePage' in window);
  await page.evaluate((guest) => window.timePage.open(guest), embedded);
  await page.evaluate(async (each) => {
    const { timePage } = window;
    await timePage.act({ type: 'load', kind: 'kubernetes', perSecond: 60 }, each);
    await timePage.act({ type: 'kill', member: 2 }, each);
    await timePage.act({ type: 'start', member: 2 }, each);
    await timePage.act({ type: 'isolate', member: 1 }, each);
    await timePage.act({ type: 'healAll' }, each);
  }, ms);
}

const memory = (page: Page) => page.evaluate(() => window.timePage.time.memory());

async function timeWorkers(page: Page): Promise<Worker[]> {
  const named = await Promise.all(
    page.workers().map(async (worker) => ({ worker, name: await worker.evaluate(() => self.name) })),
  );
  return named.filter(({ name }) => name === 'time').map(({ worker }) => worker);
}

test('fifty moments sought at random have their hashes, and what is told of them is what was told', async ({
  page,
}) => {
  await openLab(page, false, 1500);
  expect(await timeWorkers(page)).toHaveLength(1);
  expect(await page.evaluate(() => window.timePage.seeks(50))).toEqual({ wrong: [], count: 50 });
  expect(await page.evaluate(() => window.timePage.windows(10))).toEqual({ wrong: [], count: 10 });
  expect(await timeWorkers(page)).toHaveLength(1);
  const { bytes, limit, moment, problem } = await memory(page);
  expect(problem).toBe(null);
  expect(limit).toBe(128 * 1024 * 1024);
  expect(bytes).toBeLessThanOrEqual(limit);
  expect(moment).toBe((await page.evaluate(() => window.timePage.state())).moment);
});

test('a short question is answered while a long one is worked at, and the lab is not kept waiting', async ({
  page,
}) => {
  await openLab(page, false, 1000);
  await page.evaluate(() => window.timePage.time.seek(0, 0));
  const order = await page.evaluate(() => window.timePage.answered());
  expect(order.at(-1)).toBe('all that was told');
  expect(order).toHaveLength(3);
});

test('the past of a lab that is a guest stays within 48 MB', async ({ page }) => {
  await openLab(page, true, 1000);
  expect(await page.evaluate(() => window.timePage.seeks(10))).toEqual({ wrong: [], count: 10 });
  const { bytes, limit, keyframes } = await memory(page);
  expect(limit).toBe(48 * 1024 * 1024);
  expect(bytes).toBeLessThanOrEqual(limit);
  expect(keyframes).toBeGreaterThan(2);
});

test('a time worker that fails or falls silent is named, and the next question starts another', async ({
  page,
}) => {
  await openLab(page, false, 400);
  const seek = () => page.evaluate(() => window.timePage.time.seek(0, 900));
  const first = await seek();
  expect(first).toMatchObject({ ok: true, proven: true });
  const chainHash = first.ok ? first.chainHash : '';

  const [failing] = await timeWorkers(page);
  await failing?.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error('out of memory');
      }),
  );
  const failed = { ok: false, code: 'internal', message: 'The time worker failed: Error: out of memory.' };
  expect(await seek()).toEqual(failed);
  expect(await seek()).toMatchObject({ ok: true, chainHash });

  const [silent] = await timeWorkers(page);
  await silent?.evaluate(() => self.close()).catch(() => {});
  const dead = { ok: false, code: 'internal', message: 'The time worker does not answer.' };
  expect(await seek()).toEqual(dead);
  expect(await memory(page)).toMatchObject({ problem: dead.message });
  expect(await seek()).toMatchObject({ ok: true, chainHash });
  expect(await page.evaluate(() => window.timePage.state())).toMatchObject({ stopped: null });
});
