/** Labs whose pages end in the middle of a commit: what writes to them, and what is looked at after. */
import type { BrowserContext, Page } from '@playwright/test';
import type { LabState } from '../../src/host/port.ts';
import { actAndRun, expect, openLab } from './lab.ts';
import type { StoredAsk, StoredFindings } from './stored-lab.worker.ts';
import { buildWorker } from './worker-page.ts';

declare global {
  interface Window {
    acknowledged(number: number): Promise<void>;
  }
}

/** The ways in which a page ends. */
export const ends = {
  close: (page: Page) => page.close(),
  leave: async (page: Page) => void (await page.goto('about:blank')),
  crash: async (page: Page) => {
    const crashed = page.waitForEvent('crash');
    const session = await page.context().newCDPSession(page);
    void session.send('Page.crash').catch(() => {});
    await crashed;
  },
} as const;
export const endNames = Object.keys(ends) as (keyof typeof ends)[];

const keyOf = (n: number): string => `written/${n}`;
/** Numbers that tell a value of its number. */
const valueOf = (n: number): string => `${n}:${'v'.repeat((n * 397) % 3000)}`;

/** What was acknowledged to a page, kept outside of it. */
export class Acknowledged {
  readonly numbers = new Set<number>();
  #next = 1;
  #told: () => void = () => {};

  /** Lets a page write without end, under load: four puts at any time, each told of when it is acknowledged. */
  async write(page: Page): Promise<void> {
    await page.exposeFunction('acknowledged', (n: number) => {
      this.numbers.add(n);
      this.#next = Math.max(this.#next, n + 1);
      this.#told();
    });
    // what was under way when the page before ended may have been written: its numbers are not used again
    this.#next += 10;
    await page.evaluate((first) => {
      const lab = window.quorumLab;
      let next = first;
      const write = async (): Promise<void> => {
        for (;;) {
          const n = next++;
          const value = `${n}:${'v'.repeat((n * 397) % 3000)}`;
          const put = await lab.act({ type: 'put', key: `written/${n}`, value });
          if (put.ok && put.outcome?.ok === true) await window.acknowledged(n);
        }
      };
      void lab.act({ type: 'load', kind: 'kubernetes', perSecond: 40 });
      for (let i = 0; i < 4; i++) void write();
      const run = async (): Promise<void> => {
        for (;;) await lab.run(20_000);
      };
      void run();
    }, this.#next);
  }

  /** Resolves when so many more are acknowledged. */
  more(count: number): Promise<void> {
    const goal = this.numbers.size + count;
    return new Promise((resolve) => {
      this.#told = () => {
        if (this.numbers.size >= goal) resolve();
      };
    });
  }

  /** Those that a lab does not have, or has with another value. */
  async missingIn(page: Page): Promise<readonly number[]> {
    const got = await actAndRun(page, { type: 'get', key: 'written/', prefix: true }, 6000);
    if (!got?.ok || !got.outcome?.ok || got.outcome.type !== 'get') throw new Error(JSON.stringify(got));
    const text = (bytes: Uint8Array): string => String.fromCharCode(...Object.values(bytes));
    const held = new Map(got.outcome.kvs.map(({ key, value }) => [text(key), text(value)]));
    return [...this.numbers].filter((n) => held.get(keyOf(n)) !== valueOf(n));
  }
}

let script: Promise<string> | null = null;

/** Looks at a stored lab that no page holds, from a bare page of the same site. */
export async function findingsOf(
  context: BrowserContext,
  baseURL: string,
  ask: StoredAsk,
): Promise<StoredFindings> {
  script ??= buildWorker('tests/e2e/stored-lab.worker.ts');
  const body = await script;
  const page = await context.newPage();
  await page.route('**/bare.html', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.route('**/suite.js', (route) => route.fulfill({ contentType: 'text/javascript', body }));
  await page.goto(`${baseURL}bare.html`);
  const found = await page.evaluate(
    (asked) =>
      new Promise<StoredFindings>((resolve, reject) => {
        const worker = new Worker('suite.js');
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.onmessage = ({ data }) => resolve(data as StoredFindings);
        worker.postMessage(asked);
      }),
    ask,
  );
  await page.close();
  return found;
}

/** A lab that was opened again has all of it, agrees with its store, and takes another write. */
export async function goesOn(page: Page, query: string, written: Acknowledged): Promise<LabState> {
  const opened = await openLab(page, query);
  expect(opened.storageNotice).toBeNull();
  if (opened.lossNotice !== null) return opened;
  expect(await written.missingIn(page)).toEqual([]);
  expect(await actAndRun(page, { type: 'put', key: 'goes on', value: 'yes' }, 4000)).toMatchObject({
    ok: true,
    outcome: { ok: true },
  });
  expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  return opened;
}
