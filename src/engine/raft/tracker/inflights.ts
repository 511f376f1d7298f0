/** The window of appends sent to one follower and not acknowledged. */
import { fail } from '../../../base/assert.ts';

/**
 * A ring of messages in flight, each with the index of its last entry and its bytes of data. It is full at
 * `maxCount` messages, or at `maxBytes` bytes (the message that reaches that limit still goes out; 0 is
 * no limit). The ring grows on demand, for most windows stay almost empty.
 * @source etcd-io/raft tracker/inflights.go; Raft thesis section 10.2.2, pipelining
 */
export class Inflights {
  readonly maxCount: number;
  readonly maxBytes: number;
  private start = 0;
  private messageCount = 0;
  private byteCount = 0;
  private indexes: number[] = [];
  private sizes: number[] = [];

  constructor(maxCount: number, maxBytes: number) {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
  }

  get count(): number {
    return this.messageCount;
  }

  get bytes(): number {
    return this.byteCount;
  }

  full(): boolean {
    return this.messageCount === this.maxCount || (this.maxBytes !== 0 && this.byteCount >= this.maxBytes);
  }

  /** A message was sent; `index` is that of its last entry and never falls from one call to the next. */
  add(index: number, bytes: number): void {
    if (this.full())
      fail(`cannot add into a Full inflights (count ${this.messageCount}, bytes ${this.byteCount})`);
    if (this.messageCount === this.indexes.length) this.grow();
    const at = (this.start + this.messageCount) % this.indexes.length;
    this.indexes[at] = index;
    this.sizes[at] = bytes;
    this.messageCount++;
    this.byteCount += bytes;
  }

  /** The follower has acknowledged everything up to `index`. */
  freeTo(index: number): void {
    while (this.messageCount > 0 && this.indexes[this.start] <= index) {
      this.byteCount -= this.sizes[this.start];
      this.start = (this.start + 1) % this.indexes.length;
      this.messageCount--;
    }
  }

  reset(): void {
    this.start = 0;
    this.messageCount = 0;
    this.byteCount = 0;
  }

  clone(): Inflights {
    const copy = new Inflights(this.maxCount, this.maxBytes);
    copy.start = this.start;
    copy.messageCount = this.messageCount;
    copy.byteCount = this.byteCount;
    copy.indexes = this.indexes.slice();
    copy.sizes = this.sizes.slice();
    return copy;
  }

  /** Doubles the ring, its oldest message first. */
  private grow(): void {
    const size = Math.min(Math.max(1, this.indexes.length * 2), this.maxCount);
    const indexes: number[] = [];
    const sizes: number[] = [];
    for (let i = 0; i < size; i++) {
      const from = (this.start + i) % Math.max(1, this.indexes.length);
      indexes.push(i < this.messageCount ? this.indexes[from] : 0);
      sizes.push(i < this.messageCount ? this.sizes[from] : 0);
    }
    this.indexes = indexes;
    this.sizes = sizes;
    this.start = 0;
  }
}
