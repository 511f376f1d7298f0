/** The kernel: one clock, one queue, one count of inputs, one hash over them. */
import { assert } from '../base/assert.ts';
import { ChainHash } from './chain-hash.ts';
import { EventQueue } from './queue.ts';
import type { ChainState, HashedInput } from './chain-hash.ts';
import type { Queued } from './queue.ts';

/**
 * Time is an integer count of microseconds and moves only in `advance`. A moment is an input's number, from
 * 1; inputs are hashed in the order of their moments.
 */
export class Kernel<Event> {
  private readonly queue = new EventQueue<Event>();
  private readonly chain = new ChainHash();
  private clockUs: number;
  private lastMoment = 0;
  private hashed = 0;

  constructor(startUs: number) {
    this.clockUs = startUs;
  }

  get nowUs(): number {
    return this.clockUs;
  }

  /** The number of the last input. */
  get moment(): number {
    return this.lastMoment;
  }

  get chainHash(): string {
    return this.chain.text;
  }

  get chainState(): ChainState {
    return this.chain.state;
  }

  get nextTimeUs(): number | null {
    return this.queue.peek()?.timeUs ?? null;
  }

  peek(): Queued<Event> | undefined {
    return this.queue.peek();
  }

  /** Takes the next event, which must be due. */
  pop(): Queued<Event> {
    const item = this.queue.pop();
    assert(item !== undefined && item.timeUs === this.clockUs, 'kernel: no event is due');
    return item;
  }

  /** Drops the next event as if it had never been pushed: the clock stands still. */
  discard(): void {
    assert(this.queue.pop() !== undefined, 'kernel: nothing to discard');
  }

  push(timeUs: number, event: Event): void {
    assert(timeUs >= this.clockUs, 'kernel: an event is in the past');
    this.queue.push(timeUs, event);
  }

  /** Moves the clock to the next event. */
  advance(): void {
    const next = this.queue.peek();
    assert(next !== undefined, 'kernel: nothing is left to happen');
    this.clockUs = next.timeUs;
  }

  nextMoment(): number {
    this.lastMoment++;
    return this.lastMoment;
  }

  /** Hashes the input with this moment; moments come in order, none left out. */
  hash(moment: number, input: HashedInput): void {
    assert(moment === this.hashed + 1, 'kernel: inputs are hashed in order');
    this.hashed = moment;
    this.chain.add(input);
  }
}
