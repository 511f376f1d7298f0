/** A file's bytes in chunks that copies share until one of them writes. */
import { assert } from '../base/assert.ts';
import { emptyBytes } from '../base/bytes.ts';
import { beforeFork, sharedByForks } from '../base/fork.ts';

export const chunkBytes = 65536;
export const sectorBytes = 512;

/** Sparse: a chunk that was never written is null and reads as zeros. Bytes past the size are zeros too. */
export class ChunkedFile {
  private chunks: (Uint8Array | null)[] = [];
  /** Whether a chunk is this file's alone; others are copied before a write. */
  private owned: boolean[] = [];
  private fileBytes = 0;

  /** Shares the bytes, which must not change from now on; they are copied where the file is written. */
  static from(bytes: Uint8Array): ChunkedFile {
    const file = new ChunkedFile();
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      file.chunks.push(bytes.subarray(at, at + chunkBytes));
      file.owned.push(false);
    }
    sharedByForks(bytes.buffer);
    file.fileBytes = bytes.length;
    return file;
  }

  get sizeBytes(): number {
    return this.fileBytes;
  }

  /** A copy that costs one reference a chunk. */
  clone(): ChunkedFile {
    const copy = new ChunkedFile();
    copy.chunks = this.chunks.slice();
    copy.owned = this.owned.fill(false).slice();
    copy.fileBytes = this.fileBytes;
    return copy;
  }

  /** From now on each chunk is copied before it is written. */
  [beforeFork](): void {
    this.owned.fill(false);
  }

  write(offset: number, data: Uint8Array): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'file: an offset is a safe non-negative integer');
    for (let done = 0; done < data.length;) {
      const at = offset + done;
      const inChunk = at % chunkBytes;
      const count = Math.min(chunkBytes - inChunk, data.length - done);
      this.ownChunk(Math.floor(at / chunkBytes)).set(data.subarray(done, done + count), inChunk);
      done += count;
    }
    this.fileBytes = Math.max(this.fileBytes, offset + data.length);
  }

  /** Sets the size: cuts the end off, or adds zeros. */
  truncate(sizeBytes: number): void {
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, 'file: a size is a safe non-negative integer');
    if (sizeBytes < this.fileBytes) {
      const count = Math.ceil(sizeBytes / chunkBytes);
      this.chunks.length = Math.min(this.chunks.length, count);
      this.owned.length = this.chunks.length;
      const last = sizeBytes % chunkBytes;
      if (last > 0 && this.chunks.length === count && this.chunks[count - 1] !== null) {
        this.ownChunk(count - 1).fill(0, last);
      }
    }
    this.fileBytes = sizeBytes;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.fileBytes);
    for (let i = 0; i < this.chunks.length; i++) {
      const chunk = this.chunks[i];
      if (chunk === null || chunk === undefined) continue;
      const at = i * chunkBytes;
      bytes.set(chunk.subarray(0, Math.min(chunk.length, this.fileBytes - at)), at);
    }
    return bytes;
  }

  /** Bytes [from, from + count) as a copy; what lies past the end reads as zeros. */
  read(from: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const inChunk = (from + done) % chunkBytes;
      const part = Math.min(chunkBytes - inChunk, count - done);
      const chunk = this.chunks[Math.floor((from + done) / chunkBytes)] ?? emptyBytes;
      if (inChunk < chunk.length) bytes.set(chunk.subarray(inChunk, inChunk + part), done);
      done += part;
    }
    return bytes;
  }

  /** The runs of sectors, as [offset, count of bytes], in which this file's bytes differ from the other's. */
  differences(other: ChunkedFile): [number, number][] {
    const runs: [number, number][] = [];
    for (let at = 0; at < this.fileBytes; at += chunkBytes) {
      const chunk = at / chunkBytes;
      if (this.chunks[chunk] === other.chunks[chunk] && this.chunks[chunk] !== undefined) continue;
      const end = Math.min(at + chunkBytes, this.fileBytes);
      for (let sector = at; sector < end; sector += sectorBytes) {
        const count = Math.min(sectorBytes, end - sector);
        if (this.sameBytes(other, sector, count)) continue;
        const last = runs[runs.length - 1];
        if (last !== undefined && last[0] + last[1] === sector) last[1] += count;
        else runs.push([sector, count]);
      }
    }
    return runs;
  }

  private sameBytes(other: ChunkedFile, at: number, count: number): boolean {
    const mine = this.chunks[Math.floor(at / chunkBytes)] ?? emptyBytes;
    const theirs = other.chunks[Math.floor(at / chunkBytes)] ?? emptyBytes;
    const inChunk = at % chunkBytes;
    for (let i = inChunk; i < inChunk + count; i++) if ((mine[i] ?? 0) !== (theirs[i] ?? 0)) return false;
    return true;
  }

  private ownChunk(index: number): Uint8Array {
    while (this.chunks.length <= index) {
      this.chunks.push(null);
      this.owned.push(false);
    }
    const present = this.chunks[index];
    if (present !== null && this.owned[index]) return present;
    const chunk = new Uint8Array(chunkBytes);
    sharedByForks(chunk.buffer);
    if (present !== null) chunk.set(present);
    this.chunks[index] = chunk;
    this.owned[index] = true;
    return chunk;
  }
}
