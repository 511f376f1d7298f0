/**
 * Pages and browsers that end in the middle of a commit, at instants drawn from a seed. TAB_CLOSES=100 and
 * BROWSER_KILLS=20 say how often; END_SEED=7 draws others.
 */
import { chromium, type Browser, type BrowserContext } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stream, type Prng } from '../../src/base/prng.ts';
import { findChromium } from './chromium.mjs';
import { expect, test } from './lab.ts';
import { Acknowledged, endNames, ends, findingsOf, goesOn } from './lost-pages.ts';

const asked = (name: string, usual: number): number => Number(process.env[name] ?? usual);
const closes = asked('TAB_CLOSES', 4);
const kills = asked('BROWSER_KILLS', 1);
const seed = asked('END_SEED', 1);
const kinds = ['indexeddb', 'opfs'] as const;

/** What the test is about: an end at no particular moment, so far into whatever is under way. */
const instant = (draws: Prng): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, draws.below(80)));

const queryOf = (kind: (typeof kinds)[number], workspace: string): string =>
  `?seed=3&workspace=${workspace}&autoplay=0&storage=${kind === 'opfs' ? 'opfs' : 'auto'}`;

for (const [i, kind] of kinds.entries()) {
  const rounds = Math.floor((closes + 1 - i) / 2);
  test(`${kind}: ${rounds} pages that end in mid-commit lose no acknowledged write`, async ({
    context,
    baseURL,
  }) => {
    test.setTimeout(60_000 + rounds * 60_000);
    const draws = stream(seed, 'tab', kind);
    const written = new Acknowledged();
    const ask = { kind, workspace: 'ended' } as const;
    for (let round = 1; round <= rounds; round++) {
      const page = await context.newPage();
      expect(await goesOn(page, queryOf(kind, 'ended'), written)).toMatchObject({
        storage: kind,
        boot: round,
        lossNotice: null,
      });
      await written.write(page);
      await written.more(draws.between(2, 20));
      await instant(draws);
      const end = endNames[draws.below(endNames.length)];
      await ends[end](page);
      const { record, members, problems } = await findingsOf(context, baseURL as string, ask);
      expect([round, end, record?.boot, members, problems]).toEqual([round, end, round, 3, []]);
      if (!page.isClosed()) await page.close();
    }
    const last = await context.newPage();
    expect((await goesOn(last, queryOf(kind, 'ended'), written)).lossNotice).toBeNull();
    console.log(`${rounds} ends of pages (${kind}), ${written.numbers.size} writes acknowledged, 0 lost`);
  });
}

/** A browser of our own, in a group of processes of its own, which one signal ends whole. */
class OwnBrowser {
  readonly #process: ChildProcess;
  readonly browser: Browser;

  private constructor(process: ChildProcess, browser: Browser) {
    this.#process = process;
    this.browser = browser;
  }

  static async start(profile: string): Promise<OwnBrowser> {
    const path = findChromium() ?? chromium.executablePath();
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'];
    const process = spawn(
      path,
      [...flags, `--user-data-dir=${profile}`, '--remote-debugging-port=0', 'about:blank'],
      { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const port = await new Promise<string>((resolve, reject) => {
      let said = '';
      process.once('exit', () => reject(new Error(`the browser ended: ${said.slice(-500)}`)));
      process.stderr?.on('data', (data: Buffer) => {
        said += data.toString();
        const [, port] = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said) ?? [];
        if (port !== undefined) resolve(port);
      });
    });
    return new OwnBrowser(process, await chromium.connectOverCDP(`http://127.0.0.1:${port}`));
  }

  get context(): BrowserContext {
    return this.browser.contexts()[0];
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    process.kill(-(this.#process.pid as number), 'SIGKILL');
    await ended;
  }
}

test(`${kills} browsers that are killed in mid-commit lose nothing, or say what they lost`, async ({
  baseURL,
}) => {
  test.setTimeout(60_000 + kills * 90_000);
  const draws = stream(seed, 'browser');
  const profile = mkdtempSync(join(tmpdir(), 'quorum-lab-profile-'));
  const lost: string[] = [];
  let acknowledged = 0;
  let own: OwnBrowser | null = null;
  try {
    let written = new Acknowledged();
    for (let round = 0; round <= kills; round++) {
      own = await OwnBrowser.start(profile);
      const page = await own.context.newPage();
      const query = `${baseURL as string}${queryOf('indexeddb', 'killed')}`;
      const { problems, members } = await findingsOf(own.context, baseURL as string, {
        kind: 'indexeddb',
        workspace: 'killed',
      });
      expect(problems).toEqual([]);
      expect([0, 3]).toContain(members);
      const { lossNotice } = await goesOn(page, query, written);
      if (lossNotice !== null) {
        expect(lossNotice).toMatch(/dropped the lab's storage/);
        lost.push(lossNotice);
        written = new Acknowledged();
      }
      if (round === kills) break;
      const before = written.numbers.size;
      await written.write(page);
      await written.more(draws.between(2, 20));
      await instant(draws);
      await own.kill();
      acknowledged += written.numbers.size - before;
    }
  } finally {
    await own?.kill().catch(() => {});
    rmSync(profile, { recursive: true, force: true });
  }
  console.log(`${kills} kills, ${acknowledged} writes acknowledged, ${lost.length} losses, each named`);
});
