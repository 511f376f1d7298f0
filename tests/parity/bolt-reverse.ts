/** The other direction: real bbolt opens, checks, dumps and goes on writing what the engine wrote. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../src/base/bytes.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { Bucket } from '../../src/engine/bolt/bucket.ts';
import { bucketStats } from '../../src/engine/bolt/bucket-stats.ts';
import type { BucketStats } from '../../src/engine/bolt/bucket-stats.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { xray } from '../../src/engine/bolt/xray.ts';
import { apply, cloneModel, newModel } from '../engine/bolt/model.ts';
import { randomHistory } from '../fuzz/bolt-histories.ts';
import { numberOption } from '../fuzz/options.ts';
import type { ParityResult } from './main.ts';

const source = 'tests/parity/go/boltcheck';
const goPath = '/usr/share/gocode';
const commitsOfHistory = 12;
/** bbolt 1.3.6 refuses files shorter than this, its own too. */
const leastBytes = 4096;

/** Why real bbolt can not be asked here; null where it can. */
export function bboltIsMissing(): string | null {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
  } catch {
    return 'Go is not installed';
  }
  return existsSync(join(goPath, 'src/go.etcd.io/bbolt')) ? null : `${goPath} holds no bbolt`;
}

/** Builds the program that asks bbolt. @returns its path */
export function buildBoltcheck(folder: string): string {
  const program = join(folder, 'boltcheck');
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: goPath };
  execFileSync('go', ['build', '-o', program, '.'], { cwd: source, env, stdio: 'pipe' });
  return program;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function statsLines(name: string, s: BucketStats): string[] {
  const branch = `branch ${s.branchPageCount} ${s.branchOverflowCount}`;
  const leaf = `leaf ${s.leafPageCount} ${s.leafOverflowCount}`;
  const counts = `keys ${s.keyCount} depth ${s.depth} buckets ${s.bucketCount} inline ${s.inlineBucketCount}`;
  const bytes = `branch ${s.branchAllocBytes} ${s.branchInuseBytes} leaf ${s.leafAllocBytes} ${s.leafInuseBytes}`;
  return [
    `stats ${name} ${branch} ${leaf} ${counts}`,
    `bytes ${name} ${bytes} inline ${s.inlineBucketInuseBytes}`,
  ];
}

function itemLines(bucket: Bucket, path: string, lines: string[]): void {
  bucket.forEach((key, value) => {
    if (value !== null) {
      lines.push(`item ${path}${toHex(key)} ${value.length} ${sha256(value)}`);
      return;
    }
    const name = `${path}${toHex(key)}/`;
    const child = bucket.bucket(key);
    if (child === null) throw new Error(`bucket ${name} does not open`);
    lines.push(`bucket ${name} sequence ${child.sequence}`);
    if (path === '') lines.push(...statsLines(name, bucketStats(child)));
    itemLines(child, name, lines);
  });
}

/** What the engine says of a file, in the lines of the Go program. */
export function ourLines(image: Uint8Array): string[] {
  const pager = new MemoryPager(image);
  const db = Db.open(new MemoryPager(image), { noFreelistSync: true });
  const tx = db.beginRead();
  const lines = tx.check().map(({ text }) => `check: ${text}`);
  lines.push(`tx ${tx.id} size ${tx.sizeBytes} pageSize ${db.pageSize}`);
  itemLines(tx.root, '', lines);
  const report = xray(pager, {
    page: ({ pgid, kind, count, overflow }) => {
      if (kind !== 'free') lines.push(`page ${pgid} ${kind} ${count} ${overflow}`);
      else for (let id = pgid; id <= pgid + overflow; id++) lines.push(`page ${id} free`);
    },
  });
  for (const { code, page } of report.findings) lines.push(`reader: ${code} ${page}`);
  return lines;
}

/** The file that a history leaves. */
export function writeHistory(seed: number): { readonly image: Uint8Array; readonly noFreelistSync: boolean } {
  const { options, transactions } = randomHistory(seed, commitsOfHistory);
  let noFreelistSync = options.noFreelistSync ?? false;
  let pager = new MemoryPager();
  let db = Db.open(pager, options);
  let model = newModel();
  for (const { ops, commit, reopen } of transactions) {
    const tx = db.beginWrite();
    const next = cloneModel(model);
    for (const op of ops) apply(next, tx, op);
    if (commit) tx.commit();
    else tx.rollback();
    if (commit) model = next;
    if (!reopen) continue;
    noFreelistSync = !noFreelistSync;
    pager = new MemoryPager(pager.image());
    db = Db.open(pager, { ...options, noFreelistSync });
  }
  const image = new Uint8Array(Math.max(leastBytes, pager.sizeBytes));
  image.set(pager.image());
  return { image, noFreelistSync };
}

function firstDifference(theirs: readonly string[], ours: readonly string[]): string | null {
  const length = Math.max(theirs.length, ours.length);
  for (let i = 0; i < length; i++)
    if (theirs[i] !== ours[i])
      return `line ${i}: bbolt says ${theirs[i] ?? 'nothing'}, we say ${ours[i] ?? 'nothing'}`;
  return null;
}

/** The engine goes on where bbolt has written: the bucket that it made, changed and checked. */
function goOn(image: Uint8Array): string | null {
  const db = Db.open(new MemoryPager(image));
  const tx = db.beginWrite();
  const bucket = tx.bucket(encodeUtf8('written by bbolt'));
  if (bucket === null) return 'the bucket that bbolt wrote is not there';
  bucket.put(encodeUtf8('and by us'), new Uint8Array(3000));
  tx.commit();
  const finding = db.beginRead().check()[0];
  return finding === undefined ? null : `after a commit of ours: ${finding.text}`;
}

/** Lets bbolt look at a file, and then write into it and look again. */
function compareWithBbolt(program: string, path: string, seed: number): string | null {
  const { image, noFreelistSync } = writeHistory(seed);
  const ask = (...options: string[]): string[] =>
    execFileSync(program, [...options, path], { encoding: 'utf8', maxBuffer: 268435456 })
      .split('\n')
      .filter((line) => line !== '' && line !== 'end');
  writeFileSync(path, image);
  const found = firstDifference(ask(), ourLines(image));
  if (found !== null) return found;
  const theirs = ask('-write', `-nofreelistsync=${noFreelistSync}`);
  const extended = readFileSync(path);
  const afterwards = firstDifference(theirs, ourLines(extended)) ?? goOn(extended);
  return afterwards === null ? null : `after bbolt's commits: ${afterwards}`;
}

/** Compares the files of histories from a seed on. */
export function reverseParity(
  program: string,
  folder: string,
  firstSeed: number,
  count: number,
): ParityResult {
  const report: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    try {
      const found = compareWithBbolt(program, join(folder, 'history.db'), seed);
      if (found !== null) report.push(`history ${seed}: ${found}`);
    } catch (error) {
      report.push(
        `history ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }
  return { passed: count - report.length, failed: report.length, report: report.join('\n') };
}

/** `[--histories 200] [--seed 0]`; where bbolt is missing, says so and compares nothing. */
export function runBoltReverse(args: readonly string[]): ParityResult {
  const count = numberOption(args, 'histories', 200);
  const seed = numberOption(args, 'seed', 0);
  const missing = bboltIsMissing();
  if (missing !== null) {
    const need = "Debian's golang-go and golang-github-coreos-bbolt-dev are needed";
    return { passed: 0, failed: 0, report: `skipped: ${missing}; ${need}` };
  }
  const folder = mkdtempSync(join(tmpdir(), 'quorum-lab-reverse-'));
  try {
    console.log(`bolt-reverse: histories of seeds ${seed} to ${seed + count - 1}`);
    return reverseParity(buildBoltcheck(folder), folder, seed, count);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
