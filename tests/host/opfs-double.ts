/**
 * The private file system in memory: files open to one holder alone, and a cut that keeps what was flushed, and of
 * what was written since whatever the test decides.
 */
import type { OpfsEntry, OpfsFile, OpfsFolder } from '../../src/host/opfs-files.ts';

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly sizeBytes: number };

/** What becomes of an unflushed change: kept, lost, or (a write) kept up to this many bytes. */
export type Fate = 'kept' | 'lost' | number;

class FileDouble implements OpfsEntry {
  durable = new Uint8Array(0);
  cache = new Uint8Array(0);
  unflushed: Change[] = [];
  handle: HandleDouble | null = null;
  readonly disk: OpfsDouble;

  constructor(disk: OpfsDouble) {
    this.disk = disk;
  }

  async createSyncAccessHandle(): Promise<OpfsFile> {
    if (this.handle !== null) throw new DOMException('it is open', 'NoModificationAllowedError');
    this.handle = new HandleDouble(this);
    return this.handle;
  }

  async getFile(): Promise<Blob> {
    return new Blob([this.cache]);
  }

  change(change: Change): void {
    this.disk.beforeChange();
    this.unflushed.push(change);
    this.cache = changed(this.cache, change);
  }
}

function changed(bytes: Uint8Array<ArrayBuffer>, change: Change): Uint8Array<ArrayBuffer> {
  const end =
    'sizeBytes' in change ? change.sizeBytes : Math.max(bytes.length, change.at + change.bytes.length);
  const next = new Uint8Array(end);
  next.set(bytes.subarray(0, end));
  if ('bytes' in change) next.set(change.bytes, change.at);
  return next;
}

class HandleDouble implements OpfsFile {
  readonly #file: FileDouble;
  #open = true;

  constructor(file: FileDouble) {
    this.#file = file;
  }

  read(into: Uint8Array, { at }: { readonly at: number }): number {
    const bytes = this.#live().cache.subarray(at, at + into.length);
    into.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array, { at }: { readonly at: number }): number {
    const file = this.#live();
    file.disk.beforeWrite(bytes.length);
    file.change({ at, bytes: bytes.slice() });
    return bytes.length;
  }

  truncate(sizeBytes: number): void {
    this.#live().change({ sizeBytes });
  }

  getSize(): number {
    return this.#live().cache.length;
  }

  flush(): void {
    const file = this.#live();
    file.disk.beforeChange();
    file.durable = file.cache;
    file.unflushed = [];
  }

  close(): void {
    if (this.#open && this.#file.handle === this) this.#file.handle = null;
    this.#open = false;
  }

  #live(): FileDouble {
    if (!this.#open || this.#file.handle !== this)
      throw new DOMException('it is closed', 'InvalidStateError');
    return this.#file;
  }
}

class FolderDouble implements OpfsFolder {
  readonly entries = new Map<string, FolderDouble | FileDouble>();
  readonly #disk: OpfsDouble;

  constructor(disk: OpfsDouble) {
    this.#disk = disk;
  }

  async getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsFolder> {
    return this.#entry(name, options, () => new FolderDouble(this.#disk)) as FolderDouble;
  }

  async getFileHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsEntry> {
    return this.#entry(name, options, () => new FileDouble(this.#disk)) as FileDouble;
  }

  async removeEntry(name: string): Promise<void> {
    const entry = this.#entry(name, undefined, () => new FileDouble(this.#disk));
    const files = entry instanceof FileDouble ? [entry] : entry.files();
    if (files.some(({ handle }) => handle !== null))
      throw new DOMException('it is open', 'NoModificationAllowedError');
    this.entries.delete(name);
  }

  /** As a browser does it that drops what a site has stored: who holds a file writes on. */
  drop(): void {
    for (const entry of this.entries.values()) if (entry instanceof FolderDouble) entry.drop();
    this.entries.clear();
  }

  async *keys(): AsyncIterable<string> {
    yield* [...this.entries.keys()];
  }

  files(): FileDouble[] {
    return [...this.entries.values()].flatMap((entry) =>
      entry instanceof FileDouble ? [entry] : entry.files(),
    );
  }

  #entry(
    name: string,
    options: { readonly create: boolean } | undefined,
    make: () => FolderDouble | FileDouble,
  ): FolderDouble | FileDouble {
    let entry = this.entries.get(name);
    if (entry === undefined) {
      if (options?.create !== true) throw new DOMException(`no ${name}`, 'NotFoundError');
      entry = make();
      this.entries.set(name, entry);
    }
    return entry;
  }
}

export class OpfsDouble {
  readonly #top = new FolderDouble(this);
  /** Changes and flushes so far. */
  steps = 0;
  /** The holder dies at this step: it and all that follow throw. */
  diesAt = Number.POSITIVE_INFINITY;
  freeBytes = Number.POSITIVE_INFINITY;

  root = async (): Promise<OpfsFolder> => this.#top;

  drop(): void {
    this.#top.drop();
  }

  beforeChange(): void {
    this.steps++;
    if (this.steps >= this.diesAt) throw new DOMException('the holder is dead', 'AbortError');
  }

  beforeWrite(length: number): void {
    if (length > this.freeBytes) throw new DOMException('full', 'QuotaExceededError');
    this.freeBytes -= length;
  }

  /** All holders die; each unflushed change meets its fate. */
  cut(fate: () => Fate): void {
    this.diesAt = Number.POSITIVE_INFINITY;
    for (const file of this.#top.files()) {
      let bytes = file.durable;
      for (const change of file.unflushed) {
        const fated = fate();
        if (fated === 'lost') continue;
        const part =
          fated === 'kept' || 'sizeBytes' in change
            ? change
            : { ...change, bytes: change.bytes.slice(0, fated) };
        bytes = changed(bytes, part);
      }
      file.durable = bytes;
      file.cache = bytes;
      file.unflushed = [];
      file.handle = null;
    }
  }

  /** A stored file of a workspace, to look into or to damage. */
  file(workspace: string, name: string): FileDouble {
    const folder = (this.#top.entries.get('quorum-lab') as FolderDouble).entries.get(`lab-${workspace}`);
    return (folder as FolderDouble).entries.get(name) as FileDouble;
  }

  names(workspace: string): string[] {
    const folder = (this.#top.entries.get('quorum-lab') as FolderDouble).entries.get(`lab-${workspace}`);
    return [...(folder as FolderDouble).entries.keys()].sort();
  }
}
