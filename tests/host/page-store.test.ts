import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { emptyBytes, equalBytes } from '../../src/base/bytes.ts';
import { deleteStoredLab, IdbStore, readStoredLab } from '../../src/host/idb-store.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import { OpfsStore } from '../../src/host/opfs-store.ts';
import type { StoreErrorCode } from '../../src/host/page-store.ts';
import { packInputs, type StoredInputs } from '../../src/host/stored-inputs.ts';
import { commitOf, filled, pageStoreCases, setup, write } from '../contract/page-store.ts';
import type { MakeStore } from '../contract/page-store.ts';
import { OpfsDouble } from './opfs-double.ts';

let workspaces = 0;
const freshName = () => `test-${++workspaces}`;

const kinds: readonly { readonly name: string; readonly make: MakeStore }[] = [
  {
    name: 'memory',
    make: () => {
      const store = new MemoryStore();
      return () => store;
    },
  },
  {
    name: 'indexeddb',
    make: (foldBytes) => {
      const workspace = freshName();
      return () =>
        new IdbStore({ workspace, lost: () => {}, ...(foldBytes === undefined ? {} : { foldBytes }) });
    },
  },
  {
    name: 'opfs',
    make: (foldBytes) => {
      const { root } = new OpfsDouble();
      return () => new OpfsStore({ workspace: 'w', root, ...(foldBytes === undefined ? {} : { foldBytes }) });
    },
  },
];

for (const { name, make } of kinds) {
  for (const { title, run } of pageStoreCases) test(`${name}: ${title}`, () => run(make, 30));
}

test('folding moves the log into extents of a mebibyte and loses nothing on the way', async () => {
  const workspace = freshName();
  const store = new IdbStore({ workspace, lost: () => {}, foldBytes: 100_000 });
  await store.open(setup);
  const size = 5 * 1024 * 1024 + 17;
  const model = new Uint8Array(size);
  for (let i = 0; i < 40; i++) {
    const data = filled(50_000, i + 1);
    const at = (i * 700_001) % (size - data.length);
    model.set(data, at);
    await store.write([
      commitOf(1, { kind: 'truncate', file: 'db', sizeBytes: size }, write('db', at, data)),
    ]);
  }
  await store.folded();
  const database = await openDB(`quorum-lab/${workspace}`);
  expect(await database.count('log')).toBe(0);
  expect(await database.count('extents')).toBe(5); // the last 17 bytes were never written
  database.close();
  expect(equalBytes((await store.read())[0].get('db') ?? emptyBytes, model)).toBe(true);
  await store.close();
});

test('a tab that lost the lab cannot change it: what it still writes counts for nothing', async () => {
  const workspace = freshName();
  const loser = new IdbStore({ workspace, lost: () => {}, foldBytes: 1 });
  await loser.open(setup);
  const winner = new IdbStore({ workspace, lost: () => {} });
  await winner.open(setup);
  await winner.write([commitOf(1, write('db', 0, filled(4, 2)))]);
  await loser.write([commitOf(1, write('db', 0, filled(4, 9)))]);
  await loser.folded();
  expect((await winner.read())[0].get('db')).toEqual(filled(4, 2));
  await Promise.all([loser.close(), winner.close()]);
  expect((await readStoredLab({ workspace }))?.images[0].get('db')).toEqual(filled(4, 2));
});

/** Writes into the database behind the store's back, as a neighbour on the same origin can. */
async function meddle(workspace: string, name: string, key: IDBValidKey, value: unknown): Promise<void> {
  const database = await openDB(`quorum-lab/${workspace}`);
  await database.put(name, value, key);
  database.close();
}

const packedAs = (inputs: unknown): ArrayBuffer => packInputs(inputs as StoredInputs);
const end = { moment: 3, chainHash: '0123456789abcdef', stored: [[1, 2]] };
const boot = { boot: 1, startUs: 0, files: 0, interventions: [], end };

const meddlings: readonly [string, StoreErrorCode, string, IDBValidKey, unknown][] = [
  ['a record of a later format', 'store format', 'meta', 'lab', { formatVersion: 3, seed: 1 }],
  ['a record without a boot', 'store damaged', 'meta', 'lab', { formatVersion: 1, ...setup }],
  ['a log record of noise', 'store damaged', 'log', [1, 9], new ArrayBuffer(40)],
  ['a log record that is no buffer', 'store damaged', 'log', [1, 9], 'x'],
  ['inputs of noise', 'store damaged', 'meta', 'inputs', new ArrayBuffer(40)],
  ['inputs that are no buffer', 'store damaged', 'meta', 'inputs', { boots: [] }],
  ['inputs whose boots are none', 'store damaged', 'meta', 'inputs', packedAs({ boots: [7] })],
  ['inputs of two first boots', 'store damaged', 'meta', 'inputs', packedAs({ boots: [boot, boot] })],
  [
    'inputs with spans that overlap',
    'store damaged',
    'meta',
    'inputs',
    packedAs({ boots: [{ ...boot, end: { ...boot.end, stored: [[1, 9, 5, 6]] } }] }),
  ],
  ['a file of no member', 'store damaged', 'files', [10, 'db'], { id: 99, sizeBytes: 0 }],
  [
    'a file that claims more than the lab may hold',
    'store damaged',
    'files',
    [1, 'db'],
    { id: 1, sizeBytes: 2 ** 40 },
  ],
  [
    'an extent that fails its checksum',
    'store damaged',
    'extents',
    [1, 0],
    { crc: 1, data: new ArrayBuffer(8) },
  ],
];
for (const [what, code, name, key, value] of meddlings) {
  test(`stored data are untrusted: ${what} is a clear error, and deleting helps`, async () => {
    const workspace = freshName();
    const store = new IdbStore({ workspace, lost: () => {}, foldBytes: 1 });
    await store.open(setup);
    await store.write([commitOf(1, write('db', 0, filled(8, 1)))]);
    await store.folded();
    await store.close();
    await meddle(workspace, name, key, value);
    await expect(new IdbStore({ workspace, lost: () => {} }).open(setup)).rejects.toMatchObject({ code });
    await expect(readStoredLab({ workspace })).rejects.toMatchObject({ code });
    await deleteStoredLab({ workspace });
    expect(await readStoredLab({ workspace })).toBeNull();
  });
}

test('an aborted transaction stores none of its commits and tells why', async () => {
  const workspace = freshName();
  const store = new IdbStore({ workspace, lost: () => {} });
  await store.open(setup);
  await store.write([commitOf(1, write('db', 0, filled(4, 1)))]);
  const add = IDBObjectStore.prototype.add;
  IDBObjectStore.prototype.add = function (this: IDBObjectStore, ...args: Parameters<typeof add>) {
    const request = add.apply(this, args);
    this.transaction.commit = () => this.transaction.abort();
    return request;
  };
  const commit = commitOf(1, write('db', 0, filled(4, 2)));
  await expect(store.write([commit])).rejects.toMatchObject({ code: 'EIO' });
  IDBObjectStore.prototype.add = add;
  expect((await store.read())[0].get('db')).toEqual(filled(4, 1));
  await store.write([commit]);
  expect((await store.read())[0].get('db')).toEqual(filled(4, 2));
  await store.close();
});
