/** What a number of copies keep in memory together: each part that they share counts once. */
import { fail } from './assert.ts';
import type { ColdPart } from './cold-part.ts';
import { SharedPart } from './fork.ts';
import type { Below } from './fork.ts';

/** A place in the table of holders. */
const placeBytes = 64;

/** How many hold a part, counted in these, beside what the part took when it was first held. */
const one = 2 ** 32;

/** Counts who holds a part: a copy, or another part that leads to it. */
export class KeptParts {
  private readonly holders = new Map<Below, number>();
  /** Of those that were counted elsewhere when they were first held here. */
  private readonly guests = new Map<Below, number>();
  private readonly isElsewhere: (part: Below) => boolean;
  private readonly gone: (part: Below) => void;
  private totalBytes = 0;

  /**
   * @param isElsewhere whether a part is counted elsewhere with all below it: here it is nothing then
   * @param gone is called for a part that nobody holds any more
   */
  constructor(isElsewhere: (part: Below) => boolean = () => false, gone: (part: Below) => void = () => {}) {
    this.isElsewhere = isElsewhere;
    this.gone = gone;
  }

  /** Of all parts that somebody holds, with their places in this table. */
  get sizeBytes(): number {
    return this.totalBytes + this.placesBytes;
  }

  /** Of the table itself. */
  get placesBytes(): number {
    return placeBytes * (this.holders.size + this.guests.size);
  }

  holds(part: Below): boolean {
    return this.holders.has(part);
  }

  /** Somebody holds the part from now on, and with it all that it leads to. */
  keep(part: Below): void {
    const held = this.holders.get(part);
    if (held !== undefined) {
      this.holders.set(part, held + one);
      return;
    }
    if (this.guests.has(part) || this.isElsewhere(part)) {
      this.guests.set(part, (this.guests.get(part) ?? 0) + 1);
      return;
    }
    // its place is taken before the parts below ask for theirs
    this.holders.set(part, one);
    const bytes = sizeOf(part, (below) => this.keep(below));
    this.holders.set(part, (this.holders.get(part) ?? 0) + bytes);
    this.totalBytes += bytes;
  }

  /** One who held the part has gone. */
  letGo(part: Below): void {
    const guest = this.guests.get(part);
    if (guest !== undefined) {
      if (guest > 1) this.guests.set(part, guest - 1);
      else this.guests.delete(part);
      return;
    }
    const held = this.holders.get(part) ?? fail('kept parts: nobody holds this part');
    if (held >= 2 * one) {
      this.holders.set(part, held - one);
      return;
    }
    this.holders.delete(part);
    this.totalBytes -= held - one;
    sizeOf(part, (below) => this.letGo(below));
    this.gone(part);
  }

  /** Packs a part that somebody holds. Who else holds it counts it as it was until all have let go. */
  pack(part: ColdPart): void {
    const held = this.holders.get(part) ?? fail('kept parts: nobody holds this part');
    part.pack();
    const bytes = part.measure(() => {});
    const before = held % one;
    this.holders.set(part, held - before + bytes);
    this.totalBytes += bytes - before;
  }
}

function sizeOf(part: Below, visit: (below: Below) => void): number {
  return part instanceof SharedPart ? part.measure(visit) : part.byteLength;
}
