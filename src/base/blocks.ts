/** The bytes of a file in blocks of 4 KiB, which copies of it share until one of them writes. */
import { assert } from './assert.ts';
import { SharedPart } from './fork.ts';
import { SharedTable } from './shared-table.ts';
import type { Owner } from './shared-table.ts';

export const blockBytes = 4096;

/** About what an engine takes for an array of bytes beside them. */
const arrayBytes = 280;
/** Of blocks that never change. */
const nobody: Owner = {};

/** `bytes` and `view` show the same buffer from its first byte. */
export class Block extends SharedPart {
  readonly bytes: Uint8Array;
  readonly owner: Owner;
  private shown: DataView | null = null;

  constructor(bytes: Uint8Array, owner: Owner) {
    super();
    this.bytes = bytes;
    this.owner = owner;
  }

  get view(): DataView {
    return (this.shown ??= new DataView(this.bytes.buffer));
  }

  get at(): number {
    return 0;
  }

  measure(): number {
    return arrayBytes + this.bytes.length;
  }
}

/** What a block that was never written reads as. */
export const zeroBlock = new Block(new Uint8Array(blockBytes), nobody);

/**
 * The blocks that a write covers whole, as they are from then on in every file that takes it: one copy for
 * all. Empty where it covers none.
 */
export function wholeBlocks(offset: number, data: Uint8Array): readonly Block[] {
  const first = Math.ceil(offset / blockBytes);
  const end = Math.floor((offset + data.length) / blockBytes);
  const blocks: Block[] = [];
  for (let index = first; index < end; index++) {
    const at = index * blockBytes - offset;
    blocks.push(new Block(copyOf(data.subarray(at, at + blockBytes)), nobody));
  }
  return blocks;
}

/** With a buffer of its own. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(blockBytes);
  copy.set(bytes);
  return copy;
}

/** Sparse: what was never written reads as zeros, and so do bytes past the size. */
export class BlockFile {
  private table = new SharedTable<Block>();
  private fileBytes = 0;

  get sizeBytes(): number {
    return this.fileBytes;
  }

  /** The block, as it is now; its bytes stay what they are until a write into them. */
  block(index: number): Block {
    return this.table.get(index) ?? zeroBlock;
  }

  /** A copy that costs nothing. */
  clone(): BlockFile {
    const copy = new BlockFile();
    copy.table = this.table.clone();
    copy.fileBytes = this.fileBytes;
    return copy;
  }

  /** @param whole the blocks that the data covers whole, by `wholeBlocks`: they are shared, not copied */
  write(offset: number, data: Uint8Array, whole: readonly Block[] = wholeBlocks(offset, data)): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'file: an offset is a safe non-negative integer');
    const firstWhole = Math.ceil(offset / blockBytes);
    for (let done = 0; done < data.length;) {
      const index = Math.floor((offset + done) / blockBytes);
      const inBlock = (offset + done) % blockBytes;
      const count = Math.min(blockBytes - inBlock, data.length - done);
      if (count === blockBytes) this.table.set(index, whole[index - firstWhole]);
      else this.own(index).bytes.set(data.subarray(done, done + count), inBlock);
      done += count;
    }
    this.fileBytes = Math.max(this.fileBytes, offset + data.length);
  }

  /** Sets the size: cuts the end off, or adds zeros. */
  truncate(sizeBytes: number): void {
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, 'file: a size is a safe non-negative integer');
    if (sizeBytes < this.fileBytes) {
      const last = Math.floor(sizeBytes / blockBytes);
      const inBlock = sizeBytes % blockBytes;
      this.table.cut(inBlock === 0 ? last : last + 1);
      if (inBlock > 0 && this.block(last) !== zeroBlock) this.own(last).bytes.fill(0, inBlock);
    }
    this.fileBytes = sizeBytes;
  }

  /** Bytes [from, from + count) as a copy; what lies past the end reads as zeros. */
  read(from: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const inBlock = (from + done) % blockBytes;
      const part = Math.min(blockBytes - inBlock, count - done);
      const block = this.table.get(Math.floor((from + done) / blockBytes));
      if (block !== undefined) {
        const isWhole = part === blockBytes;
        bytes.set(isWhole ? block.bytes : block.bytes.subarray(inBlock, inBlock + part), done);
      }
      done += part;
    }
    return bytes;
  }

  private own(index: number): Block {
    const present = this.table.get(index);
    if (present?.owner === this.table.owner) return present;
    const block = new Block(copyOf(present?.bytes ?? zeroBlock.bytes), this.table.owner);
    this.table.set(index, block);
    return block;
  }
}

/** Whether two blocks hold the same bytes from `from` up to but without `to`. */
export function sameBytes(a: Block, b: Block, from: number, to: number): boolean {
  if (a === b) return true;
  for (let i = from; i < to; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}
