/**
 * The picture of a database file beside the file itself: trees, meta pages and pending pages folded from a
 * commit's events are what a reader finds in the bytes.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BoltEvent } from '../../src/engine/bolt/events.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import type { DbOptions } from '../../src/engine/bolt/db.ts';
import { metaAt } from '../../src/engine/bolt/meta.ts';
import { contentOf } from '../../src/engine/bolt/page-content.ts';
import { forEachTreePage } from '../../src/engine/bolt/page-map.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { Tx } from '../../src/engine/bolt/tx.ts';
import { emptyFiles, foldFiles, newestSlot, rootOf } from '../../src/model/file-view.ts';
import type { Files, FileView } from '../../src/model/file-view.ts';
import { emptyPageMaps, foldPageMaps, mapKinds } from '../../src/model/page-map.ts';
import type { PageMaps } from '../../src/model/page-map.ts';
import type { Told } from '../../src/model/told.ts';
import { treePage } from '../../src/model/tree-pages.ts';
import { apply, cloneModel, firstBuckets, history, newModel } from '../engine/bolt/model.ts';
import type { ModelBucket, Transaction } from '../engine/bolt/model.ts';

const options: fc.Arbitrary<DbOptions> = fc.record({
  pageSize: fc.constantFrom(512, 1024),
  freelistType: fc.constantFrom('array', 'hashmap'),
  noFreelistSync: fc.boolean(),
});

/** A page as the file's bytes tell it. */
interface ReadPage {
  readonly pgid: number;
  readonly count: number;
  readonly kind: string;
  readonly children: readonly number[];
}

/** Every page that a walk from the newest meta page finds, by page id. */
function treeInBytes(db: Db): ReadPage[] {
  const pages: ReadPage[] = [];
  forEachTreePage(db.pager, db.pageSize, db.meta, (pgid, page) => {
    const kind = page.isLeaf ? 'leaf' : 'branch';
    const children = page.isLeaf ? [] : Array.from({ length: page.count }, (_, i) => page.child(i));
    pages.push({ ...contentOf(page), pgid, count: page.overflow + 1, kind, children });
  });
  return pages.sort((a, b) => a.pgid - b.pgid);
}

/** The same walk over the folded pages. */
function treeInPicture(file: FileView): ReadPage[] {
  const pages: ReadPage[] = [];
  const stack = [rootOf(file) ?? -1];
  for (let pgid = stack.pop(); pgid !== undefined; pgid = stack.pop()) {
    const page = treePage(file.pages, pgid);
    if (page === null) throw new Error(`page ${pgid} is not in the picture`);
    const { txid: _, ...seen } = page;
    pages.push(seen);
    stack.push(...page.children, ...page.bucketRoots.filter((root) => root !== 0));
  }
  return pages.sort((a, b) => a.pgid - b.pgid);
}

class Run {
  readonly #options: DbOptions;
  readonly #events: Told[] = [];
  #pager = new MemoryPager();
  #db: Db;
  #model: ModelBucket = newModel();
  #readers: Tx[] = [];
  #files: Files = emptyFiles(1);
  #maps: PageMaps = emptyPageMaps(1);
  #folded = 0;

  constructor(given: DbOptions) {
    const emit = (event: BoltEvent): void => {
      const at = { moment: this.#events.length, ordinal: 0, timeUs: this.#events.length, member: 1 };
      this.#events.push({ at, event });
    };
    this.#options = { ...given, trace: { on: true, emit } };
    this.#db = Db.open(this.#pager, this.#options);
    this.#compare();
  }

  transact(transaction: Transaction): void {
    if (transaction.beginReader) this.#readers.push(this.#db.beginRead());
    const tx = this.#db.beginWrite();
    const model = cloneModel(this.#model);
    for (const op of transaction.ops) apply(model, tx, op);
    tx.commit();
    this.#model = model;
    this.#compare();
    if (transaction.endReader) this.#readers.shift()?.rollback();
    if (!transaction.reopen) return;
    this.#readers = [];
    this.#pager = new MemoryPager(this.#pager.image());
    this.#db = Db.open(this.#pager, this.#options);
    this.#compare();
  }

  /** The whole log folded at once is what it was folded as, commit by commit. */
  finish(): void {
    expect(foldFiles(emptyFiles(1), this.#events)).toEqual(this.#files);
  }

  #compare(): void {
    const since = this.#events.slice(this.#folded);
    this.#folded = this.#events.length;
    this.#files = foldFiles(this.#files, since);
    this.#maps = foldPageMaps(this.#maps, since);
    const file = this.#files.members[0] as FileView;
    const { meta, freelist } = this.#db;
    expect(treeInPicture(file)).toEqual(treeInBytes(this.#db));
    expect([file.highWater, rootOf(file), newestSlot(file.metas)]).toEqual([
      meta.highWater,
      meta.root.root,
      meta.txid % 2,
    ]);
    const slots = [0, 1].map((slot) => metaAt(this.#pager, slot * this.#db.pageSize));
    expect(file.metas.map((one) => one?.txid)).toEqual(
      slots.map((one) => (typeof one === 'string' ? undefined : one.txid)),
    );
    const waiting = [...freelist.pendingSpans()].flatMap(([txid, { starts, counts }]) =>
      starts.flatMap((start, i) => Array.from({ length: counts[i] ?? 0 }, (_, k) => [txid, start + k])),
    );
    const drawn = file.pending.flatMap(({ txid, pgid, count }) =>
      Array.from({ length: count }, (_, k) => [txid, pgid + k]),
    );
    expect(drawn.sort()).toEqual(waiting.sort());
    const kinds = this.#db.pageRuns().flatMap(({ kind, count }) => Array.from({ length: count }, () => kind));
    expect([...(this.#maps.members[0]?.kinds ?? [])].map((code) => mapKinds[code])).toEqual(kinds);
  }
}

test('after every commit and every reopen the folded trees are those in the bytes of the file', () => {
  const random = fc.record({ options, transactions: history(14, 12) });
  fc.assert(
    fc.property(random, ({ options: given, transactions }) => {
      const run = new Run(given);
      for (const transaction of [firstBuckets, ...transactions]) run.transact(transaction);
      run.finish();
    }),
    { numRuns: 60 },
  );
});
