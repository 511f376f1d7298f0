/** The kernel: one clock, one queue, one count of inputs, one hash over them. */
import { assert } from '../base/assert.ts';
import { ChainHash } from './chain-hash.ts';
import { EventQueue } from './queue.ts';
import type { HashedInput } from './chain-hash.ts';
import type { Queued } from './queue.ts';

/**
 * Time is an integer count of microseconds and moves only in `advance`. A moment is an input's number, from
 * 1; inputs are hashed in the order of their moments.
 */
export class Kernel<Event> {
  readonly #queue = new EventQueue<Event>();
  readonly #chain = new ChainHash();
  #nowUs: number;
  #moment = 0;
  #hashed = 0;

  constructor(startUs: number) {
    this.#nowUs = startUs;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** The number of the last input. */
  get moment(): number {
    return this.#moment;
  }

  get chainHash(): string {
    return this.#chain.text;
  }

  get nextTimeUs(): number | null {
    return this.#queue.peek()?.timeUs ?? null;
  }

  peek(): Queued<Event> | undefined {
    return this.#queue.peek();
  }

  /** Takes the next event, which must be due. */
  pop(): Queued<Event> {
    const item = this.#queue.pop();
    assert(item !== undefined && item.timeUs === this.#nowUs, 'kernel: no event is due');
    return item;
  }

  /** Drops the next event as if it had never been pushed: the clock stands still. */
  discard(): void {
    assert(this.#queue.pop() !== undefined, 'kernel: nothing to discard');
  }

  push(timeUs: number, event: Event): void {
    assert(timeUs >= this.#nowUs, 'kernel: an event is in the past');
    this.#queue.push(timeUs, event);
  }

  /** Moves the clock to the next event. */
  advance(): void {
    const next = this.#queue.peek();
    assert(next !== undefined, 'kernel: nothing is left to happen');
    this.#nowUs = next.timeUs;
  }

  nextMoment(): number {
    this.#moment++;
    return this.#moment;
  }

  /** Hashes the input with this moment; moments come in order, none left out. */
  hash(moment: number, input: HashedInput): void {
    assert(moment === this.#hashed + 1, 'kernel: inputs are hashed in order');
    this.#hashed = moment;
    this.#chain.add(input);
  }
}
