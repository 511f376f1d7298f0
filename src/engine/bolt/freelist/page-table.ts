/** A u32 for each number that has one: a table by index, in blocks made when first needed. */
import { sharedByForks } from '../../../base/fork.ts';
const blockBits = 12;
const blockSize = 1 << blockBits;
const blockMask = blockSize - 1;

/** What a block that was never written reads as. */
const zeros = sharedByForks(new Uint32Array(blockSize));

/**
 * As a map of page numbers, but without hashing: neighbours lie side by side, and taking a number out is a
 * write of 0. Costs 16 KiB for each 4096 numbers of which any was ever in it.
 */
export class PageTable {
  private blocks: Uint32Array[] = [];

  /** 0 where none was set. @param index below 2^32, here and below */
  get(index: number): number {
    const block = index >>> blockBits;
    return block < this.blocks.length ? this.blocks[block][index & blockMask] : 0;
  }

  set(index: number, value: number): void {
    const at = index >>> blockBits;
    const blocks = this.blocks;
    if (at >= blocks.length || blocks[at] === zeros) {
      if (value === 0) return;
      while (blocks.length <= at) blocks.push(zeros);
      blocks[at] = new Uint32Array(blockSize);
    }
    blocks[at][index & blockMask] = value;
  }

  clear(): void {
    this.blocks = [];
  }

  /** The least index from `from` on that has a number other than 0; -1 where there is none. */
  next(from: number): number {
    for (let index = from; index < this.blocks.length * blockSize;) {
      const at = index >>> blockBits;
      const block = this.blocks[at];
      const base = at * blockSize;
      if (block !== zeros) {
        for (let i = index - base; i < blockSize; i++) if (block[i] !== 0) return base + i;
      }
      index = base + blockSize;
    }
    return -1;
  }

  /** Bytes of all blocks. */
  get sizeBytes(): number {
    let count = 0;
    for (const block of this.blocks) if (block !== zeros) count++;
    return count * blockSize * 4;
  }
}
