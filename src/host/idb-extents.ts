/** Folds the log of commits into extents, and reads files back from both. */
import { mostMembers, withoutUnused } from './page-store.ts';
import { crc32c } from '../base/checksum.ts';
import type { DiskImage } from '../engine/server/types.ts';
import { applyStoreOps, toImage } from '../sim/store-ops.ts';
import type { StoreCommit, StoreOp } from '../sim/types.ts';
import type { ExtentRecord, FileRecord, LabTransaction } from './idb-schema.ts';
import { extentBytes, ride } from './idb-schema.ts';
import { fromImage } from './memory-store.ts';
import type { LabRecord } from './page-store.ts';
import type { StoreWrite } from './store-record.ts';
import { damaged, largestFileBytes, unpackWrite } from './store-record.ts';

/** All files of a lab together: more than this no lab writes. */
const largestLabBytes = 1024 * 1024 * 1024;

interface OpenFile {
  readonly id: number;
  sizeBytes: number;
}

interface OpenExtent {
  readonly bytes: Uint8Array;
  changed: boolean;
}

/**
 * Applies commits to the stored extents inside one transaction, which stays alive because nothing but its own
 * requests is awaited. Nothing is written before `finish`.
 */
export class ExtentFolder {
  readonly #transaction: LabTransaction<'readwrite'>;
  readonly #files = new Map<string, OpenFile>();
  readonly #changedFiles = new Set<string>();
  readonly #extents = new Map<string, OpenExtent>();
  readonly #removedIds: number[] = [];
  #nextId = 1;

  private constructor(transaction: LabTransaction<'readwrite'>) {
    this.#transaction = transaction;
  }

  static async begin(transaction: LabTransaction<'readwrite'>): Promise<ExtentFolder> {
    const folder = new ExtentFolder(transaction);
    const store = transaction.objectStore('files');
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    keys.forEach((key, i) => {
      const file = checkFile(values[i]);
      folder.#files.set(fileKey(key[0], key[1]), { ...file });
      folder.#nextId = Math.max(folder.#nextId, file.id + 1);
    });
    return folder;
  }

  /** How many extents are held: a measure of the work that `finish` will do. */
  get extentCount(): number {
    return this.#extents.size;
  }

  async apply(commit: StoreCommit): Promise<void> {
    for (const op of commit.ops) await this.#applyOp(commit.member, op);
  }

  /** Queues all puts; they are durable when the transaction is. */
  finish(): void {
    const files = this.#transaction.objectStore('files');
    const extents = this.#transaction.objectStore('extents');
    for (const key of this.#changedFiles) {
      const [member, name] = JSON.parse(key) as [number, string];
      const file = this.#files.get(key);
      if (file === undefined) ride(files.delete([member, name]));
      else ride(files.put({ id: file.id, sizeBytes: file.sizeBytes }, [member, name]));
    }
    for (const id of this.#removedIds) ride(extents.delete(IDBKeyRange.bound([id, 0], [id, Infinity])));
    const sizes = new Map([...this.#files.values()].map((file) => [file.id, file.sizeBytes]));
    for (const [key, extent] of this.#extents) {
      const [id, place] = JSON.parse(key) as [number, number];
      const length = Math.min(extentBytes, (sizes.get(id) ?? 0) - place * extentBytes);
      if (length <= 0) ride(extents.delete([id, place]));
      else if (extent.changed) {
        const data = extent.bytes.slice(0, length);
        ride(extents.put({ crc: crc32c(data), data: data.buffer }, [id, place]));
      }
    }
  }

  async #applyOp(member: number, op: StoreOp): Promise<void> {
    const key = fileKey(member, op.file);
    switch (op.kind) {
      case 'write':
        return this.#write(this.#open(key), op.offset, op.data);
      case 'truncate':
        return this.#truncate(this.#open(key), op.sizeBytes);
      case 'rename':
        return this.#rename(key, fileKey(member, op.to));
      case 'remove':
        return this.#remove(key);
      default:
        op satisfies never;
    }
  }

  #open(key: string): OpenFile {
    let file = this.#files.get(key);
    if (file === undefined) {
      file = { id: this.#nextId++, sizeBytes: 0 };
      this.#files.set(key, file);
    }
    this.#changedFiles.add(key);
    return file;
  }

  async #write(file: OpenFile, offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const place = Math.floor((offset + done) / extentBytes);
      const from = offset + done - place * extentBytes;
      const count = Math.min(extentBytes - from, data.length - done);
      const extent = await this.#extent(file.id, place);
      extent.bytes.set(data.subarray(done, done + count), from);
      extent.changed = true;
      done += count;
    }
    file.sizeBytes = Math.max(file.sizeBytes, offset + data.length);
  }

  /** Bytes past the new end become zeros, so that a later growth does not show them again. */
  async #truncate(file: OpenFile, sizeBytes: number): Promise<void> {
    for (let at = sizeBytes; at < file.sizeBytes;) {
      const place = Math.floor(at / extentBytes);
      const extent = await this.#extent(file.id, place);
      extent.bytes.fill(0, at - place * extentBytes);
      extent.changed = true;
      at = (place + 1) * extentBytes;
    }
    file.sizeBytes = sizeBytes;
  }

  #rename(key: string, to: string): void {
    const file = this.#open(key);
    if (key === to) return;
    this.#remove(to);
    this.#files.delete(key);
    this.#files.set(to, file);
    this.#changedFiles.add(key).add(to);
  }

  #remove(key: string): void {
    const file = this.#files.get(key);
    if (file === undefined) return;
    this.#files.delete(key);
    this.#changedFiles.add(key);
    this.#removedIds.push(file.id);
  }

  async #extent(id: number, place: number): Promise<OpenExtent> {
    const key = JSON.stringify([id, place]);
    let extent = this.#extents.get(key);
    if (extent === undefined) {
      const stored = await this.#transaction.objectStore('extents').get([id, place]);
      const bytes = new Uint8Array(extentBytes);
      if (stored !== undefined) bytes.set(checkExtent(stored));
      extent = { bytes, changed: false };
      this.#extents.set(key, extent);
    }
    return extent;
  }
}

/** Puts whole files where there are none: extent by extent, so that never all of them wait at once. */
export async function putImages(
  transaction: LabTransaction<'readwrite'>,
  images: readonly DiskImage[],
): Promise<void> {
  const files = transaction.objectStore('files');
  const extents = transaction.objectStore('extents');
  let id = 0;
  for (const [i, image] of images.entries()) {
    for (const [name, bytes] of image) {
      id++;
      ride(files.put({ id, sizeBytes: bytes.length }, [i + 1, name]));
      for (let place = 0; place * extentBytes < bytes.length; place++) {
        const data = bytes.slice(place * extentBytes, (place + 1) * extentBytes);
        await extents.put({ crc: crc32c(data), data: data.buffer as ArrayBuffer }, [id, place]);
      }
    }
  }
}

const fileKey = (member: number, name: string): string => JSON.stringify([member, name]);

function checkFile(value: unknown): FileRecord {
  const { id, sizeBytes } = (value ?? {}) as Partial<FileRecord>;
  if (!Number.isSafeInteger(id) || (id as number) < 1) damaged('a file has no proper number');
  const size = sizeBytes as number;
  if (!Number.isSafeInteger(sizeBytes) || size < 0 || size > largestFileBytes)
    damaged('a file has a wrong size');
  return { id: id as number, sizeBytes: size };
}

function checkExtent(value: unknown): Uint8Array {
  const { crc, data } = (value ?? {}) as Partial<ExtentRecord>;
  if (!(data instanceof ArrayBuffer) || data.byteLength > extentBytes) damaged('an extent is no extent');
  const bytes = new Uint8Array(data as ArrayBuffer);
  if (crc32c(bytes) !== crc) damaged('an extent fails its checksum');
  return bytes;
}

/**
 * Each member's files: extents, with the log of the lab's boot applied to them.
 * @returns also the time of the last commit in the log, or the record's where there is none, and the log
 * @throws StoreError 'store damaged'
 */
export async function readImages(
  transaction: LabTransaction<'readonly'> | LabTransaction<'readwrite'>,
  record: LabRecord,
): Promise<{ images: DiskImage[]; timeUs: number; writes: readonly StoreWrite[] }> {
  // The two transaction types differ only in what this does not use.
  const stores = transaction as LabTransaction<'readonly'>;
  const files = stores.objectStore('files');
  const extents = stores.objectStore('extents');
  const log = IDBKeyRange.bound([record.boot, 0], [record.boot, Infinity]);
  const [fileKeys, fileValues, extentKeys, extentValues, logValues] = await Promise.all([
    files.getAllKeys(),
    files.getAll(),
    extents.getAllKeys(),
    extents.getAll(),
    stores.objectStore('log').getAll(log),
  ]);
  const extentsOf = new Map<number, [place: number, value: unknown][]>();
  extentKeys.forEach(([id, place], i) => {
    const list = extentsOf.get(id) ?? [];
    list.push([place, extentValues[i]]);
    extentsOf.set(id, list);
  });
  const images = Array.from({ length: mostMembers }, () => new Map<string, Uint8Array>());
  let total = 0;
  fileKeys.forEach(([member, name], i) => {
    const file = checkFile(fileValues[i]);
    total += file.sizeBytes;
    if (total > largestLabBytes) damaged('its files claim too many bytes');
    const image = images[member - 1];
    if (image === undefined || typeof name !== 'string') damaged(`a file belongs to no member`);
    const bytes = new Uint8Array(file.sizeBytes);
    for (const [place, value] of extentsOf.get(file.id) ?? []) placeExtent(bytes, place, checkExtent(value));
    image.set(name, bytes);
  });
  if (logValues.length === 0) {
    return { images: withoutUnused(images, record.members), timeUs: record.timeUs, writes: [] };
  }
  const writes = logValues.map((value) => unpackWrite(value, mostMembers));
  const commits = writes.flatMap((one) => one.commits);
  const applied = applyLog(images, commits, record.timeUs);
  return { ...applied, images: withoutUnused(applied.images, record.members), writes };
}

function placeExtent(bytes: Uint8Array, place: number, extent: Uint8Array): void {
  const from = place * extentBytes;
  if (!Number.isSafeInteger(place) || place < 0 || from >= bytes.length)
    damaged('an extent lies outside its file');
  bytes.set(extent.subarray(0, bytes.length - from), from);
}

function applyLog(
  images: readonly DiskImage[],
  commits: readonly StoreCommit[],
  fromUs: number,
): { images: DiskImage[]; timeUs: number } {
  const files = images.map(fromImage);
  let timeUs = fromUs;
  for (const commit of commits) {
    applyStoreOps(files[commit.member - 1], commit.ops);
    timeUs = Math.max(timeUs, commit.timeUs);
  }
  return { images: files.map(toImage), timeUs };
}
