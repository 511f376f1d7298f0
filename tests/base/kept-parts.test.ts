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

test('kept and let go at random, the parts count what is reached from those that are held', () => {
  const draws = stream(1, 'parts');
  const parts: Below[] = [new ArrayBuffer(100), new ArrayBuffer(1000)];
  const kept = new KeptParts();
  const held: Below[] = [];
  for (let i = 0; i < 300; i++) {
    const below = [0, 1, 2].map(() => parts[draws.below(parts.length)]);
    if (i < 40) parts.push(new Part(1 + draws.below(1000), below));
    if (held.length > 0 && draws.chance(2, 5)) kept.letGo(held.splice(draws.below(held.length), 1)[0]);
    else {
      held.push(parts[draws.below(parts.length)]);
      kept.keep(held[held.length - 1]);
    }
    const due = [...reached(held)].map(bytesOf);
    expect(kept.sizeBytes - kept.placesBytes).toBe(due.reduce((sum, bytes) => sum + bytes, 0));
  }
  for (const part of held) kept.letGo(part);
  expect(kept.sizeBytes).toBe(0);
});
