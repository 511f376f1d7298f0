/** Parts that lie packed say the same however often they are unpacked and packed again. */
import { expect, test } from 'vitest';
import { Block, blockBytes } from '../../src/base/blocks.ts';
import { mostWarmBytes } from '../../src/base/cold-part.ts';

/** About as many blocks as may be warm at once: the place of each in the queue comes up when it is read anew. */
const counts = Array.from({ length: 8 }, (_, i) => Math.floor(mostWarmBytes / (blockBytes + 280)) - 4 + i);

test('a block that is packed, read, packed again and read again has its bytes each time', () => {
  for (const count of counts) {
    const blocks = Array.from({ length: count }, (_, i) => new Block(new Uint8Array(blockBytes).fill(i), {}));
    for (let round = 0; round < 2; round++) {
      for (const block of blocks) block.pack();
      expect(blocks.findIndex(({ bytes }, i) => bytes[round] !== i % 256)).toBe(-1);
    }
  }
});
