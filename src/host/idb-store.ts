/**
 * The store of a lab in IndexedDB. A write is one strict transaction that adds one packed record to a log;
 * the log is folded into extents in the background, a few at a time, and wholly at each open. Folding is
 * atomic: a record leaves the log in the transaction that puts its extents.
 */
import type { IDBPDatabase } from 'idb';
import { deleteDB, wrap } from 'idb';
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { StoreCommit } from '../sim/types.ts';
import { ExtentFolder, putImages, readImages } from './idb-extents.ts';
import type { LabDatabase, LabTransaction } from './idb-schema.ts';
import { databaseName, databaseVersion, ride, storeNames } from './idb-schema.ts';
import type { LabRecord, LabSetup, PageStore, Replacement, StoredLab } from './page-store.ts';
import { changedStore, StoreError, storeFormat, mostMembers } from './page-store.ts';
import { databasesOf, deleteBucket, placeName } from './storage-bucket.ts';
import type { StorePlace } from './storage-bucket.ts';
import { packWrite, unpackWrite } from './store-record.ts';
import type { InputsPart, StoredInputs } from './stored-inputs.ts';
import { beginBoot, InputsFolder, noInputs, packInputs, unpackInputs } from './stored-inputs.ts';
import { asStoreError, checkRecord } from './stored-lab.ts';

const strict = { durability: 'strict' } as const;
/** One folding transaction touches no more extents than this, so that no commit waits long behind it. */
const extentsPerFold = 4;
const pauseBetweenFoldsMs = 20;
/** Whoever holds a database that is to be deleted gets so long to let it go. */
const blockedMs = 2000;

export interface IdbStoreOptions extends StorePlace {
  /** Called when the database went away under the lab: deleted, or wanted by another tab. */
  readonly lost: (message: string) => void;
  /** The log is folded once it is longer. */
  readonly foldBytes?: number;
}

async function openDatabase(
  place: StorePlace,
  lost: (message: string) => void,
): Promise<IDBPDatabase<LabDatabase>> {
  const factory = await databasesOf(place);
  const blocked = 'Another tab holds an older version of the stored lab open; close it.';
  return new Promise((resolve, reject) => {
    const request = factory.open(databaseName(placeName(place)), databaseVersion);
    request.onupgradeneeded = () => {
      for (const name of storeNames) request.result.createObjectStore(name);
    };
    request.onblocked = () => reject(new StoreError('store blocked', blocked));
    request.onerror = () => reject(asStoreError(request.error));
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => {
        database.close();
        lost('Another tab deletes or renews the stored lab.');
      };
      database.onclose = () => lost('The browser closed the lab’s storage.');
      resolve(wrap(database) as IDBPDatabase<LabDatabase>);
    };
  });
}

export class IdbStore implements PageStore {
  readonly kind = 'indexeddb';
  readonly #options: IdbStoreOptions;
  #database: IDBPDatabase<LabDatabase> | null = null;
  #record: LabRecord | null = null;
  /** Without what the log still holds. */
  #inputs: StoredInputs = noInputs;
  /** Keys in the log of this boot: `#first` up to, not including, `#next`. */
  #first = 0;
  #next = 0;
  #logBytes = 0;
  #foldBytes: number;
  #folding: Promise<void> | null = null;
  #closing = false;

  constructor(options: IdbStoreOptions) {
    this.#options = options;
    this.#foldBytes = options.foldBytes ?? 4 * 1024 * 1024;
  }

  async open(setup: LabSetup): Promise<StoredLab> {
    try {
      const database = await openDatabase(this.#options, this.#options.lost);
      this.#database = database;
      const stored = await this.#openLab(database, setup);
      await this.#readBack(database, stored.record);
      this.#record = stored.record;
      this.#inputs = stored.inputs;
      return stored;
    } catch (error) {
      this.#database?.close();
      throw asStoreError(error);
    }
  }

  async replace(lab: Replacement, seal: string | null = null): Promise<LabRecord> {
    try {
      const database = await openDatabase(this.#options, this.#options.lost);
      this.#database = database;
      const record = await this.#replaceAll(database, lab, seal);
      await this.#readBack(database, record);
      this.#record = record;
      this.#inputs = lab.inputs;
      return record;
    } catch (error) {
      this.#database?.close();
      throw asStoreError(error);
    }
  }

  async write(commits: readonly StoreCommit[], inputs: InputsPart | null = null): Promise<void> {
    assert(this.#record !== null && this.#database !== null, 'store: written before it is open');
    const packed = packWrite({ commits, inputs });
    try {
      const transaction = this.#database.transaction('log', 'readwrite', strict);
      ride(transaction.store.add(packed, [this.#record.boot, this.#next]));
      transaction.commit();
      await transaction.done;
    } catch (error) {
      throw asStoreError(error);
    }
    this.#next++;
    this.#logBytes += packed.byteLength;
    if (this.#logBytes > this.#foldBytes && !this.#closing) this.#folding ??= this.#foldInBackground();
  }

  async read(): Promise<readonly DiskImage[]> {
    assert(this.#record !== null && this.#database !== null, 'store: read before it is open');
    try {
      const transaction = this.#database.transaction(storeNames, 'readonly');
      ride(transaction.done);
      return (await readImages(transaction, this.#record)).images;
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async seal(): Promise<string> {
    assert(this.#record !== null && this.#database !== null, 'store: sealed before it is open');
    this.#closing = true;
    await this.#folding;
    try {
      const transaction = this.#database.transaction(storeNames, 'readonly');
      ride(transaction.done);
      const record = checkRecord(await transaction.objectStore('meta').get('lab'));
      if (record?.boot !== this.#record.boot) throw changedStore();
      return await sealOf(transaction, record);
    } catch (error) {
      this.#closing = false;
      throw asStoreError(error);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#folding;
    this.#database?.close();
  }

  async destroy(): Promise<void> {
    await this.close();
    await deleteStoredLab(this.#options);
  }

  /** Resolves when no folding is under way. */
  async folded(): Promise<void> {
    await this.#folding;
  }

  async #openLab(database: IDBPDatabase<LabDatabase>, setup: LabSetup): Promise<StoredLab> {
    const transaction = database.transaction(storeNames, 'readwrite', strict);
    try {
      const meta = transaction.objectStore('meta');
      const before = checkRecord(await meta.get('lab'));
      const made = before ?? { formatVersion: storeFormat, ...setup, boot: 0, timeUs: 0 };
      const history = new InputsFolder(unpackInputs(await meta.get('inputs')), made.boot);
      const timeUs = Math.max(made.timeUs, await this.#foldAll(transaction, made, history));
      const record = { ...made, formatVersion: storeFormat, boot: made.boot + 1, timeUs };
      ride(transaction.objectStore('log').clear());
      ride(meta.put(record, 'lab'));
      const { images } = await readImages(transaction, record);
      const inputs = beginBoot(history.finish(), record, images);
      ride(meta.put(packInputs(inputs), 'inputs'));
      await transaction.done;
      return { record, fresh: before === null, images, inputs };
    } catch (error) {
      abort(transaction);
      throw error;
    }
  }

  /** One transaction: all that was there goes with it, or stays. */
  async #replaceAll(
    database: IDBPDatabase<LabDatabase>,
    lab: Replacement,
    seal: string | null,
  ): Promise<LabRecord> {
    const transaction = database.transaction(storeNames, 'readwrite', strict);
    // it may fail while a request is awaited
    ride(transaction.done);
    try {
      const meta = transaction.objectStore('meta');
      const before = checkRecord(await meta.get('lab'));
      if (seal !== null && (await sealOf(transaction, before)) !== seal) throw changedStore();
      const record = { ...lab.record, boot: Math.max(lab.record.boot, (before?.boot ?? 0) + 1) };
      for (const name of storeNames) ride(transaction.objectStore(name).clear());
      ride(meta.put(record, 'lab'));
      ride(meta.put(packInputs(lab.inputs), 'inputs'));
      await putImages(transaction, lab.images);
      await transaction.done;
      return record;
    } catch (error) {
      abort(transaction);
      throw error;
    }
  }

  async #foldAll(
    transaction: LabTransaction<'readwrite'>,
    record: LabRecord,
    history: InputsFolder,
  ): Promise<number> {
    const records = await transaction.objectStore('log').getAll(logOf(record.boot));
    const folder = await ExtentFolder.begin(transaction);
    let timeUs = 0;
    for (const value of records) {
      const { commits, inputs } = unpackWrite(value, mostMembers);
      history.add(commits, inputs);
      for (const commit of commits) {
        await folder.apply(commit);
        timeUs = Math.max(timeUs, commit.timeUs);
      }
    }
    folder.finish();
    return timeUs;
  }

  /** What a transaction reported as stored may not be there: some frames accept writes and keep nothing. */
  async #readBack(database: IDBPDatabase<LabDatabase>, record: LabRecord): Promise<void> {
    const read = checkRecord(await database.get('meta', 'lab'));
    if (read?.boot !== record.boot)
      throw new StoreError('store refused', 'The browser’s storage keeps nothing.');
  }

  /**
   * Never rejects: what cannot be folded stays in the log, and the next try waits for twice as much of it.
   */
  async #foldInBackground(): Promise<void> {
    try {
      while (this.#next > this.#first && !this.#closing) {
        await this.#foldStep();
        await new Promise((resolve) => setTimeout(resolve, pauseBetweenFoldsMs));
      }
    } catch {
      this.#foldBytes *= 2;
    } finally {
      this.#folding = null;
    }
  }

  async #foldStep(): Promise<void> {
    assert(this.#record !== null && this.#database !== null, 'store: folded before it is open');
    const transaction = this.#database.transaction(storeNames, 'readwrite', strict);
    try {
      const { boot } = this.#record;
      const record = checkRecord(await transaction.objectStore('meta').get('lab'));
      if (record?.boot !== boot) throw new StoreError('EIO', 'The stored lab was opened elsewhere.');
      const folder = await ExtentFolder.begin(transaction);
      const history = new InputsFolder(this.#inputs, boot);
      const end = this.#next;
      let bytes = 0;
      let timeUs = record.timeUs;
      let at = this.#first;
      for (; at < end && folder.extentCount < extentsPerFold; at++) {
        const value = await transaction.objectStore('log').get([boot, at]);
        const { commits, inputs } = unpackWrite(value, mostMembers);
        history.add(commits, inputs);
        for (const commit of commits) {
          await folder.apply(commit);
          timeUs = Math.max(timeUs, commit.timeUs);
        }
        bytes += value?.byteLength ?? 0;
      }
      folder.finish();
      ride(transaction.objectStore('log').delete(IDBKeyRange.bound([boot, this.#first], [boot, at - 1])));
      const inputs = history.finish();
      ride(transaction.objectStore('meta').put({ ...record, timeUs }, 'lab'));
      ride(transaction.objectStore('meta').put(packInputs(inputs), 'inputs'));
      await transaction.done;
      this.#inputs = inputs;
      this.#first = at;
      this.#logBytes -= bytes;
    } catch (error) {
      abort(transaction);
      throw error;
    }
  }
}

const logOf = (boot: number): IDBKeyRange => IDBKeyRange.bound([boot, 0], [boot, Infinity]);

/** The record changes with each open, the log with each write; who writes names the chain hash of the run. */
async function sealOf(
  transaction: LabTransaction<'readonly' | 'readwrite'>,
  record: LabRecord | null,
): Promise<string> {
  const inputs = await transaction.objectStore('meta').get('inputs');
  const last = await transaction.objectStore('log').openCursor(null, 'prev');
  const sums = [inputs, last?.value].map((bytes) =>
    bytes instanceof ArrayBuffer ? crc32c(new Uint8Array(bytes)) : null,
  );
  return JSON.stringify([record, last?.key ?? null, sums]);
}

function abort(transaction: LabTransaction<'readwrite'>): void {
  ride(transaction.done);
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

/**
 * What is stored of a lab, read without changing anything; null where nothing is.
 * @throws StoreError as `PageStore.open`
 */
export async function readStoredLab(place: StorePlace): Promise<StoredLab | null> {
  let database: IDBPDatabase<LabDatabase> | null = null;
  try {
    database = await openDatabase(place, () => {});
    const transaction = database.transaction(storeNames, 'readonly');
    ride(transaction.done);
    const record = checkRecord(await transaction.objectStore('meta').get('lab'));
    if (record === null) return null;
    const history = new InputsFolder(
      unpackInputs(await transaction.objectStore('meta').get('inputs')),
      record.boot,
    );
    const { images, timeUs, writes } = await readImages(transaction, record);
    for (const { commits, inputs } of writes) history.add(commits, inputs);
    return { record: { ...record, timeUs }, fresh: false, images, inputs: history.finish() };
  } catch (error) {
    throw asStoreError(error);
  } finally {
    database?.close();
  }
}

/** Deletes a lab's database. @throws StoreError 'store blocked' where another tab does not let go of it */
export async function deleteStoredLab(place: StorePlace): Promise<void> {
  if (await deleteBucket(place)) return;
  const blocked = 'Another tab holds the stored lab open; close it and delete again.';
  await new Promise<void>((resolve, reject) => {
    deleteDB(databaseName(place.workspace), {
      // The browser may hear of a connection's end, even of our own, a little later than of the deletion.
      blocked: () => setTimeout(() => reject(new StoreError('store blocked', blocked)), blockedMs),
    }).then(resolve, (error: unknown) => reject(asStoreError(error)));
  });
}
