/** Chooses where a lab's disks are kept: by trying the browser's stores, never by a feature's name. */
import { asError } from './crash.ts';
import { openImage } from './image.ts';
import { deleteStoredLab, IdbStore, readStoredLab } from './idb-store.ts';
import type { WorkspaceLock } from './locks.ts';
import { lockWorkspace } from './locks.ts';
import { MemoryStore } from './memory-store.ts';
import type { OpfsRoot } from './opfs-files.ts';
import { originRoot, removeFolder } from './opfs-files.ts';
import { readStoredOpfs } from './opfs-look.ts';
import { OpfsStore } from './opfs-store.ts';
import type { LabRecord, LabSetup, PageStore, Replacement, StoredLab } from './page-store.ts';
import { StoreError, storeFormat } from './page-store.ts';
import { noInputs } from './stored-inputs.ts';
import type { LabImage, LabOptions, LabOrigin, Result, StoredWhere, StoreWitness } from './port.ts';
import { placeName } from './storage-bucket.ts';
import type { StorePlace } from './storage-bucket.ts';
import type { WallClock } from './wall-clock.ts';

/** A browser that asks or hangs for longer counts as one that refuses. */
const patienceMs = 2000;
/** The files of a page that is gone may take as long until they are free. */
const filesPatienceMs = 5000;
/** Where a lab is remembered, the store is there: a busy machine gets more time to open it. */
const rememberedPatienceMs = 20_000;

export interface OpenedStorage {
  readonly store: PageStore;
  readonly lab: StoredLab;
  readonly lock: WorkspaceLock | null;
  readonly storageNotice: string | null;
  readonly lossNotice: string | null;
  /** The browser dropped all that was stored: the members' disks are wiped. */
  readonly isWiped: boolean;
  /** The file that the lab begins from. */
  readonly origin: LabOrigin | null;
  /** Where it is stored, if it came to its store later; absent: where the options say. */
  readonly where?: StoredWhere;
}

export interface StorageHooks {
  readonly clock: WallClock;
  readonly locks: LockManager | undefined;
  /** Another tab took the lab. */
  readonly taken: () => void;
  /** The database went away under the lab. */
  readonly lost: (message: string) => void;
  /** The private file system; the origin's own where absent. */
  readonly root?: OpfsRoot;
}

/**
 * Opens the lab's storage as its options ask.
 * @param begun what a lab in memory goes on from; null: from nothing, or from what is stored
 * @returns or the code 'locked' where another tab holds the lab, 'store format', 'store damaged' or 'store
 * blocked'
 */
export async function openStorage(
  options: LabOptions,
  begun: StoredLab | null,
  hooks: StorageHooks,
): Promise<Result<OpenedStorage>> {
  if (options.image !== undefined) return fromImage(options, options.image);
  if (options.storage === 'memory') return inMemory(options, begun, null);
  if (options.lookOnly) return lookAt(options, hooks, copyNotice);
  const { takeOver = false } = options;
  const opened = await underLock(options, takeOver, hooks, (lock) => openStored(options, hooks, lock));
  if (opened.ok || opened.code !== 'locked') return opened;
  const message = `${opened.message.slice(0, -1)}: take it over, or only look at it.`;
  return { ...opened, message };
}

/**
 * Opens a store under its workspace's lock, where there are locks; the lock ends with what was not opened.
 */
async function underLock<Opened extends { readonly store: PageStore; readonly lock: WorkspaceLock | null }>(
  place: StorePlace,
  takeOver: boolean,
  hooks: StorageHooks,
  open: (lock: WorkspaceLock | null) => Promise<Result<Opened>>,
): Promise<Result<Opened>> {
  let opened: Result<Opened> | null = null;
  const lock = await lockWorkspace(hooks.locks, placeName(place), {
    takeOver,
    clock: hooks.clock,
    lost: () => {
      hooks.taken();
      // files are open to one tab alone: the other one waits for them
      if (opened?.ok === true) void opened.store.close();
    },
  });
  if (lock === 'held') {
    const message = `The stored lab "${place.workspace}" is open in another tab.`;
    return { ok: false, code: 'locked', message };
  }
  opened = await open(lock === 'unavailable' ? null : lock);
  if (lock !== 'unavailable' && (!opened.ok || opened.lock === null)) await lock.release();
  return opened;
}

export interface Replaced {
  readonly store: PageStore;
  readonly lock: WorkspaceLock | null;
  readonly record: LabRecord;
}

/**
 * Opens a store under its lock with a lab in the place of all that it holds, at once and durably.
 * @returns or a code, as `LabPort.adopt`; the store then holds what it held
 */
export async function replaceStored(
  { workspace, bucketMiB, storage, seal }: StoredWhere,
  lab: Replacement,
  hooks: StorageHooks,
): Promise<Result<Replaced>> {
  const { clock, lost, root = originRoot } = hooks;
  const place = { workspace, bucketMiB };
  return underLock(place, false, hooks, async (lock): Promise<Result<Replaced>> => {
    const isFiles = storage === 'opfs';
    const store = isFiles
      ? new OpfsStore({ workspace, clock, lost, root })
      : new IdbStore({ ...place, lost });
    try {
      return { ok: true, store, lock, record: await store.replace(lab, seal ?? null) };
    } catch (error) {
      const { code = 'internal', message } = asError(error) as Error & { readonly code?: string };
      return { ok: false, code, message };
    }
  });
}

async function openStored(
  options: LabOptions,
  hooks: StorageHooks,
  lock: WorkspaceLock | null,
): Promise<Result<OpenedStorage>> {
  try {
    if (options.storage !== 'opfs') return await openWith(idbStore(options, hooks), options, hooks, lock);
    return await openFiles(options, hooks, lock);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ENOSPC')
      return lookAt(options, hooks, fullNotice(error.message));
    return refusedOr(error, options);
  }
}

/** Where the browser has no files for a worker, its database keeps the lab. */
async function openFiles(
  options: LabOptions,
  hooks: StorageHooks,
  lock: WorkspaceLock | null,
): Promise<Result<OpenedStorage>> {
  const { workspace } = options;
  const { clock, lost, root } = hooks;
  const store = new OpfsStore({ workspace, clock, lost, root: root ?? originRoot });
  try {
    return await openWith(store, options, hooks, lock);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'store refused') throw error;
    const opened = await openWith(idbStore(options, hooks), options, hooks, lock);
    const storageNotice = `${error.message} The lab is kept in the browser's database instead.`;
    return opened.ok ? { ...opened, storageNotice } : opened;
  }
}

const idbStore = ({ workspace, bucketMiB }: LabOptions, { lost }: StorageHooks): PageStore =>
  new IdbStore({ workspace, bucketMiB, lost });

/** @throws StoreError as `PageStore.open` */
async function openWith(
  store: PageStore,
  options: LabOptions,
  { clock }: StorageHooks,
  lock: WorkspaceLock | null,
): Promise<Result<OpenedStorage>> {
  const opening = store.open(setupOf(options));
  const closeLate = (): void => {
    opening.then(
      () => store.close(),
      () => {},
    );
  };
  const lab = await inTime(clock, opening, closeLate, patienceFor(options, store));
  const lossNotice = lossOf(options, store, lab);
  const isWiped = lossNotice !== null && lab.fresh;
  return { ok: true, store, lab, lock, storageNotice: null, lossNotice, isWiped, origin: null };
}

/** What is remembered of the lab in this store; null where nothing is. */
function witnessOf({ witness }: LabOptions, { kind }: PageStore): StoreWitness | null {
  if (witness === undefined || witness === null || witness.boot < 1) return null;
  return (witness.storage ?? 'indexeddb') === kind ? witness : null;
}

function patienceFor(options: LabOptions, store: PageStore): number {
  if (witnessOf(options, store) !== null) return rememberedPatienceMs;
  return store.kind === 'opfs' ? filesPatienceMs : patienceMs;
}

const copyNotice = 'This is a copy of the stored lab to look at: nothing that happens here is stored.';
const fullNotice = (why: string): string =>
  `${why} What is stored is whole; this is a copy of it in memory, and nothing that happens here is stored.`;

async function lookAt(
  options: LabOptions,
  hooks: StorageHooks,
  notice: string,
): Promise<Result<OpenedStorage>> {
  const { workspace, storage } = options;
  try {
    const looking =
      storage === 'opfs' ? readStoredOpfs(workspace, hooks.root ?? originRoot) : readStoredLab(options);
    const stored = await inTime(hooks.clock, looking, () => {}, patienceMs);
    return inMemory(options, stored, notice);
  } catch (error) {
    return refusedOr(error, options);
  }
}

/**
 * Forgets what is stored under the options' name, in the store that they name, open or not.
 * @throws StoreError 'store blocked'
 */
export async function deleteStored(
  { storage, ...place }: Pick<LabOptions, 'storage' | 'workspace' | 'bucketMiB'>,
  root: OpfsRoot = originRoot,
): Promise<void> {
  if (storage === 'opfs') await removeFolder(root, place.workspace);
  else await deleteStoredLab(place);
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
    isWiped: false,
    origin: null,
  };
}

/** A lab that begins from a file leaves what is stored alone. */
async function fromImage(options: LabOptions, image: LabImage): Promise<Result<OpenedStorage>> {
  const opened = await openImage(image);
  if (!opened.ok) return opened;
  const record = { formatVersion: storeFormat, ...setupOf(options), members: 1, boot: 0, timeUs: 0 };
  const memory = await inMemory(
    options,
    { record, fresh: false, images: [opened.files], inputs: noInputs },
    null,
  );
  return memory.ok ? { ...memory, origin: opened.origin } : memory;
}

const setupOf = ({ seed, members, preVote, settings = {} }: LabOptions): LabSetup => ({
  seed,
  members,
  preVote,
  settings,
});

/** What a witness remembers and the store does not have, in words; null where nothing is missing. */
function lossOf(options: LabOptions, store: PageStore, lab: StoredLab): string | null {
  const witness = witnessOf(options, store);
  if (witness === null) return null;
  const { boot, commits, timeUs = 0 } = witness;
  if (lab.fresh) {
    return (
      `Your browser dropped the lab's storage at commit ${commits} of boot ${boot}: ` +
      "all members' disks are wiped. A new lab begins."
    );
  }
  const { record } = lab;
  if (record.boot > boot && record.timeUs >= timeUs) return null;
  return (
    `Your browser gave back an older state of the lab's storage: it had come to commit ${commits} of boot ` +
    `${boot}, at ${seconds(timeUs)} s; what is there ends at ${seconds(record.timeUs)} s. ` +
    'What was acknowledged since may be gone.'
  );
}

const seconds = (us: number): string => (us / 1_000_000).toFixed(3);

function inTime<Value>(
  clock: WallClock,
  promise: Promise<Value>,
  late: () => void,
  withinMs: number,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(withinMs, () => {
      late();
      reject(
        new StoreError('store refused', `The browser's storage did not open in ${withinMs / 1000} seconds.`),
      );
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
