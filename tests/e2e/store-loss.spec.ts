/** A browser that drops what it stored, or stops storing: it is noticed, named, and part of the run. */
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import type { RunFile } from '../../src/host/port.ts';
import { replay } from '../../src/sim/run.ts';
import { clusterConfig } from '../sim/worlds.ts';
import { findChromium } from './chromium.mjs';
import { actAndRun, events, expect, openLab, ready, state, test, watch } from './lab.ts';

const put = (page: Page, key: string, value = 'x') => actAndRun(page, { type: 'put', key, value }, 1500);
const ok = { ok: true, outcome: { ok: true } };

async function countOf(page: Page): Promise<number> {
  const got = await actAndRun(page, { type: 'get', key: '', prefix: true, countOnly: true }, 4000);
  return got?.ok && got.outcome?.ok && got.outcome.type === 'get' ? got.outcome.count : -1;
}

/** A profile on the disk, which is opened again and again. */
class Profile {
  readonly path = mkdtempSync(join(tmpdir(), 'quorum-lab-profile-'));

  async open<Value>(work: (page: Page, context: BrowserContext) => Promise<Value>): Promise<Value> {
    const executablePath = findChromium();
    const context = await chromium.launchPersistentContext(this.path, {
      ...(executablePath === null ? {} : { executablePath }),
      args: ['--no-sandbox', '--disable-gpu'],
    });
    try {
      return await work(await context.newPage(), context);
    } finally {
      await context.close();
    }
  }

  /** Where the browser keeps databases; the witness is elsewhere. */
  get databases(): string {
    return join(this.path, 'Default', 'IndexedDB');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

test('a profile whose databases are gone, or are older ones, is told of by name', async ({ baseURL }) => {
  test.setTimeout(240_000);
  const profile = new Profile();
  const copy = `${profile.path}-copy`;
  const query = `${baseURL as string}?seed=3&workspace=profile&autoplay=0`;
  try {
    await profile.open(async (page) => {
      expect((await openLab(page, query)).storage).toBe('indexeddb');
      expect(await put(page, 'a')).toMatchObject(ok);
    });
    expect(existsSync(profile.databases)).toBe(true);
    cpSync(profile.databases, copy, { recursive: true });
    await profile.open(async (page) => {
      expect(await openLab(page, query)).toMatchObject({ boot: 2, lossNotice: null });
      expect(await put(page, 'b')).toMatchObject(ok);
    });
    rmSync(profile.databases, { recursive: true });
    cpSync(copy, profile.databases, { recursive: true });
    await profile.open(async (page) => {
      const { lossNotice } = await openLab(page, query);
      expect(lossNotice).toMatch(/older state of the lab's storage: it had come to commit \d+ of boot 2/);
      await expect(page.getByText(/older state of the lab's storage/).first()).toBeVisible();
    });
    rmSync(profile.databases, { recursive: true });
    await profile.open(async (page) => {
      const { lossNotice, boot } = await openLab(page, query);
      expect(boot).toBe(1);
      expect(lossNotice).toMatch(
        /dropped the lab's storage at commit \d+ of boot 2: all members' disks are wiped/,
      );
      await expect(page.getByText(/all members' disks are wiped/).first()).toBeVisible();
      expect((await events(page, 'sim.wipe')).map(({ at }) => at.member)).toEqual([1, 2, 3]);
      expect(await countOf(page)).toBe(0);
      await page.reload();
      expect(await ready(page)).toMatchObject({ boot: 2, lossNotice: null });
    });
  } finally {
    profile.remove();
    rmSync(copy, { recursive: true, force: true });
  }
});

for (const storage of ['indexeddb', 'opfs'] as const) {
  const query = `?seed=3&workspace=loss&autoplay=0&storage=${storage === 'opfs' ? 'opfs' : 'auto'}`;

  test(`${storage}: site data that are cleared under a running lab stop it with a sentence`, async ({
    page,
    baseURL,
  }) => {
    expect((await openLab(page, query)).storage).toBe(storage);
    expect(await put(page, 'a')).toMatchObject(ok);
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.clearDataForOrigin', { origin: baseURL as string, storageTypes: 'all' });
    await expect(async () => {
      await put(page, 'more');
      expect((await state(page)).stopped).not.toBeNull();
    }).toPass();
    expect((await state(page)).stopped).toMatchObject({ kind: 'store' });
    expect((await state(page)).stopped?.message).toMatch(/It had come to commit \d+ of boot 1/);
    await expect(page.getByText(/It had come to commit \d+ of boot 1/).first()).toBeVisible();
    await page.reload();
    expect(await ready(page)).toMatchObject({ boot: 1, storage });
    expect(await put(page, 'again')).toMatchObject(ok);
  });

  test(`${storage}: a second tab takes the lab over while it writes, with every acknowledged write`, async ({
    page,
    context,
    complaints,
  }) => {
    await openLab(page, query);
    let acknowledged = 0;
    await page.exposeFunction('acknowledged', () => acknowledged++);
    await page.evaluate(() => {
      const write = async (n: number): Promise<void> => {
        const wrote = await window.quorumLab.act({ type: 'put', key: `k${n}`, value: 'x'.repeat(500) });
        if (wrote.ok && wrote.outcome?.ok) await window.acknowledged(n);
        if (wrote.ok) await write(n + 1);
      };
      const run = async (): Promise<void> => {
        while ((await window.quorumLab.run(20_000)).ok);
      };
      void write(0);
      void run();
    });
    await expect.poll(() => acknowledged).toBeGreaterThan(5);
    const second = await context.newPage();
    watch(second, complaints.rows);
    await second.goto(`./${query}`);
    await second
      .getByRole('dialog')
      .getByRole('button', { name: /take over/i })
      .click();
    expect((await ready(second)).storage).toBe(storage);
    await expect(page.getByText(/taken over/i).first()).toBeVisible();
    expect(await countOf(second)).toBeGreaterThanOrEqual(acknowledged);
    expect(await second.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  });

  test(`${storage}: what a full store reports is part of the run, which Node does again to the same hash`, async ({
    page,
    baseURL,
  }) => {
    const session = await page.context().newCDPSession(page);
    const origin = baseURL as string;
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_500_000 });
    await openLab(page, query.replace('loss', 'quota'));
    const draws = stream(3, 'values');
    const noise = (): string =>
      Array.from({ length: 200_000 }, () => String.fromCharCode(draws.between(33, 122))).join('');
    for (let i = 0; i < 20 && (await events(page, 'server.halt')).length === 0; i++)
      await put(page, `big${i}`, noise());
    await expect(page.getByText(/storage is full/i).first()).toBeVisible();
    await put(page, 'after');
    const file = (await page.evaluate(() => window.quorumLab.runFile())) as RunFile;
    const reported = file.interventions.filter(({ action }) => action.type === 'storeFailed');
    expect(reported.length).toBeGreaterThan(0);
    const { cluster } = replay(clusterConfig({ seed: 3 }), file.interventions, Member.boot, file.moment);
    expect(cluster.chainHash).toBe(file.chainHash);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
  });
}

test('a database that another tab deletes under a running lab stops it with a sentence', async ({
  page,
  context,
}) => {
  await openLab(page, '?seed=3&workspace=deleted&autoplay=0');
  expect(await put(page, 'a')).toMatchObject(ok);
  const other = await context.newPage();
  await other.goto('./?storage=memory&autoplay=0');
  await other.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const deleting = indexedDB.deleteDatabase('quorum-lab/deleted');
        deleting.onsuccess = () => resolve();
        deleting.onerror = () => reject(deleting.error as Error);
      }),
  );
  await expect(page.getByText(/another tab deletes or renews the stored lab/i).first()).toBeVisible();
  expect((await state(page)).stopped).toMatchObject({ kind: 'store' });
  await page.reload();
  const opened = await ready(page);
  expect(opened.lossNotice).toMatch(/dropped the lab's storage at commit \d+ of boot 1/);
});
