/** The event queue: a total order by time, then by the order of pushing. */
import { assert } from '../base/assert.ts';
import { Heap } from '../base/heap.ts';

export interface Queued<Event> {
  readonly timeUs: number;
  /** Given at push, never used twice: events of one time leave in the order they came. */
  readonly seq: number;
  readonly event: Event;
}

export class EventQueue<Event> {
  private readonly heap = new Heap<Queued<Event>>((a, b) =>
    a.timeUs === b.timeUs ? a.seq < b.seq : a.timeUs < b.timeUs,
  );
  private lastSeq = 0;

  /** @param timeUs integer microseconds */
  push(timeUs: number, event: Event): void {
    assert(Number.isSafeInteger(timeUs) && timeUs >= 0, 'queue: a time is a safe non-negative integer');
    this.lastSeq++;
    this.heap.push({ timeUs, seq: this.lastSeq, event });
  }

  peek(): Queued<Event> | undefined {
    return this.heap.peek();
  }

  pop(): Queued<Event> | undefined {
    return this.heap.pop();
  }

  get size(): number {
    return this.heap.size;
  }
}
