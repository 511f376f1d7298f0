/** A growing set of page ids, one bit each. */
import { assert } from '../../../base/assert.ts';
import type { Runs } from './runs.ts';

/** Ids are below this. */
const idLimit = 4294967296;

/** The bits of a word from `from` up to but without `to`, 0 <= from < to <= 32. */
const mask = (from: number, to: number): number => (0xffffffff >>> (32 - (to - from))) << from;

export class Bitmap {
  private words = new Uint32Array(32);
  private setCount = 0;

  get isEmpty(): boolean {
    return this.setCount === 0;
  }

  /** How many ids are in the set. */
  get count(): number {
    return this.setCount;
  }

  has(id: number): boolean {
    const word = id >>> 5;
    return id < idLimit && word < this.words.length && (this.words[word] & (1 << (id & 31))) !== 0;
  }

  /** Puts an id below 2^32 in. @returns whether it was not in before */
  set(id: number): boolean {
    const word = id >>> 5;
    if (word >= this.words.length) this.grow(word + 1);
    const bit = 1 << (id & 31);
    if ((this.words[word] & bit) !== 0) return false;
    this.words[word] |= bit;
    this.setCount++;
    return true;
  }

  delete(id: number): void {
    if (!this.has(id)) return;
    this.words[id >>> 5] &= ~(1 << (id & 31));
    this.setCount--;
  }

  /** Puts a run in, of which any part may be in already. */
  setRun(start: number, count: number): void {
    if (count === 0) return;
    const end = start + count;
    assert(end <= idLimit, 'bitmap: ids are below 2^32');
    if ((end - 1) >>> 5 >= this.words.length) this.grow(((end - 1) >>> 5) + 1);
    const words = this.words;
    for (let id = start; id < end;) {
      const from = id & 31;
      const to = end - id < 32 - from ? from + (end - id) : 32;
      const bits = mask(from, to);
      const word = id >>> 5;
      this.setCount += to - from - bitCount(words[word] & bits);
      words[word] |= bits;
      id += to - from;
    }
  }

  /** Takes a run out, of which any part may be out already. */
  clearRun(start: number, count: number): void {
    const words = this.words;
    const end = Math.min(start + count, words.length * 32);
    for (let id = start; id < end;) {
      const from = id & 31;
      const to = end - id < 32 - from ? from + (end - id) : 32;
      const bits = mask(from, to);
      const word = id >>> 5;
      this.setCount -= bitCount(words[word] & bits);
      words[word] &= ~bits;
      id += to - from;
    }
  }

  /** The least id of a run that is in the set, or -1. */
  firstIn(start: number, count: number): number {
    const words = this.words;
    const end = Math.min(start + count, words.length * 32);
    for (let id = start; id < end;) {
      const from = id & 31;
      const to = end - id < 32 - from ? from + (end - id) : 32;
      const found = words[id >>> 5] & mask(from, to);
      if (found !== 0) return id - from + lowestBit(found);
      id += to - from;
    }
    return -1;
  }

  /** Calls for each run of neighbouring ids in ascending order. */
  forEachRun(visit: (start: number, count: number) => void): void {
    const words = this.words;
    let start = -1;
    for (let word = 0; word < words.length; word++) {
      const base = word * 32;
      // a bit where the set begins or ends, seen from the bit below it
      let edges = words[word] ^ ((words[word] << 1) | (start < 0 ? 0 : 1));
      for (; edges !== 0; edges &= edges - 1) {
        const id = base + lowestBit(edges);
        if (start < 0) start = id;
        else {
          visit(start, id - start);
          start = -1;
        }
      }
    }
    if (start >= 0) visit(start, words.length * 32 - start);
  }

  /** Bytes of the set's memory. */
  get sizeBytes(): number {
    return this.words.byteLength;
  }

  addRuns(runs: Runs): void {
    for (let i = 0; i < runs.length; i++) this.setRun(runs.start(i), runs.count(i));
  }

  /** Puts ids in that ascend and are not in yet. */
  addAscending(ids: Uint32Array): void {
    if (ids.length === 0) return;
    const last = ids[ids.length - 1] >>> 5;
    if (last >= this.words.length) this.grow(last + 1);
    const words = this.words;
    for (let i = 0; i < ids.length; i++) words[ids[i] >>> 5] |= 1 << (ids[i] & 31);
    this.setCount += ids.length;
  }

  /** Writes ids, ascending, as little-endian u64 from `at` on, where the upper halves are zero already. */
  writeIds(view: DataView, at: number): void {
    const words = this.words;
    for (let word = 0; word < words.length; word++) {
      const base = word * 32;
      for (let bits = words[word] | 0; bits !== 0; bits &= bits - 1, at += 8)
        view.setUint32(at, base + lowestBit(bits), true);
    }
  }

  /** Ids without those of this set, in the same order. */
  without(ids: Uint32Array): Uint32Array {
    const rest = new Uint32Array(ids.length);
    let count = 0;
    for (let i = 0; i < ids.length; i++) if (!this.has(ids[i])) rest[count++] = ids[i];
    return rest.subarray(0, count);
  }

  clear(): void {
    this.words.fill(0);
    this.setCount = 0;
  }

  /** Puts all ids of another set in. */
  add(other: Bitmap): void {
    if (other.setCount === 0) return;
    const theirs = other.words;
    if (theirs.length > this.words.length) this.grow(theirs.length);
    const words = this.words;
    for (let word = 0; word < theirs.length; word++) {
      this.setCount += bitCount(theirs[word] & ~words[word]);
      words[word] |= theirs[word];
    }
  }

  private grow(words: number): void {
    const larger = new Uint32Array(Math.max(words, this.words.length + (this.words.length >>> 1)));
    larger.set(this.words);
    this.words = larger;
  }
}

/** Where the lowest set bit of a word is; the word is not 0. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
