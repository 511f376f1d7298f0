/** One picture inside another site's page: storage denied, scripts sandboxed, several on one page, scenarios. */
import type { Frame, Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { events, expect, openLab, ready, test, type Complaints } from './lab.ts';

/** A page of another site that frames these addresses. */
async function otherSite(frames: readonly string[], sandbox = ''): Promise<[Server, string]> {
  const attribute = sandbox === '' ? '' : ` sandbox="${sandbox}"`;
  const iframes = frames.map(
    (src, i) => `<iframe title="lab ${i}"${attribute} width="900" height="760" src="${src}"></iframe>`,
  );
  const html = `<!doctype html><html lang="en"><title>course</title>${iframes.join('')}`;
  const server = createServer((request, response) => {
    const isPage = request.url === '/';
    response.writeHead(isPage ? 200 : 204, { 'Content-Type': 'text/html' }).end(isPage ? html : '');
  });
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening));
  return [server, `http://localhost:${(server.address() as AddressInfo).port}/`];
}

/** Opens the other site's page; its own requests are no fault of the frames. */
async function visit(page: Page, origin: string, complaints: Complaints): Promise<void> {
  await page.goto(origin);
  const own = complaints.rows.filter((row) => !row.startsWith(`request: ${origin}`));
  complaints.rows.splice(0, complaints.rows.length, ...own);
}

const frame = (page: Page, number = 0): Frame => page.frames()[number + 1] as Frame;

/** What the frame's own script may do with IndexedDB: `open` or the error's name. */
const storageIn = (lab: Frame): Promise<string> =>
  lab.evaluate(
    () =>
      new Promise<string>((tell) => {
        try {
          const asked = indexedDB.open('probe');
          asked.onsuccess = () => tell('open');
          asked.onerror = () => tell(asked.error?.name ?? 'error');
        } catch (error) {
          tell((error as Error).name);
        }
      }),
  );

const views: readonly { readonly query: string; readonly works: (lab: Frame) => Promise<void> }[] = [
  {
    query: 'view=cluster&scenario=leader-crash&seed=3&theme=dark',
    works: async (lab) => {
      const cluster = lab.getByRole('region', { name: 'Cluster' });
      await expect(cluster.getByRole('button', { name: /^m\d, down/ })).toHaveCount(1);
      await expect(cluster.getByRole('button', { name: /^m\d, leader/ })).toHaveCount(1);
      await cluster.getByRole('button', { name: /^m\d, down/ }).focus();
      await cluster.getByRole('button', { name: /^m\d, down/ }).press('m');
      await lab.getByRole('menuitem', { name: /^Restart/ }).click();
      await expect(cluster.getByRole('button', { name: /^m\d, down/ })).toHaveCount(0);
    },
  },
  {
    query: 'view=leases&scenario=expiry&seed=3&theme=light',
    works: async (lab) => {
      await lab.waitForFunction(() => 'quorumLab' in window);
      await lab.evaluate(() => window.quorumLab.ready.then(() => window.quorumLab.run(8_000_000)));
      await expect(lab.locator('[data-end=abc]')).toContainText('Keys removed: service/abc.');
    },
  },
  {
    query: 'view=freelist&scenario=interleaved&seed=3&theme=dark',
    works: async (lab) => {
      await lab.getByRole('slider', { name: 'Step' }).press('End');
      await expect(lab.locator('[data-looked=array] strong')).not.toHaveText('0');
    },
  },
];

for (const { query, works } of views) {
  const [view] = query.split('&');
  test(`in a cross-site frame whose storage is denied: ${view}`, async ({ page, baseURL, complaints }) => {
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCookieControls', { enableThirdPartyCookieRestriction: true });
    const [server, origin] = await otherSite([`${baseURL}embed.html?${query}&storage=auto&layout=one`]);
    try {
      await visit(page, origin, complaints);
      await works(frame(page));
      expect(await storageIn(frame(page))).not.toBe('open');
      if (view !== 'view=freelist')
        await expect(frame(page).getByText(/memory: nothing survives/)).toBeVisible();
      const theme = /theme=(\w+)/.exec(query)?.[1];
      await expect(frame(page).locator('html')).toHaveAttribute('data-theme', theme ?? '');
    } finally {
      server.close();
    }
  });
}

test('in frames whose sandbox allows scripts alone, all views beside each other, each with its own seed', async ({
  page,
  baseURL,
  complaints,
}) => {
  const urls = views.map(
    ({ query }, i) => `${baseURL}embed.html?${query.replace('seed=3', `seed=${3 + i}`)}`,
  );
  const [server, origin] = await otherSite(urls, 'allow-scripts');
  try {
    await visit(page, origin, complaints);
    for (const [i, { works }] of views.entries()) {
      await works(frame(page, i));
      expect(await storageIn(frame(page, i))).toBe('SecurityError');
    }
  } finally {
    server.close();
  }
});

test('a frame stores nothing unless it is asked to: two beside each other do not fight for a lock', async ({
  page,
  baseURL,
  complaints,
}) => {
  const [server, origin] = await otherSite([`${baseURL}embed.html?seed=1`, `${baseURL}embed.html?seed=2`]);
  try {
    await visit(page, origin, complaints);
    for (const number of [0, 1]) {
      await expect(frame(page, number).getByRole('button', { name: /^m\d, leader/ })).toHaveCount(1);
      await expect(frame(page, number).getByRole('dialog')).toHaveCount(0);
    }
  } finally {
    server.close();
  }
});

test('a scenario begins in a fresh lab; one that the view does not have is told, with those that it has', async ({
  page,
}) => {
  const opened = await openLab(page, 'embed.html?scenario=partition&seed=9&autoplay=0');
  expect([opened.storage, opened.playing]).toEqual(['memory', false]);
  expect(await events(page, 'sim.cut')).toHaveLength(4);
  await expect(page.getByRole('region', { name: 'Cluster' }).locator('.lane.cut')).toHaveCount(4);
  await page.goto('./embed.html?view=leases&scenario=partition&autoplay=0');
  await ready(page);
  await expect(page.getByText(/does not have\. It has: expiry, keep-alive, pile-up\.$/)).toBeVisible();
  await page.goto('./embed.html?view=freelist&scenario=nothing&autoplay=0');
  await expect(
    page.getByText(/It has: article, interleaved, random-deletes, big-value-holes\.$/),
  ).toBeVisible();
});

test('the picture’s own button opens a snapshot: it is a lab of one member then', async ({ page }) => {
  await openLab(page, 'embed.html?view=keys&seed=3&autoplay=0');
  const button = page.getByRole('button', { name: 'Open a snapshot…' });
  const choosing = page.waitForEvent('filechooser');
  await button.click();
  const buffer = gunzipSync(readFileSync('tests/testdata/xray/a-small.snapshot.db.gz'));
  await (await choosing).setFiles({ name: 'a.db', mimeType: 'application/octet-stream', buffer });
  await expect(page.locator('.notice', { hasText: 'a.db' })).toContainText('revision 352, 199 keys alive');
  await expect(page.locator('[data-facts]')).toContainText('Revision 352');
  const state = await page.evaluate(() => window.quorumLab.state());
  expect(state).toMatchObject({ members: 1, origin: { file: 'a.db', revision: 352, keyCount: 199 } });
});
