/** A file of the simulated disk: its bytes lie in blocks that copies share until one of them writes. */
import { blockBytes, BlockFile, sameBytes } from '../base/blocks.ts';
import type { WrittenBlocks } from '../base/blocks.ts';

export const sectorBytes = 512;

/** Sparse: what was never written reads as zeros, and so do bytes past the size. */
export class ChunkedFile {
  private readonly file: BlockFile;

  constructor(file = new BlockFile()) {
    this.file = file;
  }

  /** Copies the bytes. */
  static from(bytes: Uint8Array): ChunkedFile {
    const file = new ChunkedFile();
    file.write(0, bytes);
    return file;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  /** A copy that costs nothing. */
  clone(): ChunkedFile {
    return new ChunkedFile(this.file.clone());
  }

  /** @param blocks what the write makes of blocks, for all files that take it; absent: for this one alone */
  write(offset: number, data: Uint8Array, blocks?: WrittenBlocks): void {
    this.file.write(offset, data, blocks);
  }

  /** Sets the size: cuts the end off, or adds zeros. */
  truncate(sizeBytes: number): void {
    this.file.truncate(sizeBytes);
  }

  toBytes(): Uint8Array {
    return this.file.read(0, this.file.sizeBytes);
  }

  /** Bytes [from, from + count) as a copy; what lies past the end reads as zeros. */
  read(from: number, count: number): Uint8Array {
    return this.file.read(from, count);
  }

  /** The runs of sectors, as [offset, count of bytes], in which this file's bytes differ from the other's. */
  differences(other: ChunkedFile): [number, number][] {
    const runs: [number, number][] = [];
    for (let at = 0; at < this.sizeBytes; at += blockBytes) {
      const mine = this.file.block(at / blockBytes);
      const theirs = other.file.block(at / blockBytes);
      if (mine === theirs) continue;
      const end = Math.min(at + blockBytes, this.sizeBytes);
      for (let sector = at; sector < end; sector += sectorBytes) {
        const count = Math.min(sectorBytes, end - sector);
        if (sameBytes(mine, theirs, sector - at, sector - at + count)) continue;
        const last = runs[runs.length - 1];
        if (last !== undefined && last[0] + last[1] === sector) last[1] += count;
        else runs.push([sector, count]);
      }
    }
    return runs;
  }
}
