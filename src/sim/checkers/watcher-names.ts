/** Which watcher of which member serves each watch of a client: whom a watch that is told wrongly accuses. */
import { keyText } from '../../base/utf8.ts';
import { rangeOf } from '../kv-rpc.ts';
import type { Accused } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';
import type { WatchAction } from '../etcd-actions.ts';
import type { LabEvent } from '../types.ts';

type Serving = Extract<Accused, { kind: 'watcher' }>;

/** A request for a watcher that is under way to a member. */
interface Asked {
  readonly member: number;
  readonly deliverAt: number;
}

const method = 'etcdserverpb.Watch/Watch';

/** A range as the event of a watcher tells it. */
function rangeText(action: WatchAction): string {
  const { key, rangeEnd } = rangeOf(action);
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return `${keyText(key)}\n${rangeEnd.length === 0 ? '' : isOpen ? '\\0' : keyText(rangeEnd)}`;
}

/**
 * The wire does not say which watcher a request has made. Of the requests for its range that were sent to its
 * member, a new watcher is made by the one that comes first.
 */
export class WatcherNames {
  private readonly ranges = new Map<number, string>();
  private readonly asked = new Map<number, Asked>();
  private readonly serving = new Map<number, Serving>();

  /** A client begins to watch; `watch` is its command's number. */
  begin(watch: number, action: WatchAction): void {
    this.ranges.set(watch, rangeText(action));
  }

  observe({ member, timeUs }: Envelope, event: LabEvent): void {
    if (event.type === 'sim.clientSend') {
      const { request, to, deliverAt } = event;
      if (event.method === method && this.ranges.has(request))
        this.asked.set(request, { member: to, deliverAt });
    } else if (event.type === 'watch.move' && event.from === 'gone') {
      const { watcher, key, end } = event;
      const watch = this.first(member, timeUs, `${key}\n${end}`);
      if (watch === null) return;
      this.asked.delete(watch);
      this.serving.set(watch, { kind: 'watcher', watcher, member });
    }
  }

  /** The last watcher of a client's watch; empty where none is known. */
  of(watch: number): readonly Serving[] {
    const serving = this.serving.get(watch);
    return serving === undefined ? [] : [serving];
  }

  forget(watch: number): void {
    for (const map of [this.ranges, this.asked, this.serving]) map.delete(watch);
  }

  private first(member: number, timeUs: number, range: string): number | null {
    let found: number | null = null;
    let soonest = Number.POSITIVE_INFINITY;
    for (const [watch, asked] of this.asked) {
      const isIt = asked.member === member && asked.deliverAt <= timeUs && this.ranges.get(watch) === range;
      if (!isIt || asked.deliverAt >= soonest) continue;
      [found, soonest] = [watch, asked.deliverAt];
    }
    return found;
  }
}
