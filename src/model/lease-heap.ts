/** A lessor's heap, moved as its events tell: the array that a tree is drawn from. */
import type { LeaseEvent } from '../engine/lease/events.ts';

export interface HeapEntry {
  readonly id: string;
  /** When the lessor looks at it next: the lease's expiry, or the time of its next recheck. */
  readonly timeUs: number;
}

type HeapEvent = Extract<LeaseEvent, { type: 'lease.heap' }>;

const parentOf = (place: number): number => (place - 1) >> 1;

/** Does one told move to `heap` itself: what lies between an entry's old and new place moves one level. */
export function moveInHeap(heap: HeapEntry[], { op, id, timeUs, from, to }: HeapEvent): void {
  switch (op) {
    case 'push':
      heap.push({ id, timeUs });
      return move(heap, { id, timeUs }, from, to);
    case 'update':
      return move(heap, { id, timeUs }, from, to);
    case 'pop': {
      const last = heap.pop();
      if (to >= 0 && last !== undefined) move(heap, last, 0, to);
      return;
    }
    case 'peek':
    case 'scan':
      return;
    default:
      op satisfies never;
  }
}

function move(heap: HeapEntry[], entry: HeapEntry, from: number, to: number): void {
  if (to < from) rise(heap, from, to);
  else sink(heap, from, to);
  heap[to] = entry;
}

function rise(heap: HeapEntry[], from: number, to: number): void {
  for (let at = from; at > to; at = parentOf(at)) heap[at] = heap[parentOf(at)] as HeapEntry;
}

/** The way down is found from its end: each place has one parent. */
function sink(heap: HeapEntry[], from: number, to: number): void {
  let carried = heap[to] as HeapEntry;
  for (let at = to; at > from;) {
    at = parentOf(at);
    const passed = heap[at] as HeapEntry;
    heap[at] = carried;
    carried = passed;
  }
}
