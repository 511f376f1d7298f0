/** A growing set of page ids, one bit each. */
export class Bitmap {
  #words = new Uint32Array(32);
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** How many ids are in the set. */
  get count(): number {
    return this.#count;
  }

  has(id: number): boolean {
    const word = id >>> 5;
    return id < 4294967296 && word < this.#words.length && (this.#words[word] & (1 << (id & 31))) !== 0;
  }

  /** Puts an id below 2^32 in. @returns whether it was not in before */
  set(id: number): boolean {
    const word = id >>> 5;
    if (word >= this.#words.length) this.#grow(word + 1);
    const bit = 1 << (id & 31);
    if ((this.#words[word] & bit) !== 0) return false;
    this.#words[word] |= bit;
    this.#count++;
    return true;
  }

  delete(id: number): void {
    if (!this.has(id)) return;
    this.#words[id >>> 5] &= ~(1 << (id & 31));
    this.#count--;
  }

  setRun(start: number, count: number): void {
    for (let id = start; id < start + count; id++) this.set(id);
  }

  clearRun(start: number, count: number): void {
    for (let id = start; id < start + count; id++) this.delete(id);
  }

  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** Puts all ids of another set in. */
  add(other: Bitmap): void {
    if (other.#count === 0) return;
    for (let word = 0; word < other.#words.length; word++) {
      if (other.#words[word] === 0) continue;
      for (let bit = 0; bit < 32; bit++) if (other.#words[word] & (1 << bit)) this.set(word * 32 + bit);
    }
  }

  #grow(words: number): void {
    const larger = new Uint32Array(Math.max(words, this.#words.length * 2));
    larger.set(this.#words);
    this.#words = larger;
  }
}
