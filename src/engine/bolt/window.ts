/** A file of any size seen through a few blocks: what was read last is kept, the rest is read again. */
import { assert } from '../../base/assert.ts';
import { BoltError } from './errors.ts';
import type { PageBytes, PageSource } from './pager.ts';

/** Reads from `offset` until `into` is full or the file ends. @returns how many bytes were read */
export type ReadAt = (offset: number, into: Uint8Array) => number;

const blockBytes = 65536;
const blockCount = 64;
/** Reads that end in another block than they begin are put together here, in turn. */
const scratchCount = 4;

interface Block {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Which part of the file it holds; -1 none. */
  index: number;
  usedAt: number;
}

function newBlock(): Block {
  const bytes = new Uint8Array(blockBytes);
  return { bytes, view: new DataView(bytes.buffer), index: -1, usedAt: 0 };
}

/**
 * At most 4.25 MiB of memory, whatever the file's size. What a read returns stays valid for the three reads
 * that follow it; then its memory may be used again.
 */
export class FileWindow implements PageSource {
  readonly sizeBytes: number;
  private readonly readAt: ReadAt;
  private readonly blocks: Block[] = [];
  private readonly byIndex = new Map<number, Block>();
  private readonly scratch: Block[] = [];
  private clock = 0;
  private scratchTurn = 0;
  /** How often the file itself was read. */
  reads = 0;

  constructor(sizeBytes: number, readAt: ReadAt) {
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, "window: a file's size is a safe integer");
    this.sizeBytes = sizeBytes;
    this.readAt = readAt;
  }

  /**
   * @param count times `pageSize` is how much is read: best at most 64 KiB, as longer runs are copied into
   *   memory of their own
   * @throws BoltError 'invalid database' behind the file's end, or where the file is shorter than it was
   */
  run(pgid: number, count: number, pageSize: number): PageBytes {
    const from = pgid * pageSize;
    const length = count * pageSize;
    if (!(from >= 0 && length > 0 && from + length <= this.sizeBytes)) {
      throw new BoltError('invalid database', `page ${pgid} (${count} pages) ends behind the file`);
    }
    const at = from % blockBytes;
    if (at + length <= blockBytes) {
      const { bytes, view } = this.block((from - at) / blockBytes);
      return { bytes, view, at };
    }
    const target = length <= blockBytes ? this.nextScratch().bytes : new Uint8Array(length);
    for (let done = 0; done < length;) {
      const inner = (from + done) % blockBytes;
      const size = Math.min(blockBytes - inner, length - done);
      const block = this.block((from + done - inner) / blockBytes);
      target.set(block.bytes.subarray(inner, inner + size), done);
      done += size;
    }
    return { bytes: target, view: new DataView(target.buffer), at: 0 };
  }

  private nextScratch(): Block {
    this.scratchTurn = (this.scratchTurn + 1) % scratchCount;
    return (this.scratch[this.scratchTurn] ??= newBlock());
  }

  private block(index: number): Block {
    const known = this.byIndex.get(index);
    const block = known ?? this.load(index);
    block.usedAt = ++this.clock;
    return block;
  }

  private load(index: number): Block {
    const block = this.oldest();
    this.byIndex.delete(block.index);
    block.index = -1;
    const length = Math.min(blockBytes, this.sizeBytes - index * blockBytes);
    const read = this.readAt(index * blockBytes, block.bytes.subarray(0, length));
    this.reads++;
    if (read < length) throw new BoltError('invalid database', 'the file got shorter while it was read');
    block.index = index;
    this.byIndex.set(index, block);
    return block;
  }

  private oldest(): Block {
    if (this.blocks.length < blockCount) {
      const block = newBlock();
      this.blocks.push(block);
      return block;
    }
    let oldest = this.blocks[0];
    for (const block of this.blocks) if (block.usedAt < oldest.usedAt) oldest = block;
    return oldest;
  }
}
