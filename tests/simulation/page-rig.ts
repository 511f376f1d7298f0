/** A store alone under random transactions, readers, rollbacks, crashes and torn meta pages. */
import { equalBytes } from '../../src/base/bytes.ts';
import { stream } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { noDefects } from '../../src/engine/defects.ts';
import { pageProblem } from '../../src/sim/checkers/pages.ts';
import { fuzzCrashes } from '../fuzz/crash.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Tx } from '../../src/engine/bolt/tx.ts';
import type { Defects } from '../../src/engine/defects.ts';

const pageSize = 1024;
const bucket = encodeUtf8('b');
const rounds = 60;

type Pairs = ReadonlyMap<string, Uint8Array>;

/** A reader and what it saw when it began. */
interface Reader {
  readonly tx: Tx;
  readonly sees: Pairs;
}

class PageRig {
  readonly #draws: Prng;
  readonly #defects: Defects;
  readonly #readers: Reader[] = [];
  #pager: MemoryPager;
  #db: Db;
  #pairs: Pairs = new Map();

  constructor(seed: number, defects: Partial<Defects>) {
    this.#draws = stream(seed, 'pages');
    this.#defects = { ...noDefects, ...defects };
    this.#pager = new MemoryPager(null);
    this.#db = this.#open();
  }

  /** @returns what was found against the store; null where it is sound to the end */
  run(): string | null {
    for (let round = 0; round < rounds; round++) {
      const problem = this.#caught(() => this.#round());
      if (problem !== null) return `round ${round}: ${problem}`;
    }
    return null;
  }

  #caught(work: () => string | null): string | null {
    try {
      return work();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #open(): Db {
    const freelistType = this.#draws.chance(1, 2) ? 'hashmap' : 'array';
    const options = { pageSize, freelistType, defects: this.#defects } as const;
    return Db.open(this.#pager, { ...options, noFreelistSync: this.#draws.chance(1, 3) });
  }

  #round(): string | null {
    const draws = this.#draws;
    if (draws.chance(1, 6)) this.#readers.push({ tx: this.#db.beginRead(), sees: this.#pairs });
    if (draws.chance(1, 5)) this.#readers.shift()?.tx.rollback();
    this.#write(draws.chance(1, 8));
    if (draws.chance(1, 12)) this.#reopen();
    return this.#check();
  }

  #write(isRolledBack: boolean): void {
    const draws = this.#draws;
    const tx = this.#db.beginWrite();
    const inside = tx.createBucketIfNotExists(bucket);
    const pairs = new Map(this.#pairs);
    for (let i = draws.below(draws.chance(1, 4) ? 60 : 12); i >= 0; i--) {
      const name = `k${draws.below(80)}`;
      const key = encodeUtf8(name);
      if (draws.chance(1, 3)) {
        inside.delete(key);
        pairs.delete(name);
      } else {
        const value = new Uint8Array(draws.below(draws.chance(1, 6) ? 2500 : 60)).fill(1 + draws.below(255));
        inside.put(key, value);
        pairs.set(name, value);
      }
    }
    if (isRolledBack) {
      tx.deleteBucket(bucket);
      return tx.rollback();
    }
    tx.commit();
    this.#pairs = pairs;
  }

  /** A process begins with what the file holds; sometimes with one meta page that a crash has torn. */
  #reopen(): void {
    this.#readers.length = 0;
    const image = this.#pager.copy(0, this.#pager.sizeBytes);
    // the next transaction was writing its meta page: its number is there, and not yet all of it
    const { txid } = this.#db.meta;
    const slot = (txid + 1) % 2;
    if (this.#draws.chance(1, 2)) new DataView(image.buffer).setUint32(slot * pageSize + 64, txid + 1, true);
    this.#pager = new MemoryPager(image);
    this.#db = this.#open();
  }

  #check(): string | null {
    const found = pageProblem(this.#db);
    if (found !== null) return found;
    for (const { tx, sees } of this.#readers) {
      const changed = difference(tx, sees);
      if (changed !== null) return `a reader of transaction ${tx.id} sees ${changed}`;
    }
    const tx = this.#db.beginRead();
    const problem = difference(tx, this.#pairs);
    tx.rollback();
    return problem === null ? null : `the newest state has ${problem}`;
  }
}

function difference(tx: Tx, pairs: Pairs): string | null {
  const inside = tx.bucket(bucket);
  let count = 0;
  for (const [name, value] of pairs) {
    const found = inside?.get(encodeUtf8(name)) ?? null;
    if (found === null || !equalBytes(found, value)) return `another ${name} than was written`;
    count++;
  }
  const cursor = inside?.cursor();
  for (let at = cursor?.first() ?? null; at !== null; at = cursor?.next() ?? null) count--;
  return count === 0 ? null : `${-count} keys too many`;
}

/** Every write of a few commits is cut off in every way; an opener finds the last commit, and a sound file. */
function cutEveryWrite(seed: number, defects: Partial<Defects>): string | null {
  const { failures } = fuzzCrashes(seed, 10, { defects: { ...noDefects, ...defects } });
  return failures.length === 0 ? null : failures[0].split('\n')[0];
}

/** So many pages are freed at once that their count does not fit the header. */
function longFreelist(defects: Partial<Defects>): string | null {
  const pager = new MemoryPager(null);
  const options = { pageSize, defects: { ...noDefects, ...defects } };
  const db = Db.open(pager, options);
  const tx = db.beginWrite();
  tx.createBucketIfNotExists(bucket).put(encodeUtf8('large'), new Uint8Array(70_000 * pageSize));
  tx.commit();
  const second = db.beginWrite();
  second.createBucketIfNotExists(bucket).delete(encodeUtf8('large'));
  second.commit();
  try {
    return pageProblem(Db.open(new MemoryPager(pager.copy(0, pager.sizeBytes)), options));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export type StoreRig = 'pages' | 'crashes' | 'longFreelist';

/** @returns what was found against a store alone; null where it is sound */
export function runStore(rig: StoreRig, seed: number, defects: Partial<Defects>): string | null {
  if (rig === 'pages') return new PageRig(seed, defects).run();
  return rig === 'crashes' ? cutEveryWrite(seed, defects) : longFreelist(defects);
}
