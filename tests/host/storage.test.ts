import 'fake-indexeddb/auto';
import { expect, test, vi } from 'vitest';
import { nodeId } from '../../src/engine/raft/types.ts';
import type { LabOptions, StoreWitness } from '../../src/host/port.ts';
import type { StorageHooks } from '../../src/host/storage.ts';
import { openStorage } from '../../src/host/storage.ts';
import { wallClock } from '../../src/host/wall-clock.ts';
import { ManualClock } from './manual-clock.ts';
import { OpfsDouble } from './opfs-double.ts';

/** The browser's locks as one origin's tabs share them: the parts that the host uses. */
class LocksDouble {
  #holder: ((reason: Error) => void) | null = null;
  readonly #queue: (() => void)[] = [];

  async request(_name: string, { steal, signal }: LockOptions, work: () => Promise<void>): Promise<void> {
    if (steal === true) this.#holder?.(new DOMException('stolen', 'AbortError'));
    else if (this.#holder !== null) {
      await new Promise<void>((next, reject) => {
        this.#queue.push(next);
        signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      });
    }
    let mine: (reason: Error) => void = () => {};
    const stolen = new Promise<never>((_, reject) => {
      mine = reject;
    });
    this.#holder = mine;
    await Promise.race([work(), stolen]).finally(() => {
      if (this.#holder !== mine) return;
      this.#holder = null;
      this.#queue.shift()?.();
    });
  }
}

let workspaces = 0;
const optionsOf = (changes: Partial<LabOptions> = {}): LabOptions => ({
  seed: 5,
  members: 1,
  storage: 'auto',
  layout: 'one',
  workspace: `w${++workspaces}`,
  lookOnly: false,
  preVote: true,
  ...changes,
});

function hooksOf(changes: Partial<StorageHooks> = {}): StorageHooks & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    clock: wallClock,
    locks: new LocksDouble() as unknown as LockManager,
    taken: () => told.push('taken'),
    lost: () => told.push('lost'),
    ...changes,
  };
}

async function opened(options: LabOptions, hooks: StorageHooks) {
  const storage = await openStorage(options, null, hooks);
  if (!storage.ok) throw new Error(`${storage.code}: ${storage.message}`);
  return storage;
}

test('a lab is stored where the browser stores, and in memory where it is asked for', async () => {
  expect((await opened(optionsOf(), hooksOf())).store.kind).toBe('indexeddb');
  const asked = await opened(optionsOf({ storage: 'memory' }), hooksOf());
  expect([asked.store.kind, asked.storageNotice]).toEqual(['memory', null]);
});

test('where storage is refused, or does not answer in time, the lab lives in memory and says why', async () => {
  const { open } = IDBFactory.prototype;
  try {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The user denied permission', 'UnknownError');
    };
    const refused = await opened(optionsOf(), hooksOf());
    expect(refused.store.kind).toBe('memory');
    expect(refused.storageNotice).toContain('The user denied permission');
    IDBFactory.prototype.open = () => new (IDBOpenDBRequest as unknown as new () => IDBOpenDBRequest)();
    const clock = new ManualClock();
    const silent = opened(optionsOf(), hooksOf({ clock, locks: undefined }));
    await clock.pass(2000);
    expect((await silent).storageNotice).toContain('did not open in 2 seconds');
    let answered = false;
    const witness = { boot: 1, commits: 3 };
    const remembered = opened(optionsOf({ witness }), hooksOf({ clock, locks: undefined })).finally(() => {
      answered = true;
    });
    await clock.pass(19_999);
    expect(answered).toBe(false);
    await clock.pass(1);
    expect((await remembered).storageNotice).toContain('did not open in 20 seconds');
  } finally {
    IDBFactory.prototype.open = open;
  }
});

test('a second tab is refused by a code; it may look without writing, or take the lab over', async () => {
  const locks = new LocksDouble() as unknown as LockManager;
  const first = hooksOf({ locks });
  const options = optionsOf();
  const holder = await opened(options, first);
  const data = new Uint8Array([1, 2, 3]);
  const op = { kind: 'write', file: 'db', offset: 0, data } as const;
  await holder.store.write([{ member: nodeId(1), commit: 1, timeUs: 9, urgent: true, ops: [op] }]);

  const clock = new ManualClock();
  const refused = openStorage(options, null, hooksOf({ locks, clock }));
  await clock.pass(1000);
  expect(await refused).toMatchObject({ ok: false, code: 'locked' });
  const looker = await opened({ ...options, lookOnly: true }, hooksOf({ locks }));
  expect(looker.store.kind).toBe('memory');
  expect(looker.lab.images[0].get('db')).toEqual(data);
  await looker.store.write([
    { member: nodeId(1), commit: 1, timeUs: 9, urgent: true, ops: [{ kind: 'remove', file: 'db' }] },
  ]);
  expect((await holder.store.read())[0].get('db')).toEqual(data);

  const taker = await opened({ ...options, takeOver: true }, hooksOf({ locks }));
  expect(first.told).toEqual(['taken']);
  expect(taker.lab.record.boot).toBe(2);
  expect(taker.lab.images[0].get('db')).toEqual(data);
  await taker.lock?.release();
  expect((await opened(options, hooksOf({ locks }))).lab.record.boot).toBe(3);
});

test('a page that reloads waits for its own past to let the lab go', async () => {
  const locks = new LocksDouble() as unknown as LockManager;
  const options = optionsOf();
  const past = await opened(options, hooksOf({ locks }));
  const clock = new ManualClock();
  const present = openStorage(options, null, hooksOf({ locks, clock }));
  await clock.pass(300);
  await past.lock?.release();
  expect(await present).toMatchObject({ ok: true, lab: { record: { boot: 2 } } });
});

test('a witness that remembers commits of an empty store names the loss', async () => {
  const lost = await opened(optionsOf({ witness: { boot: 4, commits: 77 } }), hooksOf());
  expect(lost.lossNotice).toBe(
    "Your browser dropped the lab's storage at commit 77 of boot 4: all members' disks are wiped. " +
      'A new lab begins.',
  );
  expect(lost.isWiped).toBe(true);
  expect((await opened(optionsOf(), hooksOf())).lossNotice).toBeNull();
});

test('a store that is older than its witness is named; one as new as it, or newer, is not', async () => {
  const options = optionsOf();
  const first = await opened(options, hooksOf());
  const op = { kind: 'write', file: 'db', offset: 0, data: new Uint8Array([1]) } as const;
  await first.store.write([{ member: nodeId(1), commit: 1, timeUs: 3_000_000, urgent: true, ops: [op] }]);
  await first.store.close();
  const noticeWith = async (witness: StoreWitness): Promise<string | null> => {
    const { store, lossNotice, isWiped } = await opened({ ...options, witness }, hooksOf());
    expect(isWiped).toBe(false);
    await store.close();
    return lossNotice;
  };
  expect(await noticeWith({ boot: 1, commits: 1, timeUs: 3_000_000 })).toBeNull();
  expect(await noticeWith({ boot: 1, commits: 9, timeUs: 2_500_000 })).toBeNull();
  expect(await noticeWith({ boot: 1, commits: 9, timeUs: 3_500_000 })).toContain(
    "older state of the lab's storage: it had come to commit 9 of boot 1, at 3.500 s; what is there ends at 3.000 s",
  );
  expect(await noticeWith({ boot: 5, commits: 9 })).toContain('older state');
});

test('stored data that cannot be read refuse the lab with a code, and let the lock go', async () => {
  const locks = new LocksDouble() as unknown as LockManager;
  const options = optionsOf();
  const first = await opened(options, hooksOf({ locks }));
  await first.store.close();
  await first.lock?.release();
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(`quorum-lab/${options.workspace}`);
    request.onsuccess = () => resolve(request.result);
  });
  database.transaction('meta', 'readwrite').objectStore('meta').put({ formatVersion: 9 }, 'lab');
  database.close();
  for (let i = 0; i < 2; i++) {
    expect(await openStorage(options, null, hooksOf({ locks }))).toMatchObject({
      ok: false,
      code: 'store format',
    });
  }
});

test('asked for, a lab is kept in files; the database keeps another of the same name', async () => {
  const { root } = new OpfsDouble();
  const options = optionsOf({ storage: 'opfs' });
  const first = await opened(options, hooksOf({ root }));
  expect([first.store.kind, first.storageNotice, first.lab.record.boot]).toEqual(['opfs', null, 1]);
  await first.store.close();
  expect((await opened(options, hooksOf({ root }))).lab.record.boot).toBe(2);
  expect((await opened({ ...options, storage: 'auto' }, hooksOf({ root }))).lab.fresh).toBe(true);
});

test('where the browser has no files for a worker, its database keeps the lab and the notice says why', async () => {
  const root = () => Promise.reject(new DOMException('no files here', 'SecurityError'));
  const storage = await opened(optionsOf({ storage: 'opfs' }), hooksOf({ root }));
  expect(storage.store.kind).toBe('indexeddb');
  expect(storage.storageNotice).toBe(
    "The browser keeps no files for this page (SecurityError: no files here). The lab is kept in the browser's database instead.",
  );
});

test('files that another tab holds come over with the lab: the one that loses it lets them go', async () => {
  const { root } = new OpfsDouble();
  const locks = new LocksDouble() as unknown as LockManager;
  const options = optionsOf({ storage: 'opfs' });
  const first = hooksOf({ root, locks });
  const holder = await opened(options, first);
  const data = new Uint8Array([1, 2, 3]);
  const op = { kind: 'write', file: 'db', offset: 0, data } as const;
  await holder.store.write([{ member: nodeId(1), commit: 1, timeUs: 9, urgent: true, ops: [op] }]);
  const looker = await opened({ ...options, lookOnly: true }, hooksOf({ root, locks }));
  expect([looker.store.kind, looker.lab.images[0].get('db')]).toEqual(['memory', data]);
  const taker = await opened({ ...options, takeOver: true }, hooksOf({ root, locks }));
  expect(first.told).toEqual(['taken']);
  expect([taker.lab.record.boot, taker.lab.images[0].get('db')]).toEqual([2, data]);
});

test('a witness names the loss of the store that it is of, and of no other', async () => {
  const { root } = new OpfsDouble();
  const witness = { storage: 'opfs', boot: 2, commits: 5 } as const;
  expect((await opened(optionsOf({ storage: 'auto', witness }), hooksOf({ root }))).lossNotice).toBeNull();
  const lost = await opened(optionsOf({ storage: 'opfs', witness }), hooksOf({ root }));
  expect(lost.lossNotice).toContain('at commit 5 of boot 2');
});

test('a store too full to be opened is shown as a copy of what it holds', async () => {
  const options = optionsOf();
  const first = await openStorage(options, null, hooksOf());
  if (!first.ok) throw new Error(first.message);
  const data = new Uint8Array([1, 2, 3]);
  const ops = [{ kind: 'write', file: 'db', offset: 0, data } as const];
  await first.store.write([{ member: nodeId(1), commit: 1, timeUs: 5, urgent: true, ops }]);
  await first.store.close();
  await first.lock?.release();
  const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('', 'QuotaExceededError');
  });
  const again = await openStorage(options, null, hooksOf());
  full.mockRestore();
  expect(again).toMatchObject({ ok: true, store: { kind: 'memory' }, lock: null, isWiped: false });
  if (!again.ok) return;
  expect(again.storageNotice).toMatch(/storage is full .* What is stored is whole/);
  expect(again.lab.images[0]?.get('db')).toEqual(data);
});
