/** What a number of copies keep in memory together: each part that they share counts once. */
import { fail } from './assert.ts';
import type { ColdPart } from './cold-part.ts';
import { SharedPart } from './fork.ts';
import type { Below, Held } from './fork.ts';

/** What an engine takes for the counts that stand in a part, and for those that stand in a table. */
const [inPartBytes, inTableBytes] = [32, 128];

type Lane = 'holders' | 'holdersNow';

/**
 * Counts who holds a part: a copy, or another part that leads to it. What the present holds too is there in
 * any case, and takes nothing here. The counts stand in the part itself; where it is another's already, or
 * only a buffer, in a table.
 */
export class KeptParts {
  private readonly table = new Map<Below, Held>();
  /** Of those that were counted elsewhere when they were first held here. */
  private readonly guests = new Map<Below, number>();
  private readonly isElsewhere: (part: Below) => boolean;
  private readonly left: (part: Below) => void;
  private partsBytes = 0;
  private inPartCount = 0;

  /**
   * @param isElsewhere whether a part is counted elsewhere with all below it: here it is nothing then
   * @param left is called for a part that the present no longer holds, and a copy does
   */
  constructor(isElsewhere: (part: Below) => boolean = () => false, left: (part: Below) => void = () => {}) {
    this.isElsewhere = isElsewhere;
    this.left = left;
  }

  /** Of all parts that a copy holds and the present does not, with the counts of both. */
  get sizeBytes(): number {
    return this.partsBytes + this.countsBytes;
  }

  /** Of the counts themselves. */
  get countsBytes(): number {
    return inPartBytes * this.inPartCount + inTableBytes * (this.table.size + this.guests.size);
  }

  /** Whether a copy or the present holds the part. */
  holds(part: Below): boolean {
    return this.heldOf(part) !== undefined;
  }

  /** A copy holds the part from now on, and with it all that it leads to. */
  keep(part: Below): void {
    if (this.heldOf(part) === undefined && (this.guests.has(part) || this.isElsewhere(part)))
      this.guests.set(part, (this.guests.get(part) ?? 0) + 1);
    else this.add(part, 'holders');
  }

  /** A copy that held the part has gone. */
  letGo(part: Below): void {
    const guest = this.guests.get(part);
    if (guest === undefined) this.take(part, 'holders');
    else if (guest > 1) this.guests.set(part, guest - 1);
    else this.guests.delete(part);
  }

  /** The present holds the part from now on, as `keep`. */
  keepNow(part: Below): void {
    this.add(part, 'holdersNow');
  }

  letGoNow(part: Below): void {
    this.take(part, 'holdersNow');
  }

  /** Packs a part that a copy holds. Who else holds it counts it as it was until all have let go. */
  pack(part: ColdPart): void {
    const held = this.heldOf(part) ?? fail('kept parts: nobody holds this part');
    part.pack();
    const bytes = part.measure(() => {});
    if (isPast(held)) this.partsBytes += bytes - held.countedBytes;
    held.countedBytes = bytes;
  }

  private add(part: Below, lane: Lane): void {
    const held = this.heldOf(part) ?? this.begin(part);
    if (held[lane]++ > 0) return;
    const bytes = sizeOf(
      part,
      lane === 'holders' ? (below) => this.keep(below) : (below) => this.keepNow(below),
    );
    if (held.holders + held.holdersNow === 1) held.countedBytes = bytes;
    if (held.holdersNow === 0) this.partsBytes += held.countedBytes;
    else if (lane === 'holdersNow' && held.holders > 0) this.partsBytes -= held.countedBytes;
  }

  private take(part: Below, lane: Lane): void {
    const held = this.heldOf(part) ?? fail('kept parts: nobody holds this part');
    if (--held[lane] > 0) return;
    if (held.holders + held.holdersNow === 0) this.end(part);
    sizeOf(part, lane === 'holders' ? (below) => this.letGo(below) : (below) => this.letGoNow(below));
    if (lane === 'holders' && held.holdersNow === 0) this.partsBytes -= held.countedBytes;
    if (lane === 'holders' || held.holders === 0) return;
    this.partsBytes += held.countedBytes;
    this.left(part);
  }

  private heldOf(part: Below): Held | undefined {
    return part instanceof SharedPart && part.countedBy === this ? part : this.table.get(part);
  }

  private begin(part: Below): Held {
    if (part instanceof SharedPart && part.countedBy === null) {
      part.countedBy = this;
      this.inPartCount++;
      return part;
    }
    const held = { holders: 0, holdersNow: 0, countedBytes: 0 };
    this.table.set(part, held);
    return held;
  }

  private end(part: Below): void {
    if (this.table.delete(part) || !(part instanceof SharedPart)) return;
    part.countedBy = null;
    this.inPartCount--;
  }
}

const isPast = ({ holders, holdersNow }: Held): boolean => holders > 0 && holdersNow === 0;

function sizeOf(part: Below, visit: (below: Below) => void): number {
  return part instanceof SharedPart ? part.measure(visit) : part.byteLength;
}
