/** C9: nothing grows without end: queues, messages under way, the events of one input; and nobody halts. */
import type { Checker, Counts, Inspected } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

/** What one input may cause. A start reads a whole log. */
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

export class Resources implements Checker {
  readonly property = 'C9';
  readonly sentence = 'Nothing grows without end, and no member stops for a reason of its own.';
  private readonly limits: ResourceLimits;
  private moment = -1;
  private count = 0;
  private underWay = 0;
  /** Of one input. */
  private most = 0;

  constructor(limits: ResourceLimits = { damage: false }) {
    this.limits = limits;
  }

  counts(): Counts {
    return { underWay: this.underWay, events: this.most };
  }

  observe({ moment, member }: Envelope, event: LabEvent): string | null {
    if (moment !== this.moment) {
      this.moment = moment;
      this.count = 0;
    }
    this.count++;
    if (this.count > this.most) this.most = this.count;
    if (this.count > eventsOfInput) return `input ${moment} has caused ${this.count} events and goes on`;
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
