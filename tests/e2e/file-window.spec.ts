/** Files that are dropped on a page, in a real browser: read in a worker, a block at a time, in bounded memory. */
import type { Page } from '@playwright/test';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { type FileTold, tell } from '../engine/bolt/file-told.ts';
import { sparseFile, tree } from '../engine/bolt/tree-file.ts';
import { mutant, soundFile } from '../fuzz/bolt-mutants.ts';
import { expect, test } from './lab.ts';
import { serveWorker, type WorkerPage } from './worker-page.ts';

const pageSize = 4096;
const mebibyte = 1048576;

let suite: WorkerPage;
const folder = mkdtempSync(join(tmpdir(), 'quorum-lab-dropped-'));

test.beforeAll(async () => {
  suite = await serveWorker('tests/e2e/file-window.worker.ts', 'files');
});

test.afterAll(() => {
  suite.close();
  rmSync(folder, { recursive: true });
});

type Read = { readonly value: FileTold & { readonly reads: number } } | { readonly error: string };

/** A page with a field for files, and a worker that is ready to read one. */
async function openPage(page: Page): Promise<void> {
  await page.goto(suite.origin);
  await page.evaluate(() => {
    const field = document.createElement('input');
    field.type = 'file';
    field.multiple = true;
    document.body.append(field);
  });
}

interface Reading {
  readonly told: readonly Read[];
  /** Bytes that the page and its workers hold in the end, all files' windows and reports together. */
  readonly heldBytes: number;
}

/** Reads the files in the field, each in a worker of its own, one after the other. */
const readAll = (page: Page, measures: boolean): Promise<Reading> =>
  page.evaluate(async (isMeasured) => {
    const workers: Worker[] = [];
    const told: Read[] = [];
    for (const file of document.querySelector('input')?.files ?? []) {
      const worker = new Worker('/suite.js');
      told.push(
        await new Promise<Read>((resolve, reject) => {
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.onmessage = ({ data }) => resolve(data as Read);
          worker.postMessage(file);
        }),
      );
      if (isMeasured) workers.push(worker);
      else worker.terminate();
    }
    const meter = performance as unknown as {
      measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
    };
    const heldBytes = isMeasured ? (await meter.measureUserAgentSpecificMemory()).bytes : 0;
    for (const worker of workers) worker.terminate();
    return { told, heldBytes };
  }, measures);

test('a window onto a file tells of sound and damaged ones what the whole image tells', async ({ page }) => {
  const images = [soundFile(512, false).bytes, soundFile(512, true).bytes, tree(4000, false)];
  for (let seed = 0; seed < 20; seed++) images.push(mutant(seed).bytes);
  images.push(new Uint8Array(0), new Uint8Array(100));
  await openPage(page);
  await page.locator('input').setInputFiles(
    images.map((bytes, i) => ({
      name: `${i}.db`,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(bytes),
    })),
  );
  const { told } = await readAll(page, false);
  expect(told).toHaveLength(images.length);
  images.forEach((bytes, i) => expect(told[i]).toMatchObject({ value: tell(new MemoryPager(bytes)) }));
});

/** A database on disk with a page header in nearly every block of 64 KiB. */
function writeLongFile(path: string, sizeBytes: number): number {
  const chunks: Uint8Array[] = [];
  const db = Db.open(new MemoryPager(), { pageSize, noFreelistSync: true });
  let items = 0;
  while (db.meta.highWater * pageSize < sizeBytes) {
    const tx = db.beginWrite();
    const bucket = tx.createBucketIfNotExists(encodeUtf8('key'));
    for (let i = 0; i < 200; i++)
      bucket.put(encodeUtf8(String(items++).padStart(8, '0')), new Uint8Array(30000));
    tx.commit();
  }
  const end = db.meta.highWater;
  for (let from = 0; from < end; from += 256) {
    const { bytes, at } = db.pager.run(from, Math.min(256, end - from), pageSize);
    chunks.push(bytes.subarray(at, at + Math.min(256, end - from) * pageSize));
    if (chunks.length === 16 || from + 256 >= end) appendFileSync(path, Buffer.concat(chunks.splice(0)));
  }
  return items;
}

test('eight gigabytes, and a hundred megabytes read from end to end, take less than 64 MiB', async ({
  page,
}) => {
  test.setTimeout(180_000);
  const pages = (8 * 1024 * mebibyte) / pageSize;
  const long = join(folder, 'long.db');
  const items = writeLongFile(long, 96 * mebibyte);
  const sparse = sparseFile(join(folder, 'sparse.db'), pages * pageSize, [[0, tree(pages, false)]]);
  await openPage(page);
  await page.locator('input').setInputFiles([long, sparse]);
  const { told, heldBytes } = await readAll(page, true);
  const [read, lost] = told;
  if ('error' in read || 'error' in lost) throw new Error(JSON.stringify(told).slice(0, 1000));
  expect(read.value).toMatchObject({ items, unreachableCount: 0, findingCounts: {} });
  expect(read.value.reads).toBeGreaterThan(1500);
  expect(lost.value.items).toBe(20000);
  expect(lost.value.findingCounts).toEqual({ 'unreachable-unfreed': lost.value.unreachableCount });
  expect(lost.value.unreachableCount).toBeGreaterThan(pages - 4000);
  // both windows with their 4 MiB of blocks are there, and not much else
  expect(heldBytes).toBeGreaterThan(8 * mebibyte);
  expect(heldBytes).toBeLessThan(64 * mebibyte);
});
