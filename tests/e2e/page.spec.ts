/**
 * The page itself: two tabs, storage that is refused or full, hostile text, policy, sub-paths, accessibility.
 */
import AxeBuilder from '@axe-core/playwright';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { stream } from '../../src/base/prng.ts';
import { actAndRun, events, expect, openLab, ready, state, test, watch } from './lab.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/**
 * A plain static host that sets no headers but the content type: the build under a sub-path, and pages that
 * frame it.
 */
async function staticHost(
  pages: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    const page = pages[path];
    const file = join('dist', normalize(path.replace('/deep/sub/', '/')).replace(/\/$/, '/index.html'));
    if (path === '/favicon.ico') response.writeHead(204).end();
    else if (page !== undefined) response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
    else if (path.startsWith('/deep/sub/') && existsSync(file) && statSync(file).isFile()) {
      response.writeHead(200, {
        'Content-Type': types[extname(file)] ?? 'application/octet-stream',
        ...headers,
      });
      createReadStream(file).pipe(response);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
}

test('the build works under a sub-path of a host that sets no headers', async ({ page, complaints }) => {
  const [server, origin] = await staticHost({});
  try {
    await page.goto(`${origin}/deep/sub/?seed=3&autoplay=0`);
    expect((await ready(page)).storage).toBe('indexeddb');
    expect(await actAndRun(page, { type: 'put', key: 'a', value: 'b' }, 500)).toMatchObject({ ok: true });
    // Not directly: what a debugger evaluates is exempt from the policy, what a timer runs is not.
    const evaluates = (): Promise<boolean> =>
      new Promise((resolve) => {
        setTimeout(() => {
          try {
            resolve((0, eval)('1') === 1);
          } catch {
            resolve(false);
          }
        }, 0);
      });
    expect(await page.evaluate(evaluates)).toBe(false);
    const workers = page.workers();
    expect(workers.length).toBeGreaterThan(0);
    for (const worker of workers) expect(await worker.evaluate(evaluates)).toBe(false);
    expect(complaints.rows.length).toBeGreaterThan(0);
    complaints.rows.length = 0;
  } finally {
    server.close();
  }
});

test('a sandboxed frame without storage runs in memory and says so', async ({ page }) => {
  const [server, origin] = await staticHost(
    {
      '/frame':
        '<!doctype html><title>course</title><iframe title="lab" sandbox="allow-scripts" width="1000" height="800" ' +
        'src="/deep/sub/?seed=3&autoplay=0"></iframe>',
    },
    { 'Access-Control-Allow-Origin': '*' },
  );
  try {
    await page.goto(`${origin}/frame`);
    const lab = page.frameLocator('iframe[title="lab"]');
    await expect(lab.getByText('memory only')).toBeVisible();
    const prompt = lab.getByRole('region', { name: 'Console' }).getByRole('textbox');
    await prompt.fill('put a b');
    await prompt.press('Enter');
    await lab.getByRole('button', { name: /play/i }).first().click();
    await expect(lab.getByRole('region', { name: 'Console' })).toContainText('OK');
  } finally {
    server.close();
  }
});

test('a second tab may look without writing, or take the lab over', async ({ page, context, complaints }) => {
  await openLab(page, '?seed=3&workspace=tabs&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'a', value: 'first' }, 500);
  const second = await context.newPage();
  watch(second, complaints.rows);
  await second.goto('./?seed=3&workspace=tabs&autoplay=0');
  const dialog = second.getByRole('dialog');
  await expect(dialog).toContainText(/another tab/i);
  await dialog.getByRole('button', { name: /look/i }).click();
  await ready(second);
  expect((await state(second)).storage).toBe('memory');
  expect(await actAndRun(second, { type: 'get', key: 'a' }, 2000)).toMatchObject({
    ok: true,
    outcome: { ok: true, count: 1 },
  });
  await second.reload();
  await dialog.getByRole('button', { name: /take over/i }).click();
  await ready(second);
  expect((await state(second)).storage).toBe('indexeddb');
  await expect(page.getByText(/taken over/i).first()).toBeVisible();
});

test('stored data are deleted on request', async ({ page }) => {
  await openLab(page, '?seed=3&workspace=delete&autoplay=0');
  await actAndRun(page, { type: 'put', key: 'a', value: 'b' }, 500);
  await page.reload();
  expect((await ready(page)).boot).toBe(2);
  await page.getByRole('button', { name: /delete stored data/i }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /delete/i })
    .click();
  await expect(page.getByRole('dialog')).toContainText(/deleted/i);
  await page.getByRole('dialog').getByRole('button').click();
  await page.waitForLoadState();
  expect((await ready(page)).boot).toBe(1);
  const got = await actAndRun(page, { type: 'get', key: 'a' }, 2000);
  expect(got).toMatchObject({ ok: true, outcome: { ok: true, count: 0 } });
});

test('keys and values are text, never markup', async ({ page }) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=1');
  const console_ = page.getByRole('region', { name: 'Console' });
  const before = await page.locator('img').count();
  for (const line of [
    `put '<img src=x onerror=alert(1)>' '<script>alert(2)</script>'`,
    `get '<img src=x onerror=alert(1)>'`,
  ]) {
    await console_.getByRole('textbox').fill(line);
    await console_.getByRole('textbox').press('Enter');
  }
  await expect(console_).toContainText('<script>alert(2)</script>');
  await expect(page.getByRole('region', { name: 'Logs' })).toContainText('<img src=x');
  expect(await page.locator('img').count()).toBe(before);
});

test('a bad command, an oversized value and a write without quorum each get a sentence that says what to do', async ({
  page,
}) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=0');
  const bad = await page.evaluate(() => window.quorumLab.act({ type: 'put', key: 'a' }));
  expect(bad).toMatchObject({ ok: false, code: 'bad command' });
  const console_ = page.getByRole('region', { name: 'Console' });
  await console_.getByRole('textbox').fill('putt a b');
  await console_.getByRole('textbox').press('Enter');
  await expect(console_).toContainText(/putt/);
  await expect(console_).toContainText(/put/);
  const big = await actAndRun(page, { type: 'put', key: 'a', value: 'x'.repeat(1_700_000) }, 2000);
  expect(big).toMatchObject({
    ok: true,
    outcome: { ok: false, message: 'etcdserver: request is too large' },
  });
  for (const member of [1, 2])
    await page.evaluate((m) => window.quorumLab.act({ type: 'kill', member: m }), member);
  const lonely = await actAndRun(page, { type: 'put', key: 'a', value: 'b', endpoints: ['m3'] }, 9000);
  expect(lonely).toMatchObject({
    ok: true,
    outcome: { ok: false, code: 4, message: 'context deadline exceeded' },
  });
});

test('a full store stops members with a sentence, and nothing acknowledged is lost', async ({
  page,
  baseURL,
}) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: baseURL as string, quotaSize: 1_500_000 });
  await openLab(page, '?seed=3&workspace=full&autoplay=0');
  const draws = stream(3, 'values');
  const noise = (): string =>
    Array.from({ length: 200_000 }, () => String.fromCharCode(draws.between(33, 122))).join('');
  const acknowledged: string[] = [];
  for (let i = 0; i < 12 && (await events(page, 'server.halt')).length === 0; i++) {
    const put = await actAndRun(page, { type: 'put', key: `big${i}`, value: noise() }, 1000);
    if (put?.ok && put.outcome?.ok) acknowledged.push(`big${i}`);
  }
  await expect(page.getByText(/storage is full/i).first()).toBeVisible();
  expect(acknowledged.length).toBeGreaterThan(0);
  await session.send('Storage.overrideQuotaForOrigin', { origin: baseURL as string });
  await page.reload();
  await ready(page);
  const got = await actAndRun(page, { type: 'get', key: 'big', prefix: true, keysOnly: true }, 4000);
  const kvs = got?.ok && got.outcome?.ok && got.outcome.type === 'get' ? got.outcome.kvs : [];
  const keys = kvs.map(({ key }) => String.fromCharCode(...Object.values(key)));
  expect(keys).toEqual(expect.arrayContaining(acknowledged));
});

test('the page moves within a second of being opened and has no serious accessibility fault', async ({
  page,
}) => {
  await openLab(page, '?seed=3&storage=memory&autoplay=1');
  const moved = await page.evaluate(
    () => new Promise<boolean>((resolve) => window.quorumLab.on('sim.deliver', () => resolve(true))),
  );
  expect(moved).toBe(true);
  await page.evaluate(() => window.quorumLab.pause());
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const found = await new AxeBuilder({ page }).analyze();
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
  }
});

test('at 320 pixels wide nothing is cut off sideways', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 700 });
  await openLab(page, '?seed=3&storage=memory&autoplay=0');
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});
