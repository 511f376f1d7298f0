/** Three ways to find the leases whose time is over. They find the same ones, at different cost. */
import type { Trace } from '../../base/trace.ts';
import { idToHex } from '../../base/u64.ts';
import { tellsAll } from '../../base/trace.ts';
import type { LeaseEvent } from './events.ts';
import { LeaseQueue } from './lease-queue.ts';
import type { QueueEntry } from './lease-queue.ts';
import type { ExpiryKind, ExpiryWork, LeaseId } from './types.ts';

/** A lease as the search sees it. */
export interface Timed {
  readonly id: LeaseId;
  /** When to look at it next: its expiry, or the time of the next recheck. */
  readonly dueUs: number;
}

/** The leases by id; the search knows a lease that is gone by its absence. */
export type LeaseTable = ReadonlyMap<LeaseId, Timed>;

/** One lease has one due time; `register` tells that it has changed. */
export interface ExpirySearch {
  readonly work: ExpiryWork;
  /** Entries kept, those of leases that are gone or were renewed included. */
  readonly size: number;
  /** The heap's array; empty where there is none. */
  readonly entries: readonly Readonly<QueueEntry>[];
  /** The lease is new, or is due at another time than before. */
  register(lease: Timed): void;
  /**
   * Hands out what is due, by due time and then by id.
   * @param take must give the lease a due time past `nowUs` and register it
   */
  takeDue(nowUs: number, limit: number, take: (id: LeaseId) => void): void;
  /** Forgets all due times, but not the work. */
  clear(): void;
}

export function makeExpirySearch(
  kind: ExpiryKind,
  leases: LeaseTable,
  trace: Trace<LeaseEvent>,
): ExpirySearch {
  switch (kind) {
    case 'scan':
      return new ScanSearch(leases, trace);
    case 'heap':
      return new HeapSearch(leases, trace);
    case 'heapMap':
      return new HeapMapSearch(leases, trace);
  }
}

type HeapEvent = Extract<LeaseEvent, { type: 'lease.heap' }>;

/** Counts the work; each pass is told with what it has cost. */
class WorkCount {
  touched = 0;
  compared = 0;
  private readonly trace: Trace<LeaseEvent>;

  constructor(trace: Trace<LeaseEvent>) {
    this.trace = trace;
  }

  get total(): ExpiryWork {
    return { touched: this.touched, compared: this.compared };
  }

  tellPass(op: 'scan' | 'peek', size: number, before: ExpiryWork): void {
    const touched = this.touched - before.touched;
    const compared = this.compared - before.compared;
    if (touched > 0) this.tell({ op, id: '', timeUs: 0, from: -1, to: -1, size, touched, compared });
  }

  tell(event: Omit<HeapEvent, 'type'>): void {
    if (tellsAll(this.trace)) this.trace.emit({ type: 'lease.heap', ...event });
  }
}

/** Looks at every lease each time. @source etcd v3.3.0 lease/lessor.go findExpiredLeases */
class ScanSearch implements ExpirySearch {
  readonly entries: readonly QueueEntry[] = [];
  private readonly leases: LeaseTable;
  private readonly count: WorkCount;

  constructor(leases: LeaseTable, trace: Trace<LeaseEvent>) {
    this.leases = leases;
    this.count = new WorkCount(trace);
  }

  get work(): ExpiryWork {
    return this.count.total;
  }

  get size(): number {
    return this.leases.size;
  }

  register(): void {}

  takeDue(nowUs: number, limit: number, take: (id: LeaseId) => void): void {
    const before = this.count.total;
    const found: Timed[] = [];
    for (const lease of this.leases.values()) {
      this.count.touched++;
      this.count.compared++;
      if (lease.dueUs <= nowUs) found.push(lease);
    }
    found.sort((a, b) => {
      this.count.compared++;
      return a.dueUs - b.dueUs || (a.id < b.id ? -1 : 1);
    });
    for (const { id } of found.slice(0, limit)) take(id);
    this.count.tellPass('scan', this.size, before);
  }

  clear(): void {}
}

/** The heap with its work counted and its moves told. */
class CountedQueue {
  readonly count: WorkCount;
  private readonly queue = new LeaseQueue();

  constructor(trace: Trace<LeaseEvent>) {
    this.count = new WorkCount(trace);
  }

  get entries(): readonly Readonly<QueueEntry>[] {
    return this.queue.entries;
  }

  push(entry: QueueEntry): void {
    const from = this.queue.size;
    this.counted('push', entry, () => this.queue.push(entry), { from, moved: entry });
  }

  fix(entry: QueueEntry): void {
    this.counted('update', entry, () => this.queue.fix(entry), { from: entry.index, moved: entry });
  }

  /** The event tells of the entry that left, and of the last one's way from its place. */
  pop(top: QueueEntry): void {
    const moved = this.entries[this.entries.length - 1];
    this.counted('pop', top, () => this.queue.pop(), { from: moved.index, moved });
  }

  /**
   * Looks at the top until it is not due.
   * @param isOutdated whether an entry says nothing about its lease any more
   * @param forget takes an outdated entry out, through `pop`
   * @source etcd v3.4.23 lease/lessor.go findExpiredLeases, expireExists
   */
  takeDue(
    nowUs: number,
    limit: number,
    take: (entry: QueueEntry) => void,
    outdated: { is(entry: QueueEntry): boolean; forget(entry: QueueEntry): void },
  ): void {
    const before = this.count.total;
    for (let left = limit; left > 0;) {
      const top = this.queue.peek();
      if (top === undefined) break;
      this.count.touched++;
      if (outdated.is(top)) {
        outdated.forget(top);
        continue;
      }
      this.count.compared++;
      if (nowUs < top.timeUs) break;
      left--;
      take(top);
    }
    this.count.tellPass('peek', this.queue.size, before);
  }

  clear(): void {
    this.queue.clear();
  }

  private counted(
    op: 'push' | 'pop' | 'update',
    { id, timeUs }: QueueEntry,
    act: () => void,
    { from, moved }: { from: number; moved: Readonly<QueueEntry> },
  ): void {
    const before = this.queue.compared;
    act();
    const compared = this.queue.compared - before;
    this.count.compared += compared;
    const size = this.queue.size;
    this.count.tell({ op, id: idToHex(id), timeUs, from, to: moved.index, size, touched: 1, compared });
  }
}

/** What both searches with a queue have. */
class QueueSearch {
  protected readonly leases: LeaseTable;
  protected readonly queue: CountedQueue;

  constructor(leases: LeaseTable, trace: Trace<LeaseEvent>) {
    this.leases = leases;
    this.queue = new CountedQueue(trace);
  }

  get work(): ExpiryWork {
    return this.queue.count.total;
  }

  get size(): number {
    return this.entries.length;
  }

  get entries(): readonly Readonly<QueueEntry>[] {
    return this.queue.entries;
  }
}

/** Every new time is a new entry; what it replaces stays until it comes to the top. */
class HeapSearch extends QueueSearch implements ExpirySearch {
  register({ id, dueUs }: Timed): void {
    this.queue.push({ id, timeUs: dueUs, index: -1 });
  }

  takeDue(nowUs: number, limit: number, take: (id: LeaseId) => void): void {
    const takeOut = (entry: QueueEntry): void => {
      this.queue.pop(entry);
      take(entry.id);
    };
    this.queue.takeDue(nowUs, limit, takeOut, {
      is: ({ id, timeUs }) => this.leases.get(id)?.dueUs !== timeUs,
      forget: (entry) => this.queue.pop(entry),
    });
  }

  clear(): void {
    this.queue.clear();
  }
}

/** One entry a lease. @source etcd v3.4.23 lease/lease_queue.go LeaseExpiredNotifier */
class HeapMapSearch extends QueueSearch implements ExpirySearch {
  private readonly entryOf = new Map<LeaseId, QueueEntry>();

  register({ id, dueUs }: Timed): void {
    const known = this.entryOf.get(id);
    if (known !== undefined) {
      known.timeUs = dueUs;
      return this.queue.fix(known);
    }
    const entry = { id, timeUs: dueUs, index: -1 };
    this.entryOf.set(id, entry);
    this.queue.push(entry);
  }

  takeDue(nowUs: number, limit: number, take: (id: LeaseId) => void): void {
    this.queue.takeDue(nowUs, limit, ({ id }) => take(id), {
      is: ({ id }) => !this.leases.has(id),
      forget: (entry) => {
        this.entryOf.delete(entry.id);
        this.queue.pop(entry);
      },
    });
  }

  clear(): void {
    this.queue.clear();
    this.entryOf.clear();
  }
}
