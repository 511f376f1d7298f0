/** A u32 for each number that has one: a table by index, in blocks made when first needed. */
import { assert } from '../../../base/assert.ts';
import { ColdPart } from '../../../base/cold-part.ts';
import { beforeFork } from '../../../base/fork.ts';
import { packBytes, packedSize, unpackBytes } from '../../../base/packed-bytes.ts';
import type { PackedBytes } from '../../../base/packed-bytes.ts';
import type { Owner } from '../../../base/shared-table.ts';

const blockBits = 10;
const blockSize = 1 << blockBits;
const blockMask = blockSize - 1;

/** Copies of a table share it: only its owner writes into it. */
class Block extends ColdPart {
  readonly owner: Owner;
  private present: Uint32Array | null;
  private packed: PackedBytes | null = null;

  constructor(owner: Owner, words: Uint32Array) {
    super();
    this.owner = owner;
    this.present = words;
  }

  get words(): Uint32Array {
    return this.present ?? this.unpack();
  }

  pack(): void {
    if (this.packed === null) {
      const { buffer, byteOffset, byteLength } = this.words;
      this.packed = packBytes(new Uint8Array(buffer, byteOffset, byteLength));
    }
    this.cool();
  }

  cool(): void {
    this.present = null;
  }

  measure(): number {
    return this.packed === null ? 200 + 4 * blockSize : 80 + packedSize(this.packed);
  }

  private unpack(): Uint32Array {
    assert(this.packed !== null, 'page table: its words are there, or packed');
    this.present = new Uint32Array(unpackBytes(this.packed, 4 * blockSize).buffer);
    this.warmed(200 + 4 * blockSize);
    return this.present;
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
