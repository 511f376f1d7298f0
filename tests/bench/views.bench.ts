/**
 * What the pictures cost, in Chromium on the built site: the time of frames while each view plays under load, memory
 * at the start and after minutes of play, and the bytes of each view. One JSON object a line.
 * All members live in one worker, so that the page's heap and one other hold all there is.
 * `--minutes 10` `--rate 100` `--views cluster,leases,freelist,home` `--dist dist`
 */
import { chromium, type Browser, type CDPSession, type Page } from '@playwright/test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { preview } from 'vite';
import { findChromium } from '../e2e/chromium.mjs';

const addresses: Readonly<Record<string, string>> = {
  home: 'index.html?',
  cluster: 'embed.html?view=cluster',
  leases: 'index.html?view=leases',
  pages: 'index.html?view=pages',
  freelist: 'embed.html?view=freelist&scenario=random-deletes',
};

const tell = (row: object): void => console.log(JSON.stringify({ area: 'views', ...row }));

/** Gzip bytes of each script and style: what a view's own chunk is, its name tells. */
function tellSizes(dist: string): void {
  const files = readdirSync(`${dist}/assets`).filter((name) => /\.(js|css)$/.test(name));
  for (const file of files.sort()) {
    const bytes = readFileSync(`${dist}/assets/${file}`);
    tell({
      file: file.replace(/-[\w-]{8}\./, '.'),
      bytes: bytes.length,
      gzip: gzipSync(bytes, { level: 9 }).length,
    });
  }
}

/** The times between so many seconds' frames, sorted, milliseconds. */
const frames = (page: Page, seconds: number): Promise<number[]> =>
  page.evaluate(async (wanted) => {
    const times: number[] = [];
    let last = await new Promise<number>((frame) => requestAnimationFrame(frame));
    const end = last + wanted * 1000;
    while (last < end) {
      const now = await new Promise<number>((frame) => requestAnimationFrame(frame));
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  }, seconds);

/** The page's main thread alone: script, style and layout, milliseconds a second. */
async function busy(session: CDPSession): Promise<Readonly<Record<string, number>>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** Bytes of JavaScript heaps after a collection: the page's, and those of its workers. */
async function memory(session: CDPSession, workers: readonly string[]): Promise<object> {
  const usedOf = async (sessionId: string | null): Promise<number> => {
    const send = (method: string): Promise<{ usedSize?: number }> =>
      sessionId === null ? session.send(method as 'Runtime.getHeapUsage') : ask(session, sessionId, method);
    await send('HeapProfiler.collectGarbage');
    return (await send('Runtime.getHeapUsage')).usedSize ?? 0;
  };
  const pageBytes = await usedOf(null);
  const workerBytes: number[] = [];
  for (const id of workers) workerBytes.push(await usedOf(id));
  return { pageBytes, workerBytes, bytes: workerBytes.reduce((sum, one) => sum + one, pageBytes) };
}

let asked = 0;
/** One command to a worker, through the page's session. */
function ask(session: CDPSession, sessionId: string, method: string): Promise<{ usedSize?: number }> {
  const id = ++asked;
  return new Promise((answer) => {
    const receive = (event: { sessionId: string; message: string }): void => {
      const message = JSON.parse(event.message) as { id?: number; result?: { usedSize?: number } };
      if (event.sessionId !== sessionId || message.id !== id) return;
      session.off('Target.receivedMessageFromTarget', receive);
      answer(message.result ?? {});
    };
    session.on('Target.receivedMessageFromTarget', receive);
    void session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
  });
}

/** Starts the view; a lab plays under load, at the pace of a cluster under load. */
async function open(page: Page, url: string, view: string, rate: number): Promise<void> {
  await page.goto(`${url}${addresses[view] ?? ''}&storage=memory&layout=one&seed=7`);
  if (view === 'freelist') {
    await page.getByRole('slider', { name: 'Step' }).waitFor();
    return;
  }
  await page.waitForFunction(() => window.quorumLab?.ready.then(() => true));
  await page.evaluate(
    (perSecond) => window.quorumLab.act({ type: 'load', kind: 'kubernetes', perSecond }),
    rate,
  );
}

/** Waits, and lets the lab know that somebody is there: left alone for minutes, it pauses. */
async function attend(page: Page, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 60) {
    await page.keyboard.press('Shift');
    await page.waitForTimeout(Math.min(60, left) * 1000);
  }
}

const at = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;

async function measure(
  browser: Browser,
  url: string,
  view: string,
  minutes: number,
  rate: number,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const workers: string[] = [];
  session.on('Target.attachedToTarget', ({ sessionId }) => workers.push(sessionId));
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  await session.send('Performance.enable');
  await open(page, url, view, rate);
  const start = await memory(session, workers);
  tell({ view, rate, memory: 'start', ...start });
  const before = await busy(session);
  const seconds = Math.max(5, Math.min(30, minutes * 30));
  const times = await frames(page, seconds);
  const after = await busy(session);
  const share = (name: string): number =>
    Math.round((((after[name] ?? 0) - (before[name] ?? 0)) / seconds) * 1000);
  const labState = await page.evaluate(() => ('quorumLab' in window ? window.quorumLab.state() : null));
  tell({
    view,
    rate,
    frames: times.length,
    p50Ms: at(times, 0.5),
    p95Ms: at(times, 0.95),
    maxMs: at(times, 1),
    mainThreadMsPerSecond: share('TaskDuration'),
    scriptMsPerSecond: share('ScriptDuration'),
    moment: labState?.moment ?? null,
    virtualSeconds: labState === null ? null : Math.round(labState.timeUs / 1e4) / 100,
  });
  if (minutes > 0) {
    await attend(page, minutes * 60 - seconds);
    tell({ view, rate, memory: `after ${minutes} min`, ...(await memory(session, workers)) });
  }
  await context.close();
}

export async function bench(options: readonly string[]): Promise<void> {
  const given = (name: string, usual: string): string =>
    options.includes(`--${name}`) ? (options[options.indexOf(`--${name}`) + 1] ?? usual) : usual;
  const dist = given('dist', 'dist');
  const executablePath = findChromium();
  if (executablePath === null || !existsSync(`${dist}/assets`))
    throw new Error('needs Chromium and a build: npm run build');
  tellSizes(dist);
  const server = await preview({ build: { outDir: dist }, preview: { port: 4181 }, logLevel: 'error' });
  const url = server.resolvedUrls?.local[0] ?? 'http://127.0.0.1:4181/';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  for (const view of given('views', Object.keys(addresses).join(',')).split(','))
    await measure(browser, url, view, Number(given('minutes', '0')), Number(given('rate', '100')));
  await browser.close();
  await server.close();
}
