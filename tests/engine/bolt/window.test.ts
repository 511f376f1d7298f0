/** Files of any size: a window of a few MiB shows what the whole image would, and memory stays bounded. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BoltError } from '../../../src/engine/bolt/errors.ts';
import { writeMetaPage } from '../../../src/engine/bolt/meta.ts';
import { writePageHeader } from '../../../src/engine/bolt/page.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { pgid, txid } from '../../../src/engine/bolt/types.ts';
import { FileWindow } from '../../../src/engine/bolt/window.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import { openBlobWindow } from '../../../src/host/file-window.ts';
import { mutant, soundFile } from '../../fuzz/bolt-mutants.ts';
import { tell } from './file-told.ts';
import { sparseFile, tree } from './tree-file.ts';

const pageSize = 4096;
const mebibyte = 1048576;
const gibibyte = 1024 * mebibyte;

interface Told {
  readonly items: number;
  readonly milliseconds: number;
  readonly keys: number;
  readonly freeCount: number;
  readonly unreachableCount: number;
  readonly kept: number;
  /** What bbolt's check finds. */
  readonly checked: number;
  readonly checkedCodes: readonly string[];
  readonly findings: Readonly<Record<string, number>>;
  readonly peakBytes: number;
  readonly heldBytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'quorum-lab-window-'));
const program = join(folder, 'xray-process.mjs');

/** The reader as a plain script, so that its process holds nothing else. */
beforeAll(async () => {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      ssr: 'tests/engine/bolt/xray-process.ts',
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'xray-process.mjs' } },
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const lookThrough = (path: string): Told =>
  JSON.parse(execFileSync('node', [program, path], { encoding: 'utf8' })) as Told;

test('a window tells of damaged and sound files what the whole image tells', () => {
  const sound = [soundFile(512, false), soundFile(512, true)];
  for (let seed = 0; seed < 60; seed++) {
    const { bytes } = seed < 2 ? sound[seed] : mutant(seed);
    const window = new FileWindow(bytes.length, (offset, into) => {
      into.set(bytes.subarray(offset, offset + into.length));
      return into.length;
    });
    expect(tell(window)).toEqual(tell(new MemoryPager(bytes)));
  }
});

test('reads across blocks stay valid for three more, and a file that shrinks is named', () => {
  const size = 20 * mebibyte;
  const byteAt = (at: number): number => (at * 31 + Math.floor(at / 65536)) & 255;
  const window = new FileWindow(size, (offset, into) => {
    for (let i = 0; i < into.length; i++) into[i] = byteAt(offset + i);
    return offset > size - 300000 ? 0 : into.length;
  });
  const shown: { at: number; from: number; bytes: Uint8Array; length: number }[] = [];
  for (let i = 0; i < 300; i++) {
    const from = (i * 65521 * 7) % (size - 600000);
    const length = 1 + ((i * 977) % 40000);
    const { bytes, at } = window.run(from, length, 1);
    shown.push({ at, from, bytes, length });
    for (const one of shown.slice(-4)) {
      expect(one.bytes[one.at]).toBe(byteAt(one.from));
      expect(one.bytes[one.at + one.length - 1]).toBe(byteAt(one.from + one.length - 1));
    }
  }
  expect(() => window.run(size - 10, 10, 1)).toThrow(BoltError);
  expect(() => window.run(size - 10, 11, 1)).toThrow('ends behind the file');
});

test('a blob is read through a synchronous reader, a block at a time', () => {
  const { bytes } = soundFile(512, false);
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  const slices: (readonly [number, number])[] = [];
  const sliced = {
    size: blob.size,
    slice: (from: number, to: number) => {
      slices.push([from, to]);
      return bytes.slice(from, to);
    },
  };
  class Reader {
    readAsArrayBuffer(part: Blob): ArrayBuffer {
      return (part as unknown as Uint8Array<ArrayBuffer>).buffer;
    }
  }
  const report = xray(openBlobWindow(sliced as unknown as Blob, Reader));
  expect(report.findings).toEqual([]);
  expect(report.buckets).toEqual(xray(new MemoryPager(bytes)).buckets);
  expect(slices.every(([from, to]) => to - from <= 65536)).toBe(true);
});

test('eight gigabytes with a tree in front: all keys, all free pages, in less than 64 MiB', () => {
  const pages = (8 * gibibyte) / pageSize;
  const told = lookThrough(sparseFile(join(folder, 'sound.db'), 8 * gibibyte, [[0, tree(pages, true)]]));
  expect(told).toMatchObject({ items: 20000, keys: 20000, findings: {}, checked: 0 });
  expect(told.freeCount).toBeGreaterThan(pages - 4000);
  expect(told.peakBytes).toBeLessThan(64 * mebibyte);
});

test('eight gigabytes that nothing accounts for: every page is counted, some are told', () => {
  const pages = (8 * gibibyte) / pageSize;
  const told = lookThrough(sparseFile(join(folder, 'lost.db'), 8 * gibibyte, [[0, tree(pages, false)]]));
  expect(told.items).toBe(20000);
  expect(told.unreachableCount).toBeGreaterThan(pages - 4000);
  expect(told.findings).toEqual({ 'unreachable-unfreed': told.unreachableCount });
  expect(told.kept).toBe(2000);
  expect(told).toMatchObject({ checked: 2000, checkedCodes: ['unreachable unfreed'] });
  expect(told.peakBytes).toBeLessThan(64 * mebibyte);
});

/** A meta and a root of a hostile file. */
function hostile(
  highWater: number,
  freelist: number | null,
  rootPage: Uint8Array,
): (readonly [number, Uint8Array])[] {
  const meta = new Uint8Array(2 * pageSize);
  for (const slot of [0, 1]) {
    writeMetaPage(meta.subarray(slot * pageSize, (slot + 1) * pageSize), {
      pageSize,
      flags: 0,
      root: { root: pgid(3), sequence: 0n },
      freelist: freelist === null ? null : pgid(freelist),
      highWater: pgid(highWater),
      txid: txid(slot),
    });
  }
  return [
    [0, meta],
    [3 * pageSize, rootPage],
  ];
}

test('a freelist as long as the file, a value of gigabytes and a run over all pages take no memory', () => {
  const pages = (8 * gibibyte) / pageSize;
  const leaf = new Uint8Array(pageSize);
  const view = new DataView(leaf.buffer);
  writePageHeader(view, 0, { id: 3, flags: 2, count: 2, overflow: pages / 2 });
  // a key of 100 MiB and a value of 2 GiB, then a bucket whose inline page is the rest
  view.setUint32(20, 4096, true);
  view.setUint32(24, 100 * mebibyte, true);
  view.setUint32(28, 2 * gibibyte - 1, true);
  view.setUint32(32, 1, true);
  view.setUint32(36, 8192, true);
  view.setUint32(40, 5, true);
  view.setUint32(44, 1 * gibibyte, true);
  const list = new Uint8Array(pageSize);
  writePageHeader(new DataView(list.buffer), 0, {
    id: pages / 2 + 8,
    flags: 16,
    count: 0xffff,
    overflow: 200000,
  });
  new DataView(list.buffer).setUint32(16, 4000000, true);
  const pieces = [...hostile(pages, pages / 2 + 8, leaf), [(pages / 2 + 8) * pageSize, list] as const];
  const told = lookThrough(sparseFile(join(folder, 'hostile.db'), 8 * gibibyte, pieces));
  expect(told).toMatchObject({ checked: 2000, checkedCodes: ['already freed'] });
  expect(told.findings).toMatchObject({ 'freelist-range': 4000000, 'key-too-large': 1, 'inline-flags': 1 });
  expect(told.peakBytes).toBeLessThan(64 * mebibyte);
});
