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

/** A block that a write covers in part, before it and after: where it was the same before, it is after. */
interface Edge {
  readonly before: Block;
  readonly after: Block;
}

/**
 * What a write makes of blocks: each of them once for all files that take it. Those that it covers whole are
 * known at once; those at its edges once the first file has taken it, for others that were the same there.
 */
export class WrittenBlocks {
  private readonly first: number;
  private readonly whole: readonly Block[];
  private readonly edges = new Map<number, Edge>();

  constructor(offset: number, data: Uint8Array) {
    this.first = Math.ceil(offset / blockBytes);
    const end = Math.floor((offset + data.length) / blockBytes);
    const blocks: Block[] = [];
    for (let index = this.first; index < end; index++) {
      const at = index * blockBytes - offset;
      blocks.push(new Block(copyOf(data.subarray(at, at + blockBytes)), nobody));
    }
    this.whole = blocks;
  }

  wholeAt(index: number): Block {
    return this.whole[index - this.first];
  }

  /** The block at an edge after the write, of which `part` falls into it. */
  edge(index: number, before: Block, part: Uint8Array, inBlock: number): Block {
    const known = this.edges.get(index);
    if (known?.before === before) return known.after;
    const after = new Block(copyOf(before.bytes), nobody);
    after.bytes.set(part, inBlock);
    if (known === undefined) this.edges.set(index, { before, after });
    return after;
  }
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

  /** @param blocks what the write makes of blocks, where several files take it: they share them */
  write(offset: number, data: Uint8Array, blocks?: WrittenBlocks): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'file: an offset is a safe non-negative integer');
    const made = blocks ?? new WrittenBlocks(offset, data);
    for (let done = 0; done < data.length;) {
      const index = Math.floor((offset + done) / blockBytes);
      const inBlock = (offset + done) % blockBytes;
      const count = Math.min(blockBytes - inBlock, data.length - done);
      const part = data.subarray(done, done + count);
      if (count === blockBytes) this.table.set(index, made.wholeAt(index));
      else if (blocks === undefined) this.own(index).bytes.set(part, inBlock);
      else this.table.set(index, blocks.edge(index, this.block(index), part, inBlock));
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
