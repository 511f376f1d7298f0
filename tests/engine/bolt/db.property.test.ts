/** Random histories against nested maps: what was put is there, for every reader, after every reopen. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verify } from '../../../src/base/assert.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import type { DbOptions } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { Tx } from '../../../src/engine/bolt/tx.ts';
import { apply, bucketAt, cloneModel, firstBuckets, history, modelText, newModel, txText } from './model.ts';
import type { ModelBucket, Transaction } from './model.ts';

verify.on = true;

const options: fc.Arbitrary<DbOptions> = fc.record({
  pageSize: fc.constantFrom(512, 1024, 4096),
  freelistType: fc.constantFrom('array', 'hashmap'),
  hashmapChoice: fc.constantFrom('insertion', 'lowest'),
  noFreelistSync: fc.boolean(),
  rules: fc.constantFrom('1.3.6', '1.3', '1.4'),
});

class Run {
  readonly #options: DbOptions;
  #pager = new MemoryPager();
  #db: Db;
  #model = newModel();
  #readers: { tx: Tx; text: string }[] = [];

  constructor(dbOptions: DbOptions) {
    this.#options = dbOptions;
    this.#db = Db.open(this.#pager, dbOptions);
  }

  transact(transaction: Transaction): void {
    if (transaction.beginReader)
      this.#readers.push({ tx: this.#db.beginRead(), text: modelText(this.#model) });
    const tx = this.#db.beginWrite();
    const model = cloneModel(this.#model);
    for (const op of transaction.ops) apply(model, tx, op);
    expect(txText(tx)).toBe(modelText(model));
    if (transaction.commit) {
      tx.commit();
      this.#model = model;
    } else tx.rollback();
    this.#checkNewest();
    for (const { tx: reader, text } of this.#readers) expect(txText(reader)).toBe(text);
    if (transaction.endReader) this.#readers.shift()?.tx.rollback();
    if (transaction.reopen) this.#reopen();
  }

  #checkNewest(): void {
    const tx = this.#db.beginRead();
    expect(tx.check()).toEqual([]);
    expect(txText(tx)).toBe(modelText(this.#model));
    checkCursors(tx, this.#model);
    tx.rollback();
    const pages = this.#db.pageRuns().reduce((sum, run) => sum + run.count, 0);
    expect(pages).toBe(this.#db.meta.highWater);
    const free = this.#db
      .pageRuns()
      .filter((run) => run.kind === 'free')
      .reduce((sum, run) => sum + run.count, 0);
    expect(free).toBe(this.#db.freePageCount);
  }

  #reopen(): void {
    this.#readers = [];
    this.#pager = new MemoryPager(this.#pager.image());
    this.#db = Db.open(this.#pager, this.#options);
    this.#checkNewest();
  }
}

/** Backwards is forwards reversed, and a seek finds the first key that is not below. */
function checkCursors(tx: Tx, model: ModelBucket): void {
  for (const path of [[0], [1], [0, 1]]) {
    const bucket = bucketAt(tx, path);
    if (bucket === null) continue;
    const keys: string[] = [];
    bucket.forEach((key) => keys.push(toHex(key)));
    const back: string[] = [];
    const cursor = bucket.cursor();
    for (let item = cursor.last(); item !== null; item = cursor.prev()) back.push(toHex(item.key));
    expect(back.reverse()).toEqual(keys);
    for (const seek of ['6b', '6b6b6b20', '30', 'ff']) {
      const found = cursor.seek(Uint8Array.from(Buffer.from(seek, 'hex')));
      expect(found === null ? undefined : toHex(found.key)).toBe(keys.find((key) => key >= seek));
    }
  }
  expect(modelText(model).length).toBeGreaterThan(0);
}

test('a database holds what was put, as each reader began with it, and after each reopen', () => {
  fc.assert(
    fc.property(options, history(12, 40), (dbOptions, transactions) => {
      const run = new Run(dbOptions);
      for (const transaction of [firstBuckets, ...transactions]) run.transact(transaction);
    }),
    { numRuns: 60 },
  );
});

test('many keys in one bucket make a tree that shrinks again when they are deleted', () => {
  fc.assert(
    fc.property(
      options,
      fc.uniqueArray(fc.integer({ min: 0, max: 99999 }), { minLength: 300, maxLength: 800 }),
      (dbOptions, numbers) => {
        const db = Db.open(new MemoryPager(), { ...dbOptions, pageSize: 512 });
        const keyOf = (n: number): Uint8Array => Uint8Array.from(String(n), (digit) => digit.charCodeAt(0));
        let tx = db.beginWrite();
        const bucket = tx.createBucket(Uint8Array.of(1));
        for (const n of numbers) bucket.put(keyOf(n), keyOf(n * 7));
        tx.commit();
        expect(db.pageRuns().some((run) => run.kind === 'branch')).toBe(true);
        for (let from = 0; from < numbers.length; from += 97) {
          tx = db.beginWrite();
          const doomed = tx.bucket(Uint8Array.of(1));
          for (const n of numbers.slice(from, from + 97)) doomed?.delete(keyOf(n));
          tx.commit();
          tx = db.beginRead();
          expect(tx.check()).toEqual([]);
          for (const n of numbers) {
            const value = tx.bucket(Uint8Array.of(1))?.get(keyOf(n)) ?? null;
            const left = numbers.indexOf(n) >= from + 97;
            expect(value === null ? null : toHex(value)).toBe(left ? toHex(keyOf(n * 7)) : null);
          }
          tx.rollback();
        }
        expect(db.pageRuns().filter((run) => run.kind === 'branch')).toEqual([]);
      },
    ),
    { numRuns: 4 },
  );
});
