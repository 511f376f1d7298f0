/** The database of one stored lab: its record, a log of packed commits, and files as extents of 1 MiB. */
import type { DBSchema, IDBPTransaction, StoreNames } from 'idb';
import type { LabRecord } from './page-store.ts';

export interface LabDatabase extends DBSchema {
  /** Key 'lab': the record; key 'inputs': a packed history without what the log still holds of it. */
  meta: { key: string; value: LabRecord | ArrayBuffer };
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

/** Lets a request go on unawaited: its failure is its transaction's, and is told there. */
export function ride(request: Promise<unknown>): void {
  request.catch(() => {});
}
