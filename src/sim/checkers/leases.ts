/** C4: a lease lives as long as its leader has promised, and takes all its keys with it, on every member. */
import { finding } from './checker.ts';
import type { Accused, Checker, Counts, Evidence, Inspected, Read } from './checker.ts';
import type { CommitLog } from './commit-log.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

type Event<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;

const secondUs = 1_000_000;
/** A lease that is over is revoked so soon, where a leader can commit. */
const revokedWithinUs = 15_000_000;

/** The keys that a member has attached, by lease, and the lease of each key. */
class Attached {
  readonly keys = new Map<string, Set<string>>();
  readonly leaseOf = new Map<string, string>();
}

const leaseOf = (lease: string): Accused => ({ kind: 'lease', lease });

const reads = [
  'raft.becomeLeader',
  'server.propose',
  'server.boot',
  'lease.open',
  'lease.grant',
  'lease.renew',
  'lease.promote',
  'lease.attach',
  'lease.detach',
  'lease.revoke',
] as const;

export class Leases implements Checker {
  readonly property = 'C4';
  readonly sentence =
    'A lease lives as long as the leader has promised, is gone soon after, and takes all its keys with it.';
  readonly reads = reads;
  revokedCount = 0;
  private readonly log: CommitLog;
  private readonly attached = new Map<number, Attached>();
  /** Until when the newest leader has promised each lease, and which a client has ended. */
  private readonly promisedUs = new Map<string, number>();
  private readonly ended = new Set<string>();
  /** Those whose end the newest leader has proposed, in its time. */
  private readonly due = new Set<string>();
  private leader = 0;
  private term = 0;
  private calmFromUs = Infinity;

  constructor(log: CommitLog) {
    this.log = log;
  }

  /** A client asks for the end of a lease. */
  endAsked(id: string): void {
    this.ended.add(BigInt(`0x${id}`).toString(16));
  }

  /** From now on nothing keeps a leader from revoking. */
  calm(nowUs: number): void {
    this.calmFromUs = nowUs;
  }

  counts(): Counts {
    return { promised: this.promisedUs.size, revoked: this.revokedCount };
  }

  observe(at: Envelope, event: Read<typeof reads>): Evidence | null {
    switch (event.type) {
      case 'raft.becomeLeader':
        if (event.term > this.term) [this.term, this.leader] = [event.term, at.member];
        return null;
      case 'server.propose':
        return event.request === 0 ? this.proposed(at, event.label) : null;
      case 'server.boot':
        this.attached.set(at.member, new Attached());
        return null;
      case 'lease.open':
        this.attached.set(at.member, new Attached());
        return null;
      case 'lease.grant':
      case 'lease.renew':
        return this.promised(at, event);
      case 'lease.promote':
        return this.promoted(at, event);
      case 'lease.attach':
      case 'lease.detach':
        return this.moved(at.member, event);
      case 'lease.revoke':
        return this.revoked(at, event);
      default:
        return event satisfies never;
    }
  }

  /** An old leader that does not know of the new one promises in vain: so it is in etcd, too. */
  private promised(
    { member, timeUs }: Envelope,
    event: Event<'lease.grant' | 'lease.renew'>,
  ): Evidence | null {
    const { id, expiryUs, ttlSeconds } = event;
    if (expiryUs < 0 || member !== this.leader) return null;
    const untilUs = timeUs + ttlSeconds * secondUs;
    this.promisedUs.set(id, Math.max(untilUs, this.promisedUs.get(id) ?? 0));
    if (expiryUs >= untilUs) return null;
    return finding(
      `m${member} gives lease ${id} until ${expiryUs} us, which ` +
        `is less than its ${ttlSeconds} s from ${timeUs} us on`,
      leaseOf(id),
    );
  }

  private promoted({ member }: Envelope, { ids, expiriesUs }: Event<'lease.promote'>): Evidence | null {
    if (member !== this.leader) return null;
    for (const [i, id] of ids.entries()) {
      const promisedUs = this.promisedUs.get(id) ?? 0;
      if (expiriesUs[i] < promisedUs) {
        return finding(
          `m${member} leads, and lease ${id}, promised until ` +
            `${promisedUs} us, is over at ${expiriesUs[i]} us`,
          leaseOf(id),
        );
      }
    }
    return null;
  }

  /**
   * The leader ends what has run out. That it comes to be applied under another leader, who may have promised
   * more meanwhile, is so in etcd, too.
   */
  private proposed({ member, timeUs }: Envelope, label: string): Evidence | null {
    const id = /^lease revoke ([0-9a-f]+)$/.exec(label)?.[1];
    if (id === undefined || member !== this.leader) return null;
    this.due.add(id);
    const promisedUs = this.promisedUs.get(id) ?? 0;
    if (timeUs >= promisedUs) return null;
    return finding(`m${member} ends lease ${id} at ${timeUs} us, promised was ${promisedUs} us`, leaseOf(id));
  }

  private moved(member: number, { type, id, key }: Event<'lease.attach' | 'lease.detach'>): Evidence | null {
    const attached = this.attached.get(member);
    if (attached === undefined) return null;
    const keys = attached.keys.get(id) ?? new Set();
    attached.keys.set(id, keys);
    if (type === 'lease.detach') {
      keys.delete(key);
      attached.leaseOf.delete(key);
      return null;
    }
    const other = attached.leaseOf.get(key) ?? id;
    keys.add(key);
    attached.leaseOf.set(key, id);
    if (other === id) return null;
    const text = `${key} is attached to lease ${id} and to lease ${other} on m${member}`;
    return finding(text, leaseOf(id), leaseOf(other), { kind: 'key', key, member });
  }

  private revoked({ member, timeUs }: Envelope, { id, keyCount }: Event<'lease.revoke'>): Evidence | null {
    this.revokedCount++;
    const attached = this.attached.get(member);
    const keys = attached?.keys.get(id);
    attached?.keys.delete(id);
    for (const key of keys ?? []) attached?.leaseOf.delete(key);
    // each key that went has left the lease before
    const left = keys?.size ?? 0;
    if (left > 0) {
      const stay = [...(keys ?? [])].map((key) => ({ kind: 'key', key, member }) as const);
      const text = `${keyCount} keys went with lease ${id} on m${member}, and ${left} stay`;
      return finding(text, leaseOf(id), ...stay);
    }
    const promisedUs = this.promisedUs.get(id) ?? 0;
    if (this.ended.has(id) || this.due.has(id) || timeUs >= promisedUs) return null;
    return finding(
      `lease ${id} is revoked on m${member} at ${timeUs} us, promised was ${promisedUs} us`,
      leaseOf(id),
    );
  }

  whole(world: Inspected): Evidence | null {
    for (const member of world.members) {
      const state = world.state(member);
      if (state?.isCurrent !== true) continue;
      const { lessor, backend } = state.store;
      let rows = 0;
      backend.readTx.forEach('lease', () => void rows++);
      if (rows !== lessor.leaseCount)
        return `m${member} has ${lessor.leaseCount} leases, ${rows} in its store`;
      const isLevel = state.applied === this.log.index && !this.log.isSilent;
      if (isLevel && rows !== this.log.model.leases.size) {
        return `m${member} has ${rows} leases, the log leads to ${this.log.model.leases.size}`;
      }
      const late = this.late(world, member);
      if (late !== null) return late;
    }
    return null;
  }

  private late(world: Inspected, member: number): Evidence | null {
    const lessor = world.state(member)?.store.lessor;
    if (lessor === undefined || !lessor.isPrimary) return null;
    const late = lessor.leases().find(({ expiryUs }) => {
      const fromUs = Math.max(expiryUs ?? Infinity, this.calmFromUs);
      return world.nowUs > fromUs + revokedWithinUs;
    });
    if (late === undefined) return null;
    const id = late.id.toString(16);
    return finding(
      `lease ${id} was over at ${late.expiryUs} us, and is still there at ${world.nowUs} us`,
      leaseOf(id),
    );
  }
}
