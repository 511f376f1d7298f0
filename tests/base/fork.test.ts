/** Copies of a state: whole, apart from one another, and honest about what cannot be copied. */
import { expect, test } from 'vitest';
import { beforeFork, fork, kept, sharedByForks } from '../../src/base/fork.ts';

class Counter {
  readonly shares: number[] = [];
  count = 0;
  readonly peers = new Map<string, Counter>();
  readonly callbacks: (() => void)[] = [];

  [beforeFork](): void {
    this.shares.push(this.count);
  }
}

test('a copy keeps classes, cycles and what its parts share, and goes its own way', () => {
  const one = new Counter();
  one.peers.set('self', one);
  const numbers = new Uint16Array([1, 2, 3, 4]);
  const bytes = new Uint8Array(4);
  const state = {
    one,
    again: one,
    set: new Set([one]),
    numbers,
    tail: numbers.subarray(2),
    bytes,
    view: new DataView(bytes.buffer),
  };

  const copy = fork(state);

  expect(copy.one).toBeInstanceOf(Counter);
  expect(copy.one).not.toBe(one);
  expect([copy.again, copy.one.peers.get('self'), ...copy.set]).toEqual([copy.one, copy.one, copy.one]);
  expect(copy.again).toBe(copy.one);
  copy.one.count = 7;
  copy.numbers[3] = 9;
  expect(one.count).toBe(0);
  expect([copy.tail[1], numbers[3]]).toEqual([9, 4]);
  expect([copy.bytes, copy.view]).toEqual([bytes, state.view]);
  expect(copy.view.buffer).toBe(bytes.buffer);
  expect(one.shares).toEqual([0]);
});

test('a function that is kept speaks to the copy that it belongs to', () => {
  const one = new Counter();
  one.callbacks.push(
    kept((self: Counter, by: { step: number }) => () => void (self.count += by.step), one, { step: 2 }),
  );

  const copy = fork(fork({ one })).one;
  copy.callbacks[0]();

  expect([one.count, copy.count]).toEqual([0, 2]);
});

test('what is declared to be shared stays one; any other function is refused with its place', () => {
  const order = sharedByForks((a: number, b: number) => a - b);
  expect(fork({ order }).order).toBe(order);

  class Owner {
    readonly callback = (): number => 1;
  }
  expect(() => fork({ owner: new Owner() })).toThrow(
    'fork: Owner.callback keeps a function of unknown state',
  );
});
