/**
 * Files of the browser's private file system, as a worker holds them: open to it alone, read, written and
 * flushed without waiting.
 */
import { asError } from './crash.ts';
import { StoreError } from './page-store.ts';
import { asStoreError } from './stored-lab.ts';
import type { WallClock } from './wall-clock.ts';

/** The parts of a FileSystemSyncAccessHandle that a store uses. */
export interface OpfsFile {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  /** Grows with zeros. */
  truncate(sizeBytes: number): void;
  getSize(): number;
  /** Returns when all that was written is durable. */
  flush(): void;
  close(): void;
}

/** The parts of a FileSystemFileHandle that a store uses. */
export interface OpfsEntry {
  createSyncAccessHandle(): Promise<OpfsFile>;
  getFile(): Promise<Blob>;
}

/** The parts of a FileSystemDirectoryHandle that a store uses. */
export interface OpfsFolder {
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsFolder>;
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsEntry>;
  removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

export type OpfsRoot = () => Promise<OpfsFolder>;

/** The origin's own root. Where there is none, the call fails. */
export const originRoot: OpfsRoot = () => navigator.storage.getDirectory() as unknown as Promise<OpfsFolder>;

const topFolder = 'quorum-lab';
/** A name of a workspace alone may be `.` or `..`. */
const folderName = (workspace: string): string => `lab-${workspace}`;

/** A page that is gone lets its files go within 2.1 s, however busy it was. */
const patienceMs = 2500;
const againMs = 50;

const nameOf = (error: unknown): string => asError(error).name;
export const isAbsent = (error: unknown): boolean => nameOf(error) === 'NotFoundError';

/** @throws StoreError 'store refused' where this context has no such files */
export async function openFolder(root: OpfsRoot, workspace: string): Promise<OpfsFolder> {
  try {
    const top = await (await root()).getDirectoryHandle(topFolder, { create: true });
    return await top.getDirectoryHandle(folderName(workspace), { create: true });
  } catch (error) {
    throw refused(error);
  }
}

/** Null where nothing is stored. */
export async function findFolder(root: OpfsRoot, workspace: string): Promise<OpfsFolder | null> {
  try {
    return await (
      await (await root()).getDirectoryHandle(topFolder)
    ).getDirectoryHandle(folderName(workspace));
  } catch (error) {
    if (isAbsent(error)) return null;
    throw refused(error);
  }
}

/** Deletes a lab's files. @throws StoreError 'store blocked' where another tab holds them */
export async function removeFolder(root: OpfsRoot, workspace: string): Promise<void> {
  try {
    const top = await (await root()).getDirectoryHandle(topFolder);
    await top.removeEntry(folderName(workspace), { recursive: true });
  } catch (error) {
    if (!isAbsent(error)) throw asStoreError(error);
  }
}

function refused(error: unknown): StoreError {
  const { name, message } = asError(error);
  return new StoreError('store refused', `The browser keeps no files for this page (${name}: ${message}).`);
}

/**
 * Opens a file for this worker alone, and makes it where it is not there. Waits a while for whoever still
 * holds it.
 * @throws StoreError 'store blocked' where somebody goes on holding it, 'store refused' where files cannot be
 * opened so
 */
export async function openFile(folder: OpfsFolder, name: string, clock: WallClock): Promise<OpfsFile> {
  const entry = await folder.getFileHandle(name, { create: true });
  const lateMs = clock.nowMs() + patienceMs;
  for (;;) {
    try {
      return await entry.createSyncAccessHandle();
    } catch (error) {
      if (nameOf(error) === 'TypeError') throw refused(error);
      if (nameOf(error) !== 'NoModificationAllowedError' || clock.nowMs() >= lateMs)
        throw asStoreError(error);
    }
    await new Promise<void>((resolve) => clock.after(againMs, resolve));
  }
}

/** Writes all of it: a short write is a full disk. */
export function writeAll(file: OpfsFile, bytes: Uint8Array, at: number): void {
  if (file.write(bytes, { at }) === bytes.length) return;
  throw new StoreError('ENOSPC', "The browser's storage is full. Delete data of this site to go on.");
}

/** The file's bytes from the start on, cut or filled with zeros to the given size. */
export function readAll(file: OpfsFile, sizeBytes = file.getSize()): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  file.read(bytes, { at: 0 });
  return bytes;
}
