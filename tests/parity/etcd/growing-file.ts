/** A file in memory that doubles its room as it grows. */

export class GrowingFile {
  #room = new Uint8Array(4096);
  #size = 0;

  write(offset: number, data: Uint8Array): void {
    this.#reserve(offset + data.length);
    this.#room.set(data, offset);
    this.#size = Math.max(this.#size, offset + data.length);
  }

  /** Cuts the file, or lengthens it with zeros. */
  truncate(sizeBytes: number): void {
    if (sizeBytes < this.#size) this.#room.fill(0, sizeBytes, this.#size);
    this.#reserve(sizeBytes);
    this.#size = sizeBytes;
  }

  /** A copy of its content. */
  bytes(): Uint8Array {
    return this.#room.slice(0, this.#size);
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#room.length) return;
    const room = new Uint8Array(Math.max(sizeBytes, 2 * this.#room.length));
    room.set(this.#room.subarray(0, this.#size));
    this.#room = room;
  }
}
