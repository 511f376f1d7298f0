/** Leases from events: grants, renewals, keys and ends by member, the heap of the one whose clock counts. */
import { foldEnds } from './lease-end.ts';
import { moveInHeap, type HeapEntry } from './lease-heap.ts';
import {
  goneShownUs,
  keptKeys,
  type LeasesView,
  type LeaseView,
  type MemberLeases,
  type SearchWork,
} from './lease-view.ts';
import { firstSeats, replaced, seated, type Told } from './told.ts';

const noLeases = (id: number): MemberLeases => ({
  id,
  isRunning: false,
  primarySinceUs: null,
  search: 'heapMap',
  leases: new Map(),
  heap: [],
  work: { touched: 0, compared: 0 },
  lastPass: null,
});

export function emptyLeases(memberCount: number): LeasesView {
  return { timeUs: 0, members: firstSeats(memberCount, noLeases), ends: [] };
}

/** The view after these events, told in order; the view before stays as it was. */
export function foldLeases(before: LeasesView, events: readonly Told[]): LeasesView {
  const last = events.at(-1);
  if (last === undefined) return before;
  const drafts = new Map<number, LeaseDraft>();
  let { ends } = before;
  let members = seated(before.members, events, noLeases);
  for (const told of events) {
    ends = foldEnds(ends, told, (id) => drafts.get(told.at.member)?.find(id) ?? leaseAt(before, told, id));
    if (!isOfLessor(told)) continue;
    const member = members[told.at.member - 1];
    if (member === undefined) continue;
    const draft = drafts.get(member.id) ?? new LeaseDraft(member);
    drafts.set(member.id, draft);
    draft.step(told);
  }
  for (const [id, draft] of drafts) members = replaced(members, id - 1, draft.taken());
  return { timeUs: last.at.timeUs, members, ends };
}

const leaseAt = ({ members }: LeasesView, { at }: Told, id: string): LeaseView | undefined =>
  members[at.member - 1]?.leases.get(id);

const processTypes: ReadonlySet<string> = new Set([
  'sim.start',
  'sim.kill',
  'sim.stop',
  'sim.powerCut',
  'sim.wipe',
  'server.halt',
]);

const isOfLessor = ({ event }: Told): boolean =>
  event.type.startsWith('lease.') || processTypes.has(event.type);

const newLease = (id: string, ttlSeconds: number): LeaseView => ({
  id,
  ttlSeconds,
  expiryUs: null,
  grantedAtUs: null,
  renewedAtUs: null,
  renewalCount: 0,
  keys: [],
  keyCount: 0,
  expiredAtUs: null,
  goneAtUs: null,
});

/** One member's leases while a batch is folded: lists are copied once, at their first change. */
class LeaseDraft {
  #member: MemberLeases;
  #leases: Map<string, LeaseView> | null = null;
  #heap: HeapEntry[] | null = null;

  constructor(member: MemberLeases) {
    this.#member = member;
  }

  find(id: string): LeaseView | undefined {
    return (this.#leases ?? this.#member.leases).get(id);
  }

  taken(): MemberLeases {
    const { leases, heap } = this.#member;
    return { ...this.#member, leases: this.#leases ?? leases, heap: this.#heap ?? heap };
  }

  step(told: Told): void {
    this.#stepProcess(told);
    this.#stepLeases(told);
    this.#stepClock(told);
  }

  #stepProcess({ event }: Told): void {
    switch (event.type) {
      case 'sim.start':
        this.#member = { ...this.#member, isRunning: true };
        return;
      case 'sim.kill':
      case 'sim.stop':
      case 'sim.powerCut':
      case 'server.halt':
        this.#member = { ...this.#member, isRunning: false };
        return this.#stopClock();
      case 'sim.wipe':
        this.#member = noLeases(this.#member.id);
        [this.#leases, this.#heap] = [null, null];
        return;
      default:
    }
  }

  #stepLeases({ at, event }: Told): void {
    switch (event.type) {
      case 'lease.open':
        this.#open(event.ids, event.ttlsSeconds);
        this.#member = { ...this.#member, search: event.expiry };
        return;
      case 'lease.grant': {
        const granted = newLease(event.id, event.ttlSeconds);
        this.#forgetGone(at.timeUs);
        this.#writable().delete(event.id);
        this.#writable().set(event.id, {
          ...granted,
          grantedAtUs: at.timeUs,
          expiryUs: event.expiryUs < 0 ? null : event.expiryUs,
        });
        return;
      }
      case 'lease.revoke':
        return this.#change(event.id, () => ({ goneAtUs: at.timeUs }));
      case 'lease.attach':
        return this.#change(event.id, ({ keys }) => {
          const isKept = keys.includes(event.key) || keys.length >= keptKeys;
          return { keyCount: event.keyCount, keys: isKept ? keys : [...keys, event.key] };
        });
      case 'lease.detach':
        return this.#change(event.id, ({ keys }) => ({
          keyCount: event.keyCount,
          keys: keys.filter((key) => key !== event.key),
        }));
      default:
    }
  }

  #stepClock({ at, event }: Told): void {
    switch (event.type) {
      case 'lease.renew':
        return this.#change(event.id, ({ renewalCount }) => ({
          expiryUs: event.expiryUs,
          expiredAtUs: null,
          renewedAtUs: at.timeUs,
          renewalCount: renewalCount + 1,
        }));
      case 'lease.expire':
        return this.#change(event.id, ({ expiredAtUs }) => ({ expiredAtUs: expiredAtUs ?? at.timeUs }));
      case 'lease.promote':
        this.#member = { ...this.#member, primarySinceUs: at.timeUs };
        event.ids.forEach((id, i) => {
          this.#change(id, () => ({ expiryUs: event.expiriesUs[i] as number, expiredAtUs: null }));
        });
        return;
      case 'lease.demote':
        return this.#stopClock();
      case 'lease.heap': {
        this.#heap ??= [...this.#member.heap];
        moveInHeap(this.#heap, event);
        if (event.op === 'peek' || event.op === 'scan') this.#count(event);
        return;
      }
      default:
    }
  }

  #count({ touched, compared }: SearchWork): void {
    const { work } = this.#member;
    const total = { touched: work.touched + touched, compared: work.compared + compared };
    this.#member = { ...this.#member, work: total, lastPass: { touched, compared } };
  }

  #open(ids: readonly string[], ttlsSeconds: readonly number[]): void {
    const found = ids.map((id, i) => [id, newLease(id, ttlsSeconds[i] ?? 0)] as const);
    this.#leases = new Map(found);
    this.#stopClock();
    this.#member = { ...this.#member, work: { touched: 0, compared: 0 }, lastPass: null };
  }

  /** Nothing expires by this member's clock any more. */
  #stopClock(): void {
    this.#member = { ...this.#member, primarySinceUs: null };
    this.#heap = [];
    for (const id of [...(this.#leases ?? this.#member.leases).keys()]) {
      this.#change(id, () => ({ expiryUs: null, expiredAtUs: null }));
    }
  }

  #change(id: string, change: (lease: LeaseView) => Partial<LeaseView>): void {
    const lease = this.find(id);
    if (lease !== undefined) this.#writable().set(id, { ...lease, ...change(lease) });
  }

  #forgetGone(timeUs: number): void {
    for (const [id, { goneAtUs }] of this.#writable()) {
      if (goneAtUs !== null && goneAtUs + goneShownUs <= timeUs) this.#writable().delete(id);
    }
  }

  #writable(): Map<string, LeaseView> {
    this.#leases ??= new Map(this.#member.leases);
    return this.#leases;
  }
}
