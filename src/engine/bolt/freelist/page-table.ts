/** A u32 for each number that has one: a table by index, in blocks made when first needed. */
import { beforeFork, SharedPart } from '../../../base/fork.ts';
import type { Owner } from '../../../base/shared-table.ts';

const blockBits = 10;
const blockSize = 1 << blockBits;
const blockMask = blockSize - 1;

/** Copies of a table share it: only its owner writes into it. */
class Block extends SharedPart {
  readonly owner: Owner;
  readonly words: Uint32Array;

  constructor(owner: Owner, words: Uint32Array) {
    super();
    this.owner = owner;
    this.words = words;
  }

  measure(): number {
    return 200 + this.words.byteLength;
  }
}

/** What a block that was never written reads as. */
const zeros = new Block({}, new Uint32Array(blockSize));

/**
 * As a map of page numbers, but without hashing: neighbours lie side by side, and taking a number out is a
 * write of 0. Costs 4 KiB for each 1024 numbers of which any was ever in it. A copied table shares its blocks
 * with the first one, and each copies a block before it writes there.
 */
export class PageTable {
  private blocks: Block[] = [];
  private present: Owner = {};

  /** 0 where none was set. @param index below 2^32, here and below */
  get(index: number): number {
    const block = index >>> blockBits;
    return block < this.blocks.length ? this.blocks[block].words[index & blockMask] : 0;
  }

  set(index: number, value: number): void {
    const at = index >>> blockBits;
    const blocks = this.blocks;
    if (at >= blocks.length || blocks[at].owner !== this.present) {
      if (value === this.get(index)) return;
      while (blocks.length <= at) blocks.push(zeros);
      blocks[at] = new Block(this.present, blocks[at].words.slice());
    }
    blocks[at].words[index & blockMask] = value;
  }

  clear(): void {
    this.blocks = [];
  }

  /** From now on each block is copied before it is written. */
  [beforeFork](): void {
    this.present = {};
  }

  /** The least index from `from` on that has a number other than 0; -1 where there is none. */
  next(from: number): number {
    for (let index = from; index < this.blocks.length * blockSize;) {
      const at = index >>> blockBits;
      const block = this.blocks[at];
      const base = at * blockSize;
      if (block !== zeros) {
        for (let i = index - base; i < blockSize; i++) if (block.words[i] !== 0) return base + i;
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
