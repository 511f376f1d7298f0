/** Memory for the keys and values that one transaction puts. */
import { beforeFork, sharedByForks } from '../../base/fork.ts';
import { Inode } from './node.ts';

const firstBytes = 2048;
const mostBytes = 262144;
/** Most transactions put nothing: what they begin with is shared. */
const nothing = new Uint8Array(0);
const nothingView = new DataView(sharedByForks(nothing.buffer));

/**
 * Copies items behind one another into a few large pieces: an array of its own for each would cost more than
 * all the rest of a put. A piece lives as long as an item in it is in use.
 */
export class Arena {
  private bytes = nothing;
  private view = nothingView;
  private used = 0;

  /** An item of its own. */
  item(key: Uint8Array, value: Uint8Array, flags: number): Inode {
    const size = key.length + value.length;
    if (this.used + size > this.bytes.length) this.grow(size);
    const at = this.used;
    this.used += size;
    const bytes = this.bytes;
    for (let i = 0; i < key.length; i++) bytes[at + i] = key[i];
    bytes.set(value, at + key.length);
    return new Inode({ bytes, view: this.view, at }, at, key.length, value.length, flags, 0);
  }

  /** A copy has the items too: neither adds more behind them in the same piece. */
  [beforeFork](): void {
    this.bytes = nothing;
    this.view = nothingView;
    this.used = 0;
  }

  private grow(size: number): void {
    const larger = Math.min(mostBytes, Math.max(firstBytes, 2 * this.bytes.length));
    this.bytes = new Uint8Array(Math.max(larger, size));
    this.view = new DataView(sharedByForks(this.bytes.buffer));
    this.used = 0;
  }
}
