/** How long bbolt makes its file, which follows from how long it makes its memory map. */

const minMapBytes = 32768;
const stepBytes = 1073741824;

/**
 * The map's size for a file: the next power of two from 32 KiB to 1 GiB, then whole GiB.
 * @source bbolt v1.3.12 db.go mmapSize
 */
export function mapBytesFor(sizeBytes: number): number {
  for (let size = minMapBytes; size <= stepBytes; size *= 2) if (sizeBytes <= size) return size;
  return Math.ceil(sizeBytes / stepBytes) * stepBytes;
}

/** How a file grows. */
export interface Growth {
  /** By how much it grows once the map is large. */
  readonly allocBytes: number;
  /** Up to a map of this size the file becomes as long as the map. */
  readonly wholeMapUpTo: number;
}

/** The sizes of file and map as bbolt keeps them in mind. */
export class FileSize {
  private readonly growth: Growth;
  private mapBytes: number;
  private knownBytes: number;

  /** @param knownBytes what bbolt takes for the file's size */
  constructor(fileBytes: number, knownBytes: number, initialMapBytes: number, growth: Growth) {
    this.mapBytes = mapBytesFor(Math.max(fileBytes, initialMapBytes));
    this.knownBytes = knownBytes;
    this.growth = growth;
  }

  /**
   * Makes the map large enough for an allocation that ends there.
   * @returns whether it had to be made anew
   * @source bbolt v1.3.12 db.go allocate
   */
  needMap(needBytes: number, fileBytes: number): boolean {
    if (needBytes < this.mapBytes) return false;
    this.mapBytes = mapBytesFor(Math.max(fileBytes, needBytes));
    return true;
  }

  /**
   * The file's new size when a commit needs it to hold so much, or null where it is long enough.
   * @source bbolt v1.3.12 db.go grow
   */
  grow(needBytes: number): number | null {
    if (needBytes <= this.knownBytes) return null;
    const { allocBytes, wholeMapUpTo } = this.growth;
    this.knownBytes = this.mapBytes <= wholeMapUpTo ? this.mapBytes : needBytes + allocBytes;
    return this.knownBytes;
  }
}
