/**
 * The page store: the same keys, values and orders, and the same fields, as the Go twin `boltbench` has for bbolt.
 * `scan-sha256` must agree with the twin's before times are compared. In memory, or with --dir through a file.
 */
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bucket } from '../../src/engine/bolt/bucket.ts';
import { bucketStats } from '../../src/engine/bolt/bucket-stats.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import type { Rules } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { PageSink } from '../../src/engine/bolt/pager.ts';
import type { Tx } from '../../src/engine/bolt/tx.ts';
import { Options, cpuMs, loadAverage, processMemory, timed } from './measure.ts';

type Workload = 'kv' | 'commit' | 'churn' | 'check';
type Order = 'seq' | 'rand';

interface Work {
  readonly n: number;
  readonly ks: number;
  readonly vs: number;
  readonly order: Order;
  readonly batch: number;
  readonly fill: number;
  readonly freelist: 'array' | 'hashmap';
  readonly sync: boolean;
  readonly pageSize: number;
  readonly noFreelistSync: boolean;
  readonly rules: Rules;
  readonly gets: number;
  readonly rounds: number;
  readonly size: number;
  readonly seed: number;
  readonly dir: string;
}

const bucketName = Uint8Array.of(0x62);

const idOf = ({ order, seed }: Work, i: number): number =>
  order === 'seq' ? i : (Math.imul(i, 2654435761) + seed) >>> 0;

/** Writes an id into a key of zeros, big-endian in its last four bytes. */
function fillKey(key: Uint8Array, id: number): Uint8Array {
  const at = key.length - 4;
  key[at] = id >>> 24;
  key[at + 1] = id >>> 16;
  key[at + 2] = id >>> 8;
  key[at + 3] = id;
  return key;
}

function valueOf(id: number, size: number): Uint8Array {
  const value = new Uint8Array(size);
  let x = id | 0;
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    value[i] = x >>> 24;
  }
  return value;
}

/** Processor time of the process at the last line. */
let cpuBefore = cpuMs();

function report(bench: string, figures: object): void {
  const cpuSeconds = (cpuMs() - cpuBefore) / 1000;
  const base = { bench, impl: 'quorum-lab', lib: 'engine/bolt', node: process.version };
  const line = { ...base, ...figures, cpuSeconds, loadavg: loadAverage(), ...processMemory() };
  console.log(JSON.stringify(line));
  cpuBefore = cpuMs();
}

/** The fields that say what was asked for. */
const asked = ({ n, ks, vs, order, batch, fill, freelist, sync, pageSize }: Work): object => ({
  n,
  ks,
  vs,
  order,
  batch,
  fill,
  freelist,
  sync,
  pageSize,
});

/** Writes through to a file; syncs it where that is asked for. */
function fileSink(path: string, sync: boolean): PageSink & { close(): void } {
  const file = openSync(path, 'w');
  return {
    write: (offset, bytes) => void writeSync(file, bytes, 0, bytes.length, offset),
    sync: () => (sync ? fdatasyncSync(file) : undefined),
    truncate: (sizeBytes) => ftruncateSync(file, sizeBytes),
    close: () => {
      closeSync(file);
      rmSync(path);
    },
  };
}

function withDb(work: Work, run: (db: Db) => void): void {
  const { dir, freelist: freelistType, pageSize, noFreelistSync, rules } = work;
  const sink = dir === '' ? null : fileSink(join(dir, `quorum-lab-bench-${process.pid}.db`), work.sync);
  try {
    const db = Db.open(new MemoryPager(null, sink), { pageSize, freelistType, noFreelistSync, rules });
    run(db);
  } finally {
    sink?.close();
  }
}

/** A transaction that changes the bucket; it makes it where it is not there. @returns seconds of the commit */
function write(db: Db, change: (bucket: Bucket) => void): number {
  const tx = db.beginWrite();
  change(tx.bucket(bucketName) ?? tx.createBucket(bucketName));
  const start = performance.now();
  tx.commit();
  return (performance.now() - start) / 1000;
}

function bucketOf(tx: Tx): Bucket {
  const bucket = tx.bucket(bucketName);
  if (bucket === null) throw new Error('the bucket is not there');
  return bucket;
}

function kv(work: Work, db: Db): void {
  const { n, ks, vs, batch, fill } = work;
  write(db, () => {});
  const key = new Uint8Array(ks);
  let [commitSeconds, txs] = [0, 0];
  const seconds =
    timed(() => {
      for (let i = 0; i < n; txs++) {
        commitSeconds += write(db, (bucket) => {
          bucket.fillPercent = fill;
          for (let j = 0; j < batch && i < n; j++, i++) {
            const id = idOf(work, i);
            bucket.put(fillKey(key, id), valueOf(id, vs));
          }
        });
      }
    }).wallMs / 1000;
  const { tx, freePageCount } = db.stats();
  report('put', {
    ...asked(work),
    seconds,
    opsPerSec: n / seconds,
    usPerOp: (seconds * 1e6) / n,
    commitSeconds,
    txs,
    fileBytes: db.sizeBytes,
    freePages: freePageCount,
    writes: tx.write,
    pageAllocBytes: tx.pageAllocBytes,
  });
  const reader = db.beginRead();
  get(work, bucketOf(reader));
  scan(work, bucketOf(reader));
  reader.rollback();
}

/** Random gets: the k-th asks for item (k*40503+7) mod n. */
function get(work: Work, bucket: Bucket): void {
  const { n, ks, gets } = work;
  const key = new Uint8Array(ks);
  let [found, sum] = [0, 0];
  const seconds =
    timed(() => {
      for (let k = 0; k < gets; k++) {
        const value = bucket.get(fillKey(key, idOf(work, (k * 40503 + 7) % n)));
        if (value === null) continue;
        found++;
        sum += value[0];
      }
    }).wallMs / 1000;
  const nsPerOp = (seconds * 1e9) / gets;
  report('get', { ...asked(work), gets, found, sum, seconds, opsPerSec: gets / seconds, nsPerOp });
}

function scan(work: Work, bucket: Bucket): void {
  let [items, sum] = [0, 0];
  const cursor = bucket.cursor();
  const seconds =
    timed(() => {
      for (let item = cursor.first(); item !== null; item = cursor.next()) {
        items++;
        const { key, value } = item;
        sum += key[key.length - 1] + (value === null ? 0 : value[value.length - 1]);
      }
    }).wallMs / 1000;
  const [itemsPerSec, nsPerItem] = [items / seconds, (seconds * 1e9) / items];
  report('scan', { ...asked(work), items, sum, seconds, itemsPerSec, nsPerItem });
  const hash = createHash('sha256');
  const hashed = timed(() => {
    for (let item = cursor.first(); item !== null; item = cursor.next())
      hash.update(item.key).update(item.value ?? '');
  });
  report('scan-sha256', { ...asked(work), sha256: hash.digest('hex'), seconds: hashed.wallMs / 1000 });
}

/** One put a transaction, synced where there is a file. */
function commit(work: Work, db: Db): void {
  write(db, () => {});
  const key = new Uint8Array(work.ks);
  const latencies = new Float64Array(work.n);
  for (let i = 0; i < work.n; i++) {
    const start = performance.now();
    const id = idOf(work, i);
    write(db, (bucket) => bucket.put(fillKey(key, id), valueOf(id, work.vs)));
    latencies[i] = (performance.now() - start) * 1000;
  }
  latencies.sort();
  const at = (part: number): number => latencies[Math.floor(part * (latencies.length - 1))];
  report('commit-fsync', {
    ...asked(work),
    meanUs: latencies.reduce((a, b) => a + b, 0) / latencies.length,
    p50Us: at(0.5),
    p90Us: at(0.9),
    p99Us: at(0.99),
    maxUs: at(1),
  });
}

/** Every round overwrites 100 items and deletes 100, and puts those of the round before back. */
function churn(work: Work, db: Db): void {
  const { n, ks, vs, rounds } = work;
  const key = new Uint8Array(ks);
  write(db, (bucket) => {
    for (let i = 0; i < n; i++) bucket.put(fillKey(key, idOf(work, i)), valueOf(idOf(work, i), vs));
  });
  let x = work.seed;
  const random = (bound: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x * bound) / 4294967296);
  };
  let gone: number[] = [];
  const round = (bucket: Bucket, number: number): void => {
    for (const i of gone) bucket.put(fillKey(key, idOf(work, i)), valueOf(idOf(work, i), vs));
    gone = [];
    for (let k = 0; k < 100; k++) {
      const id = idOf(work, random(n));
      bucket.put(fillKey(key, id), valueOf(id + number, vs + random(vs)));
    }
    for (let k = 0; k < 100; k++) {
      const i = random(n);
      bucket.delete(fillKey(key, idOf(work, i)));
      gone.push(i);
    }
  };
  const seconds =
    timed(() => {
      for (let r = 0; r < rounds; r++) write(db, (bucket) => round(bucket, r));
    }).wallMs / 1000;
  const { freePageCount: freePages, pendingPageCount: pendingPages } = db.stats();
  const msPerTx = (seconds * 1e3) / rounds;
  report('churn', {
    ...asked(work),
    rounds,
    seconds,
    msPerTx,
    freePages,
    pendingPages,
    fileBytes: db.sizeBytes,
  });
}

/** A database of about `size` bytes: appended at fill 0.9, then 60 neighbours in every 420 deleted. */
function build(work: Work, db: Db): void {
  const { ks, vs, size } = work;
  const n = Math.trunc((size * 0.9) / (ks + vs + 16));
  const key = new Uint8Array(ks);
  const seconds =
    timed(() => {
      for (let i = 0; i < n;)
        write(db, (bucket) => {
          bucket.fillPercent = 0.9;
          for (let j = 0; j < 20000 && i < n; j++, i++) bucket.put(fillKey(key, i), valueOf(i, vs));
        });
      for (let i = 0; i < n;)
        write(db, (bucket) => {
          for (let j = 0; j < 3000 && i < n; j++, i += 420)
            for (let k = 0; k < 60 && i + k < n; k++) bucket.delete(fillKey(key, i + k));
        });
    }).wallMs / 1000;
  const { freePageCount: freePages } = db.stats();
  report('build', { items: n, seconds, fileBytes: db.sizeBytes, freePages });
}

/** Builds, then checks, reads the pages' types, walks all items, and adds up statistics. */
function check(work: Work, db: Db): void {
  build(work, db);
  const fileBytes = db.sizeBytes;
  const { freelist: freelistType, noFreelistSync, rules } = work;
  const openMs = timed(() => Db.open(db.pager, { freelistType, noFreelistSync, rules })).wallMs;
  const tx = db.beginRead();
  let errors = 0;
  const checked = timed(() => (errors = tx.check().length)).wallMs / 1000;
  report('check', { fileBytes, openMs, seconds: checked, errors, MBps: fileBytes / 1e6 / checked });
  const types: Record<string, number> = {};
  let logicalPages = 0;
  const paged = timed(() => {
    for (const { kind, count } of db.pageRuns()) {
      const pages = kind === 'free' || kind === 'pending' ? count : 1;
      types[kind] = (types[kind] ?? 0) + pages;
      logicalPages += pages;
    }
  });
  const nsPerPage = (paged.wallMs * 1e6) / logicalPages;
  report('pages', { fileBytes, seconds: paged.wallMs / 1000, logicalPages, types, nsPerPage });
  const bucket = bucketOf(tx);
  let [items, payloadBytes] = [0, 0];
  const scanned = timed(() => {
    const cursor = bucket.cursor();
    for (let item = cursor.first(); item !== null; item = cursor.next()) {
      items++;
      payloadBytes += item.key.length + (item.value?.length ?? 0);
    }
  });
  const nsPerItem = (scanned.wallMs * 1e6) / items;
  report('fullscan', { fileBytes, seconds: scanned.wallMs / 1000, items, payloadBytes, nsPerItem });
  let stats = {};
  const counted = timed(() => {
    const {
      leafPageCount: leafPages,
      branchPageCount: branchPages,
      keyCount: keys,
      depth,
    } = bucketStats(bucket);
    stats = { leafPages, branchPages, keys, depth };
  });
  report('stats', { fileBytes, seconds: counted.wallMs / 1000, ...stats });
  tx.rollback();
}

const workloads: Readonly<Record<Workload, (work: Work, db: Db) => void>> = { kv, commit, churn, check };
const names = ['kv', 'commit', 'churn', 'check'] as const;

/**
 * `kv|commit|churn|check` (kv, commit and churn, where none is named) `--n 1000000 --ks 16 --vs 100`
 * `--order seq|rand --batch 10000 --fill 0.5 --freelist array|hashmap --nofreelistsync --sync --pagesize 4096`
 * `--gets 1000000 --rounds 200 --size 1073741824 --seed 12345 --dir FOLDER` (write through to a file there)
 * `--rules 1.3.6|1.3|1.4` (1.3.6 is what the twin is built with)
 */
export function bench(args: readonly string[]): void {
  const options = new Options(args);
  const named = names.filter((name) => args.includes(name));
  for (const name of named.length > 0 ? named : (['kv', 'commit', 'churn'] as const)) {
    const isCommit = name === 'commit';
    const work: Work = {
      n: options.number('n', isCommit ? 300 : 1000000),
      ks: options.number('ks', 16),
      vs: options.number('vs', 100),
      order: options.oneOf('order', ['seq', 'rand'], 'seq'),
      batch: options.number('batch', 10000),
      fill: options.number('fill', 0.5),
      freelist: options.oneOf('freelist', ['array', 'hashmap'], 'array'),
      sync: isCommit || options.has('sync'),
      pageSize: options.number('pagesize', 4096),
      noFreelistSync: options.has('nofreelistsync'),
      rules: options.oneOf('rules', ['1.3.6', '1.3', '1.4'], '1.3.6'),
      gets: options.number('gets', 1000000),
      rounds: options.number('rounds', 200),
      size: options.number('size', 1073741824),
      seed: options.number('seed', 12345),
      dir: options.text('dir', ''),
    };
    withDb(work, (db) => workloads[name](work, db));
  }
}
