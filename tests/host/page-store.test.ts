import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { emptyBytes, equalBytes } from '../../src/base/bytes.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import { nodeId } from '../../src/engine/raft/types.ts';
import { deleteStoredLab, IdbStore, readStoredLab } from '../../src/host/idb-store.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import type { PageStore, StoreErrorCode } from '../../src/host/page-store.ts';
import type { StoreCommit, StoreOp } from '../../src/sim/types.ts';

const setup = { seed: 7, members: 3, preVote: true };
let workspaces = 0;
const freshName = () => `test-${++workspaces}`;

let commits = 0;
const commitOf = (member: number, ...ops: StoreOp[]): StoreCommit => {
  commits++;
  return { member: nodeId(member), commit: commits, timeUs: commits * 10, urgent: true, ops };
};
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const write = (file: string, offset: number, data: Uint8Array): StoreOp => ({
  kind: 'write',
  file,
  offset,
  data,
});

/** Each kind of store, with the means to open it again as a reload does. */
const kinds: readonly { name: string; make: (foldBytes?: number) => () => PageStore }[] = [
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
];

/** The slow and obvious model of a member's files. */
class NaiveFiles {
  readonly files = new Map<string, number[]>();
  apply(op: StoreOp): void {
    const file = this.files.get(op.file) ?? [];
    if (op.kind === 'remove') this.files.delete(op.file);
    else if (op.kind === 'rename') {
      this.files.delete(op.file);
      this.files.set(op.to, file);
    } else {
      this.files.set(op.file, file);
      const end = op.kind === 'write' ? op.offset + op.data.length : op.sizeBytes;
      while (file.length < end) file.push(0);
      if (op.kind === 'truncate') file.length = end;
      else
        op.data.forEach((byte, i) => {
          file[op.offset + i] = byte;
        });
    }
  }
}

const plain = (image: DiskImage) => [...image].map(([name, data]) => [name, [...data]]).sort();
const fileName = fc.constantFrom('db', 'wal/0.wal', 'wal/1.tmp');
const offset = fc.integer({ min: 0, max: 5000 });
const anyOp: fc.Arbitrary<StoreOp> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    file: fileName,
    offset,
    data: fc.uint8Array({ minLength: 1, maxLength: 700 }),
  }),
  fc.record({ kind: fc.constant('truncate' as const), file: fileName, sizeBytes: offset }),
  fc.record({ kind: fc.constant('rename' as const), file: fileName, to: fileName }),
  fc.record({ kind: fc.constant('remove' as const), file: fileName }),
);

for (const kind of kinds) {
  test(`${kind.name}: opened again, it holds each member's files, whatever the operations were`, async () => {
    const batches = fc.array(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), anyOp), { minLength: 1, maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(batches, fc.constantFrom(1, 3000, 1e9), async (groups, foldBytes) => {
        const reopen = kind.make(foldBytes);
        const models = [1, 2, 3].map(() => new NaiveFiles());
        const store = reopen();
        await store.open(setup);
        for (const group of groups) {
          await store.write(group.map(([member, op]) => commitOf(member, op)));
          for (const [member, op] of group) models[member - 1].apply(op);
        }
        const expected = models.map(({ files }) => [...files].sort());
        expect((await store.read()).map(plain)).toEqual(expected);
        await store.close();
        const again = reopen();
        const { images, fresh } = await again.open(setup);
        expect(fresh).toBe(false);
        expect(images.map(plain)).toEqual(expected);
        await again.close();
      }),
      { numRuns: 30 },
    );
  });

  test(`${kind.name}: each open counts the boot up, keeps the lab's own seed and goes on from its last commit`, async () => {
    const reopen = kind.make();
    const first = reopen();
    expect((await first.open(setup)).record).toMatchObject({ boot: 1, timeUs: 0, seed: 7 });
    const commit = commitOf(2, write('db', 0, bytes(10, 1)));
    await first.write([commit]);
    await first.close();
    const second = reopen();
    const opened = await second.open({ seed: 99, members: 5, preVote: false });
    expect(opened.record).toEqual({ formatVersion: 1, ...setup, boot: 2, timeUs: commit.timeUs });
    await second.destroy();
    const third = reopen();
    expect(await third.open(setup)).toMatchObject({ fresh: true, record: { boot: 1 } });
    await third.close();
  });
}

test('folding moves the log into extents of a mebibyte and loses nothing on the way', async () => {
  const workspace = freshName();
  const store = new IdbStore({ workspace, lost: () => {}, foldBytes: 100_000 });
  await store.open(setup);
  const size = 5 * 1024 * 1024 + 17;
  const model = new Uint8Array(size);
  for (let i = 0; i < 40; i++) {
    const data = bytes(50_000, i + 1);
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
  await winner.write([commitOf(1, write('db', 0, bytes(4, 2)))]);
  await loser.write([commitOf(1, write('db', 0, bytes(4, 9)))]);
  await loser.folded();
  expect((await winner.read())[0].get('db')).toEqual(bytes(4, 2));
  await Promise.all([loser.close(), winner.close()]);
  expect((await readStoredLab(workspace))?.images[0].get('db')).toEqual(bytes(4, 2));
});

/** Writes into the database behind the store's back, as a neighbour on the same origin can. */
async function meddle(workspace: string, name: string, key: IDBValidKey, value: unknown): Promise<void> {
  const database = await openDB(`quorum-lab/${workspace}`);
  await database.put(name, value, key);
  database.close();
}

const meddlings: readonly [string, StoreErrorCode, string, IDBValidKey, unknown][] = [
  ['a record of a later format', 'store format', 'meta', 'lab', { formatVersion: 2, seed: 1 }],
  ['a record without a boot', 'store damaged', 'meta', 'lab', { formatVersion: 1, ...setup }],
  ['a log record of noise', 'store damaged', 'log', [1, 9], new ArrayBuffer(40)],
  ['a log record that is no buffer', 'store damaged', 'log', [1, 9], 'x'],
  ['a file of no member', 'store damaged', 'files', [4, 'db'], { id: 99, sizeBytes: 0 }],
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
    await store.write([commitOf(1, write('db', 0, bytes(8, 1)))]);
    await store.folded();
    await store.close();
    await meddle(workspace, name, key, value);
    await expect(new IdbStore({ workspace, lost: () => {} }).open(setup)).rejects.toMatchObject({ code });
    await expect(readStoredLab(workspace)).rejects.toMatchObject({ code });
    await deleteStoredLab(workspace);
    expect(await readStoredLab(workspace)).toBeNull();
  });
}

test('an aborted transaction stores none of its commits and tells why', async () => {
  const workspace = freshName();
  const store = new IdbStore({ workspace, lost: () => {} });
  await store.open(setup);
  await store.write([commitOf(1, write('db', 0, bytes(4, 1)))]);
  const add = IDBObjectStore.prototype.add;
  IDBObjectStore.prototype.add = function (this: IDBObjectStore, ...args: Parameters<typeof add>) {
    const request = add.apply(this, args);
    this.transaction.commit = () => this.transaction.abort();
    return request;
  };
  const commit = commitOf(1, write('db', 0, bytes(4, 2)));
  await expect(store.write([commit])).rejects.toMatchObject({ code: 'EIO' });
  IDBObjectStore.prototype.add = add;
  expect((await store.read())[0].get('db')).toEqual(bytes(4, 1));
  await store.write([commit]);
  expect((await store.read())[0].get('db')).toEqual(bytes(4, 2));
  await store.close();
});
