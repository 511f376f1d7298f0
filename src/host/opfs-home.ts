/** The members' files in the private file system: each a file of its own, byte for byte, changed in place. */
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import type { StoreCommit, StoreOp } from '../sim/types.ts';
import type { OpfsFile } from './opfs-files.ts';
import { writeAll } from './opfs-files.ts';
import type { OpfsFileRecord, OpfsMeta } from './opfs-meta.ts';
import { damaged } from './store-record.ts';

/** A checksum covers so much of a file. */
export const extentBytes = 256 * 1024;

interface HomeFile {
  readonly id: number;
  sizeBytes: number;
  readonly crcs: number[];
  /** Extents whose bytes changed since the checksums were taken. */
  readonly touched: Set<number>;
}

/**
 * Applies commits to the files. To apply the same commits again from the same start gives the same files,
 * however far the first time came: that is what lets a torn folding be done over.
 */
export class OpfsHome {
  readonly #files = new Map<string, HomeFile>();
  readonly #open: (id: number) => Promise<OpfsFile>;
  readonly #removed: number[] = [];
  #nextId: number;

  /** @param open gives the file of a number, made where it is not there */
  constructor({ files, nextId }: OpfsMeta, open: (id: number) => Promise<OpfsFile>) {
    for (const { member, name, id, sizeBytes, crcs } of files) {
      this.#files.set(fileKey(member, name), { id, sizeBytes, crcs: [...crcs], touched: new Set() });
    }
    this.#nextId = nextId;
    this.#open = open;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Files without a name, to be deleted once nothing durable knows them. */
  get removed(): readonly number[] {
    return this.#removed;
  }

  async apply({ member, ops }: StoreCommit): Promise<void> {
    for (const op of ops) await this.#applyOp(member, op);
  }

  /** Compares all that was not touched with its checksums. @throws StoreError 'store damaged' */
  async verify(): Promise<void> {
    for (const [key, { id, sizeBytes, crcs, touched }] of this.#files) {
      const file = await this.#open(id);
      for (let place = 0; place * extentBytes < sizeBytes; place++) {
        if (touched.has(place)) continue;
        if (checksumOf(file, place, sizeBytes) !== (crcs[place] ?? 0))
          damaged(`${nameOf(key)} fails its checksum`);
      }
    }
  }

  /** Makes all changes durable and takes the checksums. */
  async finish(): Promise<OpfsFileRecord[]> {
    const records: OpfsFileRecord[] = [];
    for (const [key, { id, sizeBytes, crcs, touched }] of this.#files) {
      if (touched.size > 0) {
        const file = await this.#open(id);
        crcs.length = Math.min(crcs.length, extentsOf(sizeBytes));
        for (const place of touched) {
          while (crcs.length <= place && place < extentsOf(sizeBytes)) crcs.push(0);
          if (place < crcs.length) crcs[place] = checksumOf(file, place, sizeBytes);
        }
        touched.clear();
        file.flush();
      }
      const [member, name] = JSON.parse(key) as [number, string];
      records.push({ member, name, id, sizeBytes, crcs });
    }
    return records;
  }

  async #applyOp(member: number, op: StoreOp): Promise<void> {
    const key = fileKey(member, op.file);
    if (op.kind === 'remove') return this.#remove(key);
    const home = this.#files.get(key) ?? (await this.#make(key));
    if (op.kind === 'rename') return this.#rename(key, fileKey(member, op.to), home);
    const file = await this.#open(home.id);
    if (op.kind === 'write') {
      writeAll(file, op.data, op.offset);
      touch(home, op.offset, op.offset + op.data.length);
      home.sizeBytes = Math.max(home.sizeBytes, op.offset + op.data.length);
      return;
    }
    assert(op.kind === 'truncate', 'store: an operation of a kind that is not known');
    file.truncate(op.sizeBytes);
    touch(home, op.sizeBytes, Math.max(home.sizeBytes, op.sizeBytes + 1));
    home.sizeBytes = op.sizeBytes;
  }

  async #make(key: string): Promise<HomeFile> {
    const home: HomeFile = { id: this.#nextId++, sizeBytes: 0, crcs: [], touched: new Set([0]) };
    this.#files.set(key, home);
    // what an earlier folding, torn before it counted, may have left
    (await this.#open(home.id)).truncate(0);
    return home;
  }

  #rename(key: string, to: string, home: HomeFile): void {
    if (key === to) return;
    this.#remove(to);
    this.#files.delete(key);
    this.#files.set(to, home);
  }

  #remove(key: string): void {
    const home = this.#files.get(key);
    if (home === undefined) return;
    this.#files.delete(key);
    this.#removed.push(home.id);
  }
}

function touch({ touched }: HomeFile, from: number, to: number): void {
  for (let place = Math.floor(from / extentBytes); place < extentsOf(to); place++) touched.add(place);
}

const extentsOf = (sizeBytes: number): number => Math.ceil(sizeBytes / extentBytes);
const fileKey = (member: number, name: string): string => JSON.stringify([member, name]);

function nameOf(key: string): string {
  const [member, name] = JSON.parse(key) as [number, string];
  return `the file ${name} of m${member}`;
}

/** A file's trailing zeros do not count, so that it may grow by them without being read. */
function checksumOf(file: OpfsFile, place: number, sizeBytes: number): number {
  const at = place * extentBytes;
  const bytes = new Uint8Array(Math.min(extentBytes, sizeBytes - at));
  file.read(bytes, { at });
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return crc32c(bytes, 0, 0, end);
}
