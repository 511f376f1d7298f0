/** Where pages live: the contract between the store and its bytes, and the image in memory. */
import { assert } from '../../base/assert.ts';
import { beforeFork, sharedByForks } from '../../base/fork.ts';
import { BoltError } from './errors.ts';

/** Bytes of a file from `at` on; `view` and `bytes` show the same buffer from the same first byte. */
export interface PageBytes {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/**
 * What is to reach the disk before the next request: the data pages, the meta page, or the file's new
 * size.
 */
export type SyncKind = 'data' | 'meta' | 'grow';

/** What a reader needs of a file. */
export interface PageSource {
  readonly sizeBytes: number;
  /**
   * The bytes that hold a run of pages; valid at least for the three calls that follow.
   * @throws BoltError 'invalid database' where the run ends behind the file
   */
  run(pgid: number, count: number, pageSize: number): PageBytes;
}

/**
 * The bytes of a database. A write is seen by the next read; a sync orders what reaches the disk. What `run`
 * returns stays valid and unchanged until a write covers the run; a bbolt transaction never writes a page
 * that an open transaction can reach.
 */
export interface Pager extends PageSource {
  /** Takes the bytes over: the caller changes them no more. A write behind the end grows the file. */
  write(offset: number, bytes: Uint8Array): void;
  sync(what: SyncKind): void;
  /** Cuts the file, or lengthens it with zeros. */
  truncate(sizeBytes: number): void;
}

/** Is told of each change in order; the bytes it gets are never changed afterwards. */
export interface PageSink {
  write(offset: number, bytes: Uint8Array): void;
  sync(what: SyncKind): void;
  truncate(sizeBytes: number): void;
}

const chunkBytes = 262144;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** False: a copy of the pager reads it too, and it is copied before a write. */
  isOwned: boolean;
}

function newChunk(): Chunk {
  const bytes = new Uint8Array(chunkBytes);
  sharedByForks(bytes.buffer);
  return { bytes, view: new DataView(bytes.buffer), isOwned: true };
}

/** What a chunk that was never written reads as; nothing writes into it. */
const zeros: Chunk = { ...newChunk(), isOwned: false };

/**
 * A file in memory: chunks of 256 KiB, made when they are first written. A run inside one chunk is read in
 * place; a run over several chunks (a long overflow run) is read as a copy.
 */
export class MemoryPager implements Pager {
  private readonly chunks: (Chunk | undefined)[] = [];
  private readonly sink: PageSink | null;
  private fileBytes = 0;

  /** @param image the file's first content; it is copied, and the sink is not told of it */
  constructor(image: Uint8Array | null = null, sink: PageSink | null = null) {
    this.sink = null;
    if (image !== null) this.store(0, image);
    this.sink = sink;
  }

  get sizeBytes(): number {
    return this.fileBytes;
  }

  run(pgid: number, count: number, pageSize: number): PageBytes {
    const from = pgid * pageSize;
    const length = count * pageSize;
    if (!(from >= 0 && length > 0 && from + length <= this.fileBytes)) {
      throw new BoltError('invalid database', `page ${pgid} (${count} pages) ends behind the file`);
    }
    const at = from % chunkBytes;
    if (at + length <= chunkBytes) {
      const chunk = this.chunks[(from - at) / chunkBytes] ?? zeros;
      return { view: chunk.view, bytes: chunk.bytes, at };
    }
    const bytes = this.copy(from, length);
    return { view: new DataView(bytes.buffer), bytes, at: 0 };
  }

  /** A copy of a part of the file, cut at its end. */
  copy(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.fileBytes);
    const copy = new Uint8Array(Math.max(0, end - offset));
    for (let from = offset; from < end;) {
      const at = from % chunkBytes;
      const size = Math.min(chunkBytes - at, end - from);
      const chunk = this.chunks[(from - at) / chunkBytes];
      if (chunk !== undefined) copy.set(chunk.bytes.subarray(at, at + size), from - offset);
      from += size;
    }
    return copy;
  }

  /** The whole file, copied. */
  image(): Uint8Array {
    return this.copy(0, this.fileBytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(
      Number.isSafeInteger(offset) && offset >= 0,
      'pager: the offset is not a safe non-negative integer',
    );
    this.store(offset, bytes);
    this.sink?.write(offset, bytes);
  }

  sync(what: SyncKind): void {
    this.sink?.sync(what);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.fileBytes) this.cut(sizeBytes);
    this.fileBytes = sizeBytes;
    this.sink?.truncate(sizeBytes);
  }

  /** From now on each chunk is copied before it is written. */
  [beforeFork](): void {
    for (const chunk of this.chunks) if (chunk !== undefined) chunk.isOwned = false;
  }

  private ownChunk(index: number): Chunk {
    const present = this.chunks[index];
    if (present?.isOwned === true) return present;
    const chunk = newChunk();
    if (present !== undefined) chunk.bytes.set(present.bytes);
    this.chunks[index] = chunk;
    return chunk;
  }

  private store(offset: number, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const at = (offset + from) % chunkBytes;
      const size = Math.min(chunkBytes - at, bytes.length - from);
      const index = (offset + from - at) / chunkBytes;
      this.ownChunk(index).bytes.set(bytes.subarray(from, from + size), at);
      from += size;
    }
    this.fileBytes = Math.max(this.fileBytes, offset + bytes.length);
  }

  /** What lies behind a cut reads as zeros when the file grows again. */
  private cut(sizeBytes: number): void {
    const at = sizeBytes % chunkBytes;
    const index = (sizeBytes - at) / chunkBytes;
    if (this.chunks[index] !== undefined) this.ownChunk(index).bytes.fill(0, at);
    this.chunks.length = Math.min(this.chunks.length, index + 1);
  }
}
