/** Puts, gets, scans, single commits and churn of the page store, in memory; the same work as bbolt's Go twin. */
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { Db } from '../../src/engine/bolt/db.ts';
import type { Tx } from '../../src/engine/bolt/tx.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';

interface Options {
  readonly n: number;
  readonly order: 'seq' | 'rand';
  readonly batch: number;
  readonly fill: number;
  readonly freelist: 'array' | 'hashmap';
  readonly rounds: number;
}

const keyBytes = 16;
const valueBytes = 100;
const bucketName = Uint8Array.of(0x62);

/** `--n 1000000 --order seq|rand --batch 10000 --fill 0.5 --freelist array|hashmap --rounds 200` */
function parse(args: readonly string[]): Options {
  const text = (name: string, otherwise: string): string => {
    const at = args.indexOf(`--${name}`);
    return at >= 0 && at + 1 < args.length ? args[at + 1] : otherwise;
  };
  return {
    n: Number(text('n', '1000000')),
    order: text('order', 'seq') === 'rand' ? 'rand' : 'seq',
    batch: Number(text('batch', '10000')),
    fill: Number(text('fill', '0.5')),
    freelist: text('freelist', 'array') === 'hashmap' ? 'hashmap' : 'array',
    rounds: Number(text('rounds', '200')),
  };
}

const idOf = (i: number, order: 'seq' | 'rand'): number =>
  order === 'seq' ? i : (Math.imul(i, 2654435761) + 12345) >>> 0;

function keyOf(id: number): Uint8Array {
  const key = new Uint8Array(keyBytes);
  new DataView(key.buffer).setUint32(keyBytes - 4, id);
  return key;
}

function valueOf(id: number, size = valueBytes): Uint8Array {
  const value = new Uint8Array(size);
  let x = id >>> 0;
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    value[i] = x >>> 24;
  }
  return value;
}

function report(bench: string, options: Options, figures: object): void {
  const { n, order, batch, fill, freelist } = options;
  const base = { bench, impl: 'quorum-lab', node: process.version, n, ks: keyBytes, vs: valueBytes };
  const rssKB = Math.round(process.memoryUsage().rss / 1024);
  const line = { ...base, order, batch, fill, freelist, sync: false, pageSize: 4096, ...figures, rssKB };
  console.log(JSON.stringify(line));
}

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}

function writeTx(db: Db, change: (tx: Tx) => void): void {
  const tx = db.beginWrite();
  change(tx);
  tx.commit();
}

function puts(options: Options): Db {
  const { n, order, batch, fill } = options;
  const db = Db.open(new MemoryPager(), { freelistType: options.freelist });
  writeTx(db, (tx) => void tx.createBucket(bucketName));
  let commitSeconds = 0;
  let txs = 0;
  const seconds = timed(() => {
    for (let i = 0; i < n; txs++) {
      const tx = db.beginWrite();
      const bucket = tx.createBucketIfNotExists(bucketName);
      bucket.fillPercent = fill;
      for (let j = 0; j < batch && i < n; j++, i++) {
        const id = idOf(i, order);
        bucket.put(keyOf(id), valueOf(id));
      }
      commitSeconds += timed(() => tx.commit());
    }
  });
  const { tx, freePageCount } = db.stats();
  report('put', options, {
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
  return db;
}

/** Random gets: the k-th asks for item (k*40503+7) mod n. */
function gets(options: Options, tx: Tx): void {
  const { n, order } = options;
  const count = Math.min(1000000, n);
  const bucket = tx.bucket(bucketName);
  if (bucket === null) return;
  let found = 0;
  let sum = 0;
  const seconds = timed(() => {
    for (let k = 0; k < count; k++) {
      const value = bucket.get(keyOf(idOf((k * 40503 + 7) % n, order)));
      if (value === null) continue;
      found++;
      sum += value[0];
    }
  });
  report('get', options, {
    gets: count,
    found,
    sum,
    seconds,
    opsPerSec: count / seconds,
    nsPerOp: (seconds * 1e9) / count,
  });
}

function scans(options: Options, tx: Tx): void {
  const bucket = tx.bucket(bucketName);
  if (bucket === null) return;
  let items = 0;
  let sum = 0;
  const seconds = timed(() => {
    bucket.forEach((key, value) => {
      items++;
      sum += key[key.length - 1] + (value === null ? 0 : value[value.length - 1]);
    });
  });
  report('scan', options, {
    items,
    sum,
    seconds,
    itemsPerSec: items / seconds,
    nsPerItem: (seconds * 1e9) / items,
  });
  const hash = createHash('sha256');
  const hashSeconds = timed(() => bucket.forEach((key, value) => hash.update(key).update(value ?? '')));
  report('scan-sha256', options, { sha256: hash.digest('hex'), seconds: hashSeconds });
}

/** One put a transaction, into the filled database. */
function singleCommits(options: Options, db: Db): void {
  const count = 2000;
  const seconds = timed(() => {
    for (let i = 0; i < count; i++) {
      const id = idOf(i * 7, options.order);
      writeTx(db, (tx) => tx.bucket(bucketName)?.put(keyOf(id), valueOf(id)));
    }
  });
  report('commit-single', options, { commits: count, seconds, meanUs: (seconds * 1e6) / count });
}

/** Every round overwrites 100 items and deletes 100, and puts those of the round before back. */
function churn(options: Options, db: Db): void {
  const { n, order, rounds } = options;
  let x = 12345;
  const random = (bound: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x * bound) / 4294967296);
  };
  let gone: number[] = [];
  const round = (r: number): void =>
    writeTx(db, (tx) => {
      const bucket = tx.createBucketIfNotExists(bucketName);
      for (const i of gone) bucket.put(keyOf(idOf(i, order)), valueOf(idOf(i, order)));
      gone = [];
      for (let k = 0; k < 100; k++) {
        const id = idOf(random(n), order);
        bucket.put(keyOf(id), valueOf(id + r, valueBytes + random(valueBytes)));
      }
      for (let k = 0; k < 100; k++) {
        const i = random(n);
        bucket.delete(keyOf(idOf(i, order)));
        gone.push(i);
      }
    });
  const seconds = timed(() => {
    for (let r = 0; r < rounds; r++) round(r);
  });
  const { freePageCount: freePages, pendingPageCount: pendingPages } = db.stats();
  report('churn', options, {
    rounds,
    seconds,
    msPerTx: (seconds * 1e3) / rounds,
    freePages,
    pendingPages,
    fileBytes: db.sizeBytes,
  });
}

export function bench(args: readonly string[]): void {
  const options = parse(args);
  const db = puts(options);
  const tx = db.beginRead();
  gets(options, tx);
  scans(options, tx);
  tx.rollback();
  singleCommits(options, db);
  churn(options, db);
}
