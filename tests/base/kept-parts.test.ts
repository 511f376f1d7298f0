/** What copies keep together is counted as it is: each part once, however deep it lies, until nobody holds it. */
import { expect, test } from 'vitest';
import { KeptParts } from '../../src/base/kept-parts.ts';
import { SharedPart } from '../../src/base/fork.ts';
import type { Below } from '../../src/base/fork.ts';
import { stream } from '../../src/base/prng.ts';

class Part extends SharedPart {
  readonly bytes: number;
  readonly below: readonly Below[];

  constructor(bytes: number, below: readonly Below[]) {
    super();
    this.bytes = bytes;
    this.below = below;
  }

  measure(visit: (below: Below) => void): number {
    this.below.forEach(visit);
    return this.bytes;
  }
}

const reached = (parts: readonly Below[], found = new Set<Below>()): Set<Below> => {
  for (const part of parts) {
    found.add(part);
    if (part instanceof Part) reached(part.below, found);
  }
  return found;
};

const bytesOf = (part: Below): number =>
  part instanceof Part ? part.bytes : (part as ArrayBuffer).byteLength;

/** One who counts, and what it was told to hold: for copies, and for the present. */
class Counted {
  readonly kept = new KeptParts();
  readonly copies: Below[] = [];
  readonly now: Below[] = [];

  check(): void {
    const present = reached(this.now);
    const due = [...reached(this.copies)].filter((part) => !present.has(part)).map(bytesOf);
    expect(this.kept.sizeBytes - this.kept.countsBytes).toBe(due.reduce((sum, bytes) => sum + bytes, 0));
  }
}

test('kept and let go at random, two who count the same parts each have what only their copies reach', () => {
  const draws = stream(1, 'parts');
  const parts: Below[] = [new ArrayBuffer(100), new ArrayBuffer(1000)];
  const both = [new Counted(), new Counted()];
  for (let i = 0; i < 1000; i++) {
    const below = [0, 1, 2].map(() => parts[draws.below(parts.length)]);
    if (i < 40) parts.push(new Part(1 + draws.below(1000), below));
    const { kept, copies, now } = both[draws.below(2)];
    const part = parts[draws.below(parts.length)];
    const isNow = draws.chance(1, 3);
    const held = isNow ? now : copies;
    if (held.length > 0 && draws.chance(2, 5)) {
      const [gone] = held.splice(draws.below(held.length), 1);
      if (isNow) kept.letGoNow(gone);
      else kept.letGo(gone);
    } else {
      held.push(part);
      if (isNow) kept.keepNow(part);
      else kept.keep(part);
    }
    for (const each of both) each.check();
  }
  for (const { kept, copies, now } of both) {
    for (const part of copies) kept.letGo(part);
    for (const part of now) kept.letGoNow(part);
    expect(kept.sizeBytes).toBe(0);
  }
  expect(parts.filter((part) => part instanceof Part && part.countedBy !== null)).toEqual([]);
});
