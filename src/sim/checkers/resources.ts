/** C9: nothing grows without end: queues, messages under way, the events of one input; and nobody halts. */
import type { Checker, Counts, Inspected, Read } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';

/** What one input may cause, of the events that checkers read. A start reads a whole log. */
const eventsOfInput = 50_000;
const watchersOfMember = 10_000;
const underWayLimit = 100_000;

/** What stops a member and is no fault of ours: the world's doing, or an operator's. */
const rightHalts = new RegExp(
  'removed from the cluster$|could not be made durable|' +
    'cannot start: (error validating|cannot fetch|member \\w+ has already)',
);

export interface ResourceLimits {
  /** Also a damaged file is an answer: where the world damages files. */
  readonly damage: boolean;
}

/** The last one is raft's own word for a log that ends before what it had committed, as etcd's is. */
const damageHalts = /is damaged|cannot start|state\.commit \d+ is out of range/;

const reads = ['sim.send', 'sim.deliver', 'sim.drop', 'server.halt'] as const;

export class Resources implements Checker {
  readonly property = 'C9';
  readonly sentence = 'Nothing grows without end, and no member stops for a reason of its own.';
  readonly reads = reads;
  private readonly limits: ResourceLimits;
  private moment = -1;
  private counted = 0;
  private underWay = 0;
  /** Of one input. */
  private most = 0;

  constructor(limits: ResourceLimits = { damage: false }) {
    this.limits = limits;
  }

  counts(): Counts {
    return { underWay: this.underWay, events: this.most };
  }

  count(moment: number): string | null {
    if (moment !== this.moment) {
      this.moment = moment;
      this.counted = 0;
    }
    this.counted++;
    if (this.counted > this.most) this.most = this.counted;
    return this.counted > eventsOfInput
      ? `input ${moment} has caused ${this.counted} events and goes on`
      : null;
  }

  observe({ member }: Envelope, event: Read<typeof reads>): string | null {
    if (event.type === 'sim.send') this.underWay++;
    else if (event.type === 'sim.deliver' || event.type === 'sim.drop') this.underWay--;
    else if (event.type === 'server.halt') return this.halted(member, event.reason);
    return this.underWay > underWayLimit ? `${this.underWay} messages are under way` : null;
  }

  whole(world: Inspected): string | null {
    for (const member of world.members) {
      const count = world.state(member)?.store.watchable.watcherCount ?? 0;
      if (count > watchersOfMember) return `m${member} has ${count} watchers`;
    }
    return null;
  }

  private halted(member: number, reason: string): string | null {
    if (rightHalts.test(reason) || (this.limits.damage && damageHalts.test(reason))) return null;
    return `m${member} has stopped: ${reason}`;
  }
}
