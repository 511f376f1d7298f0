/** The database of one stored lab: its record, a log of packed commits, and files as extents of 1 MiB. */
import type { DBSchema, IDBPTransaction, StoreNames } from 'idb';
import type { LabRecord } from './page-store.ts';
import { StoreError, storeFormat } from './page-store.ts';
import { damaged } from './store-record.ts';

export interface LabDatabase extends DBSchema {
  /** Key 'lab'. */
  meta: { key: string; value: LabRecord };
  /**
   * Key [boot, number]; records of another boot than the lab's come from a tab that lost the lab, and count
   * for nothing.
   */
  log: { key: [number, number]; value: ArrayBuffer };
  /** Key [member, path]. The id stays when a file is renamed. */
  files: { key: [number, string]; value: FileRecord };
  /** Key [file id, place]; data past the record's end, up to the file's, are zeros. */
  extents: { key: [number, number]; value: ExtentRecord };
}

export interface FileRecord {
  readonly id: number;
  readonly sizeBytes: number;
}

export interface ExtentRecord {
  /** CRC-32C of the data. */
  readonly crc: number;
  readonly data: ArrayBuffer;
}

export const storeNames: StoreNames<LabDatabase>[] = ['meta', 'log', 'files', 'extents'];
export type LabTransaction<Mode extends IDBTransactionMode> = IDBPTransaction<
  LabDatabase,
  StoreNames<LabDatabase>[],
  Mode
>;

/** IndexedDB's own version: it changes only where the object stores do. */
export const databaseVersion = 1;
export const extentBytes = 1024 * 1024;

export const databaseName = (workspace: string): string => `quorum-lab/${workspace}`;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * Checks a lab's record as it came from the store.
 * @throws StoreError 'store format' where another version of the lab wrote it, 'store damaged' where none did
 */
export function checkRecord(value: unknown): LabRecord | null {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) damaged('its record is no record');
  const record = value as Partial<LabRecord>;
  if (record.formatVersion !== storeFormat) {
    throw new StoreError(
      'store format',
      `The stored lab has format ${String(record.formatVersion)}; this version reads ${storeFormat}. ` +
        'Open it with the version that wrote it, or delete the stored data.',
    );
  }
  const { seed, members, preVote, boot, timeUs } = record;
  const whole = isCount(seed) && isCount(boot) && isCount(timeUs) && typeof preVote === 'boolean';
  if (!whole || !isCount(members) || members < 1 || members > 9) damaged('its record has a wrong field');
  return { formatVersion: storeFormat, seed, members, preVote, boot, timeUs };
}

/** Lets a request go on unawaited: its failure is its transaction's, and is told there. */
export function ride(request: Promise<unknown>): void {
  request.catch(() => {});
}

/** What a failed request or transaction of IndexedDB means for a disk. */
export function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const name = (error as { name?: unknown } | null)?.name;
  const text = (error as { message?: unknown } | null)?.message;
  const detail = `${String(name)}${typeof text === 'string' && text !== '' ? `: ${text}` : ''}`;
  if (name === 'QuotaExceededError') {
    return new StoreError(
      'ENOSPC',
      `The browser's storage is full (${detail}). Delete data of this site to go on.`,
    );
  }
  if (name === 'VersionError') {
    return new StoreError('store format', `A newer version of the lab wrote the stored data (${detail}).`);
  }
  return new StoreError('EIO', `The browser's storage failed (${detail}).`);
}
