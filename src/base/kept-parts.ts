/** What a number of copies keep in memory together: each part that they share counts once. */
import { fail } from './assert.ts';
import { SharedPart } from './fork.ts';
import type { Below } from './fork.ts';

/** A place in the table of holders. */
const placeBytes = 48;

/** Counts who holds a part: a copy, or another part that leads to it. */
export class KeptParts {
  private readonly holders = new Map<Below, number>();
  private totalBytes = 0;

  /** Of all parts that somebody holds, with their places in this table. */
  get sizeBytes(): number {
    return this.totalBytes + this.placesBytes;
  }

  /** Of the table itself. */
  get placesBytes(): number {
    return placeBytes * this.holders.size;
  }

  /** Somebody holds the part from now on, and with it all that it leads to. */
  keep(part: Below): void {
    const count = this.holders.get(part) ?? 0;
    this.holders.set(part, count + 1);
    if (count > 0) return;
    // a sum that is read before the parts below are added would lose them
    const bytes = sizeOf(part, (below) => this.keep(below));
    this.totalBytes += bytes;
  }

  /** One who held the part has gone. */
  letGo(part: Below): void {
    const count = this.holders.get(part) ?? fail('kept parts: nobody holds this part');
    if (count > 1) {
      this.holders.set(part, count - 1);
      return;
    }
    this.holders.delete(part);
    const bytes = sizeOf(part, (below) => this.letGo(below));
    this.totalBytes -= bytes;
  }
}

function sizeOf(part: Below, visit: (below: Below) => void): number {
  return part instanceof SharedPart ? part.measure(visit) : part.byteLength;
}
