/** All that a user may do to a database file of unknown soundness, with the work that its reading took. */
import { toHex } from '../../src/base/bytes.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { Bucket } from '../../src/engine/bolt/bucket.ts';
import { bucketStats } from '../../src/engine/bolt/bucket-stats.ts';
import { compact } from '../../src/engine/bolt/compact.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { BoltError } from '../../src/engine/bolt/errors.ts';
import { chooseMeta, findPageSize } from '../../src/engine/bolt/meta.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { PageBytes, PageSource } from '../../src/engine/bolt/pager.ts';
import { checkFile } from '../../src/engine/bolt/tx-check.ts';
import type { Tx } from '../../src/engine/bolt/tx.ts';
import { xray } from '../../src/engine/bolt/xray.ts';
import type { XrayReport } from '../../src/engine/bolt/xray-report.ts';

export interface Treated {
  readonly report: XrayReport;
  /** Reads that the reader made, and how many it may make. */
  readonly reads: number;
  readonly readLimit: number;
  /** Whether the store opened the file as a database. */
  readonly isOpened: boolean;
  /** Whether it found nothing wrong with it. */
  readonly isChecked: boolean;
}

class CountedSource implements PageSource {
  reads = 0;
  readonly sizeBytes: number;
  readonly #pager: MemoryPager;

  constructor(pager: MemoryPager) {
    this.#pager = pager;
    this.sizeBytes = pager.sizeBytes;
  }

  run(pgid: number, count: number, pageSize: number): PageBytes {
    this.reads++;
    return this.#pager.run(pgid, count, pageSize);
  }
}

/** Runs what may refuse with words; anything but a BoltError goes on. @returns whether it did not refuse */
function attempt(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    return false;
  }
}

interface Budget {
  left: number;
}

/** Reads forwards, backwards and by key until a limit: the pages of a damaged file may run in circles. */
function readSome(bucket: Bucket, budget: Budget): void {
  const cursor = bucket.cursor();
  for (let item = cursor.first(); item !== null && budget.left-- > 0; item = cursor.next()) {
    const { key, value } = item;
    if (value !== null) bucket.get(key);
    else attempt(() => readChild(bucket, key, budget));
  }
  const backwards = bucket.cursor();
  for (let item = backwards.last(); item !== null && budget.left-- > 0; item = backwards.prev())
    if (budget.left % 7 === 0) bucket.cursor().seek(item.key);
}

function readChild(bucket: Bucket, name: Uint8Array, budget: Budget): void {
  const child = bucket.bucket(name);
  if (child !== null) readSome(child, budget);
}

/** Opens, checks, reads and copies. @returns whether the check found nothing */
function look(db: Db): boolean {
  attempt(() => void db.pageRuns());
  const reader = db.beginRead();
  let isSound = false;
  attempt(() => {
    isSound = reader.check().length === 0;
  });
  attempt(() => void bucketStats(reader.root));
  attempt(() => compact(Db.open(new MemoryPager(), { pageSize: 512 }), reader));
  attempt(() => readSome(reader.root, { left: 5000 }));
  reader.rollback();
  return isSound;
}

function change(tx: Tx): void {
  const bucket = tx.createBucketIfNotExists(encodeUtf8('data'));
  for (let i = 0; i < 60; i += 3) bucket.delete(encodeUtf8(`key-${i}`));
  bucket.put(encodeUtf8('key-7'), new Uint8Array(2000));
  const outer = tx.createBucketIfNotExists(encodeUtf8('outer'));
  attempt(() => outer.deleteBucket(encodeUtf8('inner')));
  attempt(() => outer.moveBucket(encodeUtf8('inline-1'), tx.root));
  tx.commit();
}

/** Changes the file twice; a database without findings must have none afterwards. */
function write(db: Db, isSound: boolean): void {
  for (let round = 0; round < 2; round++) {
    const tx = db.beginWrite();
    const isDone = attempt(() => change(tx));
    if (tx.isOpen) tx.rollback();
    if (!isSound || !isDone) continue;
    const reader = db.beginRead();
    const [first] = reader.check();
    reader.rollback();
    if (first !== undefined) throw new Error(`sound before a commit, not after it: ${first.text}`);
  }
}

/** What every number of the file together can make the reader read. */
const readLimit = (sizeBytes: number): number => 1048576 + 4 * sizeBytes;

/**
 * Does to a file all that a user may: looks through it, checks it, opens, reads, copies and changes it.
 * @throws anything but a BoltError that the engine throws: a fault of ours
 */
export function treat(bytes: Uint8Array, noFreelistSync: boolean): Treated {
  const pager = new MemoryPager(bytes);
  const source = new CountedSource(pager);
  const report = xray(source);
  const limit = readLimit(bytes.length);
  if (source.reads > limit) throw new Error(`the reader read ${source.reads} times, ${limit} are allowed`);
  attempt(() => {
    const meta = chooseMeta(pager, findPageSize(pager));
    checkFile(pager, meta.pageSize, meta);
  });
  let isOpened = false;
  let isChecked = false;
  attempt(() => {
    const db = Db.open(new MemoryPager(bytes), { noFreelistSync });
    isOpened = true;
    isChecked = look(db);
    write(db, isChecked && report.findings.length === 0);
  });
  return { report, reads: source.reads, readLimit: limit, isOpened, isChecked };
}

/** A report's findings as one line, for those who compare. */
export const findingsText = ({ findings, buckets }: XrayReport): string =>
  [
    ...findings.map(({ code, page, message }) => `${code} ${page} ${message}`),
    ...buckets.map(({ path, keys }) => `${path.map(toHex).join('/')} ${keys}`),
  ].join('\n');
