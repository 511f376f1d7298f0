/** Parts of kept copies whose content lies packed while nobody reads it. */
import { SharedPart } from './fork.ts';

/** What has been unpacked may take so much beside; what was read first goes first. */
export const mostWarmBytes = 8 * 1024 * 1024;

interface Warm {
  readonly part: ColdPart;
  readonly bytes: number;
}

/** First in, first out. What is read again and again is only unpacked again: nobody sees a difference. */
let warm: Warm[] = [];
let first = 0;
let warmBytes = 0;

/**
 * A part that never changes any more and is still held by copies of the past. Packing it changes neither what
 * it says nor what it leads to.
 */
export abstract class ColdPart extends SharedPart {
  /** From now on the content lies packed, and is unpacked for whoever reads it. */
  abstract pack(): void;
  /** Lets go of the unpacked content of a packed part. */
  abstract cool(): void;

  /** Called where the content of a packed part was unpacked. */
  protected warmed(bytes: number): void {
    warm.push({ part: this, bytes });
    warmBytes += bytes;
    while (warmBytes > mostWarmBytes && first < warm.length - 1) {
      const { part, bytes: gone } = warm[first++];
      warmBytes -= gone;
      // one that was packed anew since it was read stands here twice
      if (part !== this) part.cool();
    }
    if (2 * first < warm.length || first < 1000) return;
    warm = warm.slice(first);
    first = 0;
  }
}
