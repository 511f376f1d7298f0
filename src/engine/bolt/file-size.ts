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

/** The sizes of file and map as bbolt keeps them in mind. */
export class FileSize {
  readonly #allocBytes: number;
  #mapBytes: number;
  #knownBytes: number;

  /**
   * @param knownBytes what bbolt takes for the file's size
   * @param allocBytes by how much the file grows once the map is larger than that
   */
  constructor(fileBytes: number, knownBytes: number, initialMapBytes: number, allocBytes: number) {
    this.#mapBytes = mapBytesFor(Math.max(fileBytes, initialMapBytes));
    this.#knownBytes = knownBytes;
    this.#allocBytes = allocBytes;
  }

  /**
   * Makes the map large enough for an allocation that ends there.
   * @returns whether it had to be made anew
   * @source bbolt v1.3.12 db.go allocate
   */
  needMap(needBytes: number, fileBytes: number): boolean {
    if (needBytes < this.#mapBytes) return false;
    this.#mapBytes = mapBytesFor(Math.max(fileBytes, needBytes));
    return true;
  }

  /**
   * The file's new size when a commit needs it to hold so much, or null where it is long enough.
   * @source bbolt v1.3.12 db.go grow
   */
  grow(needBytes: number): number | null {
    if (needBytes <= this.#knownBytes) return null;
    this.#knownBytes = this.#mapBytes <= this.#allocBytes ? this.#mapBytes : needBytes + this.#allocBytes;
    return this.#knownBytes;
  }
}
