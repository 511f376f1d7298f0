/** Chain hashes by moment, so that a moment that is done again can be proven. */

/** Of a run from its beginning: more than these, and every second one goes. */
export const usualNotes = 262_144;
/** Each takes so much. */
export const noteBytes = 16;

const hex8 = (word: number): string => word.toString(16).padStart(8, '0');

/** Moments come ascending. */
export class HashNotes {
  readonly #limit: number;
  #moments = new Float64Array(1024);
  #words = new Uint32Array(2048);
  #count = 0;

  /** @param limit 1024 or more, even */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get sizeBytes(): number {
    return this.#moments.byteLength + this.#words.byteLength;
  }

  /** @param chainHash sixteen hex digits */
  add(moment: number, chainHash: string): void {
    if (this.#count === this.#limit) this.#thin();
    else if (this.#count === this.#moments.length) this.#grow();
    this.#moments[this.#count] = moment;
    this.#words[2 * this.#count] = Number.parseInt(chainHash.slice(0, 8), 16);
    this.#words[2 * this.#count + 1] = Number.parseInt(chainHash.slice(8), 16);
    this.#count++;
  }

  /** Null where that moment is not noted. */
  at(moment: number): string | null {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#moments[middle] < moment) low = middle + 1;
      else high = middle;
    }
    if (low === this.#count || this.#moments[low] !== moment) return null;
    return hex8(this.#words[2 * low]) + hex8(this.#words[2 * low + 1]);
  }

  #grow(): void {
    const [moments, words] = [this.#moments, this.#words];
    this.#moments = new Float64Array(Math.min(this.#limit, 2 * moments.length));
    this.#moments.set(moments);
    this.#words = new Uint32Array(2 * this.#moments.length);
    this.#words.set(words);
  }

  #thin(): void {
    const kept = this.#count >> 1;
    for (let i = 0; i < kept; i++) {
      this.#moments[i] = this.#moments[2 * i];
      this.#words[2 * i] = this.#words[4 * i];
      this.#words[2 * i + 1] = this.#words[4 * i + 1];
    }
    this.#count = kept;
  }
}
