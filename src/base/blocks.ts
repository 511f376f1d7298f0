/** The bytes of a file in blocks of 4 KiB, which copies of it share until one of them writes. */
import { assert } from './assert.ts';
import { ColdPart } from './cold-part.ts';
import type { Below } from './fork.ts';
import { packBytes, packedSize, unpackBytes } from './packed-bytes.ts';
import type { PackedBytes } from './packed-bytes.ts';
import { SharedTable } from './shared-table.ts';
import type { Owner } from './shared-table.ts';

export const blockBytes = 4096;

/** About what an engine takes for an array of bytes beside them. */
const arrayBytes = 280;
/** Of a block without its bytes. */
const headBytes = 80;
/** Of blocks that never change. */
const nobody: Owner = {};

/** Bytes of a block's length, or what they were packed into. */
abstract class PackableBytes extends ColdPart {
  private whole: Uint8Array | null;
  private shown: DataView | null = null;
  private packed: PackedBytes | null = null;

  constructor(bytes: Uint8Array | null) {
    super();
    this.whole = bytes;
  }

  get isPacked(): boolean {
    return this.packed !== null;
  }

  protected get own(): Uint8Array {
    return this.whole ?? this.unpack();
  }

  protected get ownView(): DataView {
    return (this.shown ??= new DataView(this.own.buffer));
  }

  protected get ownBytes(): number {
    return this.packed === null ? arrayBytes + blockBytes : headBytes + packedSize(this.packed);
  }

  pack(): void {
    this.packed ??= packBytes(this.own);
    this.cool();
  }

  cool(): void {
    this.whole = this.shown = null;
  }

  private unpack(): Uint8Array {
    assert(this.packed !== null, 'block: its bytes are there, or packed');
    this.whole = unpackBytes(this.packed, blockBytes);
    this.warmed(arrayBytes + blockBytes);
    return this.whole;
  }
}

/** The bytes that blocks of a growing file have in common: how many of them some block shows. */
class Growth extends PackableBytes {
  shownBytes: number;

  constructor(bytes: Uint8Array, shownBytes: number) {
    super(bytes);
    this.shownBytes = shownBytes;
  }

  get bytes(): Uint8Array {
    return this.own;
  }

  get view(): DataView {
    return this.ownView;
  }

  measure(): number {
    return this.ownBytes;
  }
}

/** `bytes` and `view` show the same buffer from its first byte. */
export class Block extends PackableBytes {
  readonly owner: Owner;
  /** What lies behind reads as zeros, whatever stands there: it is a later block's, with the same bytes. */
  readonly shownBytes: number;
  private readonly growth: Growth | null;

  constructor(bytes: Uint8Array | Growth, owner: Owner, shownBytes = blockBytes) {
    super(bytes instanceof Growth ? null : bytes);
    this.owner = owner;
    this.shownBytes = shownBytes;
    this.growth = bytes instanceof Growth ? bytes : null;
  }

  get bytes(): Uint8Array {
    return this.growth === null ? this.own : this.growth.bytes;
  }

  /** Of a block that shows all its bytes. */
  get view(): DataView {
    return this.growth === null ? this.ownView : this.growth.view;
  }

  get at(): number {
    return 0;
  }

  /**
   * The block after a write; this one stays as it is. What only goes on behind the bytes that were ever shown
   * is written beside them: a log's block is not copied for each record.
   */
  after(part: Uint8Array, inBlock: number): Block {
    const { growth, shownBytes } = this;
    const end = inBlock + part.length;
    if (growth?.shownBytes === shownBytes && inBlock >= shownBytes && !growth.isPacked) {
      growth.bytes.set(part, inBlock);
      growth.shownBytes = end;
      return new Block(growth, nobody, end);
    }
    const after = this.copy();
    after.set(part, inBlock);
    const shown = Math.max(shownBytes, end);
    return new Block(new Growth(after, shown), nobody, shown);
  }

  /** The bytes that it shows and the zeros behind, with a buffer of their own. */
  copy(): Uint8Array {
    const { bytes, shownBytes } = this;
    return copyOf(shownBytes === blockBytes ? bytes : bytes.subarray(0, shownBytes));
  }

  /** A log's blocks are packed with the bytes that they grew from. */
  override pack(): void {
    if (this.growth === null) super.pack();
  }

  /** A log's blocks have their bytes in common with those that they grew from. */
  measure(visit: (below: Below) => void): number {
    if (this.growth === null) return this.ownBytes;
    visit(this.growth);
    return headBytes;
  }
}

/** What a block that was never written reads as. */
export const zeroBlock = new Block(new Uint8Array(blockBytes), nobody, 0);

/** A block that a write covers in part, before it and after: where it was the same before, it is after. */
interface Edge {
  readonly index: number;
  readonly before: Block;
  readonly after: Block;
}

/**
 * What a write makes of blocks: each of them once for all files that take it. Those that it covers whole are
 * known at once; those at its edges once the first file has taken it, for others that were the same there.
 */
export class WrittenBlocks {
  readonly offset: number;
  private readonly first: number;
  private readonly whole: readonly Block[];
  /** Two at most. */
  private readonly edges: Edge[] = [];

  constructor(offset: number, data: Uint8Array) {
    this.offset = offset;
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
    const known = this.edges.find((edge) => edge.index === index);
    if (known?.before === before) return known.after;
    const after = before.after(part, inBlock);
    if (known === undefined) this.edges.push({ index, before, after });
    return after;
  }
}

/** What the bytes of a write were made into, for whoever takes the same write further down. */
const madeOf = new WeakMap<Uint8Array, WrittenBlocks>();

/** Notes what was made of these very bytes, which nobody changes any more. */
export function noteBlocks(data: Uint8Array, blocks: WrittenBlocks): void {
  madeOf.set(data, blocks);
}

/** What was made of these very bytes for the same place; undefined where nobody noted that. */
export function notedBlocks(data: Uint8Array, offset: number): WrittenBlocks | undefined {
  const made = madeOf.get(data);
  return made?.offset === offset ? made : undefined;
}

/** With a buffer of its own, whose first byte is the first. */
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

  /**
   * @param blocks what the write makes of blocks, where several files take it: they share them
   * @returns what it made of them, for others
   */
  write(offset: number, data: Uint8Array, blocks?: WrittenBlocks): WrittenBlocks {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'file: an offset is a safe non-negative integer');
    const made = blocks ?? new WrittenBlocks(offset, data);
    for (let done = 0; done < data.length;) {
      const index = Math.floor((offset + done) / blockBytes);
      const inBlock = (offset + done) % blockBytes;
      const count = Math.min(blockBytes - inBlock, data.length - done);
      const part = count === data.length ? data : data.subarray(done, done + count);
      if (count === blockBytes) this.table.set(index, made.wholeAt(index));
      else if (blocks === undefined) this.own(index).bytes.set(part, inBlock);
      else this.table.set(index, blocks.edge(index, this.block(index), part, inBlock));
      done += count;
    }
    this.fileBytes = Math.max(this.fileBytes, offset + data.length);
    return made;
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
        const end = Math.min(inBlock + part, block.shownBytes);
        const isWhole = end - inBlock === blockBytes;
        if (end > inBlock) bytes.set(isWhole ? block.bytes : block.bytes.subarray(inBlock, end), done);
      }
      done += part;
    }
    return bytes;
  }

  private own(index: number): Block {
    const present = this.table.get(index);
    if (present?.owner === this.table.owner) return present;
    const block = new Block((present ?? zeroBlock).copy(), this.table.owner);
    this.table.set(index, block);
    return block;
  }
}

/** Whether two blocks hold the same bytes from `from` up to but without `to`. */
export function sameBytes(a: Block, b: Block, from: number, to: number): boolean {
  if (a === b) return true;
  for (let i = from; i < to; i++) if (byteAt(a, i) !== byteAt(b, i)) return false;
  return true;
}

const byteAt = ({ bytes, shownBytes }: Block, at: number): number => (at < shownBytes ? bytes[at] : 0);
