/** A store whose content is replaced holds the old lab whole or the new one whole, wherever it is cut off. */
import 'fake-indexeddb/auto';
import { afterEach, expect, test } from 'vitest';
import { IdbStore } from '../../src/host/idb-store.ts';
import { OpfsStore } from '../../src/host/opfs-store.ts';
import { readStoredOpfs } from '../../src/host/opfs-look.ts';
import type { PageStore, StoredLab } from '../../src/host/page-store.ts';
import { filesChecksum } from '../../src/host/stored-inputs.ts';
import { commitOf, filled, replacement, setup, write } from '../contract/page-store.ts';
import { OpfsDouble } from './opfs-double.ts';
import type { Fate } from './opfs-double.ts';

const small = replacement(1, 3000);
const newLab = { seed: small.record.seed, files: filesChecksum(small.images) };
const held = ({ record, images }: Pick<StoredLab, 'record' | 'images'>) => ({
  seed: record.seed,
  files: filesChecksum(images),
});

/** A lab with files that were folded, and writes that were not; nobody holds it. */
async function withOldLab(reopen: () => PageStore): Promise<ReturnType<typeof held>> {
  const first = reopen();
  await first.open(setup);
  await first.write([
    commitOf(1, write('db', 0, filled(5000, 9))),
    commitOf(3, write('gone', 0, filled(9, 9))),
  ]);
  await first.close();
  const store = reopen();
  const { record } = await store.open(setup);
  await store.write([commitOf(2, write('db', 700, filled(300, 8)))]);
  const images = await store.read();
  await store.close();
  return held({ record, images });
}

const storeOn = (disk: OpfsDouble): OpfsStore =>
  new OpfsStore({ workspace: 'w', root: disk.root, foldBytes: 1e9 });

for (const [name, fates] of [
  ['all that was written is kept', ['kept']],
  ['nothing that was not flushed is kept', ['lost']],
  ['writes are torn', [400, 'kept', 7, 'lost']],
] as readonly [string, Fate[]][]) {
  test(`opfs: killed at any step of a replacement it holds one lab, whole; ${name}`, async () => {
    let isDone = false;
    const found = new Set<string>();
    for (let death = 1; !isDone; death++) {
      const disk = new OpfsDouble();
      const old = await withOldLab(() => storeOn(disk));
      disk.diesAt = disk.steps + death;
      let isTold = false;
      await storeOn(disk)
        .replace(small)
        .then(
          () => {
            isTold = true;
          },
          () => {},
        );
      isDone = disk.steps < disk.diesAt;
      let fate = 0;
      disk.cut(() => fates[fate++ % fates.length]);
      const looked = await readStoredOpfs('w', disk.root);
      const survivor = storeOn(disk);
      const opened = await survivor.open(setup);
      const now = held(opened);
      expect([old, newLab]).toContainEqual(now);
      if (isTold) expect(now).toEqual(newLab);
      expect(looked === null ? null : held(looked)).toEqual(now);
      expect(opened.record.boot).toBe(now.seed === newLab.seed ? 4 : 3);
      found.add(now.seed === newLab.seed ? 'new' : 'old');
      await survivor.write([commitOf(1, write('db', 0, filled(10, 1)))]);
      await survivor.close();
      const last = storeOn(disk);
      expect((await last.open(setup)).images[0].get('db')?.[9]).toBe(1);
    }
    expect([...found]).toEqual(['old', 'new']);
  });
}

test('opfs: a replacement that finds no room leaves the old lab, which goes on', async () => {
  const needed = small.images.reduce(
    (sum, image) => sum + [...image.values()].reduce((n, { length }) => n + length, 0),
    0,
  );
  for (const room of [0, 2000, needed - 1, needed + 100]) {
    const disk = new OpfsDouble();
    const old = await withOldLab(() => storeOn(disk));
    const names = disk.names('w');
    disk.freeBytes = room;
    await expect(storeOn(disk).replace(small)).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.freeBytes = Number.POSITIVE_INFINITY;
    expect(disk.names('w')).toEqual(names);
    const again = storeOn(disk);
    const opened = await again.open(setup);
    expect([held(opened), opened.record.boot]).toEqual([old, 3]);
    await again.write([commitOf(1, write('db', 0, filled(10, 1)))]);
    await again.close();
    expect((await storeOn(disk).open(setup)).images[0].get('db')?.[9]).toBe(1);
  }
});

const { put, clear } = IDBObjectStore.prototype;
afterEach(() => Object.assign(IDBObjectStore.prototype, { put, clear }));

/** The transaction of the request with this number ends with it, as with its page. @returns how many there were */
function endsAt(fatal: number): () => number {
  let count = 0;
  const ending = <Args extends unknown[], Value>(request: (...args: Args) => Value) =>
    function (this: IDBObjectStore, ...args: Args): Value {
      const made = request.apply(this, args);
      if (++count === fatal) this.transaction.abort();
      return made;
    };
  Object.assign(IDBObjectStore.prototype, { put: ending(put), clear: ending(clear) });
  return () => count;
}

test('indexeddb: a replacement that is cut off at any request leaves the old lab whole', async () => {
  let requests = 0;
  for (let fatal = 1, isDone = false; !isDone; fatal++) {
    const reopen = (): IdbStore => new IdbStore({ workspace: `replaced-${fatal}`, lost: () => {} });
    const old = await withOldLab(reopen);
    const count = endsAt(fatal);
    const store = reopen();
    const replaced = await store.replace(small).then(
      () => true,
      (error: { code?: string }) => {
        expect(error.code).toBe('EIO');
        return false;
      },
    );
    Object.assign(IDBObjectStore.prototype, { put, clear });
    requests = count();
    isDone = requests < fatal;
    expect(replaced).toBe(isDone);
    await store.close();
    const again = reopen();
    const opened = await again.open(setup);
    expect(held(opened)).toEqual(replaced ? newLab : old);
    expect(opened.record.boot).toBe(replaced ? 4 : 3);
    await again.write([commitOf(1, write('db', 0, filled(10, 1)))]);
    await again.close();
    const last = reopen();
    expect((await last.open(setup)).images[0].get('db')?.[9]).toBe(1);
    await last.destroy();
  }
  expect(requests).toBeGreaterThan(10);
});

test('what a store of another version or of noise holds is not replaced', async () => {
  const disk = new OpfsDouble();
  await withOldLab(() => storeOn(disk));
  for (const name of ['meta0', 'meta1']) disk.file('w', name).cache.fill(7);
  await expect(storeOn(disk).replace(small)).rejects.toMatchObject({ code: 'store damaged' });
});

test('a store is sealed by whoever holds it alone, and replaced as it was sealed alone', async () => {
  const disk = new OpfsDouble();
  const makes = [() => storeOn(disk), () => new IdbStore({ workspace: 'sealed', lost: () => {} })];
  for (const reopen of makes) {
    await withOldLab(reopen);
    const holder = reopen();
    await holder.open(setup);
    const early = await holder.seal();
    await holder.write([commitOf(1, write('db', 0, filled(9, 4)))]).catch(() => {});
    await holder.close();
    const next = reopen();
    await next.open(setup);
    await next.write([commitOf(1, write('db', 0, filled(9, 5)))]);
    const seal = await next.seal();
    await next.close();
    await expect(reopen().replace(small, early)).rejects.toMatchObject({ code: 'store changed' });
    const replacing = reopen();
    expect((await replacing.replace(small, seal)).boot).toBe(5);
    await replacing.close();
    await expect(reopen().replace(small, seal)).rejects.toMatchObject({ code: 'store changed' });
  }
});

test('whoever lost the store to another tab cannot seal it', async () => {
  const reopen = (): IdbStore => new IdbStore({ workspace: 'lost', lost: () => {} });
  const [first, second] = [reopen(), reopen()];
  await first.open(setup);
  await second.open(setup);
  await expect(first.seal()).rejects.toMatchObject({ code: 'store changed' });
  await Promise.all([first.close(), second.close()]);
});
