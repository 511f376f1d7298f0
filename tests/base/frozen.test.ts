/** States that lie still, and parts that lie packed: what is read of them is what was there. */
import { expect, test } from 'vitest';
import { BlockFile, blockBytes } from '../../src/base/blocks.ts';
import { ColdPart } from '../../src/base/cold-part.ts';
import type { Below } from '../../src/base/fork.ts';
import { beforeFork, kept, sharedByForks, SharedPart } from '../../src/base/fork.ts';
import { freeze } from '../../src/base/frozen.ts';
import { stream } from '../../src/base/prng.ts';
import { SharedTable } from '../../src/base/shared-table.ts';

class Counter {
  readonly peers = new Map<string | Counter, Counter>();
  readonly callbacks: (() => void)[] = [];
  readonly shares: number[] = [];
  count = 0;

  [beforeFork](): void {
    this.shares.push(this.count);
  }
}

class Whole extends SharedPart {
  measure(): number {
    return 1;
  }
}

test('what is thawed has the classes, values and common parts of what was frozen, and goes its own way', () => {
  const one = new Counter();
  one.peers.set('self', one).set(one, new Counter());
  const bytes = Uint8Array.from([1, 2, 3, 4]);
  const numbers = new Uint16Array([1, 2, 3, 4]);
  const stays = [new Whole(), new Error('stays'), sharedByForks({ rule: 'one' })];
  const values = [
    0,
    -0,
    1.5,
    -7,
    2 ** 53 - 1,
    -(2 ** 40),
    NaN,
    Infinity,
    5n,
    -(2n ** 80n),
    'é\u{1f600}',
    'é\u{1f600}',
  ];
  const sparse: unknown[] = [undefined, null, true, false];
  sparse[6] = 'behind a hole';
  const views = {
    bytes,
    tail: bytes.subarray(2),
    view: new DataView(bytes.buffer),
    numbers,
    end: numbers.subarray(3),
  };
  const state = { one, again: one, set: new Set([one, 'x']), stays, values, sparse, views };

  const frozen = freeze(state);
  one.count = bytes[0] = numbers[3] = 9;
  const [copy, other] = [frozen.thaw(), frozen.thaw()];

  expect(copy.one).toBeInstanceOf(Counter);
  expect([copy.again, copy.one.peers.get('self'), [...copy.set][0]]).toEqual([copy.one, copy.one, copy.one]);
  expect(copy.one.peers.get(copy.one)).toBeInstanceOf(Counter);
  expect([copy.one.count, copy.one.shares]).toEqual([0, [0]]);
  expect(copy.stays.map((each, i) => each === stays[i])).toEqual([true, true, true]);
  expect(copy.values).toEqual(values);
  expect(copy.sparse).toStrictEqual(sparse);
  expect([...copy.views.bytes, ...copy.views.tail, ...copy.views.end]).toEqual([1, 2, 3, 4, 3, 4, 4]);
  copy.views.bytes[3] = 7;
  expect([copy.views.tail[1], copy.views.view.getUint8(3), other.views.tail[1]]).toEqual([7, 7, 4]);
  expect(frozen.shared).toEqual([stays[0]]);
});

test('a large buffer is packed once for all copies, and each copy has its bytes', () => {
  const bytes = new Uint8Array(600_000).fill(3);
  const state = { bytes, tail: bytes.subarray(500_000), view: new DataView(bytes.buffer) };
  const [frozen, again] = [freeze(state), freeze({ tail: state.tail })];
  expect(frozen.shared).toEqual(again.shared);
  expect(frozen.shared).toHaveLength(1);
  expect(partsSize(frozen.shared)).toBeLessThan(5000);
  const copy = frozen.thaw();
  expect([copy.bytes.length, copy.tail.length, copy.tail[99_999]]).toEqual([600_000, 100_000, 3]);
  expect(copy.view.buffer).toBe(copy.tail.buffer);
  expect(freeze(copy).shared[0]).toBe(frozen.shared[0]);
  const counts = new Uint32Array(100_000).fill(1);
  const [first, second] = [freeze({ counts }), freeze({ counts: counts.fill(2) })];
  expect([first.thaw().counts[9], second.thaw().counts[9]]).toEqual([1, 2]);
});

const partsSize = (parts: readonly Below[]): number =>
  parts.reduce((sum, part) => sum + (part as SharedPart).measure(() => {}), 0);

test('a function that is kept speaks to the copy that was thawed with it; an undeclared one is refused', () => {
  const one = new Counter();
  const by = { step: 2 };
  const inner = kept(
    (to: Counter, { step }: { step: number } = by) =>
      () =>
        void (to.count += step),
    one,
  );
  one.callbacks.push(
    kept((call: () => void) => () => call(), inner),
    inner,
  );
  const copy = freeze({ one }).thaw().one;
  copy.callbacks.forEach((call) => call());
  expect([one.count, copy.count]).toEqual([0, 4]);
  one.callbacks.push(() => {});
  expect(() => freeze({ one })).toThrow('Array.element keeps a function of unknown state');
});

/** All parts below some, themselves included. */
function partsOf(parts: readonly Below[]): ColdPart[] {
  const found = new Set(parts);
  for (const part of found) if (part instanceof SharedPart) part.measure((below) => found.add(below));
  return [...found].filter((part) => part instanceof ColdPart);
}

function isSame(file: BlockFile, bytes: Uint8Array): boolean {
  const read = file.read(0, file.sizeBytes);
  return read.length === bytes.length && read.every((byte, i) => byte === bytes[i]);
}

test('copies of a growing file whose parts were packed read as they did, whatever is written later', () => {
  const draws = stream(1, 'cold files');
  const state = { file: new BlockFile() };
  const kept: { readonly frozen: ReturnType<typeof freeze<typeof state>>; readonly bytes: Uint8Array }[] = [];
  for (let round = 0; round < 40; round++) {
    const { file } = state;
    const at = draws.chance(2, 3) ? file.sizeBytes : draws.below(file.sizeBytes + 1);
    const some = Uint8Array.from(
      { length: 1 + draws.below(3 * blockBytes) },
      (_, i) => (round * 31 + i) % 17,
    );
    // as a disk takes it: others may have the same blocks
    file.write(at, some, new BlockFile().write(at, some));
    const frozen = freeze(state);
    kept.push({ frozen, bytes: file.read(0, file.sizeBytes) });
    if (draws.chance(1, 2))
      for (const part of partsOf(kept[draws.below(kept.length)].frozen.shared)) part.pack();
  }
  for (const { frozen, bytes } of kept) {
    const { file } = frozen.thaw();
    expect(isSame(file, bytes)).toBe(true);
    file.write(draws.below(file.sizeBytes), new Uint8Array(100).fill(255));
    expect(isSame(file, bytes)).toBe(false);
    expect(isSame(frozen.thaw().file, bytes)).toBe(true);
  }
});

test('a table whose leaves were packed says what it said, and takes far less', () => {
  const table = new SharedTable<{ readonly index: number; readonly data: Uint8Array | null }>();
  for (let index = 0; index < 1000; index++)
    table.set(index, { index, data: index % 10 === 0 ? null : new Uint8Array(300).fill(index) });
  const frozen = freeze({ table });
  const sizeOf = (): number => partsOf(frozen.shared).reduce((sum, part) => sum + part.measure(() => {}), 0);
  const before = sizeOf();
  for (const part of partsOf(frozen.shared)) part.pack();
  expect(sizeOf()).toBeLessThan(before / 5);
  const copy = frozen.thaw().table;
  copy.set(7, { index: 7, data: null });
  for (let index = 0; index < 1000; index += 7) {
    const due = { index, data: index % 10 === 0 ? null : new Uint8Array(300).fill(index) };
    expect(frozen.thaw().table.get(index)).toEqual(due);
    expect(copy.get(index)).toEqual(index === 7 ? { index, data: null } : due);
  }
});
