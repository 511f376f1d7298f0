/** A binary min-heap of leases by time, which can move an entry when its time changes. */
import { assert } from '../../base/assert.ts';
import type { LeaseId } from './types.ts';

/** An entry is moved by the queue alone; whoever pushed it may keep it to give it another time. */
export interface QueueEntry {
  readonly id: LeaseId;
  timeUs: number;
  /** Its place in the heap's array; -1 outside of it. */
  index: number;
}

/** Equal times are ordered by id, so that the order is the same whatever came before. */
function isBefore(a: QueueEntry, b: QueueEntry): boolean {
  return a.timeUs === b.timeUs ? a.id < b.id : a.timeUs < b.timeUs;
}

/** @source etcd v3.4.23 lease/lease_queue.go LeaseQueue, over Go's container/heap */
export class LeaseQueue {
  private heap: QueueEntry[] = [];
  private comparisonCount = 0;

  get size(): number {
    return this.heap.length;
  }

  /** How often two entries were compared since the queue was made. */
  get compared(): number {
    return this.comparisonCount;
  }

  /** The entries in the array's order: the first is the least, entry i is not after 2i+1 and 2i+2. */
  get entries(): readonly QueueEntry[] {
    return this.heap;
  }

  peek(): QueueEntry | undefined {
    return this.heap[0];
  }

  push(entry: QueueEntry): void {
    this.heap.push(entry);
    this.rise(entry, this.heap.length - 1);
  }

  /** Takes the first entry out. */
  pop(): QueueEntry {
    const top = this.heap[0];
    const last = this.heap.pop();
    assert(last !== undefined, 'lease-queue: only an entry that is there can be taken out');
    if (last !== top) this.sink(last, 0);
    top.index = -1;
    return top;
  }

  /** Puts an entry of the queue in its place after its time has changed. */
  fix(entry: QueueEntry): void {
    const from = entry.index;
    assert(this.heap[from] === entry, 'lease-queue: only an entry of the queue can be moved');
    this.sink(entry, from);
    if (entry.index === from) this.rise(entry, from);
  }

  clear(): void {
    this.heap = [];
  }

  private rise(entry: QueueEntry, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(entry, this.heap[parent])) break;
      this.place(this.heap[parent], at);
      at = parent;
    }
    this.place(entry, at);
  }

  private sink(entry: QueueEntry, from: number): void {
    const entries = this.heap;
    let at = from;
    for (let child = 2 * at + 1; child < entries.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < entries.length && this.isBefore(entries[right], entries[child])) child = right;
      if (!this.isBefore(entries[child], entry)) break;
      this.place(entries[child], at);
      at = child;
    }
    this.place(entry, at);
  }

  private place(entry: QueueEntry, index: number): void {
    this.heap[index] = entry;
    entry.index = index;
  }

  private isBefore(a: QueueEntry, b: QueueEntry): boolean {
    this.comparisonCount++;
    return isBefore(a, b);
  }
}
