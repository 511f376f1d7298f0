/** Chooses where a lab's disks are kept: by trying IndexedDB, never by a feature's name. */
import { asError } from './crash.ts';
import { IdbStore, readStoredLab } from './idb-store.ts';
import type { WorkspaceLock } from './locks.ts';
import { lockWorkspace } from './locks.ts';
import { MemoryStore } from './memory-store.ts';
import type { LabSetup, PageStore, StoredLab } from './page-store.ts';
import { StoreError } from './page-store.ts';
import type { LabOptions, Result } from './port.ts';
import type { WallClock } from './wall-clock.ts';

/** A browser that asks or hangs for longer counts as one that refuses. */
const patienceMs = 2000;

export interface OpenedStorage {
  readonly store: PageStore;
  readonly lab: StoredLab;
  readonly lock: WorkspaceLock | null;
  readonly storageNotice: string | null;
  readonly lossNotice: string | null;
}

export interface StorageHooks {
  readonly clock: WallClock;
  readonly locks: LockManager | undefined;
  /** Another tab took the lab. */
  readonly taken: () => void;
  /** The database went away under the lab. */
  readonly lost: (message: string) => void;
}

/**
 * Opens the lab's storage as its options ask.
 * @returns or the code 'locked' where another tab holds the lab, 'store format', 'store damaged' or 'store
 * blocked'
 */
export async function openStorage(options: LabOptions, hooks: StorageHooks): Promise<Result<OpenedStorage>> {
  if (options.storage === 'memory') return inMemory(options, null, null);
  if (options.lookOnly) return lookAt(options, hooks);
  const lock = await lockWorkspace(hooks.locks, options.workspace, {
    takeOver: options.takeOver === true,
    clock: hooks.clock,
    lost: hooks.taken,
  });
  if (lock === 'held') {
    const way = 'take it over, or only look at it';
    const message = `The stored lab "${options.workspace}" is open in another tab: ${way}.`;
    return { ok: false, code: 'locked', message };
  }
  const opened = await openStored(options, hooks, lock === 'unavailable' ? null : lock);
  if (lock !== 'unavailable' && (!opened.ok || opened.lock === null)) await lock.release();
  return opened;
}

async function openStored(
  options: LabOptions,
  hooks: StorageHooks,
  lock: WorkspaceLock | null,
): Promise<Result<OpenedStorage>> {
  const store = new IdbStore({ workspace: options.workspace, lost: hooks.lost });
  try {
    const opening = store.open(setupOf(options));
    const lab = await inTime(
      hooks.clock,
      opening,
      () =>
        void opening.then(
          () => store.close(),
          () => {},
        ),
    );
    return { ok: true, store, lab, lock, storageNotice: null, lossNotice: lossNotice(options, lab) };
  } catch (error) {
    return refusedOr(error, options);
  }
}

async function lookAt(options: LabOptions, hooks: StorageHooks): Promise<Result<OpenedStorage>> {
  try {
    const stored = await inTime(hooks.clock, readStoredLab(options.workspace), () => {});
    return inMemory(
      options,
      stored,
      'This is a copy of the stored lab to look at: nothing that happens here is stored.',
    );
  } catch (error) {
    return refusedOr(error, options);
  }
}

/** Stored data that cannot be read are an error; a browser that stores nothing means memory. */
function refusedOr(
  error: unknown,
  options: LabOptions,
): Promise<Result<OpenedStorage>> | Result<OpenedStorage> {
  const { message } = asError(error);
  if (error instanceof StoreError && error.code.startsWith('store ') && error.code !== 'store refused') {
    return { ok: false, code: error.code, message };
  }
  const notice = `This page cannot store (${message}) The lab lives in memory and ends with the page.`;
  return inMemory(options, null, notice);
}

async function inMemory(
  options: LabOptions,
  stored: StoredLab | null,
  storageNotice: string | null,
): Promise<Result<OpenedStorage>> {
  const store = new MemoryStore(stored);
  return {
    ok: true,
    store,
    lab: await store.open(setupOf(options)),
    lock: null,
    storageNotice,
    lossNotice: null,
  };
}

const setupOf = ({ seed, members, preVote }: LabOptions): LabSetup => ({ seed, members, preVote });

function lossNotice({ witness }: LabOptions, lab: StoredLab): string | null {
  if (!lab.fresh || witness === undefined || witness === null || witness.boot < 1) return null;
  return (
    `Your browser dropped the lab's storage: ${witness.commits} commits of boot ${witness.boot} are gone. ` +
    'A new lab begins.'
  );
}

function inTime<Value>(clock: WallClock, promise: Promise<Value>, late: () => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(patienceMs, () => {
      late();
      reject(
        new StoreError(
          'store refused',
          `The browser's storage did not open in ${patienceMs / 1000} seconds.`,
        ),
      );
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
