/** Where pages live: the contract between the store and its bytes, and the image in memory. */
import { assert } from '../../base/assert.ts';
import { blockBytes, BlockFile, noteBlocks } from '../../base/blocks.ts';
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

/**
 * A file in memory: blocks of 4 KiB, made when they are first written. A run inside one block is read in
 * place; a run over several blocks (a page that overflows) is read as a copy.
 */
export class MemoryPager implements Pager {
  private readonly file = new BlockFile();
  private readonly sink: PageSink | null;

  /** @param image the file's first content; it is copied, and the sink is not told of it */
  constructor(image: Uint8Array | null = null, sink: PageSink | null = null) {
    this.sink = sink;
    if (image !== null) this.file.write(0, image);
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  run(pgid: number, count: number, pageSize: number): PageBytes {
    const from = pgid * pageSize;
    const length = count * pageSize;
    if (!(from >= 0 && length > 0 && from + length <= this.file.sizeBytes)) {
      throw new BoltError('invalid database', `page ${pgid} (${count} pages) ends behind the file`);
    }
    const at = from % blockBytes;
    if (at + length <= blockBytes) {
      const block = this.file.block((from - at) / blockBytes);
      return { view: block.view, bytes: block.bytes, at };
    }
    const bytes = this.file.read(from, length);
    return { view: new DataView(bytes.buffer), bytes, at: 0 };
  }

  /** A copy of a part of the file, cut at its end. */
  copy(offset: number, length: number): Uint8Array {
    return this.file.read(offset, Math.max(0, Math.min(length, this.file.sizeBytes - offset)));
  }

  /** The whole file, copied. */
  image(): Uint8Array {
    return this.copy(0, this.file.sizeBytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(
      Number.isSafeInteger(offset) && offset >= 0,
      'pager: the offset is not a safe non-negative integer',
    );
    const made = this.file.write(offset, bytes);
    if (this.sink === null) return;
    noteBlocks(bytes, made);
    this.sink.write(offset, bytes);
  }

  sync(what: SyncKind): void {
    this.sink?.sync(what);
  }

  truncate(sizeBytes: number): void {
    this.file.truncate(sizeBytes);
    this.sink?.truncate(sizeBytes);
  }
}
