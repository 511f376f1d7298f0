/** Bytes that are packed come back as they were, and repetitions cost little. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packBytes, packedSize, unpackBytes } from '../../src/base/packed-bytes.ts';

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 90 })), { maxLength: 12 })
  .map((parts) =>
    Uint8Array.from(
      parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat()),
    ),
  );

test('whatever is packed comes back as it was', () => {
  fc.assert(
    fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 5000 })), (bytes) => {
      expect(unpackBytes(packBytes(bytes), bytes.length)).toEqual(bytes);
    }),
    { numRuns: 200 },
  );
});

test('what repeats within 64 KiB takes a small part, what does not little more than it did', () => {
  const page = Uint8Array.from({ length: 4096 }, (_, i) => (i % 1500 < 100 ? (i * i) % 251 : i % 16));
  expect(packedSize(packBytes(page))).toBeLessThan(600);
  const far = Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i % 70_000, 0x9e3779b1) >>> 24);
  expect(unpackBytes(packBytes(far), far.length)).toEqual(far);
  const noise = Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i * i + 7, 0x85ebca6b) >>> 24);
  expect(packBytes(noise).length).toBeLessThan(4096 + 64);
});
