/**
 * What a visitor waits for, in Chromium on the built site: bytes of JavaScript, time to the first heartbeat on the
 * screen, and puts a second through three workers with strict IndexedDB, with files and with memory. One JSON object
 * a line.
 */
import { chromium, type Page } from '@playwright/test';
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { preview } from 'vite';
import { findChromium } from '../e2e/chromium.mjs';

const repetitions = 5;
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

async function firstHeartbeatMs(page: Page, url: string): Promise<number> {
  await page.goto(`${url}?storage=memory&autoplay=1`);
  return page.evaluate(async () => {
    await window.quorumLab.ready;
    await new Promise<void>((seen) =>
      window.quorumLab.on('sim.send', ({ event }) => {
        if (event.type === 'sim.send' && event.messageType === 'MsgHeartbeat') seen();
      }),
    );
    await new Promise((frame) => requestAnimationFrame(frame));
    return performance.now();
  });
}

/** `inFlight` puts of 100 bytes at a time, `rounds` times; wall time from the first to the last acknowledgement. */
async function putsPerSecond(
  page: Page,
  url: string,
  query: string,
  inFlight: number,
  rounds: number,
): Promise<number> {
  await page.goto(`${url}?autoplay=0&${query}`);
  return page.evaluate(
    async ([width, times]) => {
      await window.quorumLab.ready;
      const start = performance.now();
      for (let round = 0; round < times; round++) {
        const puts = Array.from({ length: width }, (_, i) =>
          window.quorumLab.act({ type: 'put', key: `key-${round}-${i}`, value: 'v'.repeat(100) }),
        );
        let left = puts.length;
        for (const put of puts) void put.then(() => left--);
        while (left > 0) await window.quorumLab.run(5_000);
      }
      return (width * times * 1000) / (performance.now() - start);
    },
    [inFlight, rounds] as const,
  );
}

export async function bench(): Promise<void> {
  const executablePath = findChromium();
  if (executablePath === null || !existsSync('dist/assets'))
    throw new Error('needs Chromium and a build: npm run build');
  // what the page names is what it loads before the first heartbeat
  const named = readFileSync('dist/index.html', 'utf8').matchAll(/(?:src|href)="\.\/assets\/([^"]*\.js)"/g);
  const first = [...new Set([...named].map(([, name]) => name))];
  const gzipBytes = Object.fromEntries(
    first.map((name) => [name, gzipSync(readFileSync(`dist/assets/${name}`), { level: 9 }).length]),
  );
  console.log(
    JSON.stringify({ area: 'page', gzipBytes, total: Object.values(gzipBytes).reduce((a, b) => a + b, 0) }),
  );
  const server = await preview({ preview: { port: 4180 }, logLevel: 'error' });
  const url = server.resolvedUrls?.local[0] ?? 'http://127.0.0.1:4180/';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const inPage = async <T>(work: (page: Page) => Promise<T>): Promise<T> => {
    const context = await browser.newContext();
    const answer = await work(await context.newPage());
    await context.close();
    return answer;
  };
  const heartbeats: number[] = [];
  for (let i = 0; i < repetitions; i++) heartbeats.push(await inPage((page) => firstHeartbeatMs(page, url)));
  console.log(
    JSON.stringify({
      area: 'page',
      firstHeartbeatMs: heartbeats.map(Math.round),
      median: Math.round(median(heartbeats)),
    }),
  );
  for (const [name, query] of [
    ['indexeddb', 'workspace=bench'],
    ['opfs', 'storage=opfs&workspace=bench'],
    ['memory', 'storage=memory'],
  ]) {
    for (const [inFlight, rounds] of [
      [1, 30],
      [16, 10],
      [128, 4],
    ]) {
      const puts = await inPage((page) => putsPerSecond(page, url, query, inFlight, rounds));
      console.log(
        JSON.stringify({
          area: 'page',
          store: name,
          layout: 'workers',
          inFlight,
          putsPerSecond: Math.round(puts),
        }),
      );
    }
  }
  await browser.close();
  await server.close();
}
